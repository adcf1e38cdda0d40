import { expect, test } from 'vitest'
import { systemClock } from './clock.ts'
import { pace } from './pace.ts'

/** Work that never leaves the turn by itself. */
function busyFor(ms: number): void {
  const until = systemClock.monotonic() + ms
  while (systemClock.monotonic() < until);
}

test('what goes on and on lets others in, and is done in order', async () => {
  const wait = pace(systemClock)
  const done: number[] = []
  let turnsOfOthers = 0
  let isDone = false
  const others = (async () => {
    while (!isDone) {
      turnsOfOthers++
      await new Promise(resolve => setImmediate(resolve))
    }
  })()
  await Promise.all(
    Array.from({ length: 64 }, async (_, i) => {
      const turn = wait()
      if (turn) await turn
      busyFor(1)
      done.push(i)
    }),
  )
  isDone = true
  await others
  expect(done).toEqual(Array.from({ length: 64 }, (_, i) => i))
  expect(turnsOfOthers).toBeGreaterThanOrEqual(7)
})

test('nobody waits while there is time', () => {
  const wait = pace({ ...systemClock, monotonic: () => 0 })
  expect(Array.from({ length: 1000 }, wait)).toEqual(Array.from({ length: 1000 }))
})
