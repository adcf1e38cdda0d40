import { Worker } from 'node:worker_threads'
import { Pod } from '../api/core/pod.ts'
import { systemRandom } from '../lib/random.ts'
import { type LoadOptions, type LoadResult, nameOf } from './http-load.ts'
import { protobufBody } from './protobuf-body.ts'
import { percentile } from './report.ts'
import { startServer } from './server.ts'

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
  /** Bodies as client-go sends them. */
  readonly isProtobuf?: boolean
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
  const { connections = 64, seconds = 5, warmUpSeconds = 3, isVolatile = false, isProtobuf = false, loadModule } = options
  await using server = await startServer({ isVolatile })
  const blocks = watchEventLoop()
  const before = process.cpuUsage()
  try {
    const result = await load(loadModule, {
      host: '127.0.0.1',
      ...server.access,
      connections,
      seconds,
      warmUpSeconds,
      method: 'POST',
      path: '/api/v1/namespaces/default/pods',
      ...(isProtobuf ? inProtobuf() : inJson()),
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
  }
}

const inJson = () => ({ body: podBody(), placeholder: '%NAME%', contentType: 'application/json', accept: 'application/json' })

function inProtobuf() {
  const placeholder = nameOf('pppp1', 0) // as long as the names that take its place, because lengths stand in the message
  const bytes = protobufBody(Pod, JSON.parse(podBody().replace('%NAME%', placeholder)) as Record<string, unknown>)
  const contentType = 'application/vnd.kubernetes.protobuf'
  return { body: bytes.toString('latin1'), placeholder, contentType, accept: `${contentType},application/json` }
}

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
