import { expect, test } from 'vitest'
import { systemClock } from './clock.ts'
import { type Lane, type Pace, pace } from './pace.ts'

/** Work that never leaves the turn by itself. */
function busyFor(ms: number): void {
  const until = systemClock.monotonic() + ms
  while (systemClock.monotonic() < until);
}

/** So many pieces of work, all at once: in which order they were done, and how many turns others had meanwhile. */
async function work({ turn }: Pace, lanes: readonly Lane[]): Promise<{ done: string[]; turnsOfOthers: number }> {
  const done: string[] = []
  let turnsOfOthers = 0
  let isDone = false
  const others = (async () => {
    while (!isDone) {
      turnsOfOthers++
      await new Promise(resolve => setImmediate(resolve))
    }
  })()
  await Promise.all(
    lanes.map(async (lane, i) => {
      const mine = turn(lane)
      if (mine) await mine
      busyFor(1)
      done.push(`${lane} ${i}`)
    }),
  )
  isDone = true
  await others
  return { done, turnsOfOthers }
}

const many = (count: number, lane: Lane): Lane[] => Array.from({ length: count }, () => lane)

test('while somebody from outside asks, what goes on and on lets others in, and is done in order', async () => {
  const paced = pace(systemClock)
  paced.visited()
  const { done, turnsOfOthers } = await work(paced, many(64, 'cluster'))
  expect(done).toEqual(Array.from({ length: 64 }, (_, i) => `cluster ${i}`))
  expect(turnsOfOthers).toBeGreaterThanOrEqual(7)
})

test('with nobody there nothing waits', async () => {
  const { turn } = pace(systemClock)
  busyFor(6)
  expect(turn('cluster')).toBeUndefined()
  busyFor(6)
  expect(turn('node')).toBeUndefined()
})

test('neither lane keeps the other from going on', async () => {
  const paced = pace(systemClock)
  paced.visited()
  const { done } = await work(paced, [...many(40, 'node'), ...many(20, 'cluster'), ...many(20, 'node')])
  const [firstOfCluster, lastOfCluster] = [done.findIndex(one => one.startsWith('c')), done.indexOf('cluster 59')]
  expect(firstOfCluster).toBeLessThan(15)
  expect(lastOfCluster).toBeLessThan(done.length - 5)
  expect(lastOfCluster).toBeGreaterThan(40)
})
