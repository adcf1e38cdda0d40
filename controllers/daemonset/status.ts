import type { DaemonSetStatus } from '../../api/apps/daemon-set.ts'
import { availableAt, isAvailable, isReady } from '../shared/pod-state.ts'
import { isUpdated, type Picture } from './nodes.ts'

/** The status that the nodes amount to: only the first pod of each counts (pkg/controller/daemon, updateDaemonSetStatus). */
export function statusOf(picture: Picture): DaemonSetStatus {
  const { set, places, now } = picture
  const { minReadySeconds = 0 } = set.spec
  let [desired, current, misplaced, ready, updated, available] = [0, 0, 0, 0, 0, 0]
  for (const { verdict, pods } of places) {
    const [pod] = pods
    if (!verdict.shouldRun) {
      if (pod) misplaced++
      continue
    }
    desired++
    if (!pod) continue
    current++
    if (isReady(pod)) ready++
    if (isAvailable(pod, minReadySeconds, now)) available++
    if (isUpdated(pod, picture)) updated++
  }
  return {
    ...set.status,
    observedGeneration: set.metadata.generation ?? 0,
    desiredNumberScheduled: desired,
    currentNumberScheduled: current,
    numberMisscheduled: misplaced,
    numberReady: ready,
    updatedNumberScheduled: orNothing(updated),
    numberAvailable: orNothing(available),
    numberUnavailable: orNothing(desired - available),
  }
}

const orNothing = (count: number) => (count === 0 ? undefined : count)

/** In how many milliseconds the next ready pod becomes available; `undefined` when none is waiting to. */
export function nextAvailableInMs({ set, places, now }: Picture): number | undefined {
  const { minReadySeconds = 0 } = set.spec
  if (minReadySeconds === 0) return undefined
  let soonest: number | undefined
  for (const { pods } of places) {
    for (const pod of pods) {
      const at = availableAt(pod, minReadySeconds)
      if (at !== undefined && at > now && (soonest === undefined || at < soonest)) soonest = at
    }
  }
  return soonest === undefined ? undefined : soonest - now
}
