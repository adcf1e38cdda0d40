import type { AnyKind, ObjectOf } from '../api/kind.ts'
import type { KubeObject } from '../api/transport.ts'
import type { Clock } from '../lib/clock.ts'
import type { Log } from '../lib/log.ts'
import type { Random } from '../lib/random.ts'
import type { Client } from './client.ts'
import type { EventRecorder } from './events.ts'
import type { Change, Lister } from './informer.ts'

/**
 * A controller is a value: what wakes it, what it may write, and an idempotent reconcile that is given a key, never the event.
 * The runtime (runtime.ts) feeds a keyed queue from the informers, runs one reconcile per key at a time, retries with backoff, and
 * does not run a key again before the informers have seen the writes of its last run.
 */
export interface Controller {
  readonly name: string
  /** Who its Events say they come from, where upstream does not call it `<name>-controller`. */
  readonly source?: string
  readonly watches: readonly Watch[]
  readonly writes: readonly AnyKind[]
  /** Subresources that it may update whatever the kind: `scale`. */
  readonly writesSubresources?: readonly string[]
  /** Kinds that are read through listers without waking anyone. */
  readonly reads?: readonly AnyKind[]
  readonly concurrency?: number
  /** Registers indexes before the informers start. */
  readonly indexes?: readonly Index[]
  /** Follows custom resources too, as they come and go: it watches CustomResourceDefinitions, and may write what they define. */
  readonly custom?: CustomFollowing
  /** Wakes these keys every so often, whatever happens (`everyMs`), for work that time alone makes due. */
  readonly periodic?: { readonly everyMs: number; readonly keys: (lister: ListerOf) => readonly string[] }
  reconcile(context: ReconcileContext, key: string): Promise<ReconcileResult | void>
}

/** How a controller follows kinds that it does not know beforehand. */
export interface CustomFollowing {
  /** What a change of such an object wakes; absent: they are not watched. */
  readonly watch?: (kind: AnyKind) => Watch
  readonly index?: (kind: AnyKind) => Index
  /** Told all of them whenever they have changed; those that are watched have listers from here on. */
  readonly changed?: (kinds: readonly AnyKind[]) => void
}

export type ListerOf = <K extends AnyKind>(kind: K) => Lister<ObjectOf<K>>

export interface ReconcileResult {
  /** Run this key again after so many milliseconds. */
  readonly requeueAfterMs?: number
  /** Do not run this key again sooner than in so many milliseconds, whatever wakes it: news that come fast are done in batches. */
  readonly restMs?: number
}

export interface ReconcileContext {
  /** Journals every write with the events that woke this run. Refuses kinds that are not in `writes`. */
  readonly client: Client
  readonly lister: ListerOf
  readonly events: EventRecorder
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
  readonly signal: AbortSignal
}

export interface Watch {
  readonly kind: AnyKind
  /** The keys that a change wakes. */
  readonly keys: (change: Change, lister: ListerOf) => readonly string[]
}

export interface Index {
  readonly kind: AnyKind
  readonly name: string
  readonly values: (object: KubeObject) => readonly string[]
}
