import type { IncomingMessage } from 'node:http'
import { ApiError } from '../api/errors.ts'
import type { ExecSession, PodConnections } from '../api/node-agent.ts'
import type { Clock } from '../lib/clock.ts'
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
import { acceptWebSocket, checkHandshake, chooseSubprotocol, listed, type UpgradeRequest } from './websocket.ts'

export type StreamKind = 'exec' | 'attach' | 'portforward'

/** What is at the other end: a command and which of its streams the client wants, or the ports of a pod. */
export type StreamAnswer =
  | { readonly type: 'session'; readonly session: ExecSession; readonly wanted: WantedStreams }
  | { readonly type: 'connections'; readonly pod: PodConnections }

/** An upgrade that both sides agree on, and that has not been answered yet. */
export interface AgreedUpgrade {
  /** Answers 101 and carries until both ends have said all. The session of a client that has gone is closed. */
  accept(upgrade: UpgradeRequest, answer: StreamAnswer, clock: Clock): Promise<void>
}

/**
 * What client and server will speak for exec, attach or port-forward: one of the protocols over SPDY/3.1 or over WebSocket. Throws ApiErrors.
 * `query` holds the ports of a port-forward over channels.
 */
export function agreeOnStream(request: IncomingMessage, kind: StreamKind, query: URLSearchParams): AgreedUpgrade {
  const wanted = String(request.headers.upgrade).toLowerCase()
  if (wanted === 'websocket') return overWebSocket(request, kind, query)
  if (!wanted.includes('spdy/3.1')) throw new ApiError('BadRequest', `unable to upgrade to ${wanted}`)
  return overSpdy(request, kind)
}

/** The end of a client that has gone. */
function drop(answer: StreamAnswer): void {
  if (answer.type === 'session') answer.session.close()
}

function overSpdy(request: IncomingMessage, kind: StreamKind): AgreedUpgrade {
  const protocol = chooseSpdy(request, kind === 'portforward' ? [portForwardProtocol] : execSpdyProtocols)
  return {
    async accept({ socket, head, signal }, answer, clock) {
      if (signal.aborted || socket.destroyed) return drop(answer)
      socket.write(
        `HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: SPDY/3.1\r\nX-Stream-Protocol-Version: ${protocol}\r\n\r\n`,
      )
      if (head.length > 0) socket.unshift(head)
      if (answer.type === 'connections') return forwardOverSpdy(socket, { pod: answer.pod, clock })
      return carryExecOverSpdy({ transport: socket, protocol, session: answer.session, wanted: answer.wanted, clock })
    },
  }
}

const subprotocols: Readonly<Record<StreamKind, readonly string[]>> = {
  exec: execProtocols,
  attach: execProtocols,
  portforward: [tunnelProtocol, ...portForwardChannels],
}

function overWebSocket(request: IncomingMessage, kind: StreamKind, query: URLSearchParams): AgreedUpgrade {
  checkHandshake(request)
  const subprotocol = chooseSubprotocol(request, subprotocols[kind])
  const isTunnel = subprotocol === tunnelProtocol
  const ports = kind === 'portforward' && !isTunnel ? portsOf(query) : []
  return {
    async accept(upgrade, answer, clock) {
      if (upgrade.signal.aborted) return drop(answer)
      const webSocket = await acceptWebSocket(upgrade, clock, subprotocol).catch(error => {
        drop(answer)
        throw error
      })
      if (answer.type === 'session') return carryExec(webSocket, answer.session, answer.wanted)
      if (!isTunnel) return forwardOverChannels(webSocket, ports, answer.pod)
      const { createWebSocketStream } = await import('ws')
      return forwardOverSpdy(createWebSocketStream(webSocket), { pod: answer.pod, clock })
    },
  }
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
