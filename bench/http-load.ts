import { connect, type TLSSocket } from 'node:tls'
import { parentPort, workerData } from 'node:worker_threads'

/**
 * A lean HTTP/1.1 load generator for a worker thread: keep-alive TLS connections, each with one request under way, written and read
 * by hand, because what it costs is taken from the server on the same cores.
 */
export interface LoadOptions {
  readonly host: string
  readonly port: number
  /** PEMs. */
  readonly ca: string
  readonly certificate: string
  readonly key: string
  readonly connections: number
  readonly seconds: number
  /** Not measured. */
  readonly warmUpSeconds: number
  readonly method: string
  readonly path: string
  /** As latin1, `placeholder` in it becomes a name that was never used before; padded, so that the length stays the same. */
  readonly body: string
  readonly placeholder: string
  readonly contentType: string
  readonly accept: string
  /** Makes names differ between runs. */
  readonly run: string
}

export interface LoadResult {
  /** Answered within the measured time. */
  readonly requests: number
  /** With those of the warm-up. */
  readonly sent: number
  readonly seconds: number
  /** Answers that were not 2xx, by status. */
  readonly failures: Readonly<Record<string, number>>
  readonly latenciesInMs: Float64Array
}

/** All of one length. */
export const nameOf = (run: string, number: number) => `load-${run}-${String(number).padStart(8, '0')}`

const now = () => performance.now()
let nameCounter = 0

async function generateLoad(options: LoadOptions): Promise<LoadResult> {
  const { connections, seconds, warmUpSeconds } = options
  const failures: Record<string, number> = {}
  const latencies: number[] = []
  const begin = now() + warmUpSeconds * 1000
  const until = begin + seconds * 1000
  await Promise.all(Array.from({ length: connections }, () => client(options, { begin, until, latencies, failures })))
  return { requests: latencies.length, sent: nameCounter, seconds, failures, latenciesInMs: Float64Array.from(latencies) }
}

interface Window {
  readonly begin: number
  readonly until: number
  readonly latencies: number[]
  readonly failures: Record<string, number>
}

function client(options: LoadOptions, { begin, until, latencies, failures }: Window): Promise<void> {
  const { host, port, ca, certificate, key, method, path, body, run, placeholder, contentType, accept } = options
  const head = `${method} ${path} HTTP/1.1\r\nHost: ${host}:${port}\r\nUser-Agent: bench/1\r\nAccept: ${accept}\r\n`
  const length = body.replaceAll(placeholder, nameOf(run, 0)).length
  const request = () => {
    if (!body) return `${head}\r\n`
    const name = nameOf(run, ++nameCounter)
    return `${head}Content-Type: ${contentType}\r\nContent-Length: ${length}\r\n\r\n${body.replaceAll(placeholder, name)}`
  }
  return new Promise((resolve, reject) => {
    let sentAt = 0
    let missing = -1 // bytes of the answer still to come; -1: its head is not complete
    let pending = ''
    const socket: TLSSocket = connect({ host, port, ca, cert: certificate, key, servername: 'localhost' }, () => send())
    socket.setNoDelay(true)
    socket.on('error', reject)
    socket.on('close', () => resolve())
    const send = () => {
      sentAt = now()
      socket.write(request(), 'latin1')
    }
    const complete = () => {
      const at = now()
      if (sentAt >= begin && at < until) latencies.push(at - sentAt)
      missing = -1
      if (at >= until) socket.end()
      else send()
    }
    socket.on('data', (chunk: Buffer) => {
      if (missing >= 0) {
        missing -= chunk.length
        if (missing <= 0) complete()
        return
      }
      pending += chunk.toString('latin1')
      const end = pending.indexOf('\r\n\r\n')
      if (end < 0) return
      const status = pending.slice(9, 12)
      if (status[0] !== '2') failures[status] = (failures[status] ?? 0) + 1
      const answer = Number(/content-length: (\d+)/i.exec(pending)?.[1] ?? 0)
      missing = answer - (pending.length - end - 4)
      pending = ''
      if (missing <= 0) complete()
    })
  })
}

if (parentPort && workerData?.load) {
  const options = workerData.load as LoadOptions
  void generateLoad(options).then(result => parentPort?.postMessage(result))
}
