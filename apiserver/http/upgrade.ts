import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import type { WebSocket } from 'ws'
import { ApiError, type Status } from '../../api/errors.ts'
import type { Clock } from '../../lib/clock.ts'
import type { WantedStreams } from '../../streaming/exec.ts'
import { agreeOnStream, type StreamAnswer, type StreamKind } from '../../streaming/upgrade.ts'
import { acceptWebSocket, checkHandshake, chooseSubprotocol, type UpgradeRequest } from '../../streaming/websocket.ts'
import type { ApiResponse } from '../request.ts'
import { proxyPath, proxyUpgrade } from './proxy.ts'
import { execParameters } from './query.ts'
import { sendLastStatus } from './reply.ts'
import { locationOf } from './request.ts'

/** Raw bytes, whole or as base64 text: what logs and watches are carried by. */
const binaryProtocols = ['binary.k8s.io', 'base64.binary.k8s.io']

export interface UpgradeOptions {
  /** Authenticates, and asks the pipeline; errors become the HTTP answer. */
  readonly open: (request: IncomingMessage, signal: AbortSignal, auditId: string) => Promise<ApiResponse>
  /** How a request is called in the audit log; asked once. */
  readonly auditIdOf: (request: IncomingMessage) => string
  readonly toStatus: (error: unknown) => Status
  readonly clock: Clock
}

/** Everything about one request for an upgrade. */
interface Upgrade extends UpgradeRequest {
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
  const { request, socket, head, signal, subresource, query, auditId } = upgrade
  const { open, clock } = options
  const proxied = proxyPath(request.url ?? '/')
  if (proxied) {
    const response = await open(request, signal, auditId)
    if (response.type !== 'proxy' || signal.aborted) return discard(response)
    return proxyUpgrade(request, socket, head, proxied, response.backend)
  }
  if (!isStream(subresource)) return serveMessages(upgrade, options)
  const agreed = agreeOnStream(request, subresource, query)
  const response = await open(request, signal, auditId)
  const answer = answerOf(response, query)
  return answer ? agreed.accept(upgrade, answer, clock) : discard(response)
}

const isStream = (subresource: string): subresource is StreamKind => ['exec', 'attach', 'portforward'].includes(subresource)

function answerOf(response: ApiResponse, query: URLSearchParams): StreamAnswer | undefined {
  if (response.type === 'connections') return response
  if (response.type === 'session') return { ...response, wanted: wantedStreams(query) }
  return undefined
}

/** What is open is closed when there is nobody left to carry it to. */
async function discard(response: ApiResponse): Promise<void> {
  if (response.type === 'session') response.session.close()
  if (response.type === 'bytes') await response.chunks[Symbol.asyncIterator]().return?.()
}

/** A terminal has no standard error of its own. */
function wantedStreams(query: URLSearchParams): WantedStreams {
  const { stdin, stdout, stderr, tty } = execParameters(query)
  return { stdin, stdout, stderr: stderr && !tty, tty }
}

/** Logs and watches over a WebSocket. */
async function serveMessages(upgrade: Upgrade, { open, toStatus, clock }: UpgradeOptions): Promise<void> {
  const { request, signal, auditId } = upgrade
  const wanted = String(request.headers.upgrade).toLowerCase()
  if (wanted !== 'websocket') throw new ApiError('BadRequest', `unable to upgrade to ${wanted}`)
  checkHandshake(request)
  const subprotocol = chooseSubprotocol(request, binaryProtocols)
  const response = await open(request, signal, auditId)
  if (signal.aborted) return discard(response)
  const webSocket = await acceptWebSocket(upgrade, clock, subprotocol).catch(async error => {
    await discard(response)
    throw error
  })
  if (response.type === 'bytes' || response.type === 'watch') return carryMessages(webSocket, response, toStatus)
  webSocket.close(1000)
}

async function carryMessages(
  webSocket: WebSocket,
  response: Answer<'bytes'> | Answer<'watch'>,
  toStatus: (error: unknown) => Status,
): Promise<void> {
  const send = (data: string | Uint8Array) => new Promise<void>(resolve => webSocket.send(data, () => resolve()))
  const isBase64 = webSocket.protocol.startsWith('base64')
  try {
    if (response.type === 'bytes') {
      for await (const chunk of response.chunks)
        if (chunk.length > 0) await send(isBase64 ? Buffer.from(chunk).toString('base64') : chunk)
    } else {
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
