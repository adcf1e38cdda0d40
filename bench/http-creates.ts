import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Worker } from 'node:worker_threads'
import { kinds } from '../api/kinds.ts'
import { users } from '../api/user.ts'
import { admissionSteps } from '../apiserver/admission-steps.ts'
import { accessControl } from '../apiserver/auth/access-control.ts'
import { ensureCertificates } from '../apiserver/auth/certificates.ts'
import { bootstrap } from '../apiserver/bootstrap.ts'
import { type HttpServer, serve } from '../apiserver/http/server.ts'
import { createPipeline } from '../apiserver/pipeline.ts'
import type { Handle } from '../apiserver/request.ts'
import { systemClock } from '../lib/clock.ts'
import { silentLog } from '../lib/log.ts'
import { systemRandom } from '../lib/random.ts'
import { runAll } from '../lib/run.ts'
import { levelStore } from '../storage/level/level.ts'
import { memoryStore } from '../storage/memory.ts'
import type { LoadOptions, LoadResult } from './http-load.ts'
import { percentile } from './report.ts'

export interface CreateFigures {
  readonly connections: number
  readonly createsPerSecond: number
  readonly p50InMs: number
  readonly p99InMs: number
  /** Answers that were not 201. */
  readonly failures: number
  /** Of all threads, the load generator's included: what it would take on idle cores. */
  readonly cpuPerCreateInMicros: number
  /** The longest that the server's event loop was blocked. */
  readonly longestBlockInMs: number
  readonly residentMegabytes: number
}

export interface CreateOptions {
  /** The bundled `http-load.ts`, which runs in a worker. */
  readonly loadModule: URL
  readonly connections?: number
  readonly seconds?: number
  readonly warmUpSeconds?: number
  /** In memory instead of on disk: what the rest costs. */
  readonly isVolatile?: boolean
}

/** A pod of about 1.5 KB, as a Deployment makes them. */
export function podBody(): string {
  const env = Array.from({ length: 12 }, (_, i) => ({ name: `SETTING_${i}`, value: `value-of-setting-${i}-in-production` }))
  const probe = {
    httpGet: { path: '/healthz', port: 8080 },
    periodSeconds: 10,
    timeoutSeconds: 1,
    failureThreshold: 3,
    successThreshold: 1,
  }
  const resources = { requests: { cpu: '100m', memory: '128Mi' }, limits: { cpu: '500m', memory: '256Mi' } }
  const web = { name: 'web', image: 'registry.example/team/web:1.27.3', env, resources, ports: [{ containerPort: 8080 }] }
  const labels = { app: 'web', tier: 'frontend', 'pod-template-hash': '5d4f8c7b9d' }
  return JSON.stringify({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: '%NAME%', labels, annotations: { 'example.com/owner': 'team-frontend', 'example.com/revision': '42' } },
    spec: { containers: [{ ...web, readinessProbe: probe, livenessProbe: probe }], terminationGracePeriodSeconds: 30 },
  })
}

/** Durable creates of pods over TLS, the load generator on the same cores: client certificate, RBAC, admission, level store. */
export async function benchCreates(options: CreateOptions): Promise<CreateFigures> {
  const { connections = 64, seconds = 5, warmUpSeconds = 3, isVolatile = false, loadModule } = options
  const location = await mkdtemp(join(process.env.WHERRY_BENCH_TMP ?? tmpdir(), 'wherry-bench-'))
  const store = isVolatile ? memoryStore({ clock: systemClock }) : await levelStore({ location, clock: systemClock })
  const stop = new AbortController()
  const { server, certificates, ended } = await startServer(store, stop.signal)
  const { port } = await server.address
  const blocks = watchEventLoop()
  const before = process.cpuUsage()
  try {
    const result = await load(loadModule, {
      host: '127.0.0.1',
      port,
      ca: certificates.ca,
      certificate: certificates.clients.admin?.certificate ?? '',
      key: certificates.clients.admin?.key ?? '',
      connections,
      seconds,
      warmUpSeconds,
      method: 'POST',
      path: '/api/v1/namespaces/default/pods',
      body: podBody(),
      run: systemRandom.suffix(5),
    })
    const { user, system } = process.cpuUsage(before)
    const latencies = Array.from(result.latenciesInMs)
    return {
      connections,
      createsPerSecond: result.requests / result.seconds,
      p50InMs: percentile(latencies, 0.5),
      p99InMs: percentile(latencies, 0.99),
      failures: Object.values(result.failures).reduce((sum, count) => sum + count, 0),
      cpuPerCreateInMicros: (user + system) / result.sent,
      longestBlockInMs: blocks.longestInMs(),
      residentMegabytes: process.memoryUsage.rss() / 2 ** 20,
    }
  } finally {
    blocks.stop()
    stop.abort()
    await ended
    await store.close()
    await rm(location, { recursive: true })
  }
}

async function startServer(store: Parameters<typeof createPipeline>[0]['store'], signal: AbortSignal) {
  const common = { clock: systemClock, random: systemRandom, log: silentLog }
  const pems = { read: async () => undefined, write: async () => {} }
  const clients = { admin: users.admin }
  const certificates = await ensureCertificates({ store: pems, clock: systemClock, clients })
  const handle: Handle = request => pipeline.handle(request)
  const control = accessControl({ ...common, handle, serviceAccountKey: certificates.serviceAccountKey })
  const { authorize, issueToken, authenticator, authorizer, tokens } = control
  const admission = [...admissionSteps, ...control.admission]
  const pipeline = createPipeline({ ...common, store, kinds, authorize, admission, issueToken })
  const { ca, server: pair } = certificates
  const server: HttpServer = serve({
    ...common,
    ...{ handle, authenticator, authorizer, tokens, documents: pipeline.documents },
    tables: () => undefined,
    tls: { ca, certificate: pair.certificate, key: pair.key },
    host: '127.0.0.1',
    port: 0,
  })
  const parts = [
    ['pipeline', pipeline.run],
    ['access control', control.run],
    ['server', server.run],
  ] as const
  const ended = runAll(parts, signal)
  await bootstrap({ pipeline, signal })
  await control.ready
  await handle({ ...serviceAccounts, verb: 'create', body: { metadata: { name: 'default' } }, user: users.admin })
  return { server, certificates, ended }
}

/** Pods need their service account, which no controller makes here. */
const serviceAccounts = { group: '', version: 'v1', resource: 'serviceaccounts', namespace: 'default' } as const

function load(module: URL, options: LoadOptions): Promise<LoadResult> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(module, { workerData: { load: options } })
    worker.once('message', (result: LoadResult) => {
      void worker.terminate()
      resolve(result)
    })
    worker.once('error', reject)
  })
}

/** How late a timer of ten milliseconds comes at worst. */
function watchEventLoop(): { longestInMs(): number; stop(): void } {
  let last = performance.now()
  let longest = 0
  const timer = setInterval(() => {
    const now = performance.now()
    longest = Math.max(longest, now - last - 10)
    last = now
  }, 10)
  return { longestInMs: () => longest, stop: () => clearInterval(timer) }
}
