import type { AnyKind, ObjectOf } from '../api/kind.ts'
import type { KubeObject } from '../api/transport.ts'
import type { Run } from '../lib/run.ts'

/** The local, frozen, always slightly old copy of all objects of a kind. Reading costs nothing and asks nobody. */
export interface Lister<T extends KubeObject = KubeObject> {
  get(key: string): T | undefined
  /** All objects, in no promised order. */
  list(namespace?: string): readonly T[]
  /** The objects that an index function filed under a value. */
  by(index: string, value: string): readonly T[]
  readonly size: number
  /** Whether the first list is in; until then there is nothing. */
  readonly isSynced: boolean
}

/** A change of the copy, after it was applied. `revision` is the write's. */
export interface Change<T extends KubeObject = KubeObject> {
  readonly type: 'added' | 'modified' | 'deleted'
  readonly object: T
  readonly previous?: T
  readonly revision: number
}

/** Lists, then watches from there, and never gives up: expired -> lists again; any other error -> waits, resumes. */
export interface Informer<T extends KubeObject = KubeObject> {
  readonly lister: Lister<T>
  readonly run: Run
  /** Whether the first list is in. */
  readonly isSynced: boolean
  /** Resolves when the first list is in. */
  synced(signal?: AbortSignal): Promise<void>
  /** The newest revision that the copy reflects. */
  readonly revision: number
  /** Resolves when the copy reflects a revision, or the signal aborts. */
  reached(revision: number, signal?: AbortSignal): Promise<void>
  /** Resolves when the copy of a key is no longer the version given, or the signal aborts. */
  moved(key: string, fromResourceVersion: string, signal?: AbortSignal): Promise<void>
  /** Calls back after each batch of real changes, in order; what is there already comes first as `added`. Answers how to stop. */
  subscribe(handler: (changes: readonly Change<T>[]) => void): () => void
  /** Files objects under values, now and from now on. */
  index(name: string, values: (object: T) => readonly string[]): void
}

/** One informer per kind (and field selector), shared by all who ask. */
export interface Informers {
  of<K extends AnyKind>(kind: K, options?: { fieldSelector?: string }): Informer<ObjectOf<K>>
  /** Stops following a kind and forgets what was known of it: it is served no more. */
  forget(kind: AnyKind): void
  readonly run: Run
  /** Resolves when every informer asked for so far is synced. */
  synced(signal?: AbortSignal): Promise<void>
}
