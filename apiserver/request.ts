import type { Duplex } from 'node:stream'
import type { ExecSession, NodeAgent, PodConnections } from '../api/node-agent.ts'
import type { Call, KubeObject, WatchEvent } from '../api/transport.ts'
import type { UserInfo } from '../api/user.ts'

/** One authenticated request, whatever carried it. */
export interface ApiRequest extends Call {
  user: UserInfo
  /**
   * The fields that the text of the body sets more than once, by their paths: `spec.paused`, `[0].path`. Of YAML, which is told by
   * lines, one text that starts with `yaml: `. In order; absent: none.
   */
  duplicates?: readonly string[]
  /** For exec, attach and log: their own query parameters. */
  parameters?: Record<string, unknown>
  signal?: AbortSignal
  /** Adds to what the audit log says about the request; absent: nobody writes it down. */
  annotate?: Annotate | undefined
}

/** The first value of a key counts. `Request`: only for a log that has the bodies of requests as well. */
export type Annotate = (key: string, value: string, level?: 'Request') => void

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
      readonly warnings?: readonly string[]
    }
  | { readonly type: 'watch'; readonly events: AsyncIterable<readonly WatchFrame[]>; readonly warnings?: readonly string[] }
  | { readonly type: 'bytes'; readonly contentType: string; readonly chunks: AsyncIterable<Uint8Array>; readonly isEmpty?: true }
  | { readonly type: 'session'; readonly session: ExecSession }
  | { readonly type: 'connections'; readonly pod: PodConnections }
  | { readonly type: 'proxy'; readonly backend: ProxyBackend }

/** Who answers a request to a `proxy` subresource: somebody at the end of a connection, or the agent of a node. */
export type ProxyBackend =
  | {
      readonly type: 'connection'
      readonly scheme: 'http' | 'https'
      /** `address:port`, as errors name it. */
      readonly host: string
      connect(): Promise<Duplex>
    }
  | { readonly type: 'node'; readonly serve: NonNullable<NodeAgent['serve']> }

/** A watch event that carries the shared bytes of its object. */
export type WatchFrame = WatchEvent & { readonly bytes: Uint8Array }

/** The pipeline: authorize, admit, default, validate, admit, commit. Knows no transport. */
export type Handle = (request: ApiRequest) => Promise<ApiResponse>
