import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import type { WebSocket } from 'ws'
import { ApiError, type Status } from '../../api/errors.ts'
import type { Clock } from '../../lib/clock.ts'
import type { ApiResponse } from '../request.ts'
import { carryExec, execProtocols, type WantedStreams } from './exec.ts'
import { carryExecOverSpdy, execSpdyProtocols } from './exec-spdy.ts'
import {
  forwardOverChannels,
  forwardOverSpdy,
  portForwardChannels,
  portForwardProtocol,
  portsOf,
  tunnelProtocol,
} from './port-forward.ts'
import { proxyPath, proxyUpgrade } from './proxy.ts'
import { execParameters } from './query.ts'
import { sendLastStatus } from './reply.ts'
import { locationOf } from './request.ts'

/** Raw bytes, whole or as base64 text: what logs and watches are carried by. */
const binaryProtocols = ['binary.k8s.io', 'base64.binary.k8s.io']
const tokenProtocol = 'base64url.bearer.authorization.k8s.io.'

export interface UpgradeOptions {
  /** Authenticates, and asks the pipeline; errors become the HTTP answer. */
  readonly open: (request: IncomingMessage, signal: AbortSignal, auditId: string) => Promise<ApiResponse>
  /** How a request is called in the audit log; asked once. */
  readonly auditIdOf: (request: IncomingMessage) => string
  readonly toStatus: (error: unknown) => Status
  readonly clock: Clock
}

/** Everything about one request for an upgrade. */
interface Upgrade {
  readonly request: IncomingMessage
  readonly socket: Duplex
  readonly head: Buffer
  readonly signal: AbortSignal
  /** `exec`, `attach`, `portforward`, `log`, or whatever else the path ends with. */
  readonly subresource: string
  readonly query: URLSearchParams
  readonly auditId: string
}

type Answer<Type extends ApiResponse['type']> = Extract<ApiResponse, { type: Type }>

/**
 * Takes upgrade requests: exec, attach and port-forward over SPDY and WebSocket, logs and watches over WebSocket, and whatever a proxied
 * server wants. The pipeline answers before the handshake does, so that a refusal is a plain HTTP answer and no input can come too early.
 * Whoever vanishes meanwhile leaves nothing behind.
 */
export function upgrader(options: UpgradeOptions) {
  return async function upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
    const gone = new AbortController()
    socket.on('error', () => socket.destroy())
    socket.on('close', () => gone.abort())
    const { path, query } = locationOf(request.url ?? '/')
    const subresource = path.replace(/\/$/, '').split('/').at(-1) ?? ''
    const auditId = options.auditIdOf(request)
    try {
      await serveUpgrade({ request, socket, head, signal: gone.signal, subresource, query, auditId }, options)
    } catch (error) {
      sendLastStatus(socket, options.toStatus(error), options.clock, auditId)
    }
  }
}

async function serveUpgrade(upgrade: Upgrade, options: UpgradeOptions): Promise<void> {
  const { request, socket, head, signal, auditId } = upgrade
  const { open, clock } = options
  const proxied = proxyPath(request.url ?? '/')
  if (proxied) {
    const response = await open(request, signal, auditId)
    if (response.type !== 'proxy' || signal.aborted) return discard(response)
    return proxyUpgrade(request, socket, head, proxied, response.backend)
  }
  const wanted = String(request.headers.upgrade).toLowerCase()
  if (wanted === 'websocket') return serveWebSocket(upgrade, options)
  const isStream = ['exec', 'attach', 'portforward'].includes(upgrade.subresource)
  if (!wanted.includes('spdy/3.1') || !isStream) throw new ApiError('BadRequest', `unable to upgrade to ${wanted}`)

  const isForward = upgrade.subresource === 'portforward'
  const protocol = chooseSpdy(request, isForward ? [portForwardProtocol] : execSpdyProtocols)
  const response = await open(request, signal, auditId)
  if (signal.aborted || socket.destroyed) return discard(response)
  socket.write(
    `HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: SPDY/3.1\r\nX-Stream-Protocol-Version: ${protocol}\r\n\r\n`,
  )
  if (head.length > 0) socket.unshift(head)
  if (response.type === 'connections') return forwardOverSpdy(socket, { pod: response.pod, clock })
  if (response.type !== 'session') return discard(response)
  const { session } = response
  return carryExecOverSpdy({ transport: socket, protocol, session, wanted: wantedStreams(upgrade), clock })
}

async function serveWebSocket(upgrade: Upgrade, { open, toStatus, clock }: UpgradeOptions): Promise<void> {
  const { request, signal, query, subresource, auditId } = upgrade
  checkHandshake(request)
  const subprotocol = choose(upgrade)
  const isTunnel = subprotocol === tunnelProtocol
  const ports = subresource === 'portforward' && !isTunnel ? portsOf(query) : []
  const response = await open(request, signal, auditId)
  if (signal.aborted) return discard(response)
  const webSocket = await handshake(upgrade, subprotocol).catch(async error => {
    await discard(response)
    throw error
  })
  webSocket.on('error', () => webSocket.terminate())
  pingNowAndThen(webSocket, clock)
  if (response.type === 'session') return carryExec(webSocket, response.session, wantedStreams(upgrade))
  if (response.type === 'connections') {
    if (!isTunnel) return forwardOverChannels(webSocket, ports, response.pod)
    const { createWebSocketStream } = await import('ws')
    return forwardOverSpdy(createWebSocketStream(webSocket), { pod: response.pod, clock })
  }
  return carryMessages(webSocket, response, toStatus)
}

const pingEveryInMs = 30_000

/** A client that is not read, because what it sends is not taken, is not missed when it goes; writing to it is what tells. */
export function pingNowAndThen(webSocket: Pick<WebSocket, 'ping' | 'once'>, clock: Clock): void {
  let cancel = () => {}
  const next = () => {
    cancel = clock.after(pingEveryInMs, () => {
      webSocket.ping(undefined, undefined, () => {}) // a failure closes the socket, which is all that matters
      next()
    })
  }
  next()
  webSocket.once('close', () => cancel())
}

/** What is open is closed when there is nobody left to carry it to. */
async function discard(response: ApiResponse): Promise<void> {
  if (response.type === 'session') response.session.close()
  if (response.type === 'bytes') await response.chunks[Symbol.asyncIterator]().return?.()
}

/** A terminal has no standard error of its own. */
function wantedStreams({ query }: Upgrade): WantedStreams {
  const { stdin, stdout, stderr, tty } = execParameters(query)
  return { stdin, stdout, stderr: stderr && !tty, tty }
}

/** A bearer token that a browser had to hide among the subprotocols. */
export function tokenFromProtocols(request: IncomingMessage): string | undefined {
  const hidden = listed(request.headers['sec-websocket-protocol']).find(protocol => protocol.startsWith(tokenProtocol))
  return hidden && Buffer.from(hidden.slice(tokenProtocol.length), 'base64url').toString()
}

function listed(header: string | string[] | undefined): string[] {
  return String(header ?? '')
    .split(',')
    .map(protocol => protocol.trim())
    .filter(Boolean)
}

/** Who can end just one channel is taken at its best word, everybody else at the first one that is spoken here. */
function choose({ request, subresource }: Upgrade): string | undefined {
  const names = listed(request.headers['sec-websocket-protocol']).filter(protocol => !protocol.startsWith(tokenProtocol))
  const supported = supportedProtocols[subresource] ?? binaryProtocols
  const [best] = supported
  const chosen = best && names.includes(best) ? best : names.find(name => supported.includes(name))
  if (chosen || names.length === 0) return chosen
  throw new ApiError('BadRequest', `no supported subprotocol among ${names.join(', ')}; supported are ${supported.join(', ')}`)
}

const supportedProtocols: Readonly<Record<string, readonly string[]>> = {
  exec: execProtocols,
  attach: execProtocols,
  portforward: [tunnelProtocol, ...portForwardChannels],
}

/** The first of the client's protocols that is spoken here; throws what upstream answers otherwise (apimachinery/pkg/util/httpstream). */
function chooseSpdy(request: IncomingMessage, supported: readonly string[]): string {
  const names = listed(request.headers['x-stream-protocol-version'])
  if (names.length === 0) throw new ApiError('BadRequest', 'unable to upgrade: X-Stream-Protocol-Version is required')
  const chosen = names.find(name => supported.includes(name))
  if (chosen) return chosen
  const both = `client supports [${names.join(' ')}], server accepts [${supported.join(' ')}]`
  throw new ApiError('Forbidden', `unable to upgrade: unable to negotiate protocol: ${both}`)
}

/** What would make the handshake fail is said before anything is begun for it. */
function checkHandshake({ method, headers }: IncomingMessage): void {
  const key = headers['sec-websocket-key'] ?? ''
  const version = headers['sec-websocket-version']
  if (method !== 'GET') throw new ApiError('MethodNotAllowed', 'a WebSocket begins with GET')
  if (!/^[+/0-9A-Za-z]{22}==$/.test(key)) throw new ApiError('BadRequest', 'missing or invalid Sec-WebSocket-Key header')
  if (version !== '13' && version !== '8') throw new ApiError('BadRequest', 'missing or invalid Sec-WebSocket-Version header')
}

/** The protocol's answer is written here: the library takes no names with a slash, which that of the tunnel has. */
async function handshake({ request, socket, head, signal }: Upgrade, subprotocol?: string): Promise<WebSocket> {
  const { WebSocketServer } = await import('ws')
  const server = new WebSocketServer({ noServer: true, clientTracking: false, perMessageDeflate: false })
  if (subprotocol) server.on('headers', headers => headers.push(`Sec-WebSocket-Protocol: ${subprotocol}`))
  delete request.headers['sec-websocket-protocol']
  return new Promise((resolve, reject) => {
    const onGone = () => reject(new Error('the client is gone'))
    signal.addEventListener('abort', onGone, { once: true })
    server.on('wsClientError', reject)
    server.handleUpgrade(request, socket, head, webSocket => {
      signal.removeEventListener('abort', onGone)
      if (subprotocol) Object.defineProperty(webSocket, 'protocol', { value: subprotocol })
      resolve(webSocket)
    })
  })
}

async function carryMessages(
  webSocket: WebSocket,
  response: Exclude<ApiResponse, Answer<'session'> | Answer<'connections'>>,
  toStatus: (error: unknown) => Status,
): Promise<void> {
  const send = (data: string | Uint8Array) => new Promise<void>(resolve => webSocket.send(data, () => resolve()))
  const isBase64 = webSocket.protocol.startsWith('base64')
  try {
    if (response.type === 'bytes') {
      for await (const chunk of response.chunks) await send(isBase64 ? Buffer.from(chunk).toString('base64') : chunk)
    } else if (response.type === 'watch') {
      for await (const frames of response.events) {
        for (const { type, bytes } of frames) await send(`{"type":"${type}","object":${Buffer.from(bytes).toString()}}`)
      }
    }
  } catch (error) {
    await send(`{"type":"ERROR","object":${JSON.stringify(toStatus(error))}}`)
  } finally {
    webSocket.close(1000)
  }
}
