import { type IncomingMessage, Agent as PlainAgent, request as plainRequest, type RequestOptions } from 'node:http'
import { Agent, request as secureRequest } from 'node:https'
import type { Socket } from 'node:net'
import { causeHeaders } from '../api/cause-headers.ts'
import { ApiError } from '../api/errors.ts'
import type { ExecOptions, ExecSession } from '../api/node-agent.ts'
import { pathOf } from '../api/paths.ts'
import {
  type Call,
  type KubeList,
  type KubeObject,
  patchTypes,
  type Transport,
  type Verb,
  type WatchEvent,
} from '../api/transport.ts'
import { systemClock } from '../lib/clock.ts'
import { connectionError, responseError } from './http-errors.ts'
import { jsonLines } from './json-lines.ts'
import type { PortConnection } from './port-connection.ts'

/** Another user to act as (`Impersonate-*` headers). */
export interface Impersonation {
  user: string
  uid?: string
  groups?: readonly string[]
  extra?: Readonly<Record<string, readonly string[]>>
}

/** Where an API server is and who we are to it. */
export interface HttpTransportOptions {
  /** `https://127.0.0.1:6443`; plain http is for `kubectl proxy` and tests. */
  server: string
  /** PEM. Absent: the system's authorities. */
  ca?: string
  /** PEM, both or neither. */
  cert?: string
  key?: string
  /** Who we are by now, instead of `cert` and `key`: a new answer is used from the next connection on, and open ones go on. */
  clientCertificate?: () => { readonly cert: string; readonly key: string }
  token?: string
  /** Whom to act as, which the server allows to those who may impersonate. */
  impersonate?: Impersonation
  /** The name that the server's certificate must carry, when it is not the host of `server`. */
  tlsServerName?: string
  insecureSkipTlsVerify?: boolean
  /** Starts with the product's name, which becomes the field manager. */
  userAgent?: string
  /** Is told every `Warning` header's text. */
  onWarning?: (text: string) => void
  /** How long a server may take to take up a connection; default 30 s, as client-go's. */
  connectTimeoutInMs?: number
  /** How long a server may say nothing before a call is given up; watches and logs may be silent for ever. */
  silenceInMs?: number
}

export interface HttpRequest {
  method: string
  path: string
  headers?: Record<string, string>
  body?: string
  signal?: AbortSignal | undefined
}

/** The transport over HTTP, and below it plain requests for whoever wants another representation (tables, OpenAPI). */
export interface HttpTransport extends Transport {
  /** The answer of any status; rejects with a ServiceUnavailable when there is none. */
  request(request: HttpRequest): Promise<{ status: number; headers: IncomingMessage['headers']; text: string }>
  /** The body of a GET as it comes, in a representation of one's choice. Throws ApiErrors. */
  stream(path: string, accept: string, signal: AbortSignal): Promise<AsyncIterable<Uint8Array>>
  /** Joins the streams of what a container runs already. */
  attach(target: PodTarget, options: Omit<ExecOptions, 'command'> & { container?: string }): Promise<ExecSession>
  /** Connects to a port of a pod. */
  connect(target: PodTarget, port: number): Promise<PortConnection>
  /** Closes idle connections. */
  close(): void
}

interface PodTarget {
  readonly namespace: string
  readonly name: string
}

const methods: Record<Verb, string> = {
  get: 'GET',
  list: 'GET',
  watch: 'GET',
  create: 'POST',
  update: 'PUT',
  patch: 'PATCH',
  delete: 'DELETE',
  deletecollection: 'DELETE',
}

export function httpTransport(options: HttpTransportOptions): HttpTransport {
  const { token, userAgent = 'wherry', onWarning, silenceInMs = 60_000, connectTimeoutInMs = 30_000, impersonate } = options
  const base = new URL(options.server)
  const isSecure = base.protocol === 'https:'
  const connections = isSecure ? secureConnections(options) : plainConnections()
  const prefix = base.pathname.replace(/\/$/, '')
  const identity = {
    'user-agent': userAgent,
    ...(token && { authorization: `Bearer ${token}` }),
    ...(impersonate && impersonationHeaders(impersonate)),
  }

  const open = ({ method, path, headers, body, signal }: HttpRequest, silence: number): Promise<IncomingMessage> =>
    new Promise((resolve, reject) => {
      const request: RequestOptions = {
        agent: connections.agent(),
        method,
        hostname: base.hostname.replace(/^\[|\]$/g, ''),
        port: base.port || (isSecure ? 443 : 80),
        path: prefix + path,
        headers: { accept: 'application/json', ...identity, ...headers, ...(body !== undefined && contentLength(body)) },
        ...(signal && { signal }),
        ...(silence > 0 && { timeout: silence }),
      }
      const sent = (isSecure ? secureRequest : plainRequest)(request, response => {
        for (const text of warningsOf(response)) onWarning?.(text)
        resolve(response)
      })
      sent.on('socket', socket => {
        socket.setKeepAlive(true, 15_000)
        if (socket.connecting) untilConnected(socket, connectTimeoutInMs)
      })
      sent.on('timeout', () => sent.destroy(new Error(`no answer within ${silence} ms`)))
      sent.on('error', error => {
        if (signal?.aborted) return reject(signal.reason)
        const isStale = sent.reusedSocket && 'code' in error && error.code === 'ECONNRESET'
        // The server closed an idle connection just as we took it up. Reading twice harms nobody.
        if (isStale && method === 'GET') return resolve(open({ method, path, ...(headers && { headers }), signal }, silence))
        reject(connectionError(error, base.host))
      })
      sent.end(body)
    })

  const fetchText = async (request: HttpRequest) => {
    const response = await open(request, silenceInMs)
    const text = await textOf(response, base.host)
    return { status: response.statusCode ?? 0, headers: response.headers, text }
  }

  /** A response whose body is read as it comes. Errors have been read and thrown. */
  const openStream = async (path: string, signal: AbortSignal, accept = 'application/json'): Promise<IncomingMessage> => {
    const response = await open({ method: 'GET', path, headers: { accept }, signal }, 0)
    const status = response.statusCode ?? 0
    if (status >= 300) throw responseError(status, await textOf(response, base.host), response.headers)
    return response
  }

  const socketOptions = () => ({ ...connections.tls(), headers: identity })
  const socketUrl = ({ namespace, name }: PodTarget, subresource: string, query: object): URL => {
    const target = { group: '', version: 'v1', resource: 'pods', namespace, name, subresource }
    const url = new URL(prefix + pathOf(target) + queryOf(query), base)
    url.protocol = isSecure ? 'wss:' : 'ws:'
    return url
  }

  const transport: HttpTransport = {
    request: fetchText,
    close: connections.close,
    stream: (path, accept, signal) => openStream(path, signal, accept),
    async call(call, signal) {
      const { status, headers, text } = await fetchText({ ...requestOf(call), signal })
      if (status >= 300 || status === 0) throw responseError(status, text, headers)
      const answer = parseJson(text)
      return call.verb === 'list' ? withItemTypes(answer as KubeList) : answer
    },
    async *watch(call, signal) {
      try {
        const response = await openStream(requestOf({ ...call, verb: 'watch' }).path, signal)
        for await (const lines of jsonLines(response)) yield lines.map(watchEvent)
      } catch (error) {
        if (signal.aborted) return
        throw error instanceof ApiError ? error : connectionError(error, base.host)
      }
    },
    async *logs({ namespace, name }, options, signal) {
      const target = { group: '', version: 'v1', resource: 'pods', namespace, name, subresource: 'log' }
      try {
        yield* await openStream(pathOf(target) + queryOf(options), signal)
      } catch (error) {
        if (!signal.aborted) throw error instanceof ApiError ? error : connectionError(error, base.host)
      }
    },
    async exec(target, { command, ...flags }) {
      const { openExecSession } = await import('./exec-session.ts')
      return openExecSession(socketUrl(target, 'exec', { ...flags, command }), socketOptions())
    },
    async attach(target, options) {
      const { openExecSession } = await import('./exec-session.ts')
      return openExecSession(socketUrl(target, 'attach', options), socketOptions())
    },
    async connect(target, port) {
      const { openPortConnection } = await import('./port-connection.ts')
      return openPortConnection(socketUrl(target, 'portforward', { ports: port }), socketOptions())
    },
    async raw(path, signal) {
      const { status, headers, text } = await fetchText({
        method: 'GET',
        path,
        headers: { accept: 'application/json, */*' },
        signal,
      })
      if (status >= 300) throw responseError(status, text, headers)
      return headers['content-type']?.includes('json') ? parseJson(text) : text
    },
  }
  return transport
}

/** k8s.io/client-go/transport/round_trippers.go; what is no letter of a header's name is percent-encoded. */
function impersonationHeaders({ user, uid, groups = [], extra = {} }: Impersonation): Record<string, string | string[]> {
  const headers: Record<string, string | string[]> = { 'impersonate-user': user }
  if (uid) headers['impersonate-uid'] = uid
  if (groups.length > 0) headers['impersonate-group'] = [...groups]
  for (const [key, values] of Object.entries(extra)) {
    headers[`impersonate-extra-${encodeURIComponent(key).toLowerCase()}`] = [...values]
  }
  return headers
}

/** Gives up on a connection that is not there in time. */
function untilConnected(socket: Socket, withinInMs: number): void {
  const late = () => socket.destroy(Object.assign(new Error('the connection timed out'), { code: 'ETIMEDOUT' }))
  const cancel = systemClock.after(withinInMs, late)
  socket.once('encrypted' in socket ? 'secureConnect' : 'connect', cancel)
  socket.once('close', cancel)
}

function plainConnections() {
  const agent = new PlainAgent({ keepAlive: true })
  return { agent: () => agent, tls: () => ({}), close: () => agent.destroy() }
}

/** Connections as who we are now. When that changes, idle ones are closed and busy ones are used for no other request. */
function secureConnections(options: HttpTransportOptions) {
  const { clientCertificate } = options
  const make = (tls: object) => new Agent({ keepAlive: true, ...tls })
  let shown = clientCertificate?.()
  let tls = { ...tlsOptions(options), ...shown }
  let agent = make(tls)
  const former = new Set<Agent>()
  const renew = () => {
    const next = clientCertificate?.()
    if (next === shown) return
    shown = next
    // An agent that keeps nothing alive closes each socket once it is free.
    Object.assign(agent, { keepAlive: false })
    for (const socket of Object.values(agent.freeSockets).flatMap(list => list ?? [])) socket.destroy()
    for (const old of former) if (Object.keys(old.sockets).length === 0) former.delete(old)
    former.add(agent)
    tls = { ...tlsOptions(options), ...next }
    agent = make(tls)
  }
  return {
    agent() {
      renew()
      return agent
    },
    tls() {
      renew()
      return tls
    },
    close() {
      for (const each of [agent, ...former]) each.destroy()
    },
  }
}

function tlsOptions({ ca, cert, key, tlsServerName, insecureSkipTlsVerify }: HttpTransportOptions) {
  return {
    ...(ca && { ca }),
    ...(cert && { cert }),
    ...(key && { key }),
    ...(tlsServerName && { servername: tlsServerName }),
    ...(insecureSkipTlsVerify && { rejectUnauthorized: false }),
  }
}

/** What a call looks like in HTTP. Deletions carry their options in the body, as kubectl's do. */
export function requestOf(call: Call): HttpRequest {
  const { verb, options = {}, body, patchType, cause } = call
  const isDeletion = verb === 'delete' || verb === 'deletecollection'
  const { gracePeriodSeconds, propagationPolicy, preconditions, dryRun, ...rest } = options
  // A server that is given a body takes a deletion's options from there alone.
  const query = { ...rest, ...(dryRun && !isDeletion && { dryRun: 'All' }), ...(verb === 'watch' && { watch: true }) }
  const deletion = { gracePeriodSeconds, propagationPolicy, preconditions, ...(dryRun && { dryRun: ['All'] }) }
  const sent = isDeletion ? { apiVersion: 'v1', kind: 'DeleteOptions', ...deletion } : body
  const hasBody = sent !== undefined && methods[verb] !== 'GET'
  const contentType = verb === 'patch' ? patchTypes[patchType ?? 'strategic'] : 'application/json'
  return {
    method: methods[verb],
    path: pathOf(call) + queryOf(query),
    headers: { ...causeHeaders(cause), ...(hasBody && { 'content-type': contentType }) },
    ...(hasBody && { body: typeof sent === 'string' ? sent : JSON.stringify(sent) }),
  }
}

function queryOf(options: object): string {
  const query = new URLSearchParams()
  for (const [key, value] of Object.entries(options)) {
    if (value === undefined) continue
    for (const one of Array.isArray(value) ? value : [value]) query.append(key, String(one))
  }
  const text = query.toString()
  return text && `?${text}`
}

function contentLength(body: string) {
  return { 'content-length': String(Buffer.byteLength(body)) }
}

async function textOf(response: IncomingMessage, host: string): Promise<string> {
  const chunks: Buffer[] = []
  try {
    for await (const chunk of response) chunks.push(chunk)
  } catch (error) {
    throw connectionError(error, host)
  }
  return Buffer.concat(chunks).toString('utf8')
}

/** The texts of `Warning: 299 - "text"` headers (RFC 7234). */
function warningsOf(response: IncomingMessage): string[] {
  const header = response.headers.warning
  if (!header) return []
  return [...header.matchAll(/299 \S+ ("(?:[^"\\]|\\.)*")/g)].map(match => JSON.parse(match[1] ?? '""') as string)
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw new ApiError('InternalError', 'the server answered with something that is not JSON', { cause })
  }
}

/** Upstream leaves apiVersion and kind out of a list's items; a list says them for all. */
function withItemTypes(list: KubeList): KubeList {
  if (!Array.isArray(list.items) || list.items.length === 0 || list.items[0]?.kind) return list
  const kind = list.kind.replace(/List$/, '')
  return { ...list, items: list.items.map(item => ({ ...item, apiVersion: list.apiVersion, kind })) }
}

function watchEvent(line: unknown): WatchEvent {
  const event = line as WatchEvent | { type: 'ERROR'; object: Parameters<typeof ApiError.of>[0] }
  if (event.type === 'ERROR') throw ApiError.of(event.object)
  const isEnd = event.type === 'BOOKMARK' && (event.object as KubeObject).metadata.annotations?.['k8s.io/initial-events-end']
  return isEnd ? { ...event, type: 'BOOKMARK', endOfInitialEvents: true } : event
}
