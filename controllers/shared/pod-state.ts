import type { Pod } from '../../api/core/pod.ts'

/** Whether a pod still counts: it has neither ended nor been asked to. */
export function isActive(pod: Pod): boolean {
  return !isFinished(pod) && pod.metadata.deletionTimestamp === undefined
}

/** Whether all its containers have ended for good. */
export function isFinished(pod: Pod): boolean {
  return pod.status.phase === 'Succeeded' || pod.status.phase === 'Failed'
}

export function isReady(pod: Pod): boolean {
  return readyCondition(pod)?.status === 'True'
}

/** When a ready pod became ready, in milliseconds; `undefined` when it is not, or does not say. */
export function readySince(pod: Pod): number | undefined {
  const condition = readyCondition(pod)
  if (condition?.status !== 'True') return undefined
  const since = Date.parse(condition.lastTransitionTime ?? '')
  return Number.isNaN(since) ? undefined : since
}

/** When a ready pod counts, or will count, as available, in milliseconds; `undefined` while it is not ready. */
export function availableAt(pod: Pod, minReadySeconds: number): number | undefined {
  if (!isReady(pod)) return undefined
  if (minReadySeconds === 0) return 0
  const since = readySince(pod)
  return since === undefined ? undefined : since + minReadySeconds * 1000
}

/** Whether a pod has been ready for long enough. */
export function isAvailable(pod: Pod, minReadySeconds: number, now: number): boolean {
  const at = availableAt(pod, minReadySeconds)
  return at !== undefined && at <= now
}

function readyCondition(pod: Pod) {
  return pod.status.conditions?.find(condition => condition.type === 'Ready')
}
