import type { Pod } from '../../api/core/pod.ts'
import type { Note } from '../../api/journal.ts'
import type { Random } from '../../lib/random.ts'
import { isStaticPod } from '../pod-types.ts'
import type { Verdict } from '../status/pod-status.ts'

/**
 * Where a pod is in its life on this node; only ever forward. `syncing`: containers are brought to where the spec wants them.
 * `terminating`: they are being stopped for good. `terminated`: volumes go. `finished`: nothing is left but the object.
 */
export type Stage = 'syncing' | 'terminating' | 'terminated' | 'finished'

/** All that a kubelet remembers of one pod. Plain data: ten thousand of them cost little. */
export interface Worker {
  readonly uid: string
  /** From a file of this node rather than the API. */
  readonly isStatic: boolean
  /** The newest object from the API, or from the file. */
  pod: Pod
  stage: Stage
  /** The object is gone from the API, the file from its directory. */
  isGone: boolean
  /** Came while this one was about to end under the same uid: its turn is next. */
  next: Pod | undefined
  isAdmitted: boolean
  /** Why the kubelet itself ends the pod. */
  verdict: Verdict | undefined
  /** Shorter than what the pod asks for (eviction). */
  graceOverride: number | undefined
  readonly firstSeenAt: number
  /** A step is under way, and whether another has to follow. */
  isBusy: boolean
  isDirty: boolean
  /** The containers were changed, or may have been, since the last relist. */
  hasActed: boolean
  /** The step that is under way waits for a relist, and takes in whatever that finds. */
  isLooking: boolean
  /** Ends what the present step waits for. */
  interrupt: AbortController
  cancelTimer: () => void
  /** When it is looked at again even if nothing happens. */
  nextSyncAt: number
  /** Containers that failed to start, why, and until when they are left alone. */
  readonly startErrors: Map<string, { reason: string; message: string; until: number }>
  /** The same for the pod as a whole. */
  heldUntil: number
  /** Termination messages by container id. */
  readonly messages: Map<string, string>
  wokenBy: readonly number[]
  note: Note | undefined
  hasAskedRemoval: boolean
  /** Called once everything has stopped. */
  onEnded: (() => void)[]
  /** Called once nothing is left of it on this node. */
  onCleared: (() => void)[]
}

export function newWorker(pod: Pod, now: number): Worker {
  return {
    uid: pod.metadata.uid,
    isStatic: isStaticPod(pod),
    pod,
    stage: 'syncing',
    isGone: false,
    next: undefined,
    isAdmitted: false,
    verdict: undefined,
    graceOverride: undefined,
    firstSeenAt: now,
    isBusy: false,
    isDirty: false,
    isLooking: false,
    hasActed: false,
    interrupt: new AbortController(),
    cancelTimer: () => {},
    nextSyncAt: now,
    startErrors: new Map(),
    heldUntil: 0,
    messages: new Map(),
    wokenBy: [],
    note: undefined,
    hasAskedRemoval: false,
    onEnded: [],
    onCleared: [],
  }
}

/**
 * Seconds the whole pod gets to end: what its deletion says, else its spec; an override only shortens; never below 1 (semantics C1).
 * An object that went from the API without any was deleted by force; a file just goes.
 */
export function effectiveGrace({ pod, graceOverride, isGone, isStatic }: Worker): number {
  const ofDeletion = pod.metadata.deletionGracePeriodSeconds
  const asked = ofDeletion ?? (isGone && !isStatic ? 1 : (pod.spec.terminationGracePeriodSeconds ?? 30))
  return Math.max(1, Math.min(asked, graceOverride ?? asked))
}

/** A delay times 1 to 1.5, in whole milliseconds, so that not everything is tried in the same instant. */
export function jittered(ms: number, random: Random): number {
  return ms + random.below(ms / 2)
}
