import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { systemClock } from '../../../lib/clock.ts'
import type { Binary } from './binaries.ts'

/** What a command said and how it ended; -1 after a signal. */
export interface Said {
  readonly code: number
  readonly out: string
  readonly err: string
}

export interface RunOptions {
  readonly stdin?: string
  readonly env?: Readonly<Record<string, string>>
}

/** One kubectl in a namespace of its own. */
export interface Kubectl {
  readonly binary: Binary
  readonly namespace: string
  /** A scratch folder. */
  readonly folder: string
  /** Words are split at blanks; give a list where that is wrong. */
  run(words: string | readonly string[], options?: RunOptions): Promise<Said>
  /** As `run`, and throws when the exit code is not 0. Answers what it printed. */
  ok(words: string | readonly string[], options?: RunOptions): Promise<string>
  /** As `run`, and throws when the exit code is 0. Answers what it complained. */
  refused(words: string | readonly string[], options?: RunOptions): Promise<string>
  /** Starts it and leaves it running. */
  start(words: string | readonly string[]): Background
  /** Writes a file and answers its path. */
  file(name: string, content: unknown): Promise<string>
  /** One field of an object, by JSONPath: `{.spec.replicas}`. */
  field(object: string, path: string): Promise<string>
}

export interface Background {
  readonly child: ChildProcessWithoutNullStreams
  /** Resolves when its output matches; throws when it ends or ten seconds pass before. */
  says(pattern: RegExp): Promise<string>
  /** Resolves when it has ended by itself. */
  ended(): Promise<Said>
  /** Ends it, if it has not ended. */
  stop(): Promise<Said>
}

const patienceInMs = 30_000

export async function kubectl(binary: Binary, kubeconfig: string, folder: string): Promise<Kubectl> {
  const namespace = `kubectl-${binary.version.replace('.', '-')}`
  const own = join(folder, namespace)
  await mkdir(own, { recursive: true })
  const common = [`--kubeconfig=${kubeconfig}`, `--cache-dir=${join(own, 'cache')}`, `--namespace=${namespace}`]

  function start(words: string | readonly string[], { stdin, env = {} }: RunOptions = {}): Background {
    const list = typeof words === 'string' ? words.split(' ') : [...words]
    const child = spawn(binary.path, [...common, ...list], { cwd: own, env: { ...process.env, KUBECONFIG: '', ...env } })
    let out = ''
    let err = ''
    child.stdout.setEncoding('utf8').on('data', text => (out += text))
    child.stderr.setEncoding('utf8').on('data', text => (err += text))
    child.stdin.on('error', () => {}) // it has ended without reading
    if (stdin !== undefined) child.stdin.end(stdin)
    const ended = new Promise<Said>(resolve => child.once('close', code => resolve({ code: code ?? -1, out, err })))
    const within = async <T>(work: Promise<T>): Promise<T> => {
      const enough = new AbortController()
      const late = systemClock.sleep(patienceInMs, enough.signal).then(() => {
        if (enough.signal.aborted) return work
        child.kill('SIGKILL')
        throw new Error(`kubectl ${list.join(' ')} takes longer than ${patienceInMs / 1000} s; so far: ${out}${err}`)
      })
      try {
        return await Promise.race([work, late])
      } finally {
        enough.abort()
      }
    }
    return {
      child,
      says: pattern =>
        within(
          new Promise((resolve, reject) => {
            const look = () => pattern.test(out + err) && resolve(out + err)
            child.stdout.on('data', look)
            child.stderr.on('data', look)
            void ended.then(() =>
              pattern.test(out + err) ? resolve(out + err) : reject(new Error(`ended before ${pattern}: ${out}${err}`)),
            )
            look()
          }),
        ),
      ended: () => within(ended),
      async stop() {
        if (child.exitCode === null) child.kill('SIGTERM')
        return within(ended)
      },
    }
  }

  const run: Kubectl['run'] = (words, options) => start(words, { stdin: '', ...options }).ended()
  const self: Kubectl = {
    binary,
    namespace,
    folder: own,
    run,
    start: words => start(words),
    async ok(words, options) {
      const { code, out, err } = await run(words, options)
      if (code !== 0) throw new Error(`ended with ${code}: ${err}${out}`)
      return out
    },
    async refused(words, options) {
      const { code, out, err } = await run(words, options)
      if (code === 0) throw new Error(`should have been refused, but said: ${out}`)
      return err
    },
    async file(name, content) {
      const path = join(own, name)
      await writeFile(path, typeof content === 'string' ? content : JSON.stringify(content))
      return path
    },
    field: (object, path) => self.ok(['get', ...object.split(' '), '-o', `jsonpath=${path}`]),
  }
  return self
}

/** One row of the matrix: a command of kubectl, tried by what it prints and what it does. */
export interface Command {
  readonly name: string
  /** The first and the last minor version that have it. */
  readonly since?: number
  readonly until?: number
  readonly run: (kubectl: Kubectl) => Promise<void>
}

/** Throws unless the text contains or matches what is expected. */
export function expectText(text: string, ...expected: readonly (string | RegExp)[]): void {
  for (const each of expected) {
    const isThere = typeof each === 'string' ? text.includes(each) : each.test(text)
    if (!isThere) throw new Error(`expected ${each} in: ${text.slice(0, 1500)}`)
  }
}

/** Tries again until it no longer throws; throws its last error after ten seconds. */
export async function until(attempt: () => Promise<void>, withinInMs = 20_000): Promise<void> {
  const deadline = systemClock.now() + withinInMs
  for (;;) {
    try {
      return await attempt()
    } catch (error) {
      if (systemClock.now() > deadline) throw error
      await systemClock.sleep(100)
    }
  }
}
