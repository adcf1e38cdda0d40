import { expect, test } from 'vitest'
import { virtualClock } from '../lib/clock.ts'
import { tidyMemory } from './tidy-memory.ts'

test('garbage is collected after a burst of work, not during it, and not when there is little', async () => {
  const clock = virtualClock()
  const stop = new AbortController()
  const megabyte = 2 ** 20
  let writes = 0
  let heap = 40 * megabyte
  const collected: number[] = []
  const running = tidyMemory({
    clock,
    work: async () => writes,
    heapInBytes: () => heap,
    collect: () => {
      collected.push(heap / megabyte)
      heap = 80 * megabyte
    },
  })(stop.signal)
  const step = async (more: number, megabytes: number) => {
    writes += more
    heap = megabytes * megabyte
    await clock.advance(2000)
  }
  await step(10, 50)
  await step(5000, 150)
  await step(5000, 170)
  expect(collected).toEqual([])
  await step(10, 175)
  expect(collected).toEqual([175])
  await step(10, 90)
  expect(collected).toEqual([175])
  await step(10, 120)
  expect(collected).toEqual([175, 120])
  stop.abort()
  await running
})
