import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer, type Server } from 'node:https'
import type { AddressInfo } from 'node:net'
import type { Duplex } from 'node:stream'
import fastify, { type FastifyReply, type FastifyRequest } from 'fastify'
import { ApiError } from '../../api/errors.ts'
import type { Target } from '../../api/transport.ts'
import type { UserInfo } from '../../api/user.ts'
import type { Clock } from '../../lib/clock.ts'
import { deferred } from '../../lib/deferred.ts'
import type { Log } from '../../lib/log.ts'
import type { Random } from '../../lib/random.ts'
import { aborted, type Run } from '../../lib/run.ts'
import type { Auditor } from '../audit/auditor.ts'
import type { Authenticator } from '../auth/authenticator.ts'
import { type Authorizer, forbiddenPath, forbiddenResource } from '../auth/authorizer.ts'
import type { Gate } from '../overload/gate.ts'
import type { Handle } from '../request.ts'
import { attributesOf, type RequestAttributes } from './attributes.ts'
import { type BodyKinds, bodyTypes, longestBody } from './body.ts'
import { clientError, flawOf, hasBody, methodNotAllowed, parserError, unmetExpectation } from './malformed.ts'
import { type PathOptions, pathHandler } from './paths.ts'
import { proxyCall, proxyPath, proxyRequest } from './proxy.ts'
import { type Arrival, auditIdOf, reception, tellFailure, type Visit } from './reception.ts'
import { sendLastStatus, sendStatus, statusOf } from './reply.ts'
import { apiRequest, type Location, locationOf, targetOf } from './request.ts'
import type { RequestHeaders } from './request-header.ts'
import { resourceHandler } from './resource.ts'
import type { TableMakers } from './tables.ts'
import { upgrader } from './upgrade.ts'
import { type YamlReader, yamlReader } from './yaml-reader.ts'

export interface HttpServerOptions extends PathOptions {
  readonly handle: Handle
  readonly authenticator: Authenticator
  readonly authorizer: Authorizer
  readonly tables: TableMakers
  /** Those that bodies may be of: protobuf says nothing about itself but a kind. */
  readonly kinds: BodyKinds
  /** PEMs. `ca` is whom client certificates must come from. */
  readonly tls: { readonly ca: string; readonly certificate: string; readonly key: string }
  /** Proxies that may say for whom they speak. */
  readonly requestHeaders?: RequestHeaders | undefined
  /** Writes down who did what. */
  readonly audit?: Auditor | undefined
  /** Keeps requests waiting when there are too many. */
  readonly gate?: Gate | undefined
  readonly host: string
  /** 0: any free one. */
  readonly port: number
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
}

/** The API server's front door. */
export interface HttpServer {
  /** Where it listens; rejects when it cannot. Listening begins with `run`. */
  readonly address: Promise<{ readonly host: string; readonly port: number }>
  /** Serves until the signal aborts, then lets open requests finish for half a second and hangs up on the rest. */
  readonly run: Run
}

/**
 * How long clients may take: to say hello, to ask (upstream's ReadHeaderTimeout), to send the body, and between two requests. Who is
 * slower is hung up on, so that many slow ones cannot hold all connections.
 */
const patience = { handshakeTimeout: 32_000, headersTimeout: 32_000, requestTimeout: 300_000, keepAliveTimeout: 120_000 }
/** Tokens and lists of groups can be long. */
const longestHeaders = 64 * 1024

/** How long requests under way get to finish when the server stops. */
const graceInMs = 500

export function serve(options: HttpServerOptions): HttpServer {
  const { log, clock, host, port } = options
  const listening = deferred<{ host: string; port: number }>()
  listening.promise.catch(() => {}) // whoever runs the server hears of it too
  return {
    address: listening.promise,
    async run(signal) {
      const streams = new Set<AbortController>()
      const sockets = new Set<Duplex>()
      const yaml = yamlReader({ clock })
      const { app, server } = await build(options, streams, yaml)
      server.on('connection', (socket: Duplex) => {
        sockets.add(socket)
        socket.once('close', () => sockets.delete(socket))
      })
      try {
        await listen(server, host, port)
      } catch (error) {
        listening.reject(error)
        throw error
      }
      const { address, port: actual } = server.address() as AddressInfo
      listening.resolve({ host: address, port: actual })
      await aborted(signal)

      const closed = new Promise<'closed'>(resolve => server.close(() => resolve('closed')))
      for (const stream of streams) stream.abort()
      for (let waited = 0; waited < graceInMs; waited += 20) {
        server.closeIdleConnections() // one that is busy now may be idle in a moment
        if ((await Promise.race([closed, clock.sleep(20)])) === 'closed') break
      }
      for (const socket of sockets) socket.destroy()
      await closed
      await yaml.close()
      await app.close()
      log.debug({ port: actual }, 'the API server stopped listening')
    },
  }
}

function listen(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen({ host, port, backlog: 1024 }, () => {
      server.off('error', reject)
      resolve()
    })
  })
}

async function build(options: HttpServerOptions, streams: Set<AbortController>, yaml: YamlReader) {
  const { tls, log } = options
  const ca = options.requestHeaders ? [tls.ca, options.requestHeaders.ca] : tls.ca
  const secure = { ca, cert: tls.certificate, key: tls.key, requestCert: true, rejectUnauthorized: false }
  const http = { ...patience, maxHeaderSize: longestHeaders, noDelay: true, requireHostHeader: false }
  const door = frontDoor(options, streams, yaml)
  const refuseRaw = (error: Error, request: IncomingMessage, response: ServerResponse) => {
    response.setHeader('Connection', 'close')
    sendStatus(door.exchange(request, response), statusOf(parserError(error), log))
  }
  const refuse = (error: Error, request: FastifyRequest, reply: FastifyReply) => {
    reply.hijack()
    refuseRaw(error, request.raw, reply.raw)
  }
  let server: Server | undefined
  const app = fastify({
    bodyLimit: longestBody,
    frameworkErrors: refuse,
    exposeHeadRoutes: false,
    // What is proxied is not for the framework: it would gather the body, and know better about methods and paths.
    serverFactory: listener =>
      (server = createServer({ ...secure, ...http }, (request, response) => {
        const flaw = flawOf(request)
        if (flaw) refuseRaw(flaw, request, response)
        else if (proxyPath(request.url ?? '/')) void door.proxy(request, response)
        else listener(request, response)
      })),
    clientErrorHandler: (error, socket) => {
      // Who is in the middle of an answer cannot be given another one.
      const { _httpMessage: answer } = socket as Duplex & { _httpMessage?: ServerResponse }
      if (answer?.headersSent || error.code === 'ECONNRESET') socket.destroy()
      else sendLastStatus(socket, clientError(error).status, options.clock)
    },
  })
  // All bodies come as they are: what is in them is for the pipeline's decoder to say, not for a parser chosen by content type.
  app.removeAllContentTypeParsers()
  app.addContentTypeParser([...bodyTypes, '*'], { parseAs: 'buffer' }, (_request, body, done) => done(null, body))
  const noBody = Buffer.alloc(0)
  const serveAny = (request: FastifyRequest, reply: FastifyReply) => {
    reply.hijack()
    const isRead = Buffer.isBuffer(request.body)
    if (!isRead && hasBody(request.raw)) request.raw.resume() // unread, it would hide that the client has gone
    void door.serve(request.raw, reply.raw, isRead ? (request.body as Buffer) : noBody)
  }
  app.all('*', serveAny)
  app.setNotFoundHandler(serveAny) // methods that the framework has never heard of
  app.setErrorHandler(refuse)
  await app.ready()
  if (!server) throw new Error('fastify made no server')
  server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => void door.upgrade(request, socket, head))
  server.on('checkExpectation', (request, response) => refuseRaw(unmetExpectation(), request, response))
  server.on('connect', (_request, socket: Duplex) => sendLastStatus(socket, methodNotAllowed().status, options.clock))
  return { app, server }
}

/** These are answered by other protocols than HTTP. */
const upgrades = new Set(['exec', 'attach', 'portforward'])

/** What a request asks, and for whom. */
interface Question {
  readonly body: Buffer
  readonly location: Location
  /** Absent: it is about no resource. */
  readonly target: Target | undefined
  readonly attributes: RequestAttributes
  readonly user: UserInfo
}

/** Every request and every upgrade comes in here. */
function frontDoor(options: HttpServerOptions, streams: Set<AbortController>, yaml: YamlReader) {
  const { authorizer, handle, log, gate } = options
  const toStatus = (error: unknown) => statusOf(error, log)
  const { arrive, admit, leave, onCall, onAnswer } = reception(options)
  const serveResource = resourceHandler({ ...options, yaml, toStatus, streams, onCall, onAnswer })
  const servePath = pathHandler(options)
  const visitOf = (request: IncomingMessage, response: ServerResponse): Visit => ({
    request,
    response,
    auditId: auditIdOf(request) ?? options.random.uuid(),
  })

  /** Who was let in gets an answer. */
  function answer(visit: Visit, { body, location, target, attributes, user }: Question): Promise<void> {
    if (target?.subresource !== undefined && upgrades.has(target.subresource)) checkUpgrade(user, attributes)
    if (target) return serveResource({ exchange: visit, body, target, location, user })
    const decision = authorizer.authorizePath(user, attributes.verb, location.path)
    const decidesItself = options.decidesItself?.(location.path) && user.groups?.includes('system:authenticated')
    if (!decision.allowed && !decidesItself) throw forbiddenPath(user, attributes.verb, location.path, decision)
    return servePath(visit, body, user)
  }

  /** Who may not have it is not told either how to ask for it. */
  function checkUpgrade(user: UserInfo, attributes: RequestAttributes): void {
    const decision = authorizer.authorize(user, attributes)
    if (!decision.allowed) throw forbiddenResource(user, attributes, decision)
  }

  async function callOf(visit: Arrival) {
    const { request } = visit
    const { method = 'GET', url = '/', headers } = request
    const proxied = proxyPath(url)
    const location = locationOf(url)
    const target = targetOf(location)
    const user = await arrive(visit, attributesOf(method, target, location))
    if (proxied) return proxyCall(method, proxied, user)
    if (!target) throw new ApiError('BadRequest', `${location.path} cannot be upgraded`)
    return apiRequest({ method, url, headers, body: Buffer.alloc(0) }, target, location, user, { kinds: options.kinds })
  }

  return {
    exchange: visitOf,
    async serve(request: IncomingMessage, response: ServerResponse, body: Buffer): Promise<void> {
      const visit = visitOf(request, response)
      try {
        const location = locationOf(request.url ?? '/')
        const target = targetOf(location)
        const attributes = attributesOf(request.method, target, location)
        const arriving = arrive(visit, attributes)
        const user = arriving instanceof Promise ? await arriving : arriving
        const admitted = gate && admit(visit, user, attributes)
        if (admitted) await admitted
        await answer(visit, { body, location, target, attributes, user })
      } catch (error) {
        const status = toStatus(error)
        tellFailure(visit, error, status)
        if (response.headersSent) response.destroy(error as Error)
        else sendStatus(visit, status)
      } finally {
        leave(visit)
      }
    },
    async proxy(request: IncomingMessage, response: ServerResponse): Promise<void> {
      const visit = visitOf(request, response)
      try {
        const path = proxyPath(request.url ?? '/')
        const call = await callOf(visit)
        const answered = await handle({ ...call, annotate: visit.trail?.annotate })
        if (path && answered.type === 'proxy') await proxyRequest(visit, path, answered.backend)
      } catch (error) {
        const status = toStatus(error)
        tellFailure(visit, error, status)
        request.resume()
        if (response.headersSent) response.destroy()
        else sendStatus(visit, status)
      }
    },
    upgrade: upgrader({
      toStatus,
      clock: options.clock,
      auditIdOf: request => auditIdOf(request) ?? options.random.uuid(),
      async open(request, signal, auditId) {
        const visit: Arrival = { request, auditId }
        try {
          const call = await callOf(visit)
          const answered = await handle({ ...call, signal, annotate: visit.trail?.annotate })
          visit.trail?.started(101)
          return answered
        } catch (error) {
          if (error instanceof ApiError) tellFailure(visit, error, error.status)
          throw error
        }
      },
    }),
  }
}
