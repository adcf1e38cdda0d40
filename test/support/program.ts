import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Pod } from '../../api/core/pod.ts'
import type { Client } from '../../client/client.ts'
import { type HttpTransport, httpTransport } from '../../client/http-transport.ts'
import { parseKubeconfig, selectConnection } from '../../client/kubeconfig.ts'
import { createClient } from '../../client/typed-client.ts'
import { systemClock } from '../../lib/clock.ts'
import { ensureBundle } from '../../scripts/bootstrap.mjs'
import { ensureBusyboxImage } from '../../scripts/busybox-image.mjs'
import { containersOf, type EngineContainer, engineSocket } from './engine.ts'
import { manifestsDir } from './manifests.ts'

const root = join(import.meta.dirname, '../..')
const patienceInMs = 30_000
const bundle = join(root, 'dist', 'wherry.mjs')

export interface Said {
  readonly code: number
  readonly out: string
  readonly err: string
}

export interface ProgramOptions {
  /** More flags of every `up`. */
  readonly flags?: readonly string[]
  readonly env?: Readonly<Record<string, string>>
  /** Instead of a fresh folder; it must not be there before, and is removed in the end. */
  readonly dataDir?: string
  /** No engine is needed: nodes are simulated. */
  readonly isSimulated?: boolean
}

/** One process of the program that goes on by itself. */
export interface Process {
  readonly pid: number
  /** What it has printed by now. */
  output(): string
  /** Resolves with the exit code, -1 after a signal, once it has ended. */
  kill(signal: NodeJS.Signals): Promise<number>
}

/** The built program on a data dir of its own. Whatever it leaves on the engine is removed when the test is done with it. */
export interface Program extends AsyncDisposable {
  /** A scratch folder; the data dir is in it unless said otherwise. */
  readonly folder: string
  readonly dataDir: string
  readonly kubeconfig: string
  /** Runs `wherry` with these words. */
  wherry(...words: readonly string[]): Promise<Said>
  /** The same, and throws when the exit code is not 0; answers what it printed. */
  ok(...words: readonly string[]): Promise<string>
  apply(file: string): Promise<string>
  /** Starts `wherry up` as a child; resolves when it says that it is ready, throws what it said when it ends before. */
  up(...flags: readonly string[]): Promise<void>
  /** Resolves with the exit code, -1 after a signal, once the child has ended; throws when it has not within half a minute. */
  kill(signal: NodeJS.Signals): Promise<number>
  /** Starts `wherry` with these words; it is ended with the rest. Resolves when it has printed that text. */
  begin(words: readonly string[], until: string): Promise<Process>
  /** What `up` has printed since it was started last. */
  readonly output: string
  /** The administrator's client, over HTTPS; of the cluster as it was started last. */
  readonly client: Client
  readonly https: HttpTransport
  pods(labelSelector?: string): Promise<readonly Pod[]>
  pod(name: string): Promise<Pod>
  /** The mark of the cluster's containers. */
  clusterId(): Promise<string>
  /** What the engine runs for this cluster, without the pods' own infrastructure. */
  containers(): Promise<EngineContainer[]>
}

let prepared: Promise<unknown> | undefined

/** What no test here can do without: the bundle, the engine, the image. Throws when there is no engine. */
function prepare(): Promise<unknown> {
  prepared ??= Promise.all([
    ensureBundle(),
    ensureBusyboxImage({ socketPath: engineSocket }).catch((cause: unknown) => {
      throw new Error(`These tests need a Docker engine at ${engineSocket}; NOTHING WAS TESTED`, { cause })
    }),
  ])
  return prepared
}

export async function program(options: ProgramOptions = {}): Promise<Program> {
  await (options.isSimulated ? ensureBundle() : prepare())
  const folder = await mkdtemp(join(tmpdir(), 'wherry-e2e-'))
  const dataDir = options.dataDir ?? join(folder, 'data')
  const kubeconfig = join(folder, 'kubeconfig')
  const env = { ...process.env, WHERRY_HOME: join(folder, 'home'), KUBECONFIG: kubeconfig, ...options.env }
  let child: ChildProcess | undefined
  let ended: Promise<number> = Promise.resolve(0)
  let output = ''
  let https: HttpTransport | undefined
  const others: Process[] = []

  const start = (words: readonly string[], onOutput: (text: string, isError: boolean) => void) => {
    const process_ = spawn(process.execPath, [bundle, ...words], { cwd: root, env, stdio: ['ignore', 'pipe', 'pipe'] })
    process_.stdout.setEncoding('utf8').on('data', text => onOutput(text, false))
    process_.stderr.setEncoding('utf8').on('data', text => onOutput(text, true))
    return { child: process_, ended: new Promise<number>(resolve => process_.once('close', code => resolve(code ?? -1))) }
  }
  const wherry: Program['wherry'] = async (...words) => {
    let out = ''
    let err = ''
    const run = start(words, (text, isError) => {
      if (isError) err += text
      else out += text
    })
    return { code: await run.ended, out, err }
  }
  const ok: Program['ok'] = async (...words) => {
    const { code, out, err } = await wherry(...words)
    if (code !== 0) throw new Error(`wherry ${words.join(' ')} ended with ${code}: ${err || out}`)
    return out
  }
  const connection = () => {
    if (!https) throw new Error('the cluster has not been started yet')
    return https
  }
  const clusterId = async () => (JSON.parse(await readFile(join(dataDir, 'cluster.json'), 'utf8')) as { id: string }).id

  const self: Program = {
    folder,
    dataDir,
    kubeconfig,
    wherry,
    ok,
    apply: file => ok('apply', '-f', join(manifestsDir, file)),
    async up(...flags) {
      output = ''
      const words = ['up', '--data-dir', dataDir, '--port', '0', '--kubeconfig', kubeconfig, ...(options.flags ?? []), ...flags]
      await new Promise<void>((resolve, reject) => {
        const run = start(words, text => {
          output += text
          if (output.includes('Ready in')) resolve()
        })
        child = run.child
        ended = run.ended
        void ended.then(code => reject(new Error(`wherry up ended with ${code}: ${output}`)))
      })
      https?.close()
      https = httpTransport((await selectConnection(await parseKubeconfig(await readFile(kubeconfig, 'utf8')), folder)).transport)
    },
    async kill(signal) {
      child?.kill(signal)
      const enough = new AbortController()
      const late = systemClock.sleep(patienceInMs, enough.signal).then(() => undefined)
      const code = await Promise.race([ended, late])
      enough.abort()
      if (code !== undefined) return code
      child?.kill('SIGKILL')
      throw new Error(`wherry up has not ended ${patienceInMs / 1000} s after ${signal}: ${output}`)
    },
    async begin(words, until) {
      let said = ''
      const run = await new Promise<ReturnType<typeof start>>((resolve, reject) => {
        const begun = start(words, text => {
          said += text
          if (said.includes(until)) resolve(begun)
        })
        void begun.ended.then(code => reject(new Error(`wherry ${words.join(' ')} ended with ${code}: ${said}`)))
      })
      const one: Process = {
        pid: run.child.pid ?? 0,
        output: () => said,
        kill(signal) {
          run.child.kill(signal)
          return run.ended
        },
      }
      others.push(one)
      return one
    },
    get output() {
      return output
    },
    get client() {
      return createClient(connection())
    },
    get https() {
      return connection()
    },
    pods: async (labelSelector = '') =>
      (await self.client.list(Pod, { namespace: 'default', ...(labelSelector && { labelSelector }) })).items,
    pod: name => self.client.get(Pod, { namespace: 'default', name }),
    clusterId,
    containers: async () =>
      (await containersOf(await clusterId())).filter(({ Labels }) => Labels['wherry.dev/type'] === 'container'),
    async [Symbol.asyncDispose]() {
      https?.close()
      await Promise.all(others.map(one => one.kill('SIGKILL')))
      if (child?.exitCode === null) await self.kill('SIGKILL')
      await ok('down', '--delete-data', '--data-dir', dataDir)
      await rm(folder, { recursive: true, force: true })
    },
  }
  return self
}
