import type { Pod } from '../api/core/pod.ts'
import type { Mutable } from '../lib/json.ts'

export type PodSpec = Pod['spec']
export type Container = PodSpec['containers'][number]
export type InitContainer = NonNullable<PodSpec['initContainers']>[number]
export type EphemeralContainer = NonNullable<PodSpec['ephemeralContainers']>[number]
/** What every kind of container of a pod has in common. */
export type AnyContainer = Container | InitContainer | EphemeralContainer
export type Volume = NonNullable<PodSpec['volumes']>[number]
export type VolumeMount = NonNullable<Container['volumeMounts']>[number]
export type Probe = NonNullable<Container['livenessProbe']>
export type Lifecycle = NonNullable<Container['lifecycle']>
export type LifecycleHandler = NonNullable<Lifecycle['preStop']>
export type EnvVar = NonNullable<Container['env']>[number]
export type PodStatus = Mutable<Pod['status']>
export type ContainerStatus = NonNullable<PodStatus['containerStatuses']>[number]
export type ContainerStateField = NonNullable<ContainerStatus['state']>
export type PodCondition = NonNullable<PodStatus['conditions']>[number]
export type PodPhase = NonNullable<PodStatus['phase']>

export type ContainerRole = 'init' | 'sidecar' | 'app' | 'ephemeral'

/** An init container that stays. */
export function isSidecar(container: { restartPolicy?: string | undefined }): boolean {
  return container.restartPolicy === 'Always'
}

/** Every container of a pod with its role: init containers and sidecars in their order, then the rest. */
export function containersOf(spec: PodSpec): { container: AnyContainer; role: ContainerRole }[] {
  return [
    ...(spec.initContainers ?? []).map(container => ({
      container,
      role: isSidecar(container) ? ('sidecar' as const) : ('init' as const),
    })),
    ...spec.containers.map(container => ({ container, role: 'app' as const })),
    ...(spec.ephemeralContainers ?? []).map(container => ({ container, role: 'ephemeral' as const })),
  ]
}

/** System-critical pods: never evicted, admitted under pressure (pkg/apis/core/helper, priority >= 2000000000). */
export function isCriticalPod({ metadata, spec }: Pick<Pod, 'metadata' | 'spec'>): boolean {
  return isStaticPod({ metadata }) || isMirrorPod({ metadata }) || (spec.priority ?? 0) >= 2_000_000_000
}

/** Annotations of pods that a kubelet has from elsewhere than the API (pkg/kubelet/types/pod_update.go). */
export const sourceAnnotations = {
  source: 'kubernetes.io/config.source',
  hash: 'kubernetes.io/config.hash',
  seen: 'kubernetes.io/config.seen',
  mirror: 'kubernetes.io/config.mirror',
} as const

/** A pod that the kubelet has from a file of its own. */
export function isStaticPod({ metadata }: Pick<Pod, 'metadata'>): boolean {
  const source = metadata.annotations?.[sourceAnnotations.source]
  return source !== undefined && source !== 'api' && !isMirrorPod({ metadata })
}

/** What stands in the API for a static pod. */
export function isMirrorPod({ metadata }: Pick<Pod, 'metadata'>): boolean {
  return metadata.annotations?.[sourceAnnotations.mirror] !== undefined
}

/** A phase that a pod never leaves. */
export function isTerminalPhase(phase: string | undefined): boolean {
  return phase === 'Succeeded' || phase === 'Failed'
}
