import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import type { WebSocket } from 'ws'
import { ApiError } from '../api/errors.ts'
import type { Clock } from '../lib/clock.ts'

const tokenProtocol = 'base64url.bearer.authorization.k8s.io.'

/** A request that wants to become something else, on its socket. */
export interface UpgradeRequest {
  readonly request: IncomingMessage
  readonly socket: Duplex
  /** What came after the request already. */
  readonly head: Buffer
  /** Aborts when the client is gone. */
  readonly signal: AbortSignal
}

/** The names in a header that lists some. */
export function listed(header: string | string[] | undefined): string[] {
  return String(header ?? '')
    .split(',')
    .map(protocol => protocol.trim())
    .filter(Boolean)
}

/** A bearer token that a browser had to hide among the subprotocols. */
export function tokenFromProtocols(request: IncomingMessage): string | undefined {
  const hidden = listed(request.headers['sec-websocket-protocol']).find(protocol => protocol.startsWith(tokenProtocol))
  return hidden && Buffer.from(hidden.slice(tokenProtocol.length), 'base64url').toString()
}

/**
 * The subprotocol to speak, out of those that are spoken here, the best first. Who can speak the best is taken at his word, everybody
 * else at the first one that is spoken here; `undefined` for who names none. Throws BadRequest.
 */
export function chooseSubprotocol(request: IncomingMessage, supported: readonly string[]): string | undefined {
  const names = listed(request.headers['sec-websocket-protocol']).filter(protocol => !protocol.startsWith(tokenProtocol))
  const [best] = supported
  const chosen = best && names.includes(best) ? best : names.find(name => supported.includes(name))
  if (chosen || names.length === 0) return chosen
  throw new ApiError('BadRequest', `no supported subprotocol among ${names.join(', ')}; supported are ${supported.join(', ')}`)
}

/** Throws what would make the handshake fail, so that it is said before anything is begun for it. */
export function checkHandshake({ method, headers }: IncomingMessage): void {
  const key = headers['sec-websocket-key'] ?? ''
  const version = headers['sec-websocket-version']
  if (method !== 'GET') throw new ApiError('MethodNotAllowed', 'a WebSocket begins with GET')
  if (!/^[+/0-9A-Za-z]{22}==$/.test(key)) throw new ApiError('BadRequest', 'missing or invalid Sec-WebSocket-Key header')
  if (version !== '13' && version !== '8') throw new ApiError('BadRequest', 'missing or invalid Sec-WebSocket-Version header')
}

/**
 * Answers 101; the socket is looked after from then on. Rejects when the client has gone. The protocol's answer is written here: the
 * library takes no names with a slash, which that of the tunnel has.
 */
export async function acceptWebSocket(upgrade: UpgradeRequest, clock: Clock, subprotocol?: string): Promise<WebSocket> {
  const { request, socket, head, signal } = upgrade
  const { WebSocketServer } = await import('ws')
  const server = new WebSocketServer({ noServer: true, clientTracking: false, perMessageDeflate: false })
  if (subprotocol) server.on('headers', headers => headers.push(`Sec-WebSocket-Protocol: ${subprotocol}`))
  delete request.headers['sec-websocket-protocol']
  const accepted = await new Promise<WebSocket>((resolve, reject) => {
    const onGone = () => reject(new Error('the client is gone'))
    signal.addEventListener('abort', onGone, { once: true })
    server.on('wsClientError', reject)
    server.handleUpgrade(request, socket, head, webSocket => {
      signal.removeEventListener('abort', onGone)
      if (subprotocol) Object.defineProperty(webSocket, 'protocol', { value: subprotocol })
      resolve(webSocket)
    })
  })
  accepted.on('error', () => accepted.terminate())
  pingNowAndThen(accepted, clock)
  return accepted
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
