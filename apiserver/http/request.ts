import { causeFromHeaders, productOf } from '../../api/cause-headers.ts'
import { ApiError } from '../../api/errors.ts'
import { parsePath } from '../../api/paths.ts'
import type { CallOptions, PatchType, Target, Verb } from '../../api/transport.ts'
import type { UserInfo } from '../../api/user.ts'
import type { ApiRequest } from '../request.ts'
import { type BodyOptions, decodeBody, decodePatch, patchTypeOf } from './body.ts'
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
export async function apiRequest(
  http: HttpRequest,
  target: Target,
  { query }: Location,
  user: UserInfo,
  bodies: Pick<BodyOptions, 'kinds' | 'yaml' | 'gone'>,
): Promise<ApiRequest> {
  const { method, headers, body: bytes } = http
  const contentType = headers['content-type'] as string | undefined
  switch (method) {
    case 'GET':
    case 'HEAD':
      return read(target, query, user)
    case 'POST':
    case 'PUT': {
      const verb = method === 'POST' ? 'create' : 'update'
      if (streams.has(target.subresource ?? '')) return { ...read(target, query, user), verb }
      const options = writeOptions(query, verb, headers)
      const findsDuplicates = options.fieldValidation !== 'Ignore'
      const { value, duplicates } = await decodeBody(bytes, contentType, { ...bodies, target, findsDuplicates })
      const body = objectOnly(value)
      return { ...target, verb, options, body, ...(duplicates && { duplicates }), user, ...causeOf(headers) }
    }
    case 'PATCH': {
      const patchType = patchTypeOf(contentType, { kinds: bodies.kinds, target })
      const options = writeOptions(query, 'patch', headers, patchType)
      const findsDuplicates = options.fieldValidation !== 'Ignore'
      const { value: body, duplicates } = await decodePatch(bytes, patchType, { ...bodies, target, findsDuplicates })
      if (body === undefined) throw new ApiError('BadRequest', 'the patch is empty')
      return { ...target, verb: 'patch', patchType, options, body, ...(duplicates && { duplicates }), user, ...causeOf(headers) }
    }
    case 'DELETE': {
      const verb = target.name === undefined ? 'deletecollection' : 'delete'
      const options = callOptions(query, 'delete')
      const { value } = await decodeBody(bytes, contentType, { ...bodies, target, findsDuplicates: false, isOptions: true })
      return { ...target, verb, options: value === undefined ? options : withBody(options, value), user, ...causeOf(headers) }
    }
    default:
      throw new ApiError('MethodNotAllowed', `the server does not allow this method on the requested resource`)
  }
}

/** Subresources whose query is their own and whose answer is a stream. */
const streams = new Set(['log', 'exec', 'attach', 'portforward'])

function read(target: Target, query: URLSearchParams, user: UserInfo): ApiRequest {
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

function causeOf(headers: HttpRequest['headers']): Pick<ApiRequest, 'cause'> {
  const cause = causeFromHeaders(headers as Parameters<typeof causeFromHeaders>[0])
  return cause ? { cause } : {}
}

function objectOnly(body: unknown): unknown {
  if (typeof body === 'object' && body !== null && !Array.isArray(body)) return body
  const found = body === undefined ? 'empty' : body === null ? 'null' : Array.isArray(body) ? 'a list' : `a ${typeof body}`
  throw new ApiError('BadRequest', `the object provided is unrecognized: couldn't get version/kind; the body is ${found}`)
}
