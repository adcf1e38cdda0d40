import type { Cause } from './journal.ts'
import type { ContainerLogOptions, ExecOptions, ExecSession } from './node-agent.ts'

export type Verb = 'get' | 'list' | 'watch' | 'create' | 'update' | 'patch' | 'delete' | 'deletecollection'

export const patchTypes = {
  json: 'application/json-patch+json',
  merge: 'application/merge-patch+json',
  strategic: 'application/strategic-merge-patch+json',
  apply: 'application/apply-patch+yaml',
} as const
export type PatchType = keyof typeof patchTypes

export type FieldValidation = 'Strict' | 'Warn' | 'Ignore'
export type DeletionPropagation = 'Orphan' | 'Background' | 'Foreground'

/** The query parameters of every verb and the body of DELETE, by their names on the wire. */
export interface CallOptions {
  labelSelector?: string
  fieldSelector?: string
  /** Labels of the metric itself; only where metrics of custom.metrics.k8s.io are read. */
  metricLabelSelector?: string
  limit?: number
  continue?: string
  resourceVersion?: string
  resourceVersionMatch?: 'Exact' | 'NotOlderThan'
  timeoutSeconds?: number
  allowWatchBookmarks?: boolean
  sendInitialEvents?: boolean
  dryRun?: boolean
  fieldManager?: string
  fieldValidation?: FieldValidation
  force?: boolean
  gracePeriodSeconds?: number
  propagationPolicy?: DeletionPropagation
  preconditions?: { uid?: string; resourceVersion?: string }
}

/** Which resource a call is about. */
export interface Target {
  /** Empty for the core group. */
  group: string
  version: string
  /** The plural: `pods`. */
  resource: string
  /** Absent: cluster scope, or all namespaces. */
  namespace?: string
  name?: string
  subresource?: string
}

/** One request to the API, the same whatever carries it. */
export interface Call extends Target {
  verb: Verb
  options?: CallOptions
  /** A decoded JSON value: the object, the patch. Never written to by the receiver. */
  body?: unknown
  patchType?: PatchType
  cause?: Cause
}

/** Any object of the API as far as everybody may look into it. What a transport hands out is frozen, or to be treated so. */
export interface KubeObject {
  readonly apiVersion: string
  readonly kind: string
  readonly metadata: {
    readonly name: string
    readonly namespace?: string
    readonly uid: string
    readonly resourceVersion: string
    readonly generation?: number
    readonly creationTimestamp: string
    readonly deletionTimestamp?: string
    readonly deletionGracePeriodSeconds?: number
    readonly generateName?: string
    readonly labels?: Readonly<Record<string, string>>
    readonly annotations?: Readonly<Record<string, string>>
    readonly finalizers?: readonly string[]
    readonly ownerReferences?: readonly OwnerReference[]
  }
}

export interface OwnerReference {
  readonly apiVersion: string
  readonly kind: string
  readonly name: string
  readonly uid: string
  readonly controller?: boolean
  readonly blockOwnerDeletion?: boolean
}

export interface KubeList<T = KubeObject> {
  readonly apiVersion: string
  readonly kind: string
  readonly metadata: { readonly resourceVersion: string; readonly continue?: string; readonly remainingItemCount?: number }
  readonly items: readonly T[]
}

export type WatchEvent<T = KubeObject> =
  | { readonly type: 'ADDED' | 'MODIFIED' | 'DELETED'; readonly object: T }
  /** Only `metadata.resourceVersion` means anything. */
  | { readonly type: 'BOOKMARK'; readonly object: T; readonly endOfInitialEvents?: boolean }

/** How a client reaches an API server: over HTTPS, or straight into the pipeline of the same process. Errors are ApiErrors. */
export interface Transport {
  /** get, list, create, update, patch, delete, deletecollection: answers the object, the list or a Success status. */
  call(call: Call, signal?: AbortSignal): Promise<unknown>
  /** Events in batches, as they come; ends when the server ends the watch or the signal aborts; throws Expired (410) when too old. */
  watch(call: Call, signal: AbortSignal): AsyncIterable<readonly WatchEvent[]>
  /** A container's log, in chunks of bytes. */
  logs(target: { namespace: string; name: string }, options: ContainerLogOptions, signal: AbortSignal): AsyncIterable<Uint8Array>
  exec(target: { namespace: string; name: string }, options: ExecOptions & { container?: string }): Promise<ExecSession>
  /** A path that is no resource (`/version`, `/openapi/v3`, discovery): the decoded JSON, or the text when it is none. */
  raw(path: string, signal?: AbortSignal): Promise<unknown>
}
