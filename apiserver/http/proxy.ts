import { type ClientRequest, request as httpRequest, type IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import { ApiError } from '../../api/errors.ts'
import type { Verb } from '../../api/transport.ts'
import type { UserInfo } from '../../api/user.ts'
import { join } from '../../streaming/port-forward.ts'
import type { ApiRequest, ProxyBackend } from '../request.ts'
import { type Exchange, sendBytes } from './reply.ts'
import { targetOf } from './request.ts'

type Connected = Extract<ProxyBackend, { type: 'connection' }>

/** A request to a `proxy` subresource, taken apart: `/api/v1/namespaces/n/pods/p/proxy` and the rest. */
export interface ProxyPath {
  /** The path up to and with `proxy`, as it came. */
  readonly prefix: string
  /** From the slash after it on; empty when there is none. */
  readonly rest: string
  /** With its question mark; or empty. */
  readonly query: string
}

const proxied = /^(\/api\/v1\/(?:namespaces\/[^/?]+\/(?:pods|services)|nodes)\/[^/?]+\/proxy)(\/[^?]*)?(\?.*)?$/

/** `undefined` when the address is not one of a proxy. */
export function proxyPath(url: string): ProxyPath | undefined {
  const [, prefix, rest = '', query = ''] = (url.includes('/proxy') && proxied.exec(url)) || []
  return prefix === undefined ? undefined : { prefix, rest, query }
}

const verbs: Readonly<Record<string, Verb>> = {
  GET: 'get',
  HEAD: 'get',
  POST: 'create',
  PUT: 'update',
  PATCH: 'patch',
  DELETE: 'delete',
}

/** What a proxied request asks of the pipeline: leave, and somebody who answers. */
export function proxyCall(method: string, { prefix, rest }: ProxyPath, user: UserInfo): ApiRequest {
  const target = targetOf({ path: prefix, query: new URLSearchParams() })
  // Upstream gives methods that stand for no verb an empty one, which only a rule for everything allows.
  if (!target) throw new ApiError('BadRequest', `${prefix} cannot be proxied`)
  return { ...target, verb: verbs[method] ?? ('' as Verb), user, parameters: { path: rest } }
}

/** Headers that are about one connection, and what only the API server needs to know. */
const hopByHop = new Set([
  'connection',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
])
const cors = /^access-control-allow-(credentials|headers|methods|origin)$/

/**
 * Carries one request to whoever answers it, and the answer back, both as they come. Links in HTML pages stay as they are, unlike
 * upstream; addresses in redirects are rewritten (k8s.io/apimachinery/pkg/util/proxy).
 */
export async function proxyRequest(exchange: Exchange, path: ProxyPath, backend: ProxyBackend): Promise<void> {
  const { request, response } = exchange
  const isRead = request.method === 'GET' || request.method === 'HEAD'
  if (path.rest === '' && isRead && backend.type === 'connection') {
    return void response.writeHead(301, { Location: `${path.prefix}/${path.query}`, 'Content-Length': 0 }).end()
  }
  if (backend.type === 'node') return askNode(exchange, path, backend)
  const outgoing = await dialed(backend, path, request, forwardedHeaders(request, path)).catch(cause => {
    throw new ApiError('ServiceUnavailable', `error trying to reach service: ${dialFailure(backend, cause)}`, { cause })
  })
  response.once('close', () => outgoing.destroy())
  const answered = new Promise<IncomingMessage>((resolve, reject) => {
    outgoing.once('response', resolve)
    outgoing.once('upgrade', (_answer, socket) => {
      socket.destroy()
      reject(new Error('unexpected protocol switch'))
    })
    outgoing.on('error', reject)
    outgoing.on('information', ({ statusCode }) => {
      if (statusCode === 100) response.writeContinue()
    })
  })
  request.on('error', () => outgoing.destroy())
  request.pipe(outgoing)
  const incoming = await answered.catch(cause => {
    const isRefused = (cause as { code?: string }).code === 'ECONNREFUSED' // which a pod far away tells late
    const why = isRefused ? dialFailure(backend, cause) : cause instanceof Error ? goError(cause) : String(cause)
    throw new ApiError('ServiceUnavailable', `error trying to reach service: ${why}`, { cause })
  })
  if (response.destroyed) return void incoming.destroy()
  const headers = passedHeaders(incoming, name => !cors.test(name))
  response.writeHead(incoming.statusCode ?? 502, incoming.statusMessage, rewriteLocation(headers, request, path, backend))
  response.flushHeaders()
  incoming.on('error', () => response.destroy())
  incoming.on('aborted', () => response.destroy())
  incoming.pipe(response)
}

/** Passes an upgrade on, and then whatever the two ends say to each other. Resolves when they have been joined. */
export async function proxyUpgrade(
  request: IncomingMessage,
  socket: Duplex,
  head: Buffer,
  path: ProxyPath,
  backend: ProxyBackend,
): Promise<void> {
  if (backend.type === 'node') throw new ApiError('BadRequest', 'the kubelet upgrades nothing here')
  const own = forwardedHeaders(request, path)
  const headers = [...own, 'Connection', 'Upgrade', 'Upgrade', String(request.headers.upgrade)]
  const outgoing = await dialed(backend, path, request, headers).catch(cause => {
    throw new ApiError('InternalError', `error dialing backend: ${dialFailure(backend, cause)}`, { cause })
  })
  socket.once('close', () => outgoing.destroy())
  await new Promise<void>((resolve, reject) => {
    outgoing.on('error', cause => reject(new ApiError('InternalError', `error sending request: ${goError(cause)}`, { cause })))
    outgoing.once('upgrade', (answer, backendSocket, backendHead) => {
      socket.write(headOf(answer))
      if (backendHead.length > 0) socket.write(backendHead)
      if (head.length > 0) backendSocket.write(head)
      join(socket, backendSocket)
      resolve()
    })
    outgoing.once('response', answer => {
      if ((answer.statusCode ?? 0) < 400) {
        answer.destroy()
        return reject(new ApiError('InternalError', `invalid upgrade response: status code ${answer.statusCode}`))
      }
      socket.write(headOf(answer, true))
      answer.on('error', () => socket.destroy())
      answer.pipe(socket)
      resolve()
    })
    outgoing.end()
  })
}

/** A client request over a new connection to the backend. */
async function dialed(
  backend: Connected,
  { rest, query }: ProxyPath,
  { method }: IncomingMessage,
  headers: string[],
): Promise<ClientRequest> {
  const plain = await backend.connect()
  const socket = backend.scheme === 'https' ? await encrypted(plain) : plain
  socket.on('error', () => socket.destroy())
  const outgoing = httpRequest({
    method,
    path: `${rest || '/'}${query}`,
    headers,
    setHost: false,
    createConnection: () => socket,
  })
  outgoing.on('error', () => {})
  return outgoing
}

/** Backends prove nothing: upstream's proxy transport does not look at their certificates either. */
async function encrypted(plain: Duplex): Promise<Duplex> {
  const { connect } = await import('node:tls')
  return new Promise((resolve, reject) => {
    const socket = connect({ socket: plain, rejectUnauthorized: false, ALPNProtocols: ['http/1.1'] }, () => resolve(socket))
    socket.once('error', reject)
    plain.once('close', () => reject(new Error('EOF')))
  })
}

/** The request's headers as a flat list of names and values, in order: many may come more than once. */
function forwardedHeaders(request: IncomingMessage, { prefix, rest }: ProxyPath): string[] {
  const listed = connectionOptions(request)
  const isOurs = (name: string) =>
    name === 'authorization' || name.startsWith('impersonate-') || name.startsWith('x-forwarded-') || name === 'expect'
  const headers = passedHeaders(request, name => !isOurs(name) && !listed.has(name))
  const isFramed = request.headers['content-length'] !== undefined
  if (!isFramed && request.headers['transfer-encoding'] !== undefined) headers.push('Transfer-Encoding', 'chunked')
  if (request.headers.expect !== undefined) headers.push('Expect', request.headers.expect)
  const before = request.headers['x-forwarded-for']
  const from = (request.socket.remoteAddress ?? '').replace(/^::ffff:/, '')
  headers.push('X-Forwarded-For', before === undefined ? from : `${before}, ${from}`, 'X-Forwarded-Uri', `${prefix}${rest}`)
  return headers
}

function connectionOptions({ headers }: IncomingMessage): Set<string> {
  const options = String(headers.connection ?? '').split(',')
  return new Set(options.map(option => option.trim().toLowerCase()))
}

function passedHeaders({ rawHeaders }: IncomingMessage, passes: (name: string) => boolean): string[] {
  const headers: string[] = []
  for (let i = 0; i + 1 < rawHeaders.length; i += 2) {
    const name = (rawHeaders[i] ?? '').toLowerCase()
    if (!hopByHop.has(name) && passes(name)) headers.push(rawHeaders[i] ?? '', rawHeaders[i + 1] ?? '')
  }
  return headers
}

/** Redirects to the backend itself lead back through the proxy; those to elsewhere, and relative ones, stay. */
function rewriteLocation(headers: string[], request: IncomingMessage, { prefix }: ProxyPath, backend: Connected): string[] {
  const at = headers.findIndex((name, i) => i % 2 === 0 && name.toLowerCase() === 'location')
  const location = at < 0 ? undefined : headers[at + 1]
  if (!location) return headers
  const [, scheme, host, path = ''] = /^(?:([a-z][a-z0-9+.-]*):)?(?:\/\/([^/?#]*))?(.*)$/is.exec(location) ?? []
  const isElsewhere = host !== undefined && host !== '' && host !== backend.host && host !== request.headers.host
  const isRelative = !path.startsWith('/')
  const isOther = scheme !== undefined && (host ?? '') === ''
  if (isElsewhere || isRelative || isOther) return headers
  const whole = host !== undefined && host === request.headers.host ? `${scheme ? `${scheme}:` : ''}//${host}` : ''
  const rewritten = path.startsWith(prefix) ? `${whole}${path}` : `${whole}${prefix}${path}`
  return headers.with(at + 1, rewritten)
}

function headOf(answer: IncomingMessage, isLast = false): string {
  const lines = [`HTTP/1.1 ${answer.statusCode} ${answer.statusMessage}`]
  const { rawHeaders } = answer
  for (let i = 0; i + 1 < rawHeaders.length; i += 2) {
    const name = (rawHeaders[i] ?? '').toLowerCase()
    if (isLast && (name === 'connection' || name === 'transfer-encoding' || name === 'keep-alive')) continue
    lines.push(`${rawHeaders[i]}: ${rawHeaders[i + 1]}`)
  }
  if (isLast) lines.push('Connection: close')
  return `${lines.join('\r\n')}\r\n\r\n`
}

async function askNode(exchange: Exchange, { rest, query }: ProxyPath, { serve }: Extract<ProxyBackend, { type: 'node' }>) {
  const { method } = exchange.request
  if (method !== 'GET' && method !== 'HEAD') throw new ApiError('MethodNotAllowed', 'the kubelet is only read from here')
  const answer = await serve(rest || '/', new URLSearchParams(query))
  const { status, contentType, body } = answer ?? {
    status: 404,
    contentType: 'text/plain; charset=utf-8',
    body: '404 page not found\n',
  }
  sendBytes(exchange, status, contentType, Buffer.from(body))
}

/** Failures in the words of Go's net package, which people know from upstream. */
function dialFailure({ host }: Connected, failure: unknown): string {
  const code = (failure as { code?: string }).code
  const known: Readonly<Record<string, string>> = {
    ECONNREFUSED: 'connect: connection refused',
    EHOSTUNREACH: 'connect: no route to host',
    ETIMEDOUT: 'connect: connection timed out',
    ECONNRESET: 'connect: connection reset by peer',
  }
  if (code && known[code]) return `dial tcp ${host}: ${known[code]}`
  return failure instanceof Error ? failure.message : String(failure)
}

function goError(failure: Error): string {
  const code = (failure as { code?: string }).code
  if (code === 'ECONNRESET' || failure.message === 'socket hang up') return 'EOF'
  return failure.message
}
