import type { PersistentVolume } from '../../../api/core/persistent-volume.ts'
import type { PersistentVolumeClaim } from '../../../api/core/persistent-volume-claim.ts'
import { value } from '../../../api/quantity.ts'

type Status = PersistentVolumeClaim['status']
type Conditions = NonNullable<Status['conditions']>

/** Stages of a claim's growing (core/v1 ClaimResourceStatus). */
export type Stage =
  | 'ControllerResizeInProgress'
  | 'ControllerResizeInfeasible'
  | 'NodeResizePending'
  | 'NodeResizeInProgress'
  | 'NodeResizeInfeasible'

/** What is to be grown to how much, as quantities; undefined: nothing, for now. */
export function wantedSize(claim: PersistentVolumeClaim, volume: PersistentVolume): string | undefined {
  const requested = claim.spec.resources?.requests?.storage
  const present = claim.status.capacity?.storage
  const isBound = claim.status.phase === 'Bound' && volume.spec.claimRef?.uid === claim.metadata.uid
  if (!isBound || !requested || !present || claim.metadata.deletionTimestamp) return undefined
  const underWay = claim.status.allocatedResources?.storage
  const stage = claim.status.allocatedResourceStatuses?.storage as Stage | undefined
  if (stage === 'NodeResizePending' || stage === 'NodeResizeInProgress') {
    // The node's turn, unless the user has asked for still more meanwhile.
    return underWay && value(requested) > value(underWay) ? requested : undefined
  }
  if (value(requested) <= value(present)) return undefined
  // A size that the driver has begun with comes first, unless it can never be had (RecoverVolumeExpansionFailure).
  const isStuck = stage === 'ControllerResizeInfeasible' || stage === 'NodeResizeInfeasible'
  if (underWay && !isStuck && stage !== undefined && value(underWay) > value(requested)) return underWay
  return requested
}

const own = new Set(['Resizing', 'FileSystemResizePending', 'ControllerResizeError', 'NodeResizeError'])

function without(status: Status, types: ReadonlySet<string>): Conditions {
  return ((status.conditions ?? []) as Conditions).filter(({ type }) => !types.has(type))
}

/** The driver has been asked. */
export function begun(status: Status, size: string, now: string): Status {
  const before = (status.conditions ?? []).find(({ type }) => type === 'Resizing')
  const resizing = { type: 'Resizing', status: 'True' as const, lastTransitionTime: before?.lastTransitionTime ?? now }
  return {
    ...status,
    allocatedResources: { ...status.allocatedResources, storage: size },
    allocatedResourceStatuses: { ...status.allocatedResourceStatuses, storage: 'ControllerResizeInProgress' },
    conditions: [...without(status, own), resizing],
  } as Status
}

/** The driver has refused; `isForGood`: it will never do it. */
export function failed(status: Status, message: string, isForGood: boolean, now: string): Status {
  const error = { type: 'ControllerResizeError', status: 'True' as const, lastTransitionTime: now, message }
  return {
    ...status,
    ...(isForGood && {
      allocatedResourceStatuses: { ...status.allocatedResourceStatuses, storage: 'ControllerResizeInfeasible' },
    }),
    conditions: [...without(status, new Set(['ControllerResizeError'])), error],
  } as Status
}

/** The controller's part is done; the node has to do the rest. */
export function nodesTurn(status: Status, now: string): Status {
  const message = 'Waiting for user to (re-)start a pod to finish file system resize of volume on node.'
  const pending = { type: 'FileSystemResizePending', status: 'True' as const, lastTransitionTime: now, message }
  return {
    ...status,
    allocatedResourceStatuses: { ...status.allocatedResourceStatuses, storage: 'NodeResizePending' },
    conditions: [...without(status, own), pending],
  } as Status
}

/** Nothing is left to do. */
export function finished(status: Status, size: string): Status {
  const { storage: _, ...otherStatuses } = status.allocatedResourceStatuses ?? {}
  return {
    ...status,
    capacity: { ...status.capacity, storage: size },
    allocatedResourceStatuses: otherStatuses,
    conditions: without(status, own),
  } as Status
}
