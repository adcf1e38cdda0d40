import { request } from 'node:https'
import { text as readText } from 'node:stream/consumers'
import { TokenReview } from '../../api/authentication/token-review.ts'
import { SubjectAccessReview } from '../../api/authorization/subject-access-review.ts'
import type { NodeAgent } from '../../api/node-agent.ts'
import { type Certificates, ensureCertificates } from '../../apiserver/auth/certificates.ts'
import type { Client } from '../../client/client.ts'
import { pemMemory } from '../../cmd/pki.ts'
import { type Clock, systemClock } from '../../lib/clock.ts'
import { silentLog } from '../../lib/log.ts'
import { issueCertificate } from '../../lib/x509/certificate.ts'
import { samplePod } from '../samples.ts'
import { defaultServerConfig, type KubeletServerConfig } from './config.ts'
import { kubeletServer, type ServingCertificate } from './server.ts'

export interface Answered {
  readonly status: number
  readonly text: string
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
}

interface Credentials {
  readonly certificate?: ServingCertificate | undefined
  readonly token?: string
  readonly method?: string
  readonly headers?: Readonly<Record<string, string>>
}

/** What an API server was asked by a kubelet, and what it says: tokens are names, and rights a function of name, verb and subresource. */
export function reviewer(may: (user: string, verb: string, subresource: string) => boolean) {
  const asked: string[] = []
  const create = async (kind: unknown, object: { spec: Record<string, never> }) => {
    if (kind === TokenReview) {
      const { token = '' } = object.spec as { token?: string }
      asked.push(`token ${token}`)
      if (token === 'broken') throw new Error('the API server is away')
      const authenticated = !token.startsWith('bad')
      return {
        status: authenticated ? { authenticated, user: { username: token, groups: ['people'] } } : { authenticated: false },
      }
    }
    if (kind !== SubjectAccessReview) throw new Error('not a question')
    const { user = '', resourceAttributes: about = {} } = object.spec as {
      user?: string
      resourceAttributes?: Record<string, string>
    }
    asked.push(`${user} ${about.verb} ${about.resource}/${about.subresource} ${about.name}`)
    if (user === 'confused') throw new Error('the API server is away')
    return { status: { allowed: may(user, about.verb ?? '', about.subresource ?? '') } }
  }
  return { asked, client: { create } as unknown as Client }
}

let made: Promise<Certificates> | undefined
const users = { admin: { name: 'ann', groups: ['system:masters'] }, kubelets: { name: 'api', groups: ['system:masters'] } }

/** A kubelet's server on a free port of loopback, with a pod `web` that has a container `app`. */
export async function servedKubelet({
  agent,
  config = {},
  may = () => true,
  certificate,
  clock = systemClock,
}: {
  agent: Partial<NodeAgent>
  config?: Partial<KubeletServerConfig>
  may?: Parameters<typeof reviewer>[0]
  certificate?: (() => ServingCertificate) | undefined
  clock?: Clock
}) {
  const certificates = await (made ??= ensureCertificates({ store: pemMemory(), clock: systemClock, clients: users }))
  const review = reviewer(may)
  const validity = { notBefore: systemClock.now() - 60_000, notAfter: systemClock.now() + 3_600_000 }
  const own = issueCertificate({ subject: { commonName: 'n1' }, purpose: 'server', hosts: ['127.0.0.1'], ...validity })
  const pod = samplePod()
  const server = kubeletServer({
    nodeName: 'n1',
    host: { agent: agent as NodeAgent, find: (_namespace, name) => (name === 'web' ? pod : undefined) },
    client: review.client,
    config: { ...defaultServerConfig, address: '127.0.0.1', port: 0, clientCa: certificates.ca, ...config },
    certificate: certificate ?? (() => own),
    clock,
    log: silentLog,
  })
  const stop = new AbortController()
  const running = server.run(stop.signal)
  const { port } = await Promise.race([server.address, running.then(() => Promise.reject(new Error('it ended')))])
  const ask = (path: string, { certificate: who, token, method = 'GET', headers }: Credentials = {}): Promise<Answered> =>
    new Promise((resolve, reject) => {
      const sent = { ...(token !== undefined && { authorization: `Bearer ${token}` }), ...headers }
      const identity = who && { cert: who.certificate, key: who.key }
      const target = { host: '127.0.0.1', port, path, method, rejectUnauthorized: false, agent: false as const }
      const outgoing = request({ ...target, ...identity, headers: sent }, response => {
        const { statusCode: status = 0, headers } = response
        readText(response).then(text => resolve({ status, text, headers }), reject)
      })
      outgoing.on('error', reject).end()
    })
  return {
    port,
    certificates,
    asked: review.asked,
    ask,
    /** As somebody that the cluster's authority has named. */
    asAdmin: (path: string, more: Credentials = {}) => ask(path, { certificate: certificates.clients.admin, ...more }),
    async [Symbol.asyncDispose]() {
      stop.abort()
      await running
    },
  }
}
