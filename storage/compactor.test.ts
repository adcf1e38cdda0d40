import { expect, test } from 'vitest'
import { virtualClock } from '../lib/clock.ts'
import { compactionTarget, compactor } from './compactor.ts'
import { memoryStore } from './memory.ts'
import { type Store, StoreUnavailable } from './store.ts'

/** Twenty commits, one a second. */
async function history() {
  const clock = virtualClock()
  const store = memoryStore({ clock })
  for (let revision = 0; revision < 20; revision++) {
    await clock.advance(1000)
    await store.put('/a', () => new Uint8Array(), revision)
  }
  return { clock, store }
}

test.each([
  ['what is old and not among the newest goes', { keepRevisions: 5, keepInMs: 10_000, mostRevisions: 100 }, 9],
  ['the newest stay however old', { keepRevisions: 15, keepInMs: 2000, mostRevisions: 100 }, 5],
  ['the youngest stay however many', { keepRevisions: 2, keepInMs: 15_000, mostRevisions: 100 }, 4],
  ['never more than the most', { keepRevisions: 2, keepInMs: 15_000, mostRevisions: 3 }, 17],
  ['the most counts before the least', { keepRevisions: 10, keepInMs: 15_000, mostRevisions: 3 }, 17],
  ['all are kept', { keepRevisions: 50, keepInMs: 1, mostRevisions: 100 }, 0],
])('%s', async (_, retention, target) => {
  const { store, clock } = await history()
  expect(await compactionTarget(store, clock.now(), retention)).toBe(target)
  await store.compact(7)
  expect(await compactionTarget(store, clock.now(), { ...retention, keepRevisions: 0 })).toBeGreaterThanOrEqual(7)
})

test('compacts now and then until it is stopped', async () => {
  const { store, clock } = await history()
  const stop = new AbortController()
  const options = { store, clock, retention: { keepRevisions: 5, keepInMs: 10_000 }, everyInMs: 4000 }
  const running = compactor(options)(stop.signal)
  await clock.advance(0)
  expect(await store.compactedRevision()).toBe(9)
  await clock.advance(4000)
  expect(await store.compactedRevision()).toBe(13)
  stop.abort()
  await running
  expect(clock.timers).toBe(0)
})

test('outlives a store that cannot write for a while', async () => {
  const { store, clock } = await history()
  let isFull = true
  const compact: Store['compact'] = async revision => {
    if (isFull) throw new StoreUnavailable('no space')
    await store.compact(revision)
  }
  const stop = new AbortController()
  const options = { store: { ...store, compact }, clock, retention: { keepRevisions: 5, keepInMs: 0 }, everyInMs: 1000 }
  const running = compactor(options)(stop.signal)
  await clock.advance(1000)
  expect(await store.compactedRevision()).toBe(0)
  isFull = false
  await clock.advance(1000)
  expect(await store.compactedRevision()).toBe(15)
  stop.abort()
  await running
})
