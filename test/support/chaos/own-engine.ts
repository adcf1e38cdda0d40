import { execFileSync } from 'node:child_process'
import { readdirSync, readFileSync, rmSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ensureBusyboxImage } from '../../../scripts/busybox-image.mjs'
import { engineProcess } from '../engine-process.ts'
import { eventually } from '../eventually.ts'

/** Another name of busybox:1.36, for updates. */
export const otherImage = 'busybox:other'

/** A container as the engine lists it. */
export interface Listed {
  readonly Id: string
  readonly Names: readonly string[]
  /** Seconds since 1970. */
  readonly Created: number
  readonly State: string
  readonly Status: string
  readonly Labels: Readonly<Record<string, string>>
}

/** A dockerd that may be killed: nobody else uses it, and it leaves the machine's packet filter and bridges alone. */
export interface OwnEngine extends AsyncDisposable {
  readonly folder: string
  readonly socketPath: string
  call<T>(method: string, path: string): Promise<T>
  /** What is its own; with `all`, also what does not run. */
  list(): Promise<Listed[]>
  /** SIGKILL for dockerd and its containerd; what shims are left goes on by itself. */
  kill(): Promise<void>
  /** SIGKILL for containerd alone: dockerd notices after some seconds and starts another. */
  killContainerd(): void
  /** Resolves when it answers. */
  start(): Promise<void>
}

export interface OwnEngineOptions {
  /** Containers survive dockerd. */
  readonly isLiveRestore: boolean
}

/** Why there can be none here; undefined: there can. */
export function whyNoOwnEngine(): string | undefined {
  if (process.getuid?.() !== 0) return 'only root may run an engine'
  const folders = [...(process.env.PATH ?? '').split(':'), '/usr/sbin', '/sbin']
  const isThere = (name: string) => folders.some(folder => readdirOf(folder).includes(name))
  const missing = ['dockerd', 'ip'].find(program => !isThere(program))
  return missing ? `there is no ${missing}` : undefined
}

const patience = { timeoutInMs: 60_000, everyMs: 50 }

export async function ownEngine({ isLiveRestore }: OwnEngineOptions): Promise<OwnEngine> {
  // Sockets of containerd must have short names.
  const folder = await mkdtemp(join(tmpdir(), 'wchaos-'))
  const containerdPidFile = join(folder, 'exec/containerd/containerd.pid')
  // Without any bridge of its own a dockerd takes docker0 away, whosever that is.
  const bridge = `wc-${folder.slice(-6)}`
  execFileSync('ip', ['link', 'add', bridge, 'type', 'bridge'])
  execFileSync('ip', ['address', 'add', '169.254.77.1/30', 'dev', bridge])
  const containerdPid = () => Number(textOf(containerdPidFile)) || 0
  const { socketPath, call, start, kill, end } = engineProcess({
    folder,
    socket: 'sock',
    pidFile: 'pid',
    flags: [`--bridge=${bridge}`, '--iptables=false', ...(isLiveRestore ? ['--live-restore'] : [])],
  })
  const engine: OwnEngine = {
    folder,
    socketPath,
    call,
    start,
    list: () => call('GET', '/containers/json?all=1'),
    killContainerd() {
      const pid = containerdPid()
      if (pid > 0 && isAlive(pid)) process.kill(pid, 'SIGKILL')
    },
    async kill() {
      const containerd = containerdPid()
      await kill()
      if (containerd > 0 && isAlive(containerd)) process.kill(containerd, 'SIGKILL')
      await eventually(() => {
        if (isAlive(containerd)) throw new Error('containerd has not ended')
      }, patience)
      // Where nobody reaps orphans a dead containerd passes for a living one.
      rmSync(containerdPidFile, { force: true })
      rmSync(join(folder, 'pid'), { force: true })
    },
    async [Symbol.asyncDispose]() {
      await end()
      // Shims that lost their containerd.
      for (const pid of processesNaming(folder)) process.kill(pid, 'SIGKILL')
      for (const mount of mountsBelow(folder).reverse()) execFileSync('umount', ['-l', mount])
      execFileSync('ip', ['link', 'delete', bridge])
      await rm(folder, { recursive: true, force: true, maxRetries: 5 })
    },
  }
  try {
    await engine.start()
    await ensureBusyboxImage({ socketPath })
    const [repo, tag] = otherImage.split(':')
    await call('POST', `/images/busybox:1.36/tag?repo=${repo}&tag=${tag}`)
    return engine
  } catch (error) {
    await engine[Symbol.asyncDispose]()
    throw error
  }
}

const textOf = (path: string): string => {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}

const readdirOf = (path: string): string[] => {
  try {
    return readdirSync(path)
  } catch {
    return []
  }
}

/** Neither gone nor waiting to be reaped. */
export const isAlive = (pid: number): boolean => /^\d+ \(.*\) [^ZX]/s.test(textOf(`/proc/${pid}/stat`))

/** Processes whose command line has this text. */
const processesNaming = (text: string): number[] =>
  readdirOf('/proc')
    .filter(name => /^\d+$/.test(name) && textOf(`/proc/${name}/cmdline`).includes(text))
    .map(Number)
    .filter(pid => pid !== process.pid)

/** Where something is mounted below a folder, in the order it was mounted. */
export const mountsBelow = (folder: string): string[] =>
  textOf('/proc/self/mountinfo')
    .split('\n')
    .map(line => (line.split(' ')[4] ?? '').replace(/\\040/g, ' '))
    .filter(path => path.startsWith(`${folder}/`))
