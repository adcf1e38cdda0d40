import type { Pod } from '../../api/core/pod.ts'
import { isReady, readySince } from '../shared/pod-state.ts'
import { compareRestarts } from '../shared/restarts.ts'

/** A pod that might have to go, and how many pods of the same application share its node. */
export interface Candidate {
  readonly pod: Pod
  readonly onSameNode: number
}

/** Negative: the first goes first. `rule` says in words why, as seen from the one that goes. */
export interface Verdict {
  readonly order: number
  readonly rule: string
}

const phaseOrder: Record<string, number> = { Pending: 0, Unknown: 1, Running: 2 }

/** Which of two pods is cheaper to lose (pkg/controller/controller_utils.go, ActivePodsWithRanks). `now` in milliseconds. */
export function compareCandidates(a: Candidate, b: Candidate, now: number): Verdict {
  const placed = Number(Boolean(a.pod.spec.nodeName)) - Number(Boolean(b.pod.spec.nodeName))
  if (placed !== 0) return { order: placed, rule: 'it is on no node yet' }
  const phase = phaseOf(a.pod) - phaseOf(b.pod)
  if (phase !== 0) return { order: phase, rule: 'it does not run yet' }
  const aReady = isReady(a.pod)
  const bReady = isReady(b.pod)
  if (aReady !== bReady) return { order: aReady ? 1 : -1, rule: 'it is not ready' }
  const cost = deletionCost(a.pod) - deletionCost(b.pod)
  if (cost !== 0) return { order: cost, rule: 'its deletion cost is lower' }
  const crowd = b.onSameNode - a.onSameNode
  if (crowd !== 0) return { order: crowd, rule: 'more of its siblings share its node' }
  if (aReady && bReady) {
    const byReady = compareAges(readySince(a.pod), readySince(b.pod), now)
    if (byReady !== undefined) return { order: byReady || byUid(a.pod, b.pod), rule: 'it became ready later' }
  }
  const restarts = compareRestarts(a.pod, b.pod)
  if (restarts !== 0) return { order: restarts, rule: 'it restarted more often' }
  const byAge = compareAges(created(a.pod), created(b.pod), now)
  return { order: byAge || byUid(a.pod, b.pod), rule: 'it is younger' }
}

/**
 * Compares what happened at two times: negative when the first is the more recent one. Only orders of magnitude count, so that nobody
 * can foresee exactly who goes. 0: same magnitude. `undefined`: the very same time.
 */
function compareAges(a: number | undefined, b: number | undefined, now: number): number | undefined {
  if (a === b) return undefined
  if (a === undefined) return -1
  if (b === undefined) return 1
  return ageRank(now - a) - ageRank(now - b)
}

/** trunc(log2(age in nanoseconds)); -1 for what has no age. */
export function ageRank(ageInMs: number): number {
  return ageInMs <= 0 ? -1 : Math.trunc(Math.log2(ageInMs * 1_000_000))
}

function phaseOf(pod: Pod): number {
  return phaseOrder[pod.status.phase] ?? 0
}

/** The pod's own say, from -2^31 to 2^31-1; what is no such number counts as 0. */
function deletionCost(pod: Pod): number {
  const text = pod.metadata.annotations?.['controller.kubernetes.io/pod-deletion-cost'] ?? '0'
  const cost = /^(0|-?[1-9]\d*)$/.test(text) ? Number(text) : 0
  return Math.abs(cost) <= 2 ** 31 ? cost : 0
}

const created = (pod: Pod) => Date.parse(pod.metadata.creationTimestamp)

function byUid(a: Pod, b: Pod): number {
  return a.metadata.uid < b.metadata.uid ? -1 : a.metadata.uid > b.metadata.uid ? 1 : 0
}
