import { spawn } from 'node:child_process'
import { openSync } from 'node:fs'
import { mkdir, readFile } from 'node:fs/promises'
import { request } from 'node:http'
import { join } from 'node:path'
import { systemClock } from '../../lib/clock.ts'
import { ensureBusyboxImage } from '../../scripts/busybox-image.mjs'
import { eventually } from '../support/eventually.ts'

/** A container as the engine tells of it. */
export interface HostContainer {
  readonly Id: string
  readonly State: string
  readonly Labels: Readonly<Record<string, string>>
}

/** A dockerd of a host's own, in the host's network namespace. */
export interface HostEngine extends AsyncDisposable {
  readonly socketPath: string
  call<T>(method: string, path: string): Promise<T>
  containers(): Promise<HostContainer[]>
  /** Ends it as a crash would, and starts it anew. */
  restart(): Promise<void>
}

interface Options {
  /** Everything it has is below it. */
  readonly folder: string
  readonly namespace: string
  /** Of its usual bridge, which nobody uses here. */
  readonly bip: string
}

const patience = { timeoutInMs: 60_000, everyMs: 100 }

export async function hostEngine({ folder, namespace, bip }: Options): Promise<HostEngine> {
  await mkdir(folder, { recursive: true })
  const socketPath = join(folder, 'docker.sock')
  const pidFile = join(folder, 'docker.pid')
  let child: ReturnType<typeof spawn> | undefined
  let ended: Promise<unknown> = Promise.resolve()

  const call = <T>(method: string, path: string): Promise<T> =>
    new Promise((resolve, reject) => {
      const sent = request({ socketPath, method, path, agent: false }, response => {
        let text = ''
        response.setEncoding('utf8').on('data', chunk => (text += chunk))
        response.on('end', () => {
          if ((response.statusCode ?? 500) >= 400) reject(new Error(`${method} ${path}: ${response.statusCode} ${text}`))
          else resolve((text ? JSON.parse(text) : undefined) as T)
        })
      })
      sent.on('error', reject)
      sent.end()
    })

  const start = async () => {
    const log = openSync(join(folder, 'dockerd.log'), 'a')
    const flags = [
      ...['--data-root', join(folder, 'data'), '--exec-root', join(folder, 'exec'), '-p', pidFile],
      ...['-H', `unix://${socketPath}`, '--bip', bip, '--group', 'root'],
    ]
    child = spawn('nsenter', [`--net=/var/run/netns/${namespace}`, 'dockerd', ...flags], { stdio: ['ignore', log, log] })
    ended = new Promise(resolve => child?.once('exit', resolve))
    await eventually(async () => {
      if (child?.exitCode !== null)
        throw new Error(`dockerd ended: ${(await readFile(join(folder, 'dockerd.log'), 'utf8')).slice(-2000)}`)
      await call('GET', '/info')
    }, patience)
  }
  const engine: HostEngine = {
    socketPath,
    call,
    containers: () => call('GET', '/containers/json?all=1'),
    async restart() {
      child?.kill('SIGKILL')
      await ended
      await start()
    },
    async [Symbol.asyncDispose]() {
      // Containers that are not there need not be waited for.
      const left = await engine.containers().catch(() => [])
      await Promise.all(left.map(({ Id }) => call('DELETE', `/containers/${Id}?force=1&v=1`).catch(() => {})))
      child?.kill('SIGTERM')
      const cancel = systemClock.after(20_000, () => void child?.kill('SIGKILL'))
      await ended
      cancel()
    },
  }
  try {
    await start()
    await ensureBusyboxImage({ socketPath })
    return engine
  } catch (error) {
    await engine[Symbol.asyncDispose]()
    throw error
  }
}
