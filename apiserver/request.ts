import type { ExecSession } from '../api/node-agent.ts'
import type { Call, KubeObject, WatchEvent } from '../api/transport.ts'
import type { UserInfo } from '../api/user.ts'

/** One authenticated request, whatever carried it. */
export interface ApiRequest extends Call {
  user: UserInfo
  /** For exec, attach and log: their own query parameters. */
  parameters?: Record<string, unknown>
  signal?: AbortSignal
}

/** An object and its bytes, made once at commit. `object` is decoded on first use and frozen. */
export interface Stored {
  readonly object: KubeObject
  readonly bytes: Uint8Array
  readonly revision: number
}

/** What the pipeline answers; adapters turn it into HTTP or into values. Refusals are thrown as ApiErrors. */
export type ApiResponse =
  | {
      readonly type: 'object'
      readonly status: 200 | 201 | 202
      readonly stored?: Stored
      readonly object: unknown
      readonly warnings: readonly string[]
    }
  | {
      readonly type: 'list'
      readonly apiVersion: string
      readonly kind: string
      readonly items: readonly Stored[]
      readonly resourceVersion: string
      readonly continue?: string
      readonly remainingItemCount?: number
    }
  | { readonly type: 'watch'; readonly events: AsyncIterable<readonly WatchFrame[]> }
  | { readonly type: 'bytes'; readonly contentType: string; readonly chunks: AsyncIterable<Uint8Array> }
  | { readonly type: 'session'; readonly session: ExecSession }

/** A watch event that carries the shared bytes of its object. */
export type WatchFrame = WatchEvent & { readonly bytes: Uint8Array }

/** The pipeline: authorize, admit, default, validate, admit, commit. Knows no transport. */
export type Handle = (request: ApiRequest) => Promise<ApiResponse>
