import type { Pod } from '../../api/core/pod.ts'

const firstWaitInMs = 10_000
const longestWaitInMs = 600_000

/** The pods that failed since one last succeeded: how many, and when the last of them did, in milliseconds. */
export interface Failures {
  readonly count: number
  readonly lastAt: number
}

export const noFailures: Failures = { count: 0, lastAt: 0 }

/** What is known after some more pods have ended. A success wipes out the failures before it (pkg/controller/job/backoff_utils.go). */
export function failuresAfter(before: Failures, succeeded: readonly Pod[], failed: readonly Pod[]): Failures {
  if (succeeded.length === 0 && failed.length === 0) return before
  const failedAt = failed.map(finishedAt)
  if (succeeded.length === 0) return { count: before.count + failed.length, lastAt: Math.max(...failedAt) }
  const succeededAt = Math.max(...succeeded.map(finishedAt))
  const later = failedAt.filter(at => at > succeededAt)
  return later.length === 0 ? noFailures : { count: later.length, lastAt: Math.max(...later) }
}

/** How long to wait before a pod may take the place of a failed one: 10 s after the first failure, doubling up to 10 minutes. */
export function waitAfter({ count, lastAt }: Failures, now: number): number {
  if (count === 0) return 0
  return Math.max(0, Math.min(firstWaitInMs * 2 ** (count - 1), longestWaitInMs) - (now - lastAt))
}

/**
 * When a pod ended, in milliseconds: when the last of its containers did; if they do not all say, when it stopped being ready; or when
 * it was asked to end; or, failing all that, when it was created.
 */
export function finishedAt(pod: Pod): number {
  const { metadata } = pod
  const ends = containersEndedAt(pod)
  if (ends !== undefined) return ends
  const ready = pod.status.conditions?.find(({ type }) => type === 'Ready')
  const unreadyAt = ready?.status === 'False' ? Date.parse(ready.lastTransitionTime ?? '') : Number.NaN
  if (!Number.isNaN(unreadyAt)) return unreadyAt
  if (metadata.deletionTimestamp) {
    return Date.parse(metadata.deletionTimestamp) - (metadata.deletionGracePeriodSeconds ?? 0) * 1000
  }
  return Date.parse(metadata.creationTimestamp)
}

/** Sidecars count, as they end after all others. */
function containersEndedAt({ spec, status }: Pod): number | undefined {
  const sidecars = new Set((spec.initContainers ?? []).filter(each => each.restartPolicy === 'Always').map(({ name }) => name))
  const relevant = [
    ...(status.containerStatuses ?? []),
    ...(status.initContainerStatuses ?? []).filter(({ name }) => sidecars.has(name)),
  ]
  const ends = relevant.map(({ state }) => Date.parse(state?.terminated?.finishedAt ?? ''))
  return ends.length === 0 || ends.some(Number.isNaN) ? undefined : Math.max(...ends)
}
