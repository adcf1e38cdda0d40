import type { Draft } from '../kind.ts'
import { roundUpToMilli } from '../quantity.ts'
import type { Container, EphemeralContainer } from './container.ts'
import type { PodSpec } from './pod-spec.ts'
import type { Probe } from './probe.ts'
import type { Volume } from './volume.ts'

type AnyContainer = Container | EphemeralContainer

/** Defaults of pods and of pod templates alike (pkg/apis/core/v1/defaults.go, semantics E1). */
export function defaultPodSpec(spec: Draft<PodSpec>): void {
  const account = spec.serviceAccountName || spec.serviceAccount
  if (account) {
    spec.serviceAccountName = account
    spec.serviceAccount = account
  }
  for (const container of containersOf(spec)) defaultContainer(container)
  for (const volume of spec.volumes ?? []) defaultVolume(volume)
  roundUp(spec.overhead)
  roundUp(spec.resources?.limits)
  roundUp(spec.resources?.requests)
}

/** Defaults that only pods get, not the templates they are made from. */
export function defaultPod({ spec }: { spec: Draft<PodSpec> }): void {
  defaultPodSpec(spec)
  for (const { resources } of [...spec.containers, ...(spec.initContainers ?? [])]) requestWhatIsLimited(resources)
  if (spec.resources) requestWhatIsLimited(spec.resources)
  if (!spec.hostNetwork) return
  for (const { ports = [] } of [...spec.containers, ...(spec.initContainers ?? [])]) {
    for (const port of ports) port.hostPort ??= port.containerPort
  }
}

/** Whether an image is pulled every time: its tag is latest, or there is neither tag nor digest. */
export function isLatest(image: string): boolean {
  if (image.includes('@')) return false
  const tag = /:([^:/]+)$/.exec(image)?.[1]
  return tag === undefined || tag === 'latest'
}

const containersOf = ({ initContainers = [], containers, ephemeralContainers = [] }: Draft<PodSpec>): Draft<AnyContainer>[] => [
  ...initContainers,
  ...containers,
  ...ephemeralContainers,
]

function defaultContainer(container: Draft<AnyContainer>): void {
  container.imagePullPolicy ??= isLatest(container.image) ? 'Always' : 'IfNotPresent'
  const { livenessProbe, readinessProbe, startupProbe, resources } = container
  for (const probe of [livenessProbe, readinessProbe, startupProbe]) if (probe) defaultProbe(probe)
  roundUp(resources.limits)
  roundUp(resources.requests)
}

/** Zeros mean "the default" as well. */
function defaultProbe(probe: Draft<Probe>): void {
  probe.timeoutSeconds ||= 1
  probe.periodSeconds ||= 10
  probe.successThreshold ||= 1
  probe.failureThreshold ||= 3
}

function defaultVolume(volume: Draft<Volume>): void {
  for (const field in volume) if (field !== 'name' && volume[field as keyof Volume] !== undefined) return defaultImage(volume)
  volume.emptyDir = {}
}

function defaultImage({ image }: Draft<Volume>): void {
  if (image) image.pullPolicy ??= isLatest(image.reference ?? '') ? 'Always' : 'IfNotPresent'
}

interface Needs {
  limits?: Record<string, string> | undefined
  requests?: Record<string, string> | undefined
}

function requestWhatIsLimited(resources: Needs): void {
  for (const name in resources.limits) {
    resources.requests ??= {}
    resources.requests[name] ??= resources.limits[name] ?? '0'
  }
}

/** Amounts finer than a thousandth are rounded up. */
export function roundUp(quantities: Record<string, string> | undefined): void {
  for (const name in quantities) quantities[name] = roundUpToMilli(quantities[name] ?? '0')
}
