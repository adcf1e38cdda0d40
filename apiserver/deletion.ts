import type { AnyKind } from '../api/kind.ts'
import type { CallOptions, DeletionPropagation, KubeObject } from '../api/transport.ts'
import { timestamp } from '../lib/clock.ts'
import { copy, deepEqual } from '../lib/json.ts'
import type { AnyDraft } from './decode-body.ts'

/** What a DELETE does to an object: removes it, marks it and leaves the rest to others, or nothing, as it is on its way already. */
export interface DeletionPlan {
  readonly action: 'remove' | 'mark' | 'none'
  /** The object afterwards; of `remove` its last state. */
  readonly object: AnyDraft
}

type Options = Pick<CallOptions, 'gracePeriodSeconds' | 'propagationPolicy'>

const collectorFinalizers = { Orphan: 'orphan', Foreground: 'foregroundDeletion' } as const

/**
 * Grace periods and finalizers (k8s.io/apiserver/pkg/registry/rest/delete.go and generic/registry/store.go): a kind with grace
 * is marked until its time is up; finalizers, of which the propagation policy may add one, hold the object until they are gone.
 */
export function planDeletion(kind: AnyKind, old: KubeObject, options: Options, now: number): DeletionPlan {
  const object = copy(old) as AnyDraft
  const { metadata } = object
  const isGraceful = kind.deletion.gracePeriodSeconds !== undefined
  if (metadata.deletionTimestamp && isGraceful && metadata.deletionGracePeriodSeconds !== undefined) {
    if (!shorten(metadata, options.gracePeriodSeconds, now)) return { action: 'none', object }
    return outcome(kind, old, object)
  }
  const finalizers = collected(metadata.finalizers ?? [], policyOf(kind, metadata.finalizers ?? [], options))
  if (finalizers.length > 0) metadata.finalizers = finalizers
  else delete metadata.finalizers
  if (!isGraceful && finalizers.length === 0 && !kind.deletion.holds?.(object)) return { action: 'remove', object }
  const seconds = grace(kind, old, options.gracePeriodSeconds)
  if (!metadata.deletionTimestamp) {
    metadata.deletionTimestamp = timestamp(now + seconds * 1000)
    metadata.deletionGracePeriodSeconds = seconds
    if (metadata.generation) metadata.generation += 1
  }
  kind.deletion.prepare?.(object)
  return outcome(kind, old, object)
}

function outcome(kind: AnyKind, old: KubeObject, object: AnyDraft): DeletionPlan {
  const { finalizers, deletionGracePeriodSeconds = 0 } = object.metadata
  const isHeld = !!finalizers?.length || deletionGracePeriodSeconds > 0 || kind.deletion.holds?.(object) === true
  if (!isHeld) return { action: 'remove', object }
  return { action: deepEqual(old, object) ? 'none' : 'mark', object }
}

/** Negative periods count as one second. */
function grace(kind: AnyKind, object: KubeObject, requested: number | undefined): number {
  const seconds = kind.deletion.gracePeriodSeconds?.(object, requested) ?? 0
  return seconds < 0 ? 1 : seconds
}

/** A second DELETE may only shorten the time that is left, never into the past. Answers whether it did. */
function shorten(metadata: AnyDraft['metadata'], requested: number | undefined, now: number): boolean {
  const { deletionTimestamp = '', deletionGracePeriodSeconds = 0 } = metadata
  if (requested === undefined) return false
  let seconds = requested < 0 ? 1 : requested
  if (seconds >= deletionGracePeriodSeconds) return false
  let end = Date.parse(deletionTimestamp) - deletionGracePeriodSeconds * 1000 + seconds * 1000
  if (end < now) {
    end = now
    if (seconds > 0) seconds = 1
  }
  metadata.deletionTimestamp = timestamp(end)
  metadata.deletionGracePeriodSeconds = seconds
  return true
}

/** The caller's policy; else what an existing finalizer says; else the kind's. */
function policyOf(kind: AnyKind, finalizers: readonly string[], { propagationPolicy }: Options): DeletionPropagation {
  if (propagationPolicy) return propagationPolicy
  if (finalizers.includes(collectorFinalizers.Orphan)) return 'Orphan'
  if (finalizers.includes(collectorFinalizers.Foreground)) return 'Foreground'
  return kind.deletion.defaultPropagation
}

/** The garbage collector's finalizers go by the policy, all others stay. */
function collected(finalizers: readonly string[], policy: DeletionPropagation): string[] {
  const others = finalizers.filter(name => name !== collectorFinalizers.Orphan && name !== collectorFinalizers.Foreground)
  return policy === 'Background' ? others : [...others, collectorFinalizers[policy]]
}
