import { expect, test } from 'vitest'
import { crashBackoff } from './crash-backoff.ts'

const seconds = (ms: number) => ms / 1000

/** A container that dies the moment it starts, and is asked about until it may start again. */
function delays(times: number, runsForMs = 0): number[] {
  const backoff = crashBackoff()
  const found: number[] = []
  let exitAt = 1_000_000
  for (let i = 0; i < times; i++) {
    let now = exitAt
    for (let wait = backoff.waitInMs('c', exitAt, now).waitInMs; wait > 0; wait = backoff.waitInMs('c', exitAt, now).waitInMs)
      now += wait
    found.push(seconds(now - exitAt))
    exitAt = now + runsForMs
  }
  return found
}

test('the first restart is immediate, then the wait doubles up to five minutes', () => {
  expect(delays(8)).toEqual([0, 10, 20, 40, 80, 160, 300, 300])
})

test('a container that ran for more than ten minutes starts over', () => {
  expect(delays(3, 601_000)).toEqual([0, 0, 0])
  expect(delays(4, 599_000)).toEqual([0, 10, 20, 40])
})

test('keys are forgotten by their prefix', () => {
  const backoff = crashBackoff()
  backoff.waitInMs('pod/c', 0, 0)
  expect(backoff.waitInMs('pod/c', 0, 1).waitInMs).toBe(9999)
  backoff.forget('pod/')
  expect(backoff.waitInMs('pod/c', 0, 2).waitInMs).toBe(0)
})
