import { ApiError, type Status } from '../../api/errors.ts'
import { fieldError } from '../../api/field-errors.ts'
import type { Target } from '../../api/transport.ts'
import type { UserInfo } from '../../api/user.ts'
import type { Clock } from '../../lib/clock.ts'
import type { ApiRequest, ApiResponse, Handle } from '../request.ts'
import type { TableMaker } from '../table.ts'
import type { BodyKinds } from './body.ts'
import { listBytes, listLength } from './list.ts'
import { type Format, negotiate, type Transform } from './negotiation.ts'
import { closing } from './reception.ts'
import { drained, type Exchange, headersOf, isPretty, sendBytes, sendPieces, sendValue, setWarnings } from './reply.ts'
import { apiRequest, type Location } from './request.ts'
import { type IncludeObject, isObject, type TableMakers, type Transformer, transformer } from './tables.ts'
import { sendWatch } from './watch.ts'
import type { YamlReader } from './yaml-reader.ts'

export interface ResourceOptions {
  readonly handle: Handle
  readonly kinds: BodyKinds
  readonly yaml?: YamlReader | undefined
  readonly tables: TableMakers
  readonly clock: Clock
  readonly toStatus: (error: unknown) => Status
  /** Every watch and log that is open; aborting one ends it. */
  readonly streams: Set<AbortController>
  /** Hear of what is asked, and of the answer before it is sent. */
  readonly onCall?: ((exchange: Exchange, call: ApiRequest) => void) | undefined
  readonly onAnswer?: ((exchange: Exchange, answer: ApiResponse) => void) | undefined
}

/** Everything about one request on a resource. */
interface Visit {
  readonly exchange: Exchange
  readonly body: Buffer
  readonly target: Target
  readonly location: Location
  readonly user: UserInfo
}

/** Answers requests on resources: negotiates, asks the pipeline, and writes what it says in the form that was wanted. */
export function resourceHandler(options: ResourceOptions) {
  const { handle, streams } = options
  return async function serveResource(visit: Visit): Promise<void> {
    const { exchange, body, target, location, user } = visit
    const { request, response } = exchange
    const { method = 'GET', url = '/', headers } = request
    const bodies = { kinds: options.kinds, yaml: options.yaml, gone: () => closing(response) }
    const asked = apiRequest({ method, url, headers, body }, target, location, user, bodies)
    const call = asked instanceof Promise ? await asked : asked
    if (call.subresource === 'exec' || call.subresource === 'attach' || call.subresource === 'portforward') {
      throw new ApiError('BadRequest', 'Upgrade request required')
    }
    const isCollection = call.verb === 'list' || call.verb === 'deletecollection'
    const transforms = isCollection ? listTransforms : objectTransforms
    const maker = headers.accept?.includes('as=Table') ? options.tables(target) : undefined
    const format = negotiate(headers.accept, maker ? transforms : transforms.slice(1), call.verb === 'watch')
    const transform = transformOf(format, maker, visit, options)
    if (call.verb === 'watch' || call.subresource === 'log') {
      const gone = new AbortController()
      streams.add(gone)
      response.once('close', () => {
        streams.delete(gone)
        gone.abort()
      })
      call.signal = gone.signal
    }
    options.onCall?.(exchange, call)
    const answer = await handle(call)
    options.onAnswer?.(exchange, answer)
    const sending = send(exchange, answer, format, transform, options)
    if (sending) await sending
  }
}

const listTransforms: readonly Transform[] = ['Table', 'PartialObjectMetadataList']
const objectTransforms: readonly Transform[] = ['Table', 'PartialObjectMetadata']

function transformOf(
  format: Format,
  maker: TableMaker | undefined,
  { location }: Visit,
  { clock }: ResourceOptions,
): Transformer | undefined {
  if (!format.as) return undefined
  const include = (format.as === 'Table' && location.query.get('includeObject')) || 'Metadata'
  if (include !== 'None' && include !== 'Metadata' && include !== 'Object') {
    const { message } = fieldError.invalid('includeObject', include, "must be 'Metadata', 'Object', 'None', or empty")
    throw new ApiError('BadRequest', `Unable to convert to Table as requested: includeObject: ${message}`)
  }
  return transformer({ format, maker, include: include satisfies IncludeObject, clock })
}

/** At once, if all there is to send is there. */
function send(
  exchange: Exchange,
  answer: ApiResponse,
  format: Format,
  transform: Transformer | undefined,
  { clock, toStatus }: ResourceOptions,
): Promise<void> | void {
  if ('warnings' in answer) setWarnings(exchange.response, answer.warnings ?? [])
  switch (answer.type) {
    case 'object':
      if (transform && isObject(answer)) return sendValue(exchange, answer.status, transform.object(answer.object), format)
      if (answer.stored && format.type === 'json' && !isPretty(exchange)) {
        return sendBytes(exchange, answer.status, 'application/json', answer.stored.bytes)
      }
      return sendValue(exchange, answer.status, answer.object, format)
    case 'list':
      if (format.type === 'yaml' || isPretty(exchange))
        return sendWholeList(exchange, transform?.list(answer) ?? listBytes(answer), format)
      if (transform) return sendPieces(exchange, 'application/json', transform.list(answer))
      return sendPieces(exchange, 'application/json', listBytes(answer), listLength(answer))
    case 'watch':
      return sendWatch(exchange, { events: answer.events, render: transform?.event, toStatus, clock })
    case 'bytes':
      return sendChunks(exchange, answer)
    case 'session':
      answer.session.close()
      throw new ApiError('BadRequest', 'Upgrade request required')
    case 'connections':
    case 'proxy':
      throw new ApiError('BadRequest', 'Upgrade request required')
  }
}

/** YAML and indented JSON need the whole value; people read them, machines do not ask for them. */
async function sendWholeList(exchange: Exchange, pieces: Iterable<Uint8Array>, format: Format): Promise<void> {
  await sendValue(exchange, 200, JSON.parse(Buffer.concat([...pieces]).toString()), format)
}

/** A log: each chunk leaves at once. Until there is a first one, were it empty, an error can still become an HTTP error. */
async function sendChunks(exchange: Exchange, answer: Bytes): Promise<void> {
  const { response } = exchange
  if (answer.isEmpty) return void response.writeHead(204, headersOf(exchange)).end()
  const chunks = answer.chunks[Symbol.asyncIterator]()
  const first = await chunks.next()
  response.writeHead(200, headersOf(exchange, 'Content-Type', answer.contentType))
  response.flushHeaders()
  try {
    for (let next = first; !next.done && !response.destroyed; next = await chunks.next()) {
      if (next.value.length > 0 && !response.write(next.value)) await drained(response, response)
    }
    response.end()
  } catch {
    response.destroy() // the status is out already: a torn answer is all that is left to say
  } finally {
    await chunks.return?.()
  }
}

type Bytes = Extract<ApiResponse, { type: 'bytes' }>
