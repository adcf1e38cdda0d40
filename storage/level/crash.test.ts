import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { systemClock } from '../../lib/clock.ts'
import { seededRandom } from '../../lib/random.ts'
import type { Entry, StoreEvent } from '../store.ts'
import { levelStore } from './level.ts'

const here = fileURLToPath(new URL('.', import.meta.url))
const kills = 50
let directory: string
let script: string

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'wherry-crash-'))
  script = join(directory, 'writer.mjs')
  const contents = `
    import { writeSync } from 'node:fs'
    import { writeForever } from './crash-writer.ts'
    const [, , location, seed] = process.argv
    await writeForever({ location, seed: Number(seed), report: line => writeSync(1, line + '\\n') })`
  await build({
    stdin: { contents, resolveDir: here, loader: 'ts' },
    outfile: script,
    bundle: true,
    platform: 'node',
    target: 'node20',
    format: 'esm',
    external: ['classic-level'],
    banner: {
      js: `import { createRequire } from 'node:module'; const require = createRequire(${JSON.stringify(import.meta.url)})`,
    },
  })
})
afterAll(() => rm(directory, { recursive: true }))

/** One commit as the writer reported it or the log told it. */
interface Known {
  readonly type: string
  readonly key: string
  readonly nonce: string
}

/** The nonce of a value, which is nothing but repetitions of it. */
function nonceOf({ value }: Entry): string {
  const text = new TextDecoder().decode(value)
  const nonce = text.slice(0, 12)
  expect(text).toBe(nonce.padEnd(text.length, nonce))
  return nonce
}

const known = ({ type, entry }: StoreEvent): Known => ({ type, key: entry.key, nonce: nonceOf(entry) })

/** Remembers every commit ever acknowledged or seen, and holds the store to it. */
function ledger(location: string) {
  const acknowledged = new Map<number, Known>()
  const state = new Map<string, { revision: number; nonce: string }>()
  let settled = 0 // up to here `state` is what the commits add up to

  async function replay(since: number, until: number): Promise<StoreEvent[]> {
    const store = await levelStore({ location, clock: systemClock })
    const events: StoreEvent[] = []
    for await (const some of store.watch('', since, AbortSignal.timeout(10_000))) {
      events.push(...some)
      if (events.length >= until - since) break
    }
    await store.close()
    return events
  }

  return {
    acknowledge(revision: number, commit: Known): void {
      expect(acknowledged.get(revision), `revision ${revision} was acknowledged twice`).toBeUndefined()
      expect(revision, 'a revision that others have seen was given again').toBeGreaterThan(settled)
      acknowledged.set(revision, commit)
    },
    async check(): Promise<void> {
      const store = await levelStore({ location, clock: systemClock })
      const [newest, compacted] = [await store.revision(), await store.compactedRevision()]
      const { entries } = await store.list('')
      await store.close()

      const events = newest > compacted ? await replay(compacted, newest) : []
      expect(events.map(event => event.entry.revision)).toEqual(
        Array.from({ length: newest - compacted }, (_, i) => compacted + 1 + i),
      )
      const seen = new Map(events.map(event => [event.entry.revision, known(event)]))
      for (const [revision, commit] of acknowledged) {
        if (revision > compacted) expect(seen.get(revision), `revision ${revision} was acknowledged`).toEqual(commit)
      }
      while (settled < newest) {
        const commit = acknowledged.get(++settled) ?? seen.get(settled)
        if (!commit) throw new Error(`revision ${settled} was neither acknowledged nor kept`)
        if (commit.type === 'put') state.set(commit.key, { revision: settled, nonce: commit.nonce })
        else state.delete(commit.key)
      }
      expect(Math.max(0, ...acknowledged.keys())).toBeLessThanOrEqual(newest)
      expect(new Map(entries.map(entry => [entry.key, { revision: entry.revision, nonce: nonceOf(entry) }]))).toEqual(
        new Map([...state].sort(([a], [b]) => (a < b ? -1 : 1))),
      )
    },
    get size() {
      return acknowledged.size
    },
  }
}

/** Passes the child's lines on until it is told to kill it; what the child still managed to say counts as well. */
async function runUntil(child: ChildProcess, isEnough: (line: string) => boolean): Promise<void> {
  const exited = once(child, 'exit')
  for await (const line of createInterface({ input: child.stdout! })) if (isEnough(line)) child.kill('SIGKILL')
  expect((await exited)[1], 'the writer ended by itself').toBe('SIGKILL')
}

/** Notes an acknowledgement; the last line may be cut off. */
function note(line: string, commits: ReturnType<typeof ledger>): void {
  const [word, revision, type, key, nonce] = line.split(' ')
  if (word === 'ack' && type && key && nonce?.length === 12) commits.acknowledge(Number(revision), { type, key, nonce })
}

test(`keeps every promise when it is killed ${kills} times`, { timeout: 120_000 }, async () => {
  const seed = Number(systemClock.now() % 2 ** 31)
  const random = seededRandom(seed)
  const location = join(directory, 'killed')
  const commits = ledger(location)
  for (let round = 1; round <= kills; round++) {
    const lines = random.below(round % 10 === 0 ? 5000 : 900)
    const child = spawn(process.execPath, [script, location, String(random.below(2 ** 31))], { stdio: ['ignore', 'pipe', 2] })
    let count = 0
    try {
      await runUntil(child, line => {
        note(line, commits)
        return ++count > lines
      })
      await commits.check()
    } catch (cause) {
      throw new Error(`seed ${seed}, round ${round}, killed after ${lines} lines`, { cause })
    }
  }
  expect(commits.size).toBeGreaterThan(kills * 100)
})

test('a full disk fails writes, loses nothing, and is forgiven once there is room', { timeout: 60_000 }, async () => {
  const location = join(directory, 'full')
  const commits = ledger(location)
  // No file may grow beyond 3 MB, so each log of LevelDB fills up; recovery begins a new one, and there is room again.
  const limited = 'ulimit -f 6144 && exec "$@"'
  const args = ['-c', limited, 'sh', process.execPath, script, location, '1']
  const child = spawn('sh', args, { stdio: ['ignore', 'pipe', 2] })
  let recoveries = 0
  let isFailing = false
  await runUntil(child, line => {
    note(line, commits)
    if (isFailing && line.startsWith('ack')) recoveries++
    isFailing = line.startsWith('failed')
    if (isFailing) expect(line).toMatch(/the store is unavailable: it could not write: .*too large/i)
    return recoveries >= 4
  })
  await commits.check()
})
