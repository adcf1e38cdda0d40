import { expect, test } from 'vitest'
import { virtualClock } from '../lib/clock.ts'
import { tidyMemory } from './tidy-memory.ts'

test('garbage is collected after the start and after a burst of work, not during it, and not when there is little', async () => {
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
    await clock.advance(2500)
    return collected.splice(0)
  }
  await clock.advance(1500)
  expect(await step(5000, 90)).toEqual([])
  expect(await step(10, 90)).toEqual([90])
  expect(await step(10, 50)).toEqual([])
  expect(await step(10, 51)).toEqual([51]) // once more, now that it has been quiet
  expect(await step(10, 50)).toEqual([])
  expect(await step(5000, 150)).toEqual([])
  expect(await step(5000, 170)).toEqual([])
  expect(await step(10, 175)).toEqual([175])
  expect(await step(10, 90)).toEqual([])
  expect(await step(10, 120)).toEqual([120])
  stop.abort()
  await running
})
