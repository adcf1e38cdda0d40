import type { AnyKind, Subresource } from '../api/kind.ts'
import type { NodeAgent } from '../api/node-agent.ts'
import type { KubeObject, Verb } from '../api/transport.ts'
import type { UserInfo } from '../api/user.ts'
import type { Clock } from '../lib/clock.ts'
import type { Access } from './access.ts'
import type { Admission } from './admission.ts'
import type { FieldManager } from './apply/field-manager.ts'
import type { ObjectResponse } from './create.ts'
import type { Annotate, ApiRequest, ApiResponse } from './request.ts'
import { binding } from './subresources/binding.ts'
import { eviction } from './subresources/eviction.ts'
import { finalize } from './subresources/finalize.ts'
import { part } from './subresources/part.ts'
import { proxy } from './subresources/proxy.ts'
import { scale } from './subresources/scale.ts'
import { attach, exec, log, portForward } from './subresources/streams.ts'
import { token } from './subresources/token.ts'
import type { Rewrite, Updates } from './update.ts'

/** Answers a request for a subresource. */
export type SubresourceHandler = (kind: AnyKind, request: ApiRequest) => Promise<ApiResponse>

/** Makes a token for a service account; answers the whole TokenRequest. */
export type IssueToken = (request: {
  readonly serviceAccount: KubeObject
  readonly body: unknown
  readonly user: UserInfo
  readonly isDryRun: boolean
  readonly annotate?: Annotate | undefined
}) => Promise<unknown>

export interface SubresourceDependencies {
  readonly access: Access
  readonly rewrite: Rewrite
  readonly next: Updates['next']
  /** Who has set which fields. */
  readonly managers: FieldManager
  readonly remove: (kind: AnyKind, request: ApiRequest) => Promise<ObjectResponse>
  readonly clock: Clock
  /** Who may have something against a connection; absent: nobody. */
  readonly admission?: Admission
  /** The kubelet of a node, when it can be reached. */
  readonly nodeAgents?: ((nodeName: string) => NodeAgent | undefined) | undefined
  readonly issueToken?: IssueToken | undefined
}

export interface Served {
  readonly verbs: readonly Verb[]
  readonly handle: SubresourceHandler
}

/** Subresources that are not just a view on the object (`status` is, so it has no place here). */
export function subresources(dependencies: SubresourceDependencies): Partial<Record<Subresource, Served>> {
  return {
    binding: { verbs: ['create'], handle: binding(dependencies) },
    eviction: { verbs: ['create'], handle: eviction(dependencies) },
    finalize: { verbs: ['update'], handle: finalize(dependencies) },
    scale: { verbs: ['get', 'patch', 'update'], handle: scale(dependencies) },
    token: { verbs: ['create'], handle: token(dependencies) },
    log: { verbs: ['get'], handle: log(dependencies) },
    exec: { verbs: ['create', 'get'], handle: exec(dependencies) },
    attach: { verbs: ['create', 'get'], handle: attach(dependencies) },
    ephemeralcontainers: { verbs: ['get', 'patch', 'update'], handle: part(dependencies) },
    resize: { verbs: ['get', 'patch', 'update'], handle: part(dependencies) },
    portforward: { verbs: ['create', 'get'], handle: portForward(dependencies) },
    proxy: { verbs: ['create', 'delete', 'get', 'patch', 'update'], handle: proxy(dependencies) },
  }
}
