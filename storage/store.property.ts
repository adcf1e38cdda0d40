import fc from 'fast-check'
import { expect, test } from 'vitest'
import { virtualClock } from '../lib/clock.ts'
import { compareKeys } from './key-order.ts'
import type { StoreFactory } from './store.contract.ts'
import { Compacted, type Entry, type ListPage, type Store, type StoreEvent } from './store.ts'

/** The plainest store there is: every event that ever happened, and functions over that. */
function model() {
  const events: StoreEvent[] = []
  let compacted = 0
  const eventAt = (key: string, at: number) => events.findLast(({ entry }) => entry.key === key && entry.revision <= at)
  const entryAt = (key: string, at: number) => {
    const event = eventAt(key, at)
    return event?.type === 'put' ? event.entry : undefined
  }
  const isRetained = ({ type, entry }: StoreEvent) =>
    entry.revision > compacted || (type === 'put' && eventAt(entry.key, compacted)?.entry === entry)
  const seen = (event: StoreEvent): StoreEvent => {
    const previous = events.find(({ entry }) => entry === event.previous)
    return { ...event, previous: previous && isRetained(previous) ? previous.entry : undefined }
  }
  return {
    get revision() {
      return events.length
    },
    get compacted() {
      return compacted
    },
    entryAt,
    write(type: StoreEvent['type'], key: string, expected: number, text: string, time: number): Entry | undefined {
      const previous = entryAt(key, events.length)
      if ((previous?.revision ?? 0) !== expected || (type === 'delete' && !previous)) return undefined
      const revision = events.length + 1
      const entry = { key, value: new TextEncoder().encode(text + revision), revision, created: previous?.created ?? revision }
      events.push({ type, entry, previous, note: new TextEncoder().encode(text), time })
      return entry
    },
    list(prefix: string, { at = events.length, after, limit }: ListPage) {
      const keys = [...new Set(events.map(event => event.entry.key))].filter(key => key.startsWith(prefix)).sort(compareKeys)
      const rest = keys.filter(key => after === undefined || compareKeys(key, after) > 0)
      const entries = rest.flatMap(key => entryAt(key, at) ?? [])
      const page = entries.slice(0, limit || entries.length)
      return { entries: page, revision: at, more: page.length < entries.length }
    },
    watched: (prefix: string, since: number) =>
      events.filter(({ entry }) => entry.revision > since && entry.key.startsWith(prefix)),
    history: (key: string, since: number) =>
      events.filter(event => event.entry.key === key && event.entry.revision > since && isRetained(event)).map(seen),
    at(revision: number) {
      const event = events[revision - 1]
      return event && isRetained(event) ? seen(event) : undefined
    },
    compact(revision: number) {
      compacted = Math.max(compacted, revision)
    },
  }
}

const key = fc.constantFrom('/a', '/a/x', '/a/y', '/a\u{ffee}', '/a\u{1f600}', '/b', '/b/x y', '')
const prefix = fc.constantFrom('', '/', '/a', '/a/', '/b/', '/c')
/** Somewhere between the compacted (0) and the newest (1) revision, or wrong. */
const somewhere = fc.double({ min: 0, max: 1, noNaN: true })
/** Expects what is true, what was true once, or nothing. */
const guess = fc.constantFrom('right', 'right', 'right', 'stale', 'absent')
const write = fc.record({ type: fc.constantFrom('put', 'put', 'put', 'delete'), key, guess, text: fc.string() })
const limit = fc.option(fc.nat(4), { nil: undefined })
const step = fc.oneof(
  { weight: 6, arbitrary: fc.record({ do: fc.constant('write'), writes: fc.array(write, { minLength: 1, maxLength: 6 }) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('get'), key, at: somewhere }) },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant('list'), prefix, at: somewhere, after: fc.option(key, { nil: undefined }), limit }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('history'), key, since: somewhere }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('watch'), prefix, since: somewhere }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('compact'), at: somewhere }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('reopen') }) },
)

/** Whatever happens in whatever order, a store agrees with the model. Prints the seed when it does not. */
export function storeProperty(name: string, factory: StoreFactory, runs = 100): void {
  test(`${name} store agrees with a plain model`, { timeout: 60_000 }, async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 40, size: 'max' }), async steps => {
        const clock = virtualClock()
        const made = await factory({ clock })
        const run = runner(made.store, made.reopen, clock)
        try {
          for (const each of steps) await run.step(each as never)
          await run.finish()
        } finally {
          await run.close()
          await made.remove()
        }
      }),
      { numRuns: runs },
    )
  })
}

type Write = { type: StoreEvent['type']; key: string; guess: string; text: string }
type Step =
  | { do: 'write'; writes: Write[] }
  | { do: 'get'; key: string; at: number }
  | { do: 'list'; prefix: string; at: number; after: string | undefined; limit: number | undefined }
  | { do: 'history'; key: string; since: number }
  | { do: 'watch'; prefix: string; since: number }
  | { do: 'compact'; at: number }
  | { do: 'reopen' }

function runner(first: Store, reopen: (() => Promise<Store>) | undefined, clock: ReturnType<typeof virtualClock>) {
  const truth = model()
  let store = first
  let stop = new AbortController()
  let watches: (() => Promise<void>)[] = []
  const between = (part: number) => truth.compacted + Math.round(part * (truth.revision - truth.compacted))

  /** Issues writes without waiting for each other; call order decides. */
  async function writeAll(writes: readonly Write[]): Promise<void> {
    const expected: (Entry | undefined)[] = []
    const results = writes.map(({ type, key, guess, text }) => {
      const current = truth.entryAt(key, truth.revision)?.revision ?? 0
      const guessed = guess === 'right' ? current : guess === 'stale' ? Math.max(0, current - 1) : 0
      expected.push(truth.write(type, key, guessed, text, clock.now()))
      return store[type](key, revision => new TextEncoder().encode(text + revision), guessed, new TextEncoder().encode(text))
    })
    expect(await Promise.all(results)).toEqual(expected)
  }

  /** Starts a watch and answers a check that it saw everything. */
  function watch(prefix: string, since: number): () => Promise<void> {
    const seen: StoreEvent[] = []
    const events = store.watch(prefix, since, stop.signal)[Symbol.asyncIterator]()
    return async () => {
      const expected = truth.watched(prefix, since)
      if (since < truth.compacted) return expect(events.next()).rejects.toThrow(Compacted)
      while (seen.length < expected.length) seen.push(...((await events.next()).value ?? []))
      expect(seen).toEqual(expected)
    }
  }

  async function finish(): Promise<void> {
    for (const check of watches) await check()
    watches = []
    expect(await store.revision()).toBe(truth.revision)
    expect(await store.compactedRevision()).toBe(truth.compacted)
    expect(await store.list('')).toEqual(truth.list('', {}))
    for (let revision = 0; revision <= truth.revision + 1; revision++) {
      expect(await store.at(revision)).toEqual(truth.at(revision))
    }
  }

  return {
    finish,
    async step(step: Step): Promise<void> {
      await clock.advance(1)
      if (step.do === 'write') await writeAll(step.writes)
      else if (step.do === 'get') {
        const at = between(step.at)
        expect(await store.get(step.key, at)).toEqual(truth.entryAt(step.key, at))
        expect(await store.get(step.key)).toEqual(truth.entryAt(step.key, truth.revision))
      } else if (step.do === 'list') {
        const page = { at: between(step.at), after: step.after, limit: step.limit }
        expect(await store.list(step.prefix, page)).toEqual(truth.list(step.prefix, page))
      } else if (step.do === 'history') {
        const since = between(step.since) - 1
        expect(await store.history(step.key, since)).toEqual(truth.history(step.key, since))
      } else if (step.do === 'watch') watches.push(watch(step.prefix, between(step.since)))
      else if (step.do === 'compact') {
        const at = between(step.at)
        await store.compact(at)
        truth.compact(at)
      } else if (reopen) {
        await finish()
        stop.abort()
        stop = new AbortController()
        store = await reopen()
      }
    },
    async close(): Promise<void> {
      stop.abort()
      await store.close()
    },
  }
}
