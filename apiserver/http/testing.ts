import type { IncomingHttpHeaders, IncomingMessage } from 'node:http'
import { Agent, request as httpsRequest } from 'node:https'
import { ApiError } from '../../api/errors.ts'
import { bodyKinds, kinds } from '../../api/kinds.ts'
import { users } from '../../api/user.ts'
import { systemClock } from '../../lib/clock.ts'
import { silentLog } from '../../lib/log.ts'
import { systemRandom } from '../../lib/random.ts'
import { authenticator } from '../auth/authenticator.ts'
import { createAuthorizer } from '../auth/authorizer.ts'
import { type Certificates, ensureCertificates } from '../auth/certificates.ts'
import { defaultClusterRoleBindings, defaultClusterRoles } from '../auth/default-roles.ts'
import type { RbacSource } from '../auth/rules.ts'
import { kindTable } from '../kind-table.ts'
import type { Handle } from '../request.ts'
import { type HttpServerOptions, serve } from './server.ts'

/** An HTTPS server around any pipeline, and a client without manners to try it with. For tests. */
export interface TestServer extends AsyncDisposable {
  readonly port: number
  readonly certificates: Certificates
  /** As admin unless said otherwise; `as: 'anonymous'` presents no certificate. */
  send(method: string, path: string, options?: SendOptions): Promise<Answer>
  /** The response as soon as its headers are in. */
  open(method: string, path: string, options?: SendOptions): Promise<IncomingMessage>
  /** Ends the server; resolves with how many milliseconds that took. */
  stop(): Promise<number>
}

export interface SendOptions {
  readonly headers?: Record<string, string | string[]>
  readonly body?: string | Buffer
  readonly as?: 'admin' | 'scheduler' | 'anonymous'
}

export interface Answer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly text: string
  readonly bytes: Buffer
  readonly json: ReturnType<typeof JSON.parse>
}

let made: Promise<Certificates> | undefined
/** Made once: the tests are not about making them. */
function testCertificates(): Promise<Certificates> {
  const store = { read: async () => undefined, write: async () => {} }
  made ??= ensureCertificates({ store, clock: systemClock, clients: { admin: users.admin, scheduler: users.scheduler } })
  return made
}

const defaultPolicy: RbacSource = {
  clusterRoles: () => defaultClusterRoles,
  clusterRoleBindings: () => defaultClusterRoleBindings,
  roles: () => [],
  roleBindings: () => [],
  version: () => 1,
}

const noDocuments = {
  at: (path: string) => {
    throw new ApiError('NotFound', path)
  },
}

export async function testServer(handle: Handle, more: Partial<HttpServerOptions> = {}): Promise<TestServer> {
  const certificates = await testCertificates()
  const stop = new AbortController()
  const server = serve({
    handle,
    authenticator: authenticator({}),
    authorizer: createAuthorizer({ source: defaultPolicy }),
    tables: () => undefined,
    kinds: kindTable([...kinds, ...bodyKinds]),
    documents: noDocuments,
    tls: { ca: certificates.ca, certificate: certificates.server.certificate, key: certificates.server.key },
    host: '127.0.0.1',
    port: 0,
    clock: systemClock,
    random: systemRandom,
    log: silentLog,
    ...more,
  })
  const running = server.run(stop.signal)
  const { port } = await server.address
  const agents = new Map<string, Agent>()
  const agentOf = (as: string) => {
    let agent = agents.get(as)
    const pair = certificates.clients[as]
    const credentials = pair && { cert: pair.certificate, key: pair.key }
    if (!agent) agents.set(as, (agent = new Agent({ keepAlive: true, ca: certificates.ca, ...credentials })))
    return agent
  }
  const open: TestServer['open'] = (method, path, { headers = {}, body, as = 'admin' } = {}) =>
    new Promise((resolve, reject) => {
      const length = body === undefined ? {} : { 'content-length': String(Buffer.byteLength(body)) }
      const options = { host: '127.0.0.1', port, method, path, headers: { ...length, ...headers }, agent: agentOf(as) }
      httpsRequest(options, resolve).on('error', reject).end(body)
    })
  const finish = async () => {
    const before = systemClock.monotonic()
    stop.abort()
    await running
    for (const agent of agents.values()) agent.destroy()
    return systemClock.monotonic() - before
  }
  return {
    port,
    certificates,
    open,
    async send(method, path, options) {
      const response = await open(method, path, options)
      const bytes = await bytesOf(response)
      const text = bytes.toString()
      return { status: response.statusCode ?? 0, headers: response.headers, bytes, text, json: parse(text) }
    },
    stop: finish,
    [Symbol.asyncDispose]: async () => void (await finish()),
  }
}

async function bytesOf(response: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of response) chunks.push(chunk)
  return Buffer.concat(chunks)
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
