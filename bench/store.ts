import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { systemClock } from '../lib/clock.ts'
import { levelStore } from '../storage/level/level.ts'
import { memoryStore } from '../storage/memory.ts'
import type { Store } from '../storage/store.ts'

export interface StoreFigures {
  readonly store: string
  readonly writers: number
  readonly putsPerSecond: number
  readonly p50InMs: number
  readonly p99InMs: number
}

const valueBytes = 1536
const secondsEach = 2

/** Measures puts by writers that each wait for their last one, half of them creating keys and half updating; prints a table. */
export async function benchStore(): Promise<StoreFigures[]> {
  const figures: StoreFigures[] = []
  const location = await mkdtemp(join(tmpdir(), 'wherry-bench-'))
  try {
    for (const [name, open] of [
      ['level', () => levelStore({ location, clock: systemClock })],
      ['memory', async () => memoryStore({ clock: systemClock })],
    ] as const) {
      const store = await open()
      const stop = new AbortController()
      const watched = watchAll(store, stop.signal)
      for (const writers of [1, 16, 64, 128, 512]) figures.push({ store: name, writers, ...(await measure(store, writers)) })
      stop.abort()
      await watched
      await store.close()
    }
  } finally {
    await rm(location, { recursive: true })
  }
  console.table(figures)
  console.log(`resident memory ${Math.round(process.memoryUsage.rss() / 2 ** 20)} MB`)
  return figures
}

/** What an API server does: one live watcher that sees everything. */
async function watchAll(store: Store, signal: AbortSignal): Promise<void> {
  for await (const _ of store.watch('/', await store.revision(), signal));
}

let run = 0

async function measure(store: Store, writers: number): Promise<Omit<StoreFigures, 'store' | 'writers'>> {
  const name = `/bench/${++run}`
  const times: number[] = []
  const start = systemClock.monotonic()
  const until = start + secondsEach * 1000
  const write = async (writer: number) => {
    for (let i = 0, revision = 0; systemClock.monotonic() < until; i++) {
      const before = systemClock.monotonic()
      const isUpdate = i % 2 === 1
      const key = `${name}/${writer}/${i - (i % 2)}`
      const entry = await store.put(key, value, isUpdate ? revision : 0)
      revision = entry?.revision ?? 0
      times.push(systemClock.monotonic() - before)
    }
  }
  await Promise.all(Array.from({ length: writers }, (_, writer) => write(writer)))
  const seconds = (systemClock.monotonic() - start) / 1000
  times.sort((a, b) => a - b)
  const percentile = (p: number) => Number((times[Math.floor(times.length * p)] ?? 0).toFixed(2))
  return { putsPerSecond: Math.round(times.length / seconds), p50InMs: percentile(0.5), p99InMs: percentile(0.99) }
}

const filler = Array.from({ length: valueBytes }, (_, i) => (i * 7919) % 251)

function value(revision: number): Uint8Array {
  const bytes = Uint8Array.from(filler)
  new DataView(bytes.buffer).setFloat64(0, revision)
  return bytes
}
