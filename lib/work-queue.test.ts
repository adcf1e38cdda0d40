import { expect, test } from 'vitest'
import { virtualClock } from './clock.ts'
import { workQueue } from './work-queue.ts'

/** Runs a queue whose work is released by hand. */
function harness(concurrency = 2) {
  const clock = virtualClock()
  const queue = workQueue(clock)
  const stop = new AbortController()
  const started: string[] = []
  const release = new Map<string, () => void>()
  const done = queue.drain(
    key => {
      started.push(key)
      return new Promise(resolve => release.set(key, resolve))
    },
    { concurrency, signal: stop.signal },
  )
  return { clock, queue, started, finish: (key: string) => release.get(key)?.(), stop: () => (stop.abort(), done) }
}

test('a key waits once, is never run twice at a time, and what arrives meanwhile runs afterwards', async () => {
  const { clock, queue, started, finish, stop } = harness()
  queue.add('a')
  queue.add('a')
  await clock.advance(0)
  queue.add('a')
  queue.add('b')
  await clock.advance(0)
  expect(started).toEqual(['a', 'b'])
  finish('a')
  await clock.advance(0)
  expect(started).toEqual(['a', 'b', 'a'])
  finish('a')
  finish('b')
  await clock.advance(0)
  expect(queue.isIdle).toBe(true)
  await stop()
})

test('failures come back after 5, 10, 20 ms; forgetting starts over; an earlier delay wins', async () => {
  const { clock, queue, started, finish, stop } = harness()
  expect([queue.retry('a'), queue.retry('a'), queue.retry('a')]).toEqual([5, 10, 20])
  await clock.advance(5)
  expect(started).toEqual(['a'])
  finish('a')
  queue.forget('a')
  expect(queue.retry('a')).toBe(5)
  await clock.advance(4)
  expect(started).toEqual(['a'])
  await clock.advance(1)
  expect(started).toEqual(['a', 'a'])
  finish('a')
  await stop()
})

test('stopping waits for what runs and forgets what was delayed', async () => {
  const { clock, queue, started, finish, stop } = harness()
  queue.add('a')
  queue.addAfter('later', 1000)
  await clock.advance(0)
  let ended = false
  const stopped = stop().then(() => {
    ended = true
  })
  await clock.advance(0)
  expect(ended).toBe(false)
  finish('a')
  await stopped
  expect([started, clock.timers]).toEqual([['a'], 0])
})
