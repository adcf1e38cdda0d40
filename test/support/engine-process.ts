import { type ChildProcess, spawn } from 'node:child_process'
import { openSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { request } from 'node:http'
import { join } from 'node:path'
import { systemClock } from '../../lib/clock.ts'
import { eventually } from './eventually.ts'

/** A dockerd of a test's own, with all that it has in one folder. */
export interface EngineProcess {
  readonly socketPath: string
  call<T>(method: string, path: string): Promise<T>
  /** Resolves when it answers, or is killed meanwhile. */
  start(): Promise<void>
  /** As a crash would end it. */
  kill(): Promise<void>
  /** Removes all containers, and ends it in its own time, which is twenty seconds at most. */
  end(): Promise<void>
}

interface Options {
  readonly folder: string
  /** The names of its socket and the file of its process id in the folder. */
  readonly socket: string
  readonly pidFile: string
  readonly flags: readonly string[]
  /** What comes before `dockerd` on its command line. */
  readonly within?: readonly string[]
}

const answerWithinInMs = 10_000

export function engineProcess({ folder, socket, pidFile, flags, within = [] }: Options): EngineProcess {
  const socketPath = join(folder, socket)
  const logFile = join(folder, 'dockerd.log')
  let child: ChildProcess | undefined
  let ended: Promise<unknown> = Promise.resolve()
  const call = <T>(method: string, path: string) => engineRequest<T>(socketPath, method, path)
  return {
    socketPath,
    call,
    async start() {
      const log = openSync(logFile, 'a')
      const [command = '', ...args] = [
        ...[...within, 'dockerd', '--data-root', join(folder, 'data'), '--exec-root', join(folder, 'exec')],
        ...['-p', join(folder, pidFile), '-H', `unix://${socketPath}`, '--group', 'root', ...flags],
      ]
      const dockerd = spawn(command, args, { stdio: ['ignore', log, log] })
      child = dockerd
      ended = new Promise(resolve => dockerd.once('exit', resolve))
      await eventually(
        async () => {
          if (dockerd.signalCode === 'SIGKILL') return
          if (dockerd.exitCode !== null) throw new Error(`dockerd ended: ${(await readFile(logFile, 'utf8')).slice(-2000)}`)
          await call('GET', '/info')
        },
        { timeoutInMs: 60_000, everyMs: 50 },
      )
    },
    async kill() {
      child?.kill('SIGKILL')
      await ended
    },
    async end() {
      // Containers that are not there need not be waited for.
      const left = await call<{ Id: string }[]>('GET', '/containers/json?all=1').catch(() => [])
      await Promise.all(left.map(({ Id }) => call('DELETE', `/containers/${Id}?force=1&v=1`).catch(() => {})))
      child?.kill('SIGTERM')
      const cancel = systemClock.after(20_000, () => void child?.kill('SIGKILL'))
      await ended
      cancel()
    },
  }
}

function engineRequest<T>(socketPath: string, method: string, path: string): Promise<T> {
  return new Promise((resolve, reject) => {
    const sent = request({ socketPath, method, path, agent: false, timeout: answerWithinInMs }, response => {
      let text = ''
      response.setEncoding('utf8').on('data', chunk => (text += chunk))
      response.on('error', reject)
      response.on('end', () => {
        if ((response.statusCode ?? 500) >= 400) reject(new Error(`${method} ${path}: ${response.statusCode} ${text}`))
        else resolve((text.startsWith('{') || text.startsWith('[') ? JSON.parse(text) : undefined) as T)
      })
    })
    sent.on('timeout', () => sent.destroy(new Error(`${method} ${path}: no answer`)))
    sent.on('error', reject)
    sent.end()
  })
}
