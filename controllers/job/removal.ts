import type { Job } from '../../api/batch/job.ts'
import type { Pod } from '../../api/core/pod.ts'
import { isReady, readySince } from '../shared/pod-state.ts'
import { compareRestarts } from '../shared/restarts.ts'
import { indexOf, isIndexed } from './pod-index.ts'

const phaseOrder: Record<string, number> = { Pending: 0, Unknown: 1, Running: 2 }

/**
 * Which of the active pods have to go when `surplus` are too many. Of an indexed job, those without an index of the job go in any case,
 * and of several with the same index all but the one that has come furthest.
 */
export function leaving(job: Job, active: readonly Pod[], surplus: number): Pod[] {
  const { gone, kept } = isIndexed(job) ? withoutDuplicates(active, job.spec.completions ?? 0) : { gone: [], kept: active }
  if (gone.length >= surplus) return gone
  return [...gone, ...[...kept].sort(compareProgress).slice(0, surplus - gone.length)]
}

function withoutDuplicates(active: readonly Pod[], completions: number): { gone: Pod[]; kept: Pod[] } {
  const gone: Pod[] = []
  const byIndex = new Map<number, Pod[]>()
  for (const pod of active) {
    const index = indexOf(pod)
    if (index === undefined || index >= completions) gone.push(pod)
    else byIndex.set(index, [...(byIndex.get(index) ?? []), pod])
  }
  const kept: Pod[] = []
  for (const same of byIndex.values()) {
    const ranked = same.sort(compareProgress)
    gone.push(...ranked.slice(0, -1))
    kept.push(...ranked.slice(-1))
  }
  return { gone, kept }
}

/** Negative: the first has come less far, and is the cheaper one to lose (pkg/controller/controller_utils.go, ActivePods). */
export function compareProgress(a: Pod, b: Pod): number {
  const placed = Number(Boolean(a.spec.nodeName)) - Number(Boolean(b.spec.nodeName))
  if (placed !== 0) return placed
  const phase = (phaseOrder[a.status.phase] ?? 0) - (phaseOrder[b.status.phase] ?? 0)
  if (phase !== 0) return phase
  const ready = Number(isReady(a)) - Number(isReady(b))
  if (ready !== 0) return ready
  const sinceReady = isReady(a) ? latestFirst(readySince(a), readySince(b)) : 0
  if (sinceReady !== 0) return sinceReady
  const restarts = compareRestarts(a, b)
  if (restarts !== 0) return restarts
  return latestFirst(Date.parse(a.metadata.creationTimestamp), Date.parse(b.metadata.creationTimestamp))
}

/** What has no time comes before all that have one. */
function latestFirst(a: number | undefined, b: number | undefined): number {
  return (b ?? Number.MAX_VALUE) - (a ?? Number.MAX_VALUE)
}
