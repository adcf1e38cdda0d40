import { createPrivateKey } from 'node:crypto'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { ApiError, type Status } from '../../api/errors.ts'
import { systemClock } from '../../lib/clock.ts'
import { silentLog } from '../../lib/log.ts'
import { issueCertificate } from '../../lib/x509/certificate.ts'
import { eventually } from '../../test/support/eventually.ts'
import { admissionSteps } from '../admission-steps.ts'
import type { Authorizer } from '../auth/authorizer.ts'
import { extensibleAdmission } from '../extensible-admission.ts'
import { type TestServer, testServer } from '../testing.ts'

/** The request part of an AdmissionReview, as tests look into it. */
export type ReviewRequest = ReturnType<typeof JSON.parse>

/** What a webhook under test says: the response but for its uid, another status code, or nothing at all. */
export type Say = (request: ReviewRequest, path: string) => Said | Promise<Said>
type Said = object | number | undefined

/** A real webhook behind real TLS. */
export interface TestWebhook extends AsyncDisposable {
  readonly port: number
  /** PEM in base64, as configurations carry it. */
  readonly caBundle: string
  /** What it has been asked, in order. */
  readonly requests: ReviewRequest[]
  clientConfig(path?: string): { url: string; caBundle: string }
}

const minute = 60_000

/** Listens on loopback, known as `localhost` and by the given names. */
export async function testWebhook(say: Say, { hosts = [] }: { hosts?: readonly string[] } = {}): Promise<TestWebhook> {
  const now = systemClock.now()
  const validity = { notBefore: now - minute, notAfter: now + 60 * minute }
  const subject = { commonName: 'webhook-ca' }
  const authority = issueCertificate({ ...validity, subject, purpose: 'authority' })
  const issuer = { subject, key: createPrivateKey(authority.key) }
  const names = ['localhost', '127.0.0.1', ...hosts]
  const leaf = issueCertificate({ ...validity, subject: { commonName: 'webhook' }, purpose: 'server', hosts: names, issuer })
  const requests: ReviewRequest[] = []
  const server = createServer({ cert: leaf.certificate, key: leaf.key }, (request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    const answer = async () => {
      const review = JSON.parse(Buffer.concat(chunks).toString())
      requests.push(review.request)
      const said = await say(review.request, request.url ?? '')
      if (said === undefined) return
      if (typeof said === 'number') return void response.writeHead(said).end('broken')
      const { kind, apiVersion } = review
      response.end(JSON.stringify({ kind, apiVersion, response: { uid: review.request.uid, ...said } }))
    }
    request.on('end', () => void answer())
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const caBundle = Buffer.from(authority.certificate).toString('base64')
  return {
    port,
    caBundle,
    requests,
    clientConfig: (path = '/') => ({ url: `https://127.0.0.1:${port}${path}`, caBundle }),
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise(resolve => server.close(resolve))
    },
  }
}

export interface ExtensibleServer extends TestServer {
  /** Resolves when a configuration has been noticed. */
  inEffect(resource: string, name: string): Promise<void>
}

/** A server in memory that asks webhooks and applies policies. */
export async function extensibleServer(authorizer?: Authorizer): Promise<ExtensibleServer> {
  const extensions = extensibleAdmission({
    handle: request => server.pipeline.handle(request),
    kinds: () => server.pipeline.kinds,
    clock: systemClock,
    log: silentLog,
    ...(authorizer && { authorizer }),
  })
  const own = ['ServiceAccount', 'TaintNodesByCondition']
  const admission = [...admissionSteps, ...extensions.steps].filter(({ name }) => !own.includes(name))
  const server: TestServer = await testServer({ admission })
  const stopping = new AbortController()
  const running = extensions.run(stopping.signal)
  await extensions.ready
  const stop = async () => {
    stopping.abort()
    await running
    await server.stop()
  }
  const inEffect: ExtensibleServer['inEffect'] = (resource, name) =>
    eventually(() => {
      if (!extensions.knows(resource, name)) throw new Error(`${resource} ${name} is not in effect`)
    })
  return { ...server, inEffect, stop, [Symbol.asyncDispose]: stop }
}

/** What somebody is told who is refused; throws if he is not. */
export async function refusal(attempt: Promise<unknown>): Promise<Pick<Status, 'code' | 'reason' | 'message'>> {
  const error = await attempt.then(
    () => undefined,
    (error: unknown) => error,
  )
  if (!(error instanceof ApiError)) throw new Error('it was not refused', { cause: error })
  const { code, reason, message } = error.status
  return { code, reason, message }
}
