import { labelName, labelValueText } from '../names.ts'
import {
  addressWarnings,
  expressionWarnings,
  fractionWarnings,
  labelDeprecation,
  podNameWarnings,
  selectedLabelWarnings,
} from '../warnings.ts'
import type { Container, ContainerPort } from './container.ts'
import type { PodSpec, PodTemplateSpec } from './pod-spec.ts'
import { volumeWarnings } from './volume-warnings.ts'

/** Whoever has more than this repeats himself, and is not told every time: comparing everything with everything takes time. */
const mostCompared = 100

interface Meta {
  readonly name?: string
  readonly annotations?: Readonly<Record<string, string>> | undefined
}

/**
 * What the writer of a pod is told (k8s.io/kubernetes/pkg/api/pod/warnings.go). Only when it is created: it is changed all the time,
 * and not by people.
 */
export function podWarnings(pod: { readonly metadata: Meta; readonly spec: PodSpec }, old?: object): string[] {
  if (old) return []
  const warnings = warningsOf(pod.spec, pod.metadata, '')
  const faults = labelName(pod.metadata.name ?? '')
  if (faults.length === 0) return warnings
  const why = "this is used in the Pod's hostname, which can result in surprising behavior; a DNS label is recommended"
  return [`metadata.name: ${why}: [${faults.join(' ')}]`, ...warnings]
}

/** What the writer of something that makes pods is told; `at`: the path of the template. */
export const templateWarnings = ({ spec, metadata }: PodTemplateSpec, at: string): string[] =>
  warningsOf(spec, metadata, `${at}.`)

function warningsOf(spec: PodSpec, meta: Meta, at: string): string[] {
  const containers = visited(spec, at)
  const warnings = placementWarnings(spec, at)
  if (meta.annotations) warnings.push(...annotationWarnings(meta.annotations, at))
  if (spec.volumes) warnings.push(...volumeWarnings(spec.volumes, `${at}spec.volumes`))
  warnings.push(...repeated(spec.hostAliases, 'ip', `${at}spec.hostAliases`))
  warnings.push(...repeated(spec.imagePullSecrets, 'name', `${at}spec.imagePullSecrets`))
  for (const [i, { name }] of (spec.imagePullSecrets ?? []).entries()) {
    if (!name) warnings.push(`${at}spec.imagePullSecrets[${i}].name: invalid empty name ""`)
  }
  warnings.push(...fractionWarnings(spec.overhead, byteResources, `${at}spec.overhead`))
  if (meta.annotations) warnings.push(...profileWarnings(spec, containers, meta.annotations, at))
  for (const { container, path } of containers) warnings.push(...containerWarnings(container, path))
  warnings.push(...portWarnings(containers))
  if (spec.terminationGracePeriodSeconds < 0) {
    const why = 'must be >= 0; negative values are invalid and will be treated as 1'
    warnings.push(`${at}spec.terminationGracePeriodSeconds: ${why}`)
  }
  if (spec.affinity) warnings.push(...affinityWarnings(spec.affinity, `${at}spec.affinity`))
  for (const [i, server] of (spec.dnsConfig?.nameservers ?? []).entries()) {
    warnings.push(...addressWarnings(`${at}spec.dnsConfig.nameservers[${i}]`, server))
  }
  for (const [i, { ip }] of (spec.hostAliases ?? []).entries()) {
    warnings.push(...addressWarnings(`${at}spec.hostAliases[${i}].ip`, ip))
  }
  return warnings
}

interface Visited {
  readonly container: Container
  readonly path: string
}

function visited({ initContainers = [], containers, ephemeralContainers = [] }: PodSpec, at: string): Visited[] {
  const named = (list: readonly object[], field: string) =>
    list.map((container, i) => ({ container: container as Container, path: `${at}spec.${field}[${i}]` }))
  return [
    ...named(initContainers, 'initContainers'),
    ...named(containers, 'containers'),
    ...named(ephemeralContainers, 'ephemeralContainers'),
  ]
}

function placementWarnings({ nodeSelector, affinity, topologySpreadConstraints }: PodSpec, at: string): string[] {
  const warnings = selectedLabelWarnings(nodeSelector, (key, why) => `${at}spec.nodeSelector[${key}]: ${why}`)
  const nodes = affinity?.nodeAffinity
  if (nodes) {
    const required = `${at}spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms`
    const terms = nodes.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms ?? []
    for (const [i, term] of terms.entries()) warnings.push(...expressionWarnings(term.matchExpressions, `${required}[${i}]`))
    const preferred = `${at}spec.affinity.nodeAffinity.preferredDuringSchedulingIgnoredDuringExecution`
    for (const [i, { preference }] of (nodes.preferredDuringSchedulingIgnoredDuringExecution ?? []).entries()) {
      const path = `${preferred}[${i}].preference`
      warnings.push(...expressionWarnings(preference.matchExpressions, path))
      for (const [j, { values = [] }] of (preference.matchExpressions ?? []).entries()) {
        for (const [k, value] of values.entries()) {
          const field = `${path}.matchExpressions[${j}].values[${k}]`
          warnings.push(...labelValueText(value).map(why => `${field}: ${value} is invalid, ${why}`))
        }
      }
    }
  }
  for (const [i, { topologyKey, labelSelector }] of (topologySpreadConstraints ?? []).entries()) {
    const why = labelDeprecation(topologyKey)
    const path = `${at}spec.topologySpreadConstraints[${i}]`
    if (why) warnings.push(`${path}.topologyKey: ${topologyKey} is ${why}`)
    if (!labelSelector) warnings.push(`${path}.labelSelector: ${noPods}`)
  }
  return warnings
}

const noPods = 'a null labelSelector results in matching no pod'

function affinityWarnings({ podAffinity, podAntiAffinity }: NonNullable<PodSpec['affinity']>, at: string): string[] {
  const warnings: string[] = []
  for (const [field, terms] of [
    ['podAffinity', podAffinity],
    ['podAntiAffinity', podAntiAffinity],
  ] as const) {
    const { requiredDuringSchedulingIgnoredDuringExecution: required = [] } = terms ?? {}
    const { preferredDuringSchedulingIgnoredDuringExecution: preferred = [] } = terms ?? {}
    for (const [i, { labelSelector }] of required.entries()) {
      const path = `${at}.${field}.requiredDuringSchedulingIgnoredDuringExecution[${i}]`
      if (!labelSelector) warnings.push(`${path}.labelSelector: ${noPods}`)
    }
    for (const [i, { podAffinityTerm }] of preferred.entries()) {
      const path = `${at}.${field}.preferredDuringSchedulingIgnoredDuringExecution[${i}]`
      if (!podAffinityTerm.labelSelector) warnings.push(`${path}.podAffinityTerm.labelSelector: ${noPods}`)
    }
  }
  return warnings
}

const deprecatedAnnotations: readonly (readonly [key: string, why: string])[] = [
  ['scheduler.alpha.kubernetes.io/critical-pod', 'non-functional in v1.16+; use the "priorityClassName" field instead'],
  ['security.alpha.kubernetes.io/sysctls', 'non-functional in v1.11+; use the "sysctls" field instead'],
  ['security.alpha.kubernetes.io/unsafe-sysctls', 'non-functional in v1.11+; use the "sysctls" field instead'],
]

const annotationWarnings = (annotations: Readonly<Record<string, string>>, at: string): string[] =>
  deprecatedAnnotations
    .filter(([key]) => annotations[key] !== undefined)
    .map(([key, why]) => `${at}metadata.annotations[${key}]: ${why}`)

const podSeccomp = 'seccomp.security.alpha.kubernetes.io/pod'
const containerSeccomp = 'container.seccomp.security.alpha.kubernetes.io/'
const containerAppArmor = 'container.apparmor.security.beta.kubernetes.io/'
const seccompGone = 'non-functional in v1.27+; use the "seccompProfile" field instead'
const appArmorDeprecated = 'deprecated since v1.30; use the "appArmorProfile" field instead'

/** Profiles that are set by annotations, where there is no field that says so. */
function profileWarnings(
  { securityContext }: PodSpec,
  containers: readonly Visited[],
  annotations: Readonly<Record<string, string>>,
  at: string,
): string[] {
  const warnings: string[] = []
  const warn = (key: string, why: string) => void warnings.push(`${at}metadata.annotations[${key}]: ${why}`)
  if (!securityContext.seccompProfile && annotations[podSeccomp] !== undefined) warn(podSeccomp, seccompGone)
  for (const { container } of containers) {
    const { name, securityContext: own } = container
    const seccomp = containerSeccomp + name
    if (!own?.seccompProfile && annotations[seccomp] !== undefined) warn(seccomp, seccompGone)
    const appArmor = annotations[containerAppArmor + name]
    if (own?.appArmorProfile || appArmor === undefined) continue
    if (!saysSame(appArmor, securityContext.appArmorProfile)) warn(containerAppArmor + name, appArmorDeprecated)
  }
  return warnings
}

type Profile = NonNullable<PodSpec['securityContext']>['appArmorProfile']

function saysSame(annotation: string, profile: Profile): boolean {
  if (annotation === 'unconfined') return profile?.type === 'Unconfined'
  if (annotation === 'runtime/default') return profile?.type === 'RuntimeDefault'
  return profile?.type === 'Localhost' && annotation === `localhost/${profile.localhostProfile}`
}

const byteResources = ['memory', 'ephemeral-storage']

function containerWarnings({ resources, env }: Container, path: string): string[] {
  const { limits, requests } = resources ?? {}
  const warnings: string[] = []
  for (const name of byteResources) {
    if (limits) warnings.push(...fractionWarnings(limits, [name], `${path}.resources.limits`))
    if (requests) warnings.push(...fractionWarnings(requests, [name], `${path}.resources.requests`))
  }
  if (!env || env.length < 2) return warnings
  const names = new Set<string>()
  for (const [i, { name, value = '', valueFrom }] of env.entries()) {
    if (names.has(name) && hides(name, value, valueFrom)) {
      const why = `hides previous definition of ${JSON.stringify(name)}, which may be dropped when using apply`
      warnings.push(`${path}.env[${i}]: ${why}`)
    }
    names.add(name)
  }
  return warnings
}

function hides(name: string, value: string, valueFrom: object | undefined): boolean {
  const reference = `$(${name})`
  return valueFrom !== undefined || value === reference || !value.includes(reference)
}

/** Ports of all containers of a pod: they share one address. */
function portWarnings(containers: readonly Visited[]): string[] {
  const [first] = containers
  const ports = first?.container.ports ?? []
  if (containers.length === 1 && (ports.length === 0 || (ports.length === 1 && !ports[0]?.hostIP))) return []
  const warnings: string[] = []
  const numbers = new Map<string, { path: string; port: ContainerPort }[]>()
  const names = new Map<string, string>()
  const nameWarnings: string[] = []
  for (const { container, path: at } of containers) {
    for (const [i, port] of (container.ports ?? []).entries()) {
      const { hostIP = '', hostPort = 0, containerPort, protocol, name = '' } = port
      const path = `${at}.ports[${i}]`
      if (hostIP && hostPort === 0) {
        const shown = `{Name:${name} HostPort:0 ContainerPort:${containerPort} Protocol:${protocol} HostIP:${hostIP}}`
        warnings.push(`${path}: hostIP set without hostPort: ${shown}`)
      }
      const key = `${containerPort}/${protocol}`
      const others = numbers.get(key) ?? []
      for (const other of others) {
        const word = clash(port, other.port)
        if (word) warnings.push(`${path}: ${word} port definition with ${other.path}`)
      }
      if (others.length < mostCompared) numbers.set(key, [...others, { path, port }])
      const other = names.get(name)
      if (name && !other) names.set(name, path)
      else if (other) {
        const why = `duplicate port name ${JSON.stringify(name)} with ${other}, services and probes that select ports by name will use ${other}`
        nameWarnings.push(`${path}: ${why}`)
      }
    }
  }
  return [...warnings, ...nameWarnings]
}

function clash(a: ContainerPort, b: ContainerPort): string | undefined {
  const [ipA, ipB, portA, portB] = [a.hostIP ?? '', b.hostIP ?? '', a.hostPort ?? 0, b.hostPort ?? 0]
  if (ipA === ipB && portA === portB) return 'duplicate'
  if (portA === 0 || portB === 0) return 'overlapping'
  return portA === portB && (ipA === '') !== (ipB === '') ? 'dangerously ambiguous' : undefined
}

function repeated<Key extends string>(
  items: readonly { readonly [K in Key]?: string | undefined }[] = [],
  key: Key,
  at: string,
): string[] {
  if (items.length < 2) return []
  const seen = new Set<string>()
  const warnings: string[] = []
  for (const [i, item] of items.entries()) {
    const value = item[key] ?? ''
    if (seen.has(value)) warnings.push(`${at}[${i}].${key}: duplicate ${key} ${JSON.stringify(value)}`)
    seen.add(value)
  }
  return warnings
}

interface Workload {
  readonly metadata: { readonly name: string; readonly generation?: number | undefined }
  readonly spec: { readonly template?: PodTemplateSpec | undefined }
}

/** What the writer of a kind with a template is told: about its name when it is new, about its template whenever it changes. */
export function workloadWarnings({ metadata, spec }: Workload, old?: Workload): string[] {
  if (old && old.metadata.generation === metadata.generation) return []
  const warnings = spec.template ? templateWarnings(spec.template, 'spec.template') : []
  return old ? warnings : [...podNameWarnings(metadata.name), ...warnings]
}
