import { Agent, get } from 'node:https'
import { parentPort, workerData } from 'node:worker_threads'

/** Reads from a server in a worker thread, so that what reading costs does not block the server's event loop. */
export interface ReadJob {
  readonly port: number
  readonly ca: string
  readonly certificate: string
  readonly key: string
  readonly path: string
  /** How often to read, one after the other; for watches: how many at once. */
  readonly count: number
  readonly kind: 'list' | 'watch'
  /** `application/json` unless said otherwise. */
  readonly accept?: string
}

/** From a `list`: how long each took to its last byte, and its size. From a `watch`: every 200 ms, how many events were counted so far. */
export type ReadMessage =
  | { readonly tookInMs: number; readonly bytes: number }
  | { readonly events: number }
  | 'done'
  | 'watching'

async function lists({ count, ...job }: ReadJob, agent: Agent, tell: (message: ReadMessage) => void): Promise<void> {
  for (let i = 0; i < count; i++) {
    const began = performance.now()
    const bytes = await new Promise<number>((resolve, reject) => {
      get(requestOf(job, agent), response => {
        let size = 0
        response.on('data', (chunk: Buffer) => (size += chunk.length))
        response.on('end', () => resolve(size))
      }).on('error', reject)
    })
    tell({ tookInMs: performance.now() - began, bytes })
  }
  tell('done')
}

async function watches({ count, ...job }: ReadJob, agent: Agent, tell: (message: ReadMessage) => void): Promise<void> {
  let events = 0
  const newline = 10
  const open = () =>
    new Promise<void>((resolve, reject) => {
      get(requestOf(job, agent), response => {
        response.on('data', (chunk: Buffer) => {
          for (let at = chunk.indexOf(newline); at >= 0; at = chunk.indexOf(newline, at + 1)) events++
        })
        resolve()
      }).on('error', reject)
    })
  await Promise.all(Array.from({ length: count }, open))
  tell('watching')
  setInterval(() => tell({ events }), 20)
}

function requestOf({ port, ca, certificate, key, path, accept = 'application/json' }: Omit<ReadJob, 'count'>, agent: Agent) {
  return { agent, host: '127.0.0.1', port, path, ca, cert: certificate, key, headers: { accept } }
}

if (parentPort && workerData?.job) {
  const job = workerData.job as ReadJob
  const port = parentPort
  const agent = new Agent({ keepAlive: true })
  void (job.kind === 'list' ? lists : watches)(job, agent, message => port.postMessage(message))
}
