import type { Cause, Note } from '../api/journal.ts'
import type { AnyKind, InputOf, KindDefinition, ObjectOf } from '../api/kind.ts'
import type { CallOptions, KubeList, KubeObject, PatchType, Target, WatchEvent } from '../api/transport.ts'

/** Where an object is. `namespace` stays away for cluster-scoped kinds. */
export interface Ref {
  readonly name: string
  readonly namespace?: string | undefined
}

/** What a write may carry beside the object. */
export interface WriteOptions {
  /** Why: journalled beside the revision. */
  readonly note?: Note
  readonly dryRun?: boolean
  readonly subresource?: string
}

export interface DeleteOptions extends WriteOptions {
  readonly gracePeriodSeconds?: number
  readonly propagationPolicy?: CallOptions['propagationPolicy']
  readonly preconditions?: { uid?: string; resourceVersion?: string }
}

export interface ListOptions
  extends Pick<CallOptions, 'labelSelector' | 'fieldSelector' | 'limit' | 'continue' | 'resourceVersion'> {
  readonly namespace?: string
}

/**
 * A typed client over a transport. What it hands out is frozen (copy before changing: lib/json.ts `copy`). Every refusal is an
 * ApiError. Kinds are given by their definitions: `client.get(Pod, {namespace, name})`.
 */
export interface Client {
  get<K extends AnyKind>(kind: K, ref: Ref): Promise<ObjectOf<K>>
  list<K extends AnyKind>(kind: K, options?: ListOptions): Promise<KubeList<ObjectOf<K>>>
  watch<K extends AnyKind>(
    kind: K,
    options: ListOptions & { resourceVersion: string },
    signal: AbortSignal,
  ): AsyncIterable<readonly WatchEvent<ObjectOf<K>>[]>
  create<K extends AnyKind>(kind: K, object: InputOf<K>, options?: WriteOptions): Promise<ObjectOf<K>>
  /** Replaces; the resourceVersion in the object makes it a compare-and-swap. */
  update<K extends AnyKind>(kind: K, object: ObjectOf<K> | InputOf<K>, options?: WriteOptions): Promise<ObjectOf<K>>
  updateStatus<K extends AnyKind>(kind: K, object: ObjectOf<K> | InputOf<K>, options?: WriteOptions): Promise<ObjectOf<K>>
  patch<K extends AnyKind>(kind: K, ref: Ref, type: PatchType, patch: unknown, options?: WriteOptions): Promise<ObjectOf<K>>
  /** Answers what the server did: the object (on its way out, or as it last was), or a Success status. */
  delete(kind: AnyKind, ref: Ref, options?: DeleteOptions): Promise<unknown>
  deleteCollection(kind: AnyKind, options: ListOptions & DeleteOptions): Promise<void>
  /** GET of what no kind describes: an object or a subresource where the target has a name, otherwise a list. */
  read(target: Target, options?: CallOptions): Promise<unknown>
  /** GET of a subresource: `scale`. */
  getSubresource(kind: AnyKind, ref: Ref, subresource: string): Promise<unknown>
  /** POST to a subresource: `binding`, `eviction`, `token`. */
  createSubresource(kind: AnyKind, ref: Ref, subresource: string, body: unknown, options?: WriteOptions): Promise<unknown>
  /** The same client, its writes journalled under this cause. */
  as(cause: Cause): Client
}

export type KindOf<T extends KubeObject> = KindDefinition<T, unknown>
