import { isIP } from 'node:net'
import { legacyIp } from '../addresses.ts'
import { wildcardDomain } from '../domain-names.ts'
import { type FieldError, fieldError } from '../field-errors.ts'
import { labelName, pathSegmentName, portName, portNumber, serviceName, subdomainName } from '../names.ts'
import { invalidWhen, requiredName } from '../validation.ts'
import type { IngressBackend, IngressParts } from './ingress.ts'

const classAnnotation = 'kubernetes.io/ingress.class'
const badSequences = ['//', '/./', '/../', '%2f', '%2F']
const badEndings = ['/..', '/.']
const noAddress = 'must be a DNS name, not an IP address'

type Rules = NonNullable<IngressParts['spec']['rules']>
type Path = NonNullable<Rules[number]['http']>['paths'][number]

/** An ingress (pkg/apis/networking/validation ValidateIngressCreate and ValidateIngressUpdate). */
export function validateIngress({ metadata, spec }: IngressParts, old?: IngressParts): FieldError[] {
  const errors: FieldError[] = []
  const relaxed = { serviceNames: old !== undefined && backendsOf(old).some(isOnlyLabel) }
  if (!spec.rules?.length && !spec.defaultBackend) {
    errors.push(fieldError.invalid('spec', spec.rules ?? null, 'either `defaultBackend` or `rules` must be specified'))
  }
  if (spec.defaultBackend) errors.push(...validateBackend(spec.defaultBackend, 'spec.defaultBackend', relaxed))
  for (const [i, rule] of (spec.rules ?? []).entries()) {
    const at = `spec.rules[${i}]`
    if (rule.host) errors.push(...validateHost(rule.host, `${at}.host`))
    if (rule.host?.includes('*') && old && hasBadWildcardRule(old)) continue
    if (rule.http) errors.push(...validatePaths(rule.http.paths, `${at}.http.paths`, relaxed))
  }
  errors.push(...validateTls(spec.tls, old))
  if (spec.ingressClassName !== undefined) {
    errors.push(...invalidWhen('spec.ingressClassName', spec.ingressClassName, subdomainName(spec.ingressClassName)))
  }
  const annotated = metadata.annotations?.[classAnnotation]
  if (!old && annotated !== undefined && spec.ingressClassName !== undefined && annotated !== spec.ingressClassName) {
    const why = 'must match `ingressClassName` when both are specified'
    errors.push(fieldError.invalid(`annotations.${classAnnotation}`, annotated, why))
  }
  return errors
}

/** What a controller says about it. */
export function validateIngressStatus({ status }: IngressParts, old: IngressParts): FieldError[] {
  const known = new Set((old.status.loadBalancer.ingress ?? []).map(({ ip }) => ip))
  return (status.loadBalancer.ingress ?? []).flatMap(({ ip, hostname }, i) => {
    const at = `status.loadBalancer.ingress[${i}]`
    const errors = ip && !known.has(ip) ? legacyIp(`${at}.ip`, ip) : []
    if (!hostname) return errors
    errors.push(...invalidWhen(`${at}.hostname`, hostname, subdomainName(hostname)))
    if (isIP(hostname)) errors.push(fieldError.invalid(`${at}.hostname`, hostname, noAddress))
    return errors
  })
}

function validateHost(host: string, field: string): FieldError[] {
  const errors = isIP(host) ? [fieldError.invalid(field, host, noAddress)] : []
  return [...errors, ...invalidWhen(field, host, host.includes('*') ? wildcardDomain(host) : subdomainName(host))]
}

interface Relaxed {
  readonly serviceNames: boolean
}

function validatePaths(paths: readonly Path[], field: string, relaxed: Relaxed): FieldError[] {
  if (paths.length === 0) return [fieldError.required(field)]
  return paths.flatMap((path, i) => validatePath(path, `${field}[${i}]`, relaxed))
}

function validatePath({ path = '', pathType, backend }: Path, at: string, relaxed: Relaxed): FieldError[] {
  if (pathType === undefined) return [fieldError.required(`${at}.pathType`, 'pathType must be specified')]
  const errors: FieldError[] = []
  const invalid = (why: string) => errors.push(fieldError.invalid(`${at}.path`, path, why))
  switch (pathType) {
    case 'Exact':
    case 'Prefix':
      if (!path.startsWith('/')) invalid('must be an absolute path')
      for (const each of badSequences) if (path.includes(each)) invalid(`must not contain '${each}'`)
      for (const each of badEndings) if (path.endsWith(each)) invalid(`cannot end with '${each}'`)
      break
    case 'ImplementationSpecific':
      if (path && !path.startsWith('/')) invalid('must be an absolute path')
      break
    default:
      errors.push(fieldError.notSupported(`${at}.pathType`, pathType, ['Exact', 'ImplementationSpecific', 'Prefix']))
  }
  return [...errors, ...validateBackend(backend, `${at}.backend`, relaxed)]
}

function validateBackend({ service, resource }: IngressBackend, at: string, relaxed: Relaxed): FieldError[] {
  if (service && resource) return [fieldError.invalid(at, '', 'cannot set both resource and service backends')]
  if (resource) return validateReference(resource, `${at}.resource`)
  if (!service) return [fieldError.invalid(at, '', 'resource or service backend is required')]
  const errors = requiredName(`${at}.service.name`, service.name, relaxed.serviceNames ? labelName : serviceName)
  const { name = '', number = 0 } = service.port
  if (name && number) errors.push(fieldError.invalid(at, '', 'cannot set both port name & port number'))
  else if (name) errors.push(...invalidWhen(`${at}.service.port.name`, name, portName(name)))
  else if (number) errors.push(...invalidWhen(`${at}.service.port.number`, number, portNumber(number)))
  else errors.push(fieldError.required(at, 'port name or number is required'))
  return errors
}

interface Reference {
  readonly apiGroup?: string | undefined
  readonly kind: string
  readonly name: string
}

/** A reference to an object of any kind. */
export function validateReference({ apiGroup, kind, name }: Reference, at: string): FieldError[] {
  const errors = apiGroup === undefined ? [] : invalidWhen(`${at}.apiGroup`, apiGroup, subdomainName(apiGroup))
  errors.push(...requiredName(`${at}.kind`, kind, pathSegmentName), ...requiredName(`${at}.name`, name, pathSegmentName))
  return errors
}

function validateTls(tls: IngressParts['spec']['tls'] = [], old?: IngressParts): FieldError[] {
  const isBad = (name: string | undefined) => !!name && subdomainName(name).length > 0
  const oldIsBad = old?.spec.tls?.some(({ secretName }) => isBad(secretName)) ?? false
  return tls.flatMap(({ hosts = [], secretName }, i) => {
    const at = `spec.tls[${i}]`
    const errors = hosts.flatMap((host, j) =>
      invalidWhen(`${at}.hosts[${j}]`, host, host.includes('*') ? wildcardDomain(host) : subdomainName(host)),
    )
    if (secretName && !oldIsBad) errors.push(...invalidWhen(`${at}.secretName`, secretName, subdomainName(secretName)))
    return errors
  })
}

/** What was stored when rules were looser may stay as it is. */
const hasBadWildcardRule = ({ spec }: IngressParts): boolean =>
  (spec.rules ?? []).some(
    ({ host, http }) => host?.includes('*') && http && validatePaths(http.paths, '', { serviceNames: false }).length > 0,
  )

const backendsOf = ({ spec }: IngressParts): string[] =>
  (spec.rules ?? []).flatMap(({ http }) => (http?.paths ?? []).map(({ backend }) => backend.service?.name ?? ''))
const isOnlyLabel = (name: string): boolean => labelName(name).length === 0 && serviceName(name).length > 0
