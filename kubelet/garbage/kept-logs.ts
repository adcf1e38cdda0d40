import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { ApiError } from '../../api/errors.ts'
import type { ContainerLogOptions, ContainerTarget } from '../../api/node-agent.ts'
import type { Clock } from '../../lib/clock.ts'
import type { Log } from '../../lib/log.ts'
import type { ContainerRuntime, ContainerState, PodIdentity } from '../runtime/runtime.ts'
import { messageOf } from '../sync/sync-error.ts'
import type { KeptLogsConfig } from './config.ts'
import { selectLines } from './log-lines.ts'

/** The last logs of pods whose containers are gone, compressed, for a while and within bounds. */
export interface KeptLogs {
  /** Copies the ends of their logs; to be called before containers are removed. Takes its time, within bounds; never fails. */
  keep(pod: PodIdentity, containers: readonly ContainerState[]): Promise<void>
  /** Throws NotFound when nothing is kept of it, BadRequest when it is not clear which container is meant. */
  read(target: Omit<ContainerTarget, 'uid'> & { uid?: string }, options: ContainerLogOptions): AsyncIterable<Uint8Array>
  /** Lets go what is too old or too much. */
  sweep(): Promise<void>
  /** Lets go everything: the node is short of space. */
  clear(): Promise<void>
  /** Resolves when nothing is being written any more. */
  settled(): Promise<void>
}

interface KeptContainer {
  readonly name: string
  readonly attempt: number
  readonly file: string
}

/** What pod.json of a folder says. */
interface KeptPod {
  readonly pod: PodIdentity
  /** Milliseconds since the epoch. */
  readonly at: number
  /** Compressed, of all of its containers. */
  readonly bytes: number
  readonly containers: readonly KeptContainer[]
}

interface Options {
  runtime: Pick<ContainerRuntime, 'logs'>
  /** Absent: nothing is kept. */
  rootDir: string | undefined
  config: KeptLogsConfig
  clock: Clock
  log: Log
  /** Ends copies that are under way: what is not written yet is not kept. */
  signal?: AbortSignal
}

/** Longer than this a removal does not wait for a copy. */
const copyLimitInMs = 5000
const copiesAtOnce = 2
/** When this many pods wait to be copied, more are not: containers have to go. */
const mostWaiting = 64
/** Lines to ask for: what they take beyond the limit is cut off. */
const mostLines = 4000

export function keptLogs({ runtime, rootDir, config, clock, log, signal: stop }: Options): KeptLogs {
  const folder = rootDir === undefined ? undefined : join(rootDir, 'deleted')
  const isOn = folder !== undefined && config.keepInMs > 0
  let known: Promise<Map<string, KeptPod>> | undefined
  let active = 0
  const waiting: (() => void)[] = []
  const underWay = new Set<Promise<void>>()

  const index = () => {
    known ??= folder === undefined ? Promise.resolve(new Map<string, KeptPod>()) : readIndex(folder)
    return known
  }
  const drop = async (uid: string) => {
    ;(await index()).delete(uid)
    if (folder !== undefined) await rm(join(folder, uid), { recursive: true, force: true })
  }

  const inTurn = async (work: () => Promise<void>) => {
    if (active >= copiesAtOnce) await new Promise<void>(resolve => waiting.push(resolve))
    active += 1
    try {
      await work()
    } finally {
      active -= 1
      waiting.shift()?.()
    }
  }

  const copy = async (at: string, { id, name, attempt }: ContainerState, signal: AbortSignal) => {
    const { gzip } = await import('node:zlib')
    const text = await lastBytes(runtime.logs(id, { timestamps: true, tailLines: mostLines }, signal), config.bytesPerContainer)
    if (text.length === 0 || signal.aborted) return undefined
    const packed = await promisify<Uint8Array, Uint8Array>(gzip)(text)
    const file = `${name}.${attempt}.log.gz`
    await writeFile(join(at, file), packed, { mode: 0o600 })
    return { container: { name, attempt, file }, bytes: packed.length }
  }

  const copyAll = async (pod: PodIdentity, containers: readonly ContainerState[], into: string) => {
    const late = new AbortController()
    const cancel = clock.after(copyLimitInMs, () => late.abort())
    stop?.addEventListener('abort', () => late.abort(), { signal: late.signal })
    if (stop?.aborted) late.abort()
    const temporary = join(into, `${pod.uid}.new`)
    try {
      await rm(temporary, { recursive: true, force: true })
      await mkdir(temporary, { recursive: true, mode: 0o700 })
      const copies = []
      for (const container of containers) {
        if (late.signal.aborted) break
        const copied = await copy(temporary, container, late.signal).catch(() => undefined)
        if (copied) copies.push(copied)
      }
      const bytes = copies.reduce((sum, one) => sum + one.bytes, 0)
      const kept: KeptPod = { pod, at: clock.now(), bytes, containers: copies.map(one => one.container) }
      if (copies.length === 0) return await rm(temporary, { recursive: true, force: true })
      await writeFile(join(temporary, 'pod.json'), JSON.stringify(kept), { mode: 0o600 })
      await rm(join(into, pod.uid), { recursive: true, force: true })
      await rename(temporary, join(into, pod.uid))
      ;(await index()).set(pod.uid, kept)
    } finally {
      cancel()
      late.abort() // and with it the listener above
    }
  }

  const sweep = async () => {
    const pods = [...(await index()).values()].sort((a, b) => b.at - a.at)
    let bytes = 0
    for (const [place, { pod, at, bytes: own }] of pods.entries()) {
      bytes += own
      const isTooOld = clock.now() - at >= config.keepInMs
      if (isTooOld || place >= config.mostPods || bytes > config.mostBytes) await drop(pod.uid)
    }
  }

  return {
    async keep(pod, containers) {
      const worth = containers.filter(({ startedAt, state }) => startedAt > 0 || state === 'running' || state === 'exited')
      if (!isOn || worth.length === 0 || waiting.length >= mostWaiting || !isPlainName(pod.uid)) return
      const copied = inTurn(() => copyAll(pod, worth, folder))
        .then(sweep)
        .catch((err: unknown) => log.warn({ err: messageOf(err), pod: pod.name }, 'last logs not kept'))
        .finally(() => underWay.delete(copied))
      underWay.add(copied)
      await copied
    },
    async settled() {
      await Promise.all(underWay)
    },
    async *read(target, options) {
      const found = [...(await index()).values()].filter(({ pod }) => isMeant(pod, target)).sort((a, b) => b.at - a.at)[0]
      if (!found || folder === undefined || clock.now() - found.at >= config.keepInMs) {
        throw new ApiError('NotFound', `no logs are kept of a deleted pod ${JSON.stringify(target.name)}`)
      }
      const { file } = chooseContainer(found, options.container ?? target.container, options.previous ?? false)
      const { gunzip } = await import('node:zlib')
      const packed = await readFile(join(folder, found.pod.uid, file))
      const text = await promisify<Uint8Array, { maxOutputLength: number }, Buffer>(gunzip)(packed, {
        maxOutputLength: 2 * config.bytesPerContainer,
      })
      yield* selectLines(text, options, clock.now())
    },
    sweep,
    async clear() {
      for (const uid of [...(await index()).keys()]) await drop(uid)
    },
  }
}

/** It becomes the name of a folder. */
const isPlainName = (uid: string) => /^[\w-]+$/.test(uid)

const isMeant = (pod: PodIdentity, target: { namespace: string; name: string; uid?: string }) =>
  pod.namespace === target.namespace && pod.name === target.name && (!target.uid || pod.uid === target.uid)

function chooseContainer({ pod, containers }: KeptPod, wanted: string, previous: boolean): KeptContainer {
  const names = [...new Set(containers.map(({ name }) => name))]
  const name = wanted || (names.length === 1 ? (names[0] ?? '') : '')
  if (!name)
    throw new ApiError(
      'BadRequest',
      `a container name must be specified for pod ${pod.name}, choose one of: [${names.join(' ')}]`,
    )
  const instances = containers.filter(one => one.name === name).sort((a, b) => b.attempt - a.attempt)
  const chosen = instances[previous ? 1 : 0]
  if (chosen) return chosen
  if (previous && instances.length > 0)
    throw new ApiError('BadRequest', `previous terminated container "${name}" in pod "${pod.name}" not found`)
  throw new ApiError('NotFound', `no log is kept of container "${name}" of the deleted pod "${pod.name}"`)
}

/** The end of what comes, from the beginning of a line on. */
async function lastBytes(source: AsyncIterable<Uint8Array>, limit: number): Promise<Uint8Array> {
  const chunks: Uint8Array[] = []
  let size = 0
  let isCut = false
  for await (const chunk of source) {
    chunks.push(chunk)
    size += chunk.length
    while (size - (chunks[0]?.length ?? 0) >= limit) {
      size -= chunks.shift()?.length ?? 0
      isCut = true
    }
  }
  const all = Buffer.concat(chunks)
  if (!isCut && all.length <= limit) return all
  const tail = all.subarray(Math.max(0, all.length - limit))
  const start = tail.indexOf(10)
  return start < 0 ? tail : tail.subarray(start + 1)
}

async function readIndex(folder: string): Promise<Map<string, KeptPod>> {
  const pods = new Map<string, KeptPod>()
  for (const name of await readdir(folder).catch(() => [])) {
    try {
      const kept = JSON.parse(await readFile(join(folder, name, 'pod.json'), 'utf8')) as KeptPod
      if (name === kept.pod.uid) pods.set(name, kept)
    } catch {
      // Left half-made when the kubelet ended.
      await rm(join(folder, name), { recursive: true, force: true }).catch(() => undefined)
    }
  }
  return pods
}
