import { fileURLToPath } from 'node:url'
import { Worker } from 'node:worker_threads'
import type * as Esbuild from 'esbuild'
import type { Clock } from '../../lib/clock.ts'
import { deferred } from '../../lib/deferred.ts'
import type { YamlResult, YamlTask } from './yaml-worker.ts'

/** Reads large YAML texts in a thread of its own: the parser takes a second for a megabyte, and many for one that is made to hurt. */
export interface YamlReader {
  /** One text after the other. Rejects when `gone` aborts or the reader is closed; what is wrong with the text is in the result. */
  read(task: YamlTask, gone?: AbortSignal): Promise<YamlResult>
  /** Ends the thread. */
  close(): Promise<void>
}

interface Options {
  readonly clock: Clock
  /** How long a text may take. */
  readonly patienceInMs?: number
  /** After so long without work the thread goes away. */
  readonly idleInMs?: number
}

/** So that what is made to hurt does not take the memory of everybody. */
const resourceLimits = { maxOldGenerationSizeMb: 512 }

/** The thread starts with the first text. */
export function yamlReader({ clock, patienceInMs = 10_000, idleInMs = 5000 }: Options): YamlReader {
  let thread: Worker | undefined
  let isClosed = false
  let last: Promise<unknown> = Promise.resolve()
  let cancelIdling = () => {}

  async function start(): Promise<Worker> {
    const { role } = await import('./yaml-worker.ts')
    const worker = new Worker(await program(), { workerData: role, execArgv: [], resourceLimits })
    worker.unref()
    worker.on('error', () => {}) // whoever waits for the thread hears of it too
    worker.on('exit', () => {
      if (thread === worker) thread = undefined
    })
    return worker
  }

  async function end(): Promise<void> {
    cancelIdling()
    const worker = thread
    thread = undefined
    await worker?.terminate()
  }

  async function perform(task: YamlTask, gone: AbortSignal | undefined): Promise<YamlResult> {
    cancelIdling()
    const worker = gone?.aborted || isClosed ? undefined : (thread ??= await start())
    if (!worker || gone?.aborted || isClosed) throw abandoned()
    const { promise, resolve, reject } = deferred<YamlResult>()
    let isIdle = false
    const onResult = (result: YamlResult) => {
      isIdle = true
      resolve(result)
    }
    const onError = (error: { code?: string }) =>
      error.code === 'ERR_WORKER_OUT_OF_MEMORY' ? resolve({ error: 'it takes too much memory to read' }) : reject(error)
    const abandon = () => reject(abandoned())
    worker.on('message', onResult).on('error', onError).on('exit', abandon)
    gone?.addEventListener('abort', abandon)
    const cancel = clock.after(patienceInMs, () => resolve({ error: `it takes longer than ${patienceInMs / 1000} s to read` }))
    worker.postMessage(task)
    try {
      return await promise
    } finally {
      cancel()
      gone?.removeEventListener('abort', abandon)
      worker.off('message', onResult).off('error', onError).off('exit', abandon)
      if (isIdle) cancelIdling = clock.after(idleInMs, () => void end())
      else await end()
    }
  }

  return {
    read(task, gone) {
      const reading = last.then(() => perform(task, gone))
      last = reading.catch(() => {}) // the next one does not care
      return reading
    },
    async close() {
      isClosed = true
      await end()
      await last
    },
  }
}

const abandoned = () => new Error('the text was not read to its end, as nobody waits for it')

/** What the thread runs. */
async function program(): Promise<URL> {
  const { entry } = await import('./yaml-worker.ts')
  if (!entry.endsWith('.ts')) return new URL(entry)
  // Sources that nobody has bundled, as tests have them: Node 20 reads no TypeScript. Not to be bundled itself, thus the variable.
  const bundler: string = 'esbuild'
  const { build } = (await import(bundler)) as typeof Esbuild
  const bundle = await build({
    entryPoints: [fileURLToPath(entry)],
    bundle: true,
    write: false,
    format: 'esm',
    external: ['node:*'],
    logLevel: 'silent',
  })
  return new URL(`data:text/javascript,${encodeURIComponent(bundle.outputFiles[0]?.text ?? '')}`)
}
