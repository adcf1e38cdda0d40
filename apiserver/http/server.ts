import { createServer, type Server } from 'node:https'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Duplex } from 'node:stream'
import fastify from 'fastify'
import { ApiError } from '../../api/errors.ts'
import type { UserInfo } from '../../api/user.ts'
import type { Clock } from '../../lib/clock.ts'
import { deferred } from '../../lib/deferred.ts'
import type { Log } from '../../lib/log.ts'
import type { Random } from '../../lib/random.ts'
import { aborted, type Run } from '../../lib/run.ts'
import type { Authenticator } from '../auth/authenticator.ts'
import { type Authorizer, forbiddenPath, forbiddenResource } from '../auth/authorizer.ts'
import { serverUser } from '../auth/followed.ts'
import type { Handle } from '../request.ts'
import { longestBody } from './body.ts'
import { type PathHandler, pathHandler, type PathOptions } from './paths.ts'
import { type Exchange, sendStatus, statusOf } from './reply.ts'
import { apiRequest, locationOf, targetOf } from './request.ts'
import { resourceHandler } from './resource.ts'
import type { TableMakers } from './tables.ts'
import { userOf } from './tls-user.ts'
import { upgrader } from './upgrade.ts'

export interface HttpServerOptions extends PathOptions {
  readonly handle: Handle
  readonly authenticator: Authenticator
  readonly authorizer: Authorizer
  readonly tables: TableMakers
  /** PEMs. `ca` is whom client certificates must come from. */
  readonly tls: { readonly ca: string; readonly certificate: string; readonly key: string }
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
      const { app, server } = await build(options, streams)
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

async function build(options: HttpServerOptions, streams: Set<AbortController>) {
  const { tls, log } = options
  const secure = { ca: tls.ca, cert: tls.certificate, key: tls.key, requestCert: true, rejectUnauthorized: false }
  const http = { keepAliveTimeout: 120_000, headersTimeout: 125_000, requestTimeout: 300_000, noDelay: true }
  const door = frontDoor(options, streams)
  const refuse = (error: { code?: string }, request: { raw: IncomingMessage }, reply: Reply) => {
    reply.hijack()
    reply.raw.setHeader('Connection', 'close')
    sendStatus(door.exchange(request.raw, reply.raw), statusOf(parserError(error), log))
  }
  let server: Server | undefined
  const app = fastify({
    bodyLimit: longestBody,
    frameworkErrors: refuse,
    exposeHeadRoutes: false,
    serverFactory: listener => (server = createServer({ ...secure, ...http }, listener)),
    clientErrorHandler: (_error, socket) => {
      if (socket.writable) socket.end('HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n')
    },
  })
  // All bodies come as they are: what is in them is for the pipeline's decoder to say, not for a parser chosen by content type.
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body))
  const noBody = Buffer.alloc(0)
  app.all('*', (request, reply) => {
    reply.hijack()
    void door.serve(request.raw, reply.raw, Buffer.isBuffer(request.body) ? request.body : noBody)
  })
  app.setErrorHandler(refuse)
  await app.ready()
  if (!server) throw new Error('fastify made no server')
  server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => void door.upgrade(request, socket, head))
  return { app, server }
}

type Reply = { hijack(): unknown; raw: ServerResponse }

/** What fastify found wrong before the request reached us. */
function parserError(error: { code?: string }): unknown {
  if (error.code === 'FST_ERR_CTP_BODY_TOO_LARGE') {
    return new ApiError('RequestEntityTooLarge', `Request entity too large: limit is ${longestBody}`)
  }
  if (error.code === 'FST_ERR_BAD_URL') return new ApiError('BadRequest', 'invalid URL escape')
  if (error.code?.startsWith('FST_ERR_CTP')) return new ApiError('BadRequest', `the request body cannot be read: ${error}`)
  return error
}

/** Every request and every upgrade comes in here. */
function frontDoor(options: HttpServerOptions, streams: Set<AbortController>) {
  const { authenticator, authorizer, handle, log, random } = options
  const toStatus = (error: unknown) => statusOf(error, log)
  const serveResource = resourceHandler({ ...options, toStatus, streams })
  const servePath = pathHandler(options)
  const exchange = (request: IncomingMessage, response: ServerResponse): Exchange => ({
    request,
    response,
    auditId: random.uuid(),
  })

  async function answer(own: Exchange, body: Buffer): Promise<void> {
    const { request } = own
    const found = userOf(request, authenticator, authorizer)
    const user = found instanceof Promise ? await found : found
    const location = locationOf(request.url ?? '/')
    const target = targetOf(location)
    if (target) return serveResource({ exchange: own, body, target, location, user })
    await authorizedPath(servePath, own, body, location.path, user)
  }

  function authorizedPath(next: PathHandler, own: Exchange, body: Buffer, path: string, user: UserInfo): Promise<void> {
    const verb = pathVerbs[own.request.method ?? 'GET'] ?? 'get'
    const decision = authorizer.authorizePath(user, verb, path)
    if (!decision.allowed) throw forbiddenPath(user, verb, path, decision)
    return next(own, body, user)
  }

  return {
    exchange,
    async serve(request: IncomingMessage, response: ServerResponse, body: Buffer): Promise<void> {
      const own = exchange(request, response)
      try {
        await answer(own, body)
      } catch (error) {
        if (response.headersSent) response.destroy(error as Error)
        else sendStatus(own, toStatus(error))
      }
    },
    upgrade: upgrader({
      toStatus,
      open: async (request, signal) => handle({ ...(await upgradeCall(request)), signal }),
      async check(request) {
        const call = await upgradeCall(request)
        const decision = authorizer.authorize(call.user, call)
        if (!decision.allowed) throw forbiddenResource(call.user, call, decision)
        // A log has the same conditions on pod and container, and nothing begins before it is read.
        const { container } = call.parameters ?? {}
        await handle({ ...call, user: serverUser, verb: 'get', subresource: 'log', parameters: { container } })
      },
    }),
  }

  async function upgradeCall(request: IncomingMessage) {
    const user = await userOf(request, authenticator, authorizer)
    const { method = 'GET', url = '/', headers } = request
    const location = locationOf(url)
    const target = targetOf(location)
    if (!target) throw new ApiError('BadRequest', `${location.path} cannot be upgraded`)
    return apiRequest({ method, url, headers, body: Buffer.alloc(0) }, target, location, user)
  }
}

const pathVerbs: Readonly<Record<string, string>> = {
  GET: 'get',
  HEAD: 'head',
  POST: 'post',
  PUT: 'put',
  PATCH: 'patch',
  DELETE: 'delete',
}
