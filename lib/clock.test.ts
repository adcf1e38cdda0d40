import { expect, test } from 'vitest'
import { microTimestamp, systemClock, timestamp, virtualClock } from './clock.ts'

test('a virtual clock fires timers in order, also those set while it advances', async () => {
  const clock = virtualClock()
  const start = clock.now()
  const seen: [string, number][] = []
  clock.after(300, () => seen.push(['late', clock.now() - start]))
  clock.after(100, () => {
    seen.push(['early', clock.now() - start])
    clock.after(50, () => seen.push(['nested', clock.now() - start]))
  })
  await clock.advance(250)
  expect(seen).toEqual([
    ['early', 100],
    ['nested', 150],
  ])
  await clock.advance(50)
  expect(seen.at(-1)).toEqual(['late', 300])
  expect(clock.timers).toBe(0)
})

test('a cancelled timer stays silent, and an aborted sleep ends at once without rejecting', async () => {
  const clock = virtualClock()
  let fired = false
  clock.after(10, () => {
    fired = true
  })()
  const stop = new AbortController()
  const asleep = clock.sleep(1_000_000, stop.signal)
  stop.abort()
  await asleep
  await clock.advance(20)
  expect([fired, clock.timers]).toEqual([false, 0])
})

test('the system clock sleeps for real and gives up early when told', async () => {
  const before = systemClock.monotonic()
  await systemClock.sleep(20)
  expect(systemClock.monotonic() - before).toBeGreaterThan(15)
  await systemClock.sleep(1_000_000, AbortSignal.abort())
})

test('timestamps are those of the API', () => {
  const ms = Date.UTC(2026, 1, 3, 4, 5, 6, 789)
  expect([timestamp(ms), microTimestamp(ms)]).toEqual(['2026-02-03T04:05:06Z', '2026-02-03T04:05:06.789000Z'])
})
