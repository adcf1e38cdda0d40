import { CustomResourceDefinition } from '../api/apiextensions/custom-resource-definition.ts'
import { ApiError, notFound } from '../api/errors.ts'
import { type AnyKind, statusViews } from '../api/kind.ts'
import type { NodeAgent } from '../api/node-agent.ts'
import type { UserInfo } from '../api/user.ts'
import type { Clock } from '../lib/clock.ts'
import type { Log } from '../lib/log.ts'
import type { Random } from '../lib/random.ts'
import type { Run } from '../lib/run.ts'
import type { Store } from '../storage/store.ts'
import { access } from './access.ts'
import { type AdmissionStep, admissionChain } from './admission.ts'
import { announced } from './announced-commits.ts'
import { fieldManager } from './apply/field-manager.ts'
import { applier } from './apply-patch.ts'
import { commits } from './commit.ts'
import { creator } from './create.ts'
import type { PostJson } from './custom/conversion-webhook.ts'
import { customResources } from './custom/custom-resources.ts'
import { deleter } from './delete.ts'
import { type Documents, documents } from './documents.ts'
import { journal } from './journal.ts'
import { type KindTable, kindTable } from './kind-table.ts'
import { lister } from './list.ts'
import { patcher } from './patch.ts'
import type { ApiRequest, ApiResponse, Handle } from './request.ts'
import { selectedName } from './selection.ts'
import { withStoredRules } from './stored-rules.ts'
import { type IssueToken, subresources } from './subresources.ts'
import { rewriter, updates } from './update.ts'
import { versionedAdmission, versionedCommits, versionedList, versionedWatch } from './versioned.ts'
import { revisionOf } from './versions.ts'
import { watches } from './watch.ts'
import { watchCache } from './watch-cache.ts'
import type { CallWebhook } from './webhooks/caller.ts'
import type { JournalReader } from './why.ts'

/** What somebody wants to do, as authorization sees it. A request that is about no resource has a path instead. */
export interface AccessRequest {
  readonly user: UserInfo
  readonly verb: string
  readonly group: string
  readonly version?: string
  readonly resource: string
  readonly subresource?: string | undefined
  readonly namespace?: string | undefined
  readonly name?: string | undefined
  readonly fieldSelector?: string | undefined
  readonly path?: string
}

/** Throws Forbidden. */
export type Authorize = (request: AccessRequest) => void | Promise<void>

export interface PipelineOptions {
  readonly store: Store
  readonly kinds: readonly AnyKind[]
  readonly authorize: Authorize
  readonly admission: readonly AdmissionStep[]
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
  /** The kubelet of a node, for log, exec and attach. */
  readonly nodeAgents?: (nodeName: string) => NodeAgent | undefined
  readonly issueToken?: IssueToken
  /** Kinds that are only ever sent to subresources; described, not served. */
  readonly bodyKinds?: readonly AnyKind[]
  /** Kinds whose objects are made when asked for, and who makes them. */
  readonly providers?: readonly Provider[]
  /** How webhooks that convert custom resources are reached. */
  readonly postToWebhook?: PostJson
}

/** Answers for a kind that is not stored: reviews, metrics. Asked when the request has been authorized and its verb is served. */
export interface Provider {
  readonly kind: AnyKind
  readonly handle: (kind: AnyKind, request: ApiRequest) => Promise<ApiResponse>
}

export interface Pipeline {
  readonly handle: Handle
  /** Follows the store; requests wait until it has begun to. */
  readonly run: Run
  /** Resolves when requests are answered. */
  readonly ready: Promise<void>
  readonly journal: JournalReader
  /** What is served now; custom resources come and go. */
  readonly kinds: KindTable
  /** Discovery, OpenAPI and version, as data. */
  readonly documents: Documents
  /** Whether a user may do something; throws Forbidden if not. */
  readonly authorize: Authorize
}

/** The transport-free API server: authorize, admit, default, validate, admit, commit. */
export function createPipeline(options: PipelineOptions): Pipeline {
  const { store, authorize, clock, random, log, providers = [] } = options
  const kinds = kindTable([...options.kinds, ...providers.map(({ kind }) => kind)])
  const provided = new Map(providers.map(({ kind, handle }) => [kind, handle]))
  const cache = watchCache({ store, clock, log })
  const reading = access(cache)
  const plainCommits = versionedCommits(commits(store, cache.committed))
  const context = { access: reading, commits: plainCommits, clock, random, projectsTokens: !!options.issueToken }
  const admission = versionedAdmission(admissionChain(options.admission, context))
  const committing = announced(plainCommits, options.admission, context)
  const managers = fieldManager({ kinds, clock })
  const writing = { access: reading, admission, commits: committing, clock, random, managers }
  const list = versionedList(lister({ store, cache, clock }))
  const watch = versionedWatch(watches({ store, cache, clock, random }))
  const create = creator(writing)
  const rewrite = rewriter(writing)
  const authorizeCreate = ({ user, group, version, resource, namespace, name }: ApiRequest) =>
    authorize({ user, verb: 'create', group, version, resource, namespace, name })
  const { update, next } = updates({ ...writing, rewrite, create, authorizeCreate })
  const patch = patcher({ rewrite, next, apply: applier({ ...writing, rewrite, next, create, authorizeCreate }) })
  const { remove, removeCollection } = deleter({ ...writing, list })
  const { nodeAgents, issueToken } = options
  const served = subresources({ access: reading, admission, managers, rewrite, next, remove, clock, nodeAgents, issueToken })

  async function get(kind: AnyKind, { namespace, name = '', options }: ApiRequest): Promise<ApiResponse> {
    const atLeast = revisionOf(options?.resourceVersion)
    if (atLeast) await cache.reached(atLeast)
    const stored = await reading.stored(kind, namespace, name)
    if (!stored) throw notFound(kind, name)
    return {
      type: 'object',
      status: 200,
      stored,
      get object() {
        return stored.object
      },
      warnings: [],
    }
  }

  function dispatch(kind: AnyKind, request: ApiRequest): Promise<ApiResponse> | ApiResponse {
    const { verb, namespace, options = {}, signal } = request
    if (!kind.verbs.includes(verb)) throw notAllowed(kind, verb)
    const provider = provided.get(kind)
    if (provider) return provider(kind, request)
    switch (verb) {
      case 'get':
        return get(kind, request)
      case 'list':
        return list(kind, namespace, options)
      case 'watch':
        return { type: 'watch', events: watch(kind, namespace, options, signal ?? new AbortController().signal) }
      case 'create':
        return create(kind, request)
      case 'update':
        return update(kind, request)
      case 'patch':
        return patch(kind, request)
      case 'delete':
        return remove(kind, request)
      case 'deletecollection':
        return removeCollection(kind, request)
    }
  }

  /** `status` and its like are views on the object, with the verbs of an object; the others answer for themselves. */
  function handlerOf(kind: AnyKind, { verb, subresource }: ApiRequest): typeof dispatch {
    if (!subresource) return dispatch
    const known = kind.subresources.find(name => name === subresource)
    if (!known) throw noSuchResource()
    const { verbs, handle } = statusViews.has(known) ? { verbs: statusVerbs, handle: dispatch } : (served[known] ?? unserved)
    if (!verbs.includes(verb)) throw notAllowed(kind, verb, subresource)
    return handle
  }

  const ready = cache.started
  let isReady = false
  void ready.then(() => (isReady = true))
  const papers = documents({ kinds, bodyKinds: options.bodyKinds })

  async function handle(request: ApiRequest): Promise<ApiResponse> {
    const { user, verb, group, version, resource, subresource, namespace } = request
    const name = request.name ?? selectedName(request.options)
    const { fieldSelector } = request.options ?? {}
    const allowed = authorize({ user, verb, group, version, resource, subresource, namespace, name, fieldSelector })
    if (allowed) await allowed
    const kind = kinds.byResource(group, version, resource) ?? (await customKind(request))
    if (!kind) throw noSuchResource()
    const handler = handlerOf(kind, request)
    checkShape(kind, request)
    if (!isReady) await ready
    if (kind.deprecationWarning) request.annotate?.('k8s.io/deprecated', 'true')
    const answer = await handler(withStoredRules(kind), request)
    if (!kind.deprecationWarning) return answer
    const told = 'warnings' in answer ? (answer.warnings ?? []) : []
    return { ...answer, warnings: [kind.deprecationWarning, ...told] } as ApiResponse
  }

  const postToWebhook: PostJson = async (client, body) => {
    if (options.postToWebhook) return options.postToWebhook(client, body)
    const { webhookCaller } = await import('./webhooks/caller.ts')
    callWebhook ??= webhookCaller({ access: reading, clock })
    return callWebhook(client, body, conversionTimeoutInMs)
  }
  let callWebhook: CallWebhook | undefined
  const custom = kinds.all.includes(CustomResourceDefinition as AnyKind)
    ? customResources({ handle, kinds, clock, random, log, post: postToWebhook })
    : undefined
  kinds.onChange(() => cache.keepOnly(kinds.all))

  /** Right after the start, what custom resources there are may not be known yet. */
  async function customKind({ group, version, resource }: ApiRequest): Promise<AnyKind | undefined> {
    await custom?.ready
    return kinds.byResource(group, version, resource)
  }

  async function run(signal: AbortSignal): Promise<void> {
    await Promise.all([cache.run(signal), papers.prepare(signal), custom?.run(signal)])
  }

  return { handle, run, ready, journal: journal(store), kinds, documents: papers, authorize }
}

/** How long a webhook has to convert (k8s.io/apiserver/pkg/util/webhook). */
const conversionTimeoutInMs = 30_000

const statusVerbs: readonly string[] = ['get', 'patch', 'update']
const unserved = {
  verbs: [] as readonly string[],
  handle: (): never => {
    throw noSuchResource()
  },
}
const onCollection = new Set(['list', 'watch', 'create', 'deletecollection'])

/** What paths cannot say but values can: a name where there is none, a namespace that is missing. */
function checkShape(kind: AnyKind, { verb, name, namespace, subresource }: ApiRequest): void {
  const needsName = !onCollection.has(verb) || (subresource !== undefined && verb === 'create')
  if (needsName && !name) throw notAllowed(kind, verb, subresource)
  const needsNamespace = kind.namespaced && (needsName || verb === 'create' || verb === 'deletecollection')
  if (needsNamespace && !namespace && needsName) throw noSuchResource() // there is no such path
  if (needsNamespace && !namespace)
    throw new ApiError('BadRequest', 'an empty namespace may not be set during creation or for an object')
  if (!kind.namespaced && namespace && kind.plural !== 'namespaces') throw noSuchResource()
}

function noSuchResource(): ApiError {
  return new ApiError('NotFound', 'the server could not find the requested resource', { details: {} })
}

function notAllowed(kind: AnyKind, verb: string, subresource = ''): ApiError {
  const resource = `${kind.plural}${subresource && `/${subresource}`}${kind.group && `.${kind.group}`}`
  return new ApiError('MethodNotAllowed', `${verb} is not supported on resources of kind ${JSON.stringify(resource)}`, {
    details: { ...(kind.group && { group: kind.group }), kind: kind.plural },
  })
}
