import { type FieldError, fieldError } from '../field-errors.ts'
import { inRange, ipAddress, labelName, qualifiedName, subdomainName } from '../names.ts'
import { invalidWhen, requiredName, supported, validateAnnotations, validateLabels } from '../validation.ts'
import { validateAffinity, validateSpread, validateTolerations } from './affinity-validation.ts'
import { validateContainers } from './container-validation.ts'
import { validateOs } from './os-validation.ts'
import type { PodSpec, PodTemplateSpec } from './pod-spec.ts'
import { validateAmount, validateResources } from './resource-validation.ts'
import { validateHostUsers, validatePodSecurityContext } from './security-validation.ts'
import { validateVolumes } from './volume-validation.ts'

const dnsPolicies = ['ClusterFirstWithHostNet', 'ClusterFirst', 'Default', 'None']
const largestInt32 = 2147483647

/** What runs in a pod, in a pod or in a template (pkg/apis/core/validation ValidatePodSpec). */
export function validatePodSpec(spec: PodSpec, at: string): FieldError[] {
  const { activeDeadlineSeconds: deadline, priorityClassName, runtimeClassName, nodeName, serviceAccountName } = spec
  const errors = [...validateVolumes(spec.volumes ?? [], `${at}.volumes`), ...validateContainers(spec, at)]
  errors.push(...supported(`${at}.restartPolicy`, spec.restartPolicy, ['Always', 'OnFailure', 'Never']))
  errors.push(...supported(`${at}.dnsPolicy`, spec.dnsPolicy, dnsPolicies))
  errors.push(...validateLabels(spec.nodeSelector, `${at}.nodeSelector`))
  errors.push(...validatePodSecurityContext(spec, `${at}.securityContext`), ...validateHostUsers(spec, at))
  if (spec.affinity) errors.push(...validateAffinity(spec.affinity, `${at}.affinity`))
  errors.push(...validateDns(spec, `${at}.dnsConfig`))
  for (const [i, { conditionType }] of (spec.readinessGates ?? []).entries()) {
    errors.push(...invalidWhen(`${at}.readinessGates[${i}].conditionType`, conditionType, qualifiedName(conditionType)))
  }
  errors.push(...validateNamed(spec.schedulingGates, `${at}.schedulingGates`, qualifiedName))
  errors.push(...validateNamed(spec.resourceClaims, `${at}.resourceClaims`, labelName))
  errors.push(...validateSpread(spec.topologySpreadConstraints ?? [], `${at}.topologySpreadConstraints`))
  if (serviceAccountName)
    errors.push(...invalidWhen(`${at}.serviceAccountName`, serviceAccountName, subdomainName(serviceAccountName)))
  if (nodeName) errors.push(...invalidWhen(`${at}.nodeName`, nodeName, subdomainName(nodeName)))
  if (deadline !== undefined && (deadline < 1 || deadline > largestInt32)) {
    errors.push(fieldError.invalid(`${at}.activeDeadlineSeconds`, deadline, inRange(1, largestInt32)))
  }
  for (const name of ['hostname', 'subdomain'] as const) {
    const label = spec[name]
    if (label) errors.push(...invalidWhen(`${at}.${name}`, label, labelName(label)))
  }
  errors.push(...validateTolerations(spec.tolerations ?? [], `${at}.tolerations`))
  errors.push(...validateHostAliases(spec, `${at}.hostAliases`))
  if (priorityClassName)
    errors.push(...invalidWhen(`${at}.priorityClassName`, priorityClassName, subdomainName(priorityClassName)))
  if (runtimeClassName) errors.push(...invalidWhen(`${at}.runtimeClassName`, runtimeClassName, subdomainName(runtimeClassName)))
  errors.push(...supported(`${at}.preemptionPolicy`, spec.preemptionPolicy, ['Never', 'PreemptLowerPriority']))
  for (const name in spec.overhead) errors.push(...validateAmount(name, spec.overhead[name] ?? '0', `${at}.overhead[${name}]`))
  if (spec.resources) errors.push(...validateResources(spec.resources, `${at}.resources`))
  if (spec.os) errors.push(...supported(`${at}.os.name`, spec.os.name, ['linux', 'windows']), ...validateOs(spec, at))
  return errors
}

/** What a controller makes pods from. */
export function validatePodTemplate({ metadata, spec }: PodTemplateSpec, field: string): FieldError[] {
  const errors = validateLabels(metadata.labels, `${field}.labels`)
  errors.push(...validateAnnotations(metadata.annotations, `${field}.annotations`))
  errors.push(...validatePodSpec(spec, `${field}.spec`))
  if (spec.ephemeralContainers) {
    const why = 'ephemeral containers not allowed in pod template'
    errors.push(fieldError.forbidden(`${field}.spec.ephemeralContainers`, why))
  }
  return errors
}

function validateNamed(
  items: readonly { readonly name: string }[] = [],
  at: string,
  check: (name: string) => string[],
): FieldError[] {
  if (items.length === 0) return []
  const seen = new Set<string>()
  return items.flatMap(({ name }, i) => {
    const field = `${at}[${i}]`
    const errors = requiredName(`${field}.name`, name, check)
    if (seen.has(name)) errors.push(fieldError.duplicate(field, name))
    seen.add(name)
    return errors
  })
}

function validateHostAliases({ hostAliases = [] }: PodSpec, at: string): FieldError[] {
  return hostAliases.flatMap(({ ip, hostnames = [] }, i) => [
    ...invalidWhen(`${at}[${i}].ip`, ip, ipAddress(ip)),
    ...hostnames.flatMap((name, j) => invalidWhen(`${at}[${i}].hostnames[${j}]`, name, subdomainName(name))),
  ])
}

const mostNameservers = 3
const mostSearches = 32
const longestSearches = 2048

function validateDns({ dnsPolicy, dnsConfig }: PodSpec, field: string): FieldError[] {
  const { nameservers = [], searches = [], options = [] } = dnsConfig ?? {}
  const errors: FieldError[] = []
  if (dnsPolicy === 'None' && nameservers.length === 0) {
    const why = 'must provide at least one DNS nameserver when `dnsPolicy` is None'
    errors.push(
      fieldError.required(
        dnsConfig ? `${field}.nameservers` : field,
        dnsConfig ? why : `must provide \`dnsConfig\` when \`dnsPolicy\` is None`,
      ),
    )
  }
  if (nameservers.length > mostNameservers) {
    errors.push(fieldError.invalid(`${field}.nameservers`, nameservers, `must not have more than ${mostNameservers} nameservers`))
  }
  for (const [i, server] of nameservers.entries())
    errors.push(...invalidWhen(`${field}.nameservers[${i}]`, server, ipAddress(server)))
  if (searches.length > mostSearches) {
    errors.push(fieldError.invalid(`${field}.searches`, searches, `must not have more than ${mostSearches} search paths`))
  }
  if (searches.join(' ').length > longestSearches) {
    const why = `must not have more than ${longestSearches} characters (including spaces) in the search list`
    errors.push(fieldError.invalid(`${field}.searches`, searches, why))
  }
  for (const [i, search] of searches.entries()) {
    const name = search.replace(/\.$/, '')
    if (search !== '.') errors.push(...invalidWhen(`${field}.searches[${i}]`, search, subdomainName(name.replaceAll('_', '-'))))
  }
  for (const [i, { name }] of options.entries()) {
    if (!name) errors.push(fieldError.required(`${field}.options[${i}]`, 'must not be empty'))
  }
  return errors
}
