import { expect, test } from 'vitest'
import { aborted, runAll } from './run.ts'

const until = (name: string, log: string[]) => async (signal: AbortSignal) => {
  await aborted(signal)
  log.push(name)
}

test('stopping goes in reverse order and waits for each', async () => {
  const log: string[] = []
  const stop = new AbortController()
  const running = runAll(
    [
      ['store', until('store', log)],
      ['server', until('server', log)],
      ['kubelet', until('kubelet', log)],
    ],
    stop.signal,
  )
  stop.abort()
  await running
  expect(log).toEqual(['kubelet', 'server', 'store'])
})

test('one failure stops all the others and is told by its name', async () => {
  const log: string[] = []
  const parts = [
    ['a', until('a', log)],
    ['b', () => Promise.reject(new Error('no disk'))],
  ] as const
  await expect(runAll(parts, new AbortController().signal)).rejects.toThrow('b failed: no disk')
  expect(log).toEqual(['a'])
})

test('a part that ends by itself ends nobody else', async () => {
  const stop = new AbortController()
  const log: string[] = []
  const running = runAll(
    [
      ['short', async () => void log.push('short')],
      ['long', until('long', log)],
    ],
    stop.signal,
  )
  await new Promise(resolve => setImmediate(resolve))
  expect(log).toEqual(['short'])
  stop.abort()
  await running
  expect(log).toEqual(['short', 'long'])
})
