import type { Pod } from '../../api/core/pod.ts'
import { type Clock, timestamp } from '../../lib/clock.ts'
import type { PodCondition } from '../pod-types.ts'

export const pendingType = 'PodResizePending'
export const inProgressType = 'PodResizeInProgress'

/** How far a pod's resize has come, as its status tells (pkg/kubelet/status/status_manager.go). */
export interface ResizeConditions {
  /** Both kinds, as far as they hold. */
  of(podUid: string): PodCondition[]
  get(podUid: string, type: string): PodCondition | undefined
  /** The spec wants what the pod cannot have now (`Deferred`) or ever (`Infeasible`). */
  setPending(pod: Pod, reason: 'Deferred' | 'Infeasible', message: string): void
  /** Granted, but not yet so. An error stays until the next resize is granted. */
  setInProgress(pod: Pod, error?: string): void
  /** Answers whether there was one. */
  clear(podUid: string, type: string): boolean
  forget(podUid: string): void
}

export function resizeConditions(clock: Clock): ResizeConditions {
  const known = new Map<string, Map<string, PodCondition>>()
  const set = ({ metadata, status }: Pod, type: string, reason: string, message: string, generation: number | undefined) => {
    const { uid } = metadata
    let own = known.get(uid)
    if (!own) known.set(uid, (own = new Map()))
    // After a restart the API remembers since when.
    const before = own.get(type) ?? (status.conditions?.find(one => one.type === type) as PodCondition | undefined)
    const now = timestamp(clock.now())
    own.set(type, {
      type,
      status: 'True',
      lastProbeTime: now,
      lastTransitionTime: before && (before.reason ?? '') === reason ? (before.lastTransitionTime ?? now) : now,
      ...(generation !== undefined && { observedGeneration: generation }),
      ...(reason && { reason }),
      ...(message && { message }),
    } as PodCondition)
  }
  return {
    of: podUid => [...(known.get(podUid)?.values() ?? [])],
    get: (podUid, type) => known.get(podUid)?.get(type),
    setPending(pod, reason, message) {
      const before = known.get(pod.metadata.uid)?.get(pendingType)
      if (before?.reason === reason && before.message === message && before.observedGeneration === pod.metadata.generation) return
      set(pod, pendingType, reason, message, pod.metadata.generation)
    },
    setInProgress(pod, error) {
      const before = known.get(pod.metadata.uid)?.get(inProgressType)
      const message = error ?? before?.message ?? ''
      if (before && before.message === (message || undefined)) return
      const generation = before ? before.observedGeneration : pod.metadata.generation
      set(pod, inProgressType, message ? 'Error' : '', message, generation)
    },
    clear: (podUid, type) => known.get(podUid)?.delete(type) ?? false,
    forget: podUid => void known.delete(podUid),
  }
}
