import { createHash } from 'node:crypto'
import type { Pod } from '../../api/core/pod.ts'
import { canonicalJson } from '../../lib/json.ts'
import type { AnyContainer, LifecycleHandler } from '../pod-types.ts'
import type { ContainerState } from '../runtime/runtime.ts'

/**
 * What the kubelet writes on containers, so that it knows them again after a restart, even if their pod is gone from the API
 * (pkg/kubelet/kuberuntime/labels.go).
 */
export const labels = {
  podName: 'io.kubernetes.pod.name',
  podNamespace: 'io.kubernetes.pod.namespace',
  podUid: 'io.kubernetes.pod.uid',
  containerName: 'io.kubernetes.container.name',
  hash: 'io.kubernetes.container.hash',
  restartCount: 'io.kubernetes.container.restartCount',
  terminationMessagePath: 'io.kubernetes.container.terminationMessagePath',
  terminationMessagePolicy: 'io.kubernetes.container.terminationMessagePolicy',
  terminationMessageFile: 'wherry.dev/termination-message-file',
  preStopHandler: 'io.kubernetes.container.preStopHandler',
  ports: 'io.kubernetes.container.ports',
  podDeletionGracePeriod: 'io.kubernetes.pod.deletionGracePeriod',
  podTerminationGracePeriod: 'io.kubernetes.pod.terminationGracePeriod',
} as const

/** Changes when a running container has to be replaced: since 1.31 only by name and image. */
export function containerHash({ name, image }: Pick<AnyContainer, 'name' | 'image'>): string {
  return createHash('sha256').update(canonicalJson({ name, image })).digest('hex').slice(0, 8)
}

export function podLabels({ metadata }: Pod): Record<string, string> {
  return {
    ...metadata.labels,
    [labels.podName]: metadata.name,
    [labels.podNamespace]: metadata.namespace ?? '',
    [labels.podUid]: metadata.uid,
  }
}

export function containerLabels(pod: Pod, container: AnyContainer): Record<string, string> {
  return {
    [labels.podName]: pod.metadata.name,
    [labels.podNamespace]: pod.metadata.namespace ?? '',
    [labels.podUid]: pod.metadata.uid,
    [labels.containerName]: container.name,
  }
}

export function containerAnnotations(
  pod: Pod,
  container: AnyContainer,
  { attempt, terminationMessageFile }: { attempt: number; terminationMessageFile?: string | undefined },
): Record<string, string> {
  const { deletionGracePeriodSeconds } = pod.metadata
  const { terminationGracePeriodSeconds } = pod.spec
  const preStop = container.lifecycle?.preStop
  return {
    [labels.hash]: containerHash(container),
    [labels.restartCount]: String(attempt),
    [labels.terminationMessagePath]: container.terminationMessagePath ?? '',
    [labels.terminationMessagePolicy]: container.terminationMessagePolicy ?? '',
    ...(terminationMessageFile && { [labels.terminationMessageFile]: terminationMessageFile }),
    ...(preStop && { [labels.preStopHandler]: JSON.stringify(preStop) }),
    ...(container.ports && container.ports.length > 0 && { [labels.ports]: JSON.stringify(container.ports) }),
    ...(deletionGracePeriodSeconds !== undefined && { [labels.podDeletionGracePeriod]: String(deletionGracePeriodSeconds) }),
    ...(terminationGracePeriodSeconds !== undefined && {
      [labels.podTerminationGracePeriod]: String(terminationGracePeriodSeconds),
    }),
  }
}

/** What a container's annotations tell of how to end it, when its pod is not known any more. */
export function terminationOf({ annotations }: ContainerState): { graceInSeconds: number; preStop?: LifecycleHandler } {
  const grace = Number(annotations[labels.podTerminationGracePeriod] ?? annotations[labels.podDeletionGracePeriod] ?? 30)
  const preStop = annotations[labels.preStopHandler]
  return {
    graceInSeconds: Number.isFinite(grace) ? grace : 30,
    ...(preStop && { preStop: JSON.parse(preStop) as LifecycleHandler }),
  }
}
