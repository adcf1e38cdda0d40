import { causeFromHeaders, productOf } from '../../api/cause-headers.ts'
import { ApiError } from '../../api/errors.ts'
import { parsePath } from '../../api/paths.ts'
import type { CallOptions, PatchType, Target, Verb } from '../../api/transport.ts'
import type { UserInfo } from '../../api/user.ts'
import type { ApiRequest } from '../request.ts'
import { type Body, type BodyOptions, decodeBody, decodePatch, patchTypeOf } from './body.ts'
import { callOptions, deleteOptions, execParameters, isTrue, logParameters } from './query.ts'

/** An HTTP request as far as it matters for what is asked. */
export interface HttpRequest {
  readonly method: string
  /** Path and query, as they came. */
  readonly url: string
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly body: Buffer
}

/** Path and query, taken apart. */
export interface Location {
  readonly path: string
  readonly query: URLSearchParams
}

export function locationOf(url: string): Location {
  const mark = url.indexOf('?')
  if (mark < 0) return { path: url, query: new URLSearchParams() }
  return { path: url.slice(0, mark), query: new URLSearchParams(url.slice(mark + 1)) }
}

const watchPrefix = /^(\/api\/[^/]+|\/apis\/[^/]+\/[^/]+)\/watch\//

/** The resource that a location is about, or `undefined`. The old `/watch/` prefix counts as `watch=true`. */
export function targetOf({ path, query }: Location): Target | undefined {
  try {
    const isOldWatch = watchPrefix.test(path)
    const target = parsePath(isOldWatch ? path.replace(watchPrefix, '$1/') : path)
    if (!target || !isOldWatch) return target
    const { name, ...collection } = target
    query.set('watch', 'true')
    if (name !== undefined) query.set('fieldSelector', `metadata.name=${name}`)
    return collection
  } catch (cause) {
    if (cause instanceof URIError) throw new ApiError('BadRequest', `invalid URL escape in ${JSON.stringify(path)}`, { cause })
    throw cause
  }
}

/** What an HTTP request on a resource asks of the pipeline (k8s.io/apiserver/pkg/endpoints/request/requestinfo.go). */
export function apiRequest(
  http: HttpRequest,
  target: Target,
  { query }: Location,
  user: UserInfo,
  bodies: Pick<BodyOptions, 'kinds' | 'yaml' | 'gone'>,
): ApiRequest | Promise<ApiRequest> {
  const { method, headers, body: bytes } = http
  const contentType = headers['content-type'] as string | undefined
  switch (method) {
    case 'GET':
    case 'HEAD':
      return reading(target, query, user)
    case 'POST':
    case 'PUT': {
      const verb = method === 'POST' ? 'create' : 'update'
      if (streams.has(target.subresource ?? '')) return { ...reading(target, query, user), verb }
      const options = writeOptions(query, verb, headers)
      const findsDuplicates = options.fieldValidation !== 'Ignore'
      const read = decodeBody(bytes, contentType, { ...bodies, target, findsDuplicates })
      return whenRead(read, ({ value, duplicates }) => {
        const request: ApiRequest = { ...target, verb, options, body: objectOnly(value), user }
        return withContext(request, headers, duplicates)
      })
    }
    case 'PATCH': {
      const patchType = patchTypeOf(contentType, { kinds: bodies.kinds, target })
      const options = writeOptions(query, 'patch', headers, patchType)
      const findsDuplicates = options.fieldValidation !== 'Ignore'
      const read = decodePatch(bytes, patchType, { ...bodies, target, findsDuplicates })
      return whenRead(read, ({ value: body, duplicates }) => {
        if (body === undefined) throw new ApiError('BadRequest', 'the patch is empty')
        return withContext({ ...target, verb: 'patch', patchType, options, body, user }, headers, duplicates)
      })
    }
    case 'DELETE': {
      const verb = target.name === undefined ? 'deletecollection' : 'delete'
      const options = callOptions(query, 'delete')
      const read = decodeBody(bytes, contentType, { ...bodies, target, findsDuplicates: false, isOptions: true })
      return whenRead(read, ({ value }) => {
        const all = value === undefined ? options : withBody(options, value)
        return withContext({ ...target, verb, options: all, user }, headers)
      })
    }
    default:
      throw new ApiError('MethodNotAllowed', `the server does not allow this method on the requested resource`)
  }
}

/** At once, if the body has been read at once: only what is rare takes longer. */
function whenRead(body: Body | Promise<Body>, make: (body: Body) => ApiRequest): ApiRequest | Promise<ApiRequest> {
  return body instanceof Promise ? body.then(make) : make(body)
}

/** Subresources whose query is their own and whose answer is a stream. */
const streams = new Set(['log', 'exec', 'attach', 'portforward'])

function reading(target: Target, query: URLSearchParams, user: UserInfo): ApiRequest {
  const { name, subresource } = target
  if (subresource === 'log') return { ...target, verb: 'get', user, parameters: { ...logParameters(query) } }
  if (subresource === 'exec' || subresource === 'attach') {
    return { ...target, verb: 'get', user, parameters: { ...execParameters(query) } }
  }
  const verb: Verb = name !== undefined ? 'get' : isTrue(query.get('watch')) ? 'watch' : 'list'
  return { ...target, verb, options: query.size > 0 ? callOptions(query, 'read') : {}, user }
}

/** A write that names no manager is booked on the program behind it; an apply has to name one. */
function writeOptions(
  query: URLSearchParams,
  verb: 'create' | 'update' | 'patch',
  headers: HttpRequest['headers'],
  patchType?: PatchType,
): CallOptions {
  const options = query.size > 0 ? callOptions(query, verb) : {}
  options.fieldValidation ??= 'Warn'
  const userAgent = headers['user-agent']
  if (patchType !== 'apply') options.fieldManager ??= typeof userAgent === 'string' ? productOf(userAgent) : 'unknown'
  return options
}

/**
 * Which objects to delete stays with the query; how, the body says. Only dryRun is heard in either place (upstream: in the body
 * alone), because nothing that was meant as a rehearsal may delete.
 */
function withBody({ labelSelector, fieldSelector, limit, continue: token, dryRun }: CallOptions, body: unknown): CallOptions {
  return {
    ...(dryRun && { dryRun }),
    ...deleteOptions(body),
    ...(labelSelector !== undefined && { labelSelector }),
    ...(fieldSelector !== undefined && { fieldSelector }),
    ...(limit !== undefined && { limit }),
    ...(token !== undefined && { continue: token }),
  }
}

/** Says in a write what brought it about, and what its body says twice. */
function withContext(request: ApiRequest, headers: HttpRequest['headers'], duplicates?: readonly string[]): ApiRequest {
  if (duplicates) request.duplicates = duplicates
  const cause = causeFromHeaders(headers as Parameters<typeof causeFromHeaders>[0])
  if (cause) request.cause = cause
  return request
}

function objectOnly(body: unknown): unknown {
  if (typeof body === 'object' && body !== null && !Array.isArray(body)) return body
  const found = body === undefined ? 'empty' : body === null ? 'null' : Array.isArray(body) ? 'a list' : `a ${typeof body}`
  throw new ApiError('BadRequest', `the object provided is unrecognized: couldn't get version/kind; the body is ${found}`)
}
