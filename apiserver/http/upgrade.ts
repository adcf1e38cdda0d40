import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import type { WebSocket } from 'ws'
import { ApiError, type Status } from '../../api/errors.ts'
import type { ApiResponse } from '../request.ts'
import { carryExec, execProtocols } from './exec.ts'

/** Raw bytes, whole or as base64 text: what logs and watches are carried by. */
const binaryProtocols = ['binary.k8s.io', 'base64.binary.k8s.io']
const tokenProtocol = 'base64url.bearer.authorization.k8s.io.'

export interface UpgradeOptions {
  /** Authenticates, and asks the pipeline; errors become the HTTP answer. */
  readonly open: (request: IncomingMessage, signal: AbortSignal) => Promise<ApiResponse>
  /** Throws what `open` would throw, without running anything. */
  readonly check: (request: IncomingMessage) => Promise<void>
  readonly toStatus: (error: unknown) => Status
}

/**
 * Takes upgrade requests: exec and attach, logs and watches over WebSocket. The command runs before the handshake is answered, so
 * that a refusal is a plain HTTP answer and no input can come too early.
 */
export function upgrader({ open, check, toStatus }: UpgradeOptions) {
  return async function upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
    const gone = new AbortController()
    socket.on('error', () => gone.abort())
    socket.on('close', () => gone.abort())
    try {
      const protocol = String(request.headers.upgrade).toLowerCase()
      if (protocol !== 'websocket') {
        // Newer clients come with SPDY when WebSocket was refused, and show the answer to that: it has to tell the real reason.
        await check(request)
        throw new ApiError('BadRequest', `unable to upgrade to ${protocol}: this server speaks WebSocket only`)
      }
      const subprotocol = choose(request)
      const response = await open(request, gone.signal)
      if (gone.signal.aborted) return void (response.type === 'session' && response.session.close())
      const webSocket = await handshake(request, socket, head, subprotocol)
      await carry(webSocket, response, toStatus)
    } catch (error) {
      refuse(socket, toStatus(error))
    }
  }
}

/** A bearer token that a browser had to hide among the subprotocols. */
export function tokenFromProtocols(request: IncomingMessage): string | undefined {
  const hidden = offered(request).find(protocol => protocol.startsWith(tokenProtocol))
  return hidden && Buffer.from(hidden.slice(tokenProtocol.length), 'base64url').toString()
}

function offered(request: IncomingMessage): string[] {
  return String(request.headers['sec-websocket-protocol'] ?? '')
    .split(',')
    .map(protocol => protocol.trim())
    .filter(Boolean)
}

/** The best subprotocol that both sides speak; `undefined` when the client named none. */
function choose(request: IncomingMessage): string | undefined {
  const supported = /\/(exec|attach)(\?|$)/.test(request.url ?? '') ? execProtocols : binaryProtocols
  const names = offered(request).filter(protocol => !protocol.startsWith(tokenProtocol))
  const chosen = supported.find(protocol => names.includes(protocol))
  if (chosen || names.length === 0) return chosen
  throw new ApiError('BadRequest', `no supported subprotocol among ${names.join(', ')}; supported are ${supported.join(', ')}`)
}

async function handshake(request: IncomingMessage, socket: Duplex, head: Buffer, subprotocol?: string): Promise<WebSocket> {
  const { WebSocketServer } = await import('ws')
  const server = new WebSocketServer({
    noServer: true,
    clientTracking: false,
    perMessageDeflate: false,
    handleProtocols: () => subprotocol ?? false,
  })
  return new Promise(resolve => server.handleUpgrade(request, socket, head, resolve))
}

async function carry(webSocket: WebSocket, response: ApiResponse, toStatus: (error: unknown) => Status): Promise<void> {
  webSocket.on('error', () => webSocket.terminate())
  if (response.type === 'session') return carryExec(webSocket, response.session)
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

/** Answers a request for an upgrade with a Status and hangs up. */
function refuse(socket: Duplex, status: Status): void {
  if (socket.destroyed) return
  const body = JSON.stringify(status)
  socket.end(
    `HTTP/1.1 ${status.code} ${status.reason ?? 'Error'}\r\nContent-Type: application/json\r\n` +
      `Content-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`,
  )
}
