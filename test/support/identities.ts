import type { IncomingHttpHeaders, IncomingMessage } from 'node:http'
import { Agent, request as httpsRequest } from 'node:https'
import type { AnyKind } from '../../api/kind.ts'
import { kinds } from '../../api/kinds.ts'
import { type UserInfo, users } from '../../api/user.ts'
import { type Certificates, ensureCertificates } from '../../apiserver/auth/certificates.ts'
import type { Client } from '../../client/client.ts'
import { createClient } from '../../client/typed-client.ts'
import { type ApiServer, type ApiServerOptions, apiServer } from '../../cmd/api-server.ts'
import { pemMemory } from '../../cmd/pki.ts'
import { systemClock } from '../../lib/clock.ts'
import { silentLog } from '../../lib/log.ts'
import { systemRandom } from '../../lib/random.ts'
import { memoryStore } from '../../storage/memory.ts'

/** What somebody presents: the certificate of that name, a bearer token, further headers; nothing at all. */
export interface Credentials {
  readonly certificate?: string
  readonly token?: string
  readonly headers?: Readonly<Record<string, string | string[]>>
}

export interface Answer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly text: string
  readonly json: ReturnType<typeof JSON.parse>
}

export interface GuardedServer extends AsyncDisposable {
  readonly port: number
  readonly server: ApiServer
  readonly certificates: Certificates
  /** As the administrator. */
  readonly client: Client
  send(who: Credentials, method: string, path: string, body?: unknown): Promise<Answer>
  token(namespace: string, account: string, spec?: object): Promise<string>
}

/** A whole API server with all its rules behind TLS, and nobody else in the process. `people` get certificates. */
export async function guardedServer(
  people: Readonly<Record<string, UserInfo>>,
  options: Partial<ApiServerOptions> = {},
): Promise<GuardedServer> {
  const common = { clock: systemClock, random: systemRandom, log: silentLog }
  const clients = { admin: users.admin, ...people }
  const certificates = await ensureCertificates({ store: pemMemory(), clock: systemClock, clients })
  const server = apiServer({
    ...common,
    store: memoryStore(common),
    certificates,
    host: '127.0.0.1',
    port: 0,
    nodeAgents: () => undefined,
    ...options,
  })
  const stop = new AbortController()
  const running = server.run(stop.signal)
  const { port } = await server.ready
  const agents = new Map<string, Agent>()
  const agentOf = (certificate = '') => {
    let agent = agents.get(certificate)
    const pair = certificates.clients[certificate]
    const credentials = pair && { cert: pair.certificate, key: pair.key }
    if (!agent) agents.set(certificate, (agent = new Agent({ keepAlive: true, ca: certificates.ca, ...credentials })))
    return agent
  }
  const send: GuardedServer['send'] = ({ certificate, token, headers = {} }, method, path, body) =>
    new Promise((resolve, reject) => {
      const text = body === undefined ? undefined : JSON.stringify(body)
      const sent = {
        ...(text !== undefined && { 'content-type': contentTypeOf(method), 'content-length': String(Buffer.byteLength(text)) }),
        ...(token !== undefined && { authorization: `Bearer ${token}` }),
        ...headers,
      }
      const options = { host: '127.0.0.1', port, method, path, headers: sent, agent: agentOf(certificate) }
      const request = httpsRequest(options, response => void answerOf(response, path).then(resolve, reject))
      request.on('error', reject).end(text)
    })
  return {
    port,
    server,
    certificates,
    client: createClient(server.transport(users.admin)),
    send,
    async token(namespace, account, spec = {}) {
      const path = `/api/v1/namespaces/${namespace}/serviceaccounts/${account}/token`
      const { json, text } = await send({ certificate: 'admin' }, 'POST', path, { spec })
      if (!json?.status?.token) throw new Error(`no token: ${text}`)
      return json.status.token
    },
    async [Symbol.asyncDispose]() {
      stop.abort()
      await running
      for (const agent of agents.values()) agent.destroy()
    },
  }
}

const contentTypeOf = (method: string) => (method === 'PATCH' ? 'application/merge-patch+json' : 'application/json')

async function answerOf(response: IncomingMessage, path: string): Promise<Answer> {
  // A watch would go on: that it was let in is all one wants to know.
  if (path.includes('watch=true') && response.statusCode === 200) response.destroy()
  const chunks: Buffer[] = []
  try {
    for await (const chunk of response) chunks.push(chunk)
  } catch {} // destroyed above
  const text = Buffer.concat(chunks).toString()
  return { status: response.statusCode ?? 0, headers: response.headers, text, json: parsed(text) }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

const methods: Readonly<Record<string, string>> = {
  create: 'POST',
  update: 'PUT',
  patch: 'PATCH',
  delete: 'DELETE',
  deletecollection: 'DELETE',
}

/** The HTTP request for `get`, `pods/status`, `team`, `web`; `-` is none. Writes are dry runs. */
export function requestFor(verb: string, resource: string, namespace: string, name: string): { method: string; path: string } {
  if (resource.startsWith('/')) return { method: verb.toUpperCase(), path: resource }
  const [full = '', subresource] = resource.split('/')
  const [plural = '', ...group] = full.split('.')
  const kind = kindOf(plural, group.join('.'))
  const root = kind.group ? `/apis/${kind.group}/${kind.version}` : `/api/${kind.version}`
  const inside = namespace === '-' ? '' : `/namespaces/${namespace}`
  const path = `${root}${inside}/${plural}${name === '-' ? '' : `/${name}`}${subresource ? `/${subresource}` : ''}`
  if (verb === 'watch') return { method: 'GET', path: `${path}?watch=true` }
  const method = methods[verb] ?? 'GET'
  return { method, path: method === 'GET' ? path : `${path}?dryRun=All` }
}

function kindOf(plural: string, group: string): Pick<AnyKind, 'group' | 'version'> {
  return kinds.find(kind => kind.plural === plural && kind.group === group && !kind.storedAs) ?? { group, version: 'v1' }
}
