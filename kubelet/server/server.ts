import {
  createServer as createPlainServer,
  type IncomingMessage,
  type Server as PlainServer,
  type RequestListener,
} from 'node:http'
import { createServer, type Server } from 'node:https'
import type { AddressInfo } from 'node:net'
import type { Duplex } from 'node:stream'
import type { Client } from '../../client/client.ts'
import type { Clock } from '../../lib/clock.ts'
import { deferred } from '../../lib/deferred.ts'
import type { Log } from '../../lib/log.ts'
import { aborted, type Run } from '../../lib/run.ts'
import { type Answer, answerTo, Refused, send, sendLast } from './answer.ts'
import { requestAuthenticator } from './authentication.ts'
import { requestAuthorizer } from './authorization.ts'
import type { KubeletServerConfig } from './config.ts'
import { type Match, routeOf } from './routes.ts'
import { serveStream } from './streams.ts'
import type { Host } from './visit.ts'

/** PEMs. */
export interface ServingCertificate {
  readonly certificate: string
  readonly key: string
}

export interface KubeletServerOptions {
  readonly nodeName: string
  readonly host: Host
  /** Asks about tokens and rights, as the node. */
  readonly client: Client
  readonly config: KubeletServerConfig
  /** Asked at each connection, so that a new one is shown from the next connection on. */
  readonly certificate: () => ServingCertificate
  /** Told of every request, for the kubelet's metrics. */
  readonly onRequest?: ((labels: Readonly<Record<string, string>>) => void) | undefined
  readonly clock: Clock
  readonly log: Log
}

/** A kubelet's front door. */
export interface KubeletServer {
  /** Where it listens; rejects when it cannot. Listening begins with `run`. */
  readonly address: Promise<{ readonly host: string; readonly port: number }>
  /** Serves until the signal aborts, then hangs up on everybody. */
  readonly run: Run
}

/** How long clients may take to say hello and to ask, and between two requests (pkg/kubelet/server: IdleTimeout 90 s). */
const patience = { headersTimeout: 32_000, requestTimeout: 300_000, keepAliveTimeout: 90_000 }
const handshakeTimeout = 10_000

/** Serves what a kubelet tells and does by HTTPS, to those who are known and may (pkg/kubelet/server/server.go). */
export function kubeletServer(options: KubeletServerOptions): KubeletServer {
  const { config, log } = options
  const listening = deferred<{ host: string; port: number }>()
  listening.promise.catch(() => {}) // whoever runs the server hears of it too
  return {
    address: listening.promise,
    async run(signal) {
      const server = secureServer(options)
      const doors = frontDoor(options)
      server.on('request', doors.request)
      server.on('upgrade', doors.upgrade)
      const open = [server, ...(config.healthz ? [healthServer(options.host)] : [])]
      const sockets = new Set<Duplex>()
      for (const each of open) {
        each.on('connection', (socket: Duplex) => {
          sockets.add(socket)
          socket.once('close', () => sockets.delete(socket))
        })
      }
      const close = async () => {
        const closed = open.map(each => new Promise(resolve => each.close(resolve)))
        for (const socket of sockets) socket.destroy()
        await Promise.all(closed)
      }
      try {
        const places = [config, ...(config.healthz ? [config.healthz] : [])]
        await Promise.all(open.map((each, i) => listen(each, places[i] ?? config)))
      } catch (error) {
        listening.reject(error)
        await close()
        throw error
      }
      const { address, port } = server.address() as AddressInfo
      log.debug({ address, port }, 'the kubelet listens')
      listening.resolve({ host: address, port })
      await aborted(signal)
      await close()
    },
  }
}

function listen(server: PlainServer | Server, { address, port }: { address: string; port: number }): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen({ host: address, port }, () => {
      server.off('error', reject)
      server.on('error', () => {})
      resolve()
    })
  })
}

function secureServer({ config: { clientCa }, certificate }: KubeletServerOptions): Server {
  let shown = certificate()
  const secure = ({ certificate: cert, key }: ServingCertificate) => ({
    cert,
    key,
    ...(clientCa !== undefined && { ca: clientCa }),
  })
  const server = createServer({
    ...secure(shown),
    ...patience,
    noDelay: true,
    // A machine that is cut off says nothing: asking it now and then is what tells.
    keepAlive: true,
    keepAliveInitialDelay: 15_000,
    handshakeTimeout,
    requestCert: clientCa !== undefined,
    rejectUnauthorized: false, // who shows no certificate may have a token
    minVersion: 'TLSv1.2',
    ALPNProtocols: ['http/1.1'],
  })
  // Before the connection is taken up: the context it gets is the one that stands then.
  server.prependListener('connection', () => {
    const next = certificate()
    if (next === shown) return
    shown = next
    server.setSecureContext(secure(next))
  })
  return server
}

interface Call extends Match {
  readonly path: string
  readonly query: URLSearchParams
}

function frontDoor(options: KubeletServerOptions) {
  const { config, host, clock, log } = options
  const authenticate = requestAuthenticator(options)
  const authorize = requestAuthorizer(options)

  /** What is to be done for somebody who may ask for it; throws what is answered otherwise. */
  const admitted = async (request: IncomingMessage): Promise<Call> => {
    const { method = 'GET', url = '/' } = request
    const at = url.indexOf('?')
    const path = at < 0 ? url : url.slice(0, at)
    const match = routeOf(method, path, config)
    options.onRequest?.(requestLabels(method, path, match))
    if (!match) throw new Refused(404, '404 page not found\n')
    const user = await authenticate(request).catch((err: unknown) => {
      log.warn({ err: String(err) }, 'a request could not be authenticated')
      return undefined
    })
    if (!user) throw new Refused(401, 'Unauthorized')
    const refusal = await authorize(user, method, path)
    if (refusal) throw new Refused(refusal.code, refusal.text)
    return { ...match, path, query: new URLSearchParams(at < 0 ? '' : url.slice(at + 1)) }
  }

  const request: RequestListener = (incoming, response) => {
    response.on('error', () => response.destroy())
    admitted(incoming)
      .then(call => call.handle({ request: incoming, response, ...call }, host, config))
      .catch((error: unknown) => send(response, told(error)))
      .finally(() => incoming.resume()) // what nobody has read would keep the connection from its next request
  }
  const upgrade = (incoming: IncomingMessage, socket: Duplex, head: Buffer) => {
    const gone = new AbortController()
    socket.on('error', () => socket.destroy())
    socket.on('close', () => gone.abort())
    const answer = async () => {
      const { stream, parameters, query } = await admitted(incoming)
      if (!stream) throw new Refused(400, `unable to upgrade to ${String(incoming.headers.upgrade).toLowerCase()}\n`)
      await serveStream(
        { request: incoming, socket, head, signal: gone.signal },
        { kind: stream, parameters, query },
        host,
        clock,
      )
    }
    answer().catch((error: unknown) => sendLast(socket, told(error)))
  }
  const told = (error: unknown): Answer => {
    const answer = answerTo(error)
    if (answer.code >= 500) log.debug({ err: String(error) }, 'a request failed')
    return answer
  }
  return { request, upgrade }
}

const knownMethods = new Set(['OPTIONS', 'GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'TRACE', 'CONNECT'])

/** As upstream counts requests: by the path's first part, and by no more than what is known. */
function requestLabels(method: string, path: string, match: Match | undefined): Record<string, string> {
  const [first = '', second = ''] = path.slice(1).split('/')
  const isMetrics = first === 'metrics' && ['cadvisor', 'probes', 'resource'].includes(second)
  return {
    long_running: String(['exec', 'attach', 'portforward', 'debug'].includes(first)),
    method: knownMethods.has(method) ? method : 'other',
    path: !match ? 'other' : isMetrics ? `${first}/${second}` : first,
    server_type: 'readwrite',
  }
}

/** Health for whoever asks on this machine. */
function healthServer({ agent }: Host): PlainServer {
  return createPlainServer(patience, (request, response) => {
    const { pathname, searchParams } = new URL(request.url ?? '/', 'http://localhost')
    const isHealth = pathname === '/healthz' || pathname.startsWith('/healthz/')
    const asked = isHealth ? agent.serve?.(pathname, searchParams) : undefined
    Promise.resolve(asked)
      .then(found => found ?? { status: 404, contentType: undefined, body: '404 page not found\n' })
      .then(({ status, contentType, body }) => send(response, { code: status, body, contentType }))
      .catch((error: unknown) => send(response, answerTo(error)))
  })
}
