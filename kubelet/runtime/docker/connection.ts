import { availableParallelism } from 'node:os'
import type { Duplex, Readable } from 'node:stream'
import type Docker from 'dockerode'
import type { Clock } from '../../../lib/clock.ts'
import { RuntimeError } from '../runtime.ts'
import { turns, type Urgency } from './turns.ts'

/** The way to one dockerd. Its answers that say no are DockerErrors; not reaching it is a RuntimeError. */
export interface DockerConnection {
  /** Where it listens, as error messages name it. */
  readonly address: string
  /** Whether its processes and files are this machine's. */
  readonly isLocal: boolean
  /** A quick question. Asked again once if a kept connection turned out dead. */
  read<T>(call: (docker: Docker) => Promise<T>): Promise<T>
  /** A change that costs dockerd work: waits for its turn, of which there are four per core. */
  change<T>(urgency: Urgency, call: (docker: Docker) => Promise<T>): Promise<T>
  /** A call that opens a stream, or rightly takes long: as long as it likes, or so long at most. */
  open<T>(call: (docker: Docker) => Promise<T>, withinInMs?: number): Promise<T>
}

export interface DockerAddress {
  clock: Clock
  /** Default /var/run/docker.sock. */
  socketPath?: string
  /** `tcp://host:port` instead of a socket. */
  host?: string
  /** How many changes at once; default four per core. */
  atOnce?: number
}

/** An answer of dockerd that says no. */
export class DockerError extends Error {
  readonly status: number
  constructor(status: number, message: string, cause: unknown) {
    super(message, { cause })
    this.name = 'DockerError'
    this.status = status
  }
}

/** The kubelet's own limit for a runtime request (--runtime-request-timeout). */
export const answerWithinInMs = 120_000

export function dockerConnection(options: DockerAddress): DockerConnection {
  const { clock, host, socketPath = '/var/run/docker.sock', atOnce = 4 * availableParallelism() } = options
  const address = host ?? socketPath
  const { take } = turns(atOnce)
  let connected: Promise<Docker> | undefined

  const connect = async (): Promise<Docker> => {
    const { default: Client } = await import('dockerode')
    if (host === undefined) return new Client({ host: undefined, socketPath })
    const { hostname, port } = new URL(host)
    return new Client({ host: hostname, port: port || 2375, protocol: 'http', socketPath: undefined })
  }
  const ask = async <T>(call: (docker: Docker) => Promise<T>): Promise<T> => {
    connected ??= connect()
    const docker = await connected
    try {
      return await call(docker)
    } catch (error) {
      throw translated(error, address)
    }
  }
  const timely = async <T>(call: (docker: Docker) => Promise<T>, withinInMs = answerWithinInMs): Promise<T> => {
    let cancel: (() => void) | undefined
    const late = new Promise<never>((_, reject) => {
      cancel = clock.after(withinInMs, () =>
        reject(new RuntimeError('unavailable', `Docker at ${address} did not answer within ${withinInMs / 1000} s`)),
      )
    })
    return Promise.race([ask(call), late]).finally(cancel)
  }
  return {
    address,
    isLocal: host === undefined,
    open: (call, withinInMs) => (withinInMs === undefined ? ask(call) : timely(call, withinInMs)),
    async read(call) {
      try {
        return await timely(call)
      } catch (error) {
        if (!isReset(error)) throw error
        return timely(call)
      }
    },
    change: (urgency, call) => take(urgency, () => timely(call)),
  }
}

const connectionFailures = new Set([
  'ECONNREFUSED',
  'ENOENT',
  'EACCES',
  'ECONNRESET',
  'EPIPE',
  'ETIMEDOUT',
  'ENOTFOUND',
  'EHOSTUNREACH',
])

interface EngineFailure extends Error {
  code?: string
  statusCode?: number
  json?: { message?: string } | null
}

function translated(error: unknown, address: string): unknown {
  if (!(error instanceof Error) || error instanceof RuntimeError) return error
  const { code, statusCode, json, message } = error as EngineFailure
  if (statusCode !== undefined) {
    return new DockerError(statusCode, json?.message ?? message.replace(/^\(HTTP code \d+\) [^-]* - /, '').trim(), error)
  }
  if (code === undefined || !connectionFailures.has(code)) return error
  const advice =
    code === 'EACCES'
      ? 'no permission to use it'
      : code === 'ECONNRESET' || code === 'EPIPE'
        ? 'it hung up'
        : 'is the engine running?'
  return new RuntimeError('unavailable', `Docker is not reachable at ${address} (${code}): ${advice}`, { cause: error })
}

function isReset(error: unknown): boolean {
  const cause = error instanceof RuntimeError ? (error.cause as EngineFailure | undefined) : undefined
  return cause?.code === 'ECONNRESET' || cause?.code === 'EPIPE'
}

/** For `.catch`: swallows dockerd's answers with these codes (304: it was so already, 404: it is not there). */
export function unless(...statuses: number[]): (error: unknown) => undefined {
  return error => {
    if (error instanceof DockerError && statuses.includes(error.status)) return undefined
    throw asRuntimeError('other', error)
  }
}

/** For `.catch`: turns dockerd's answers into RuntimeErrors of this kind. */
export function failAs(kind: RuntimeError['kind']): (error: unknown) => never {
  return error => {
    throw asRuntimeError(kind, error)
  }
}

function asRuntimeError(kind: RuntimeError['kind'], error: unknown): unknown {
  if (!(error instanceof DockerError)) return error
  const isGone = error.status === 404 && /no such (container|exec)/i.test(error.message)
  return new RuntimeError(isGone ? 'notFound' : kind, error.message, { cause: error })
}

/** dockerode types its streams as NodeJS.ReadableStream, which cannot be destroyed. */
export const readable = (stream: unknown): Readable => stream as Readable
export const duplex = (stream: unknown): Duplex => stream as Duplex
