import { expect, test } from 'vitest'
import { ConfigMap } from '../../api/core/config-map.ts'
import type { KubeObject, WatchEvent } from '../../api/transport.ts'
import type { Client } from '../../client/client.ts'
import { virtualClock } from '../../lib/clock.ts'
import { aborted } from '../../lib/run.ts'
import { followedObjects } from './followed-objects.ts'

/** An API server with one ConfigMap, as seen through lists and watches. */
function world() {
  const clock = virtualClock()
  let stored: KubeObject | undefined
  let revision = 1
  let send: ((events: WatchEvent[]) => void) | undefined
  let hangUp: (() => void) | undefined
  const calls = { list: 0, watch: 0, open: 0 }
  const client = {
    async list() {
      calls.list++
      return { items: stored ? [stored] : [], metadata: { resourceVersion: String(revision) } }
    },
    async *watch(_kind: unknown, _options: unknown, signal: AbortSignal) {
      calls.watch++
      calls.open++
      try {
        while (!signal.aborted) {
          const next = await Promise.race([
            new Promise<WatchEvent[] | undefined>((resolve, reject) => {
              send = resolve
              hangUp = () => reject(new Error('connection reset'))
            }),
            aborted(signal).then(() => undefined),
          ])
          if (next) yield next
        }
      } finally {
        calls.open--
      }
    },
  } as unknown as Client
  const put = (color: string, more: object = {}) => {
    const type = stored ? 'MODIFIED' : 'ADDED'
    stored = { metadata: { name: 'c', namespace: 'n', resourceVersion: String(++revision) }, data: { color }, ...more } as never
    send?.([{ type, object: stored as KubeObject }])
  }
  const changed: string[][] = []
  const followed = followedObjects({ client, clock, onChange: uids => void changed.push([...uids]) })
  const read = async (pod: string) => (await followed.get(ConfigMap, { namespace: 'n', name: 'c' }, pod))?.data?.color
  return { clock, calls, put, read, followed, changed, hangUp: () => hangUp?.() }
}

test('an object is asked for once, then known, and whoever mounts it hears of changes', async () => {
  const { clock, calls, put, read, changed, followed } = world()
  put('red')
  expect(await read('one')).toBe('red')
  await clock.advance(1)
  expect(await read('two')).toBe('red')
  expect(calls).toEqual({ list: 1, watch: 1, open: 1 })
  put('blue')
  await clock.advance(1)
  expect(changed).toEqual([['one', 'two']])
  expect(await read('one')).toBe('blue')
  followed.release('one')
  expect(calls.open).toBe(1)
  followed.release('two')
  await clock.advance(1)
  expect(calls).toEqual({ list: 1, watch: 1, open: 0 })
  expect(clock.timers).toBe(0)
})

test('what is not there yet is waited for', async () => {
  const { clock, put, read, changed, followed } = world()
  expect(await read('one')).toBeUndefined()
  await clock.advance(1)
  put('red')
  await clock.advance(1)
  expect(changed).toEqual([['one']])
  expect(await read('one')).toBe('red')
  followed.stop()
})

test('what never changes is not watched', async () => {
  const { clock, calls, put, read, followed } = world()
  put('red', { immutable: true })
  await read('one')
  await clock.advance(60_000)
  expect(await read('one')).toBe('red')
  expect(calls).toEqual({ list: 1, watch: 0, open: 0 })
  expect(clock.timers).toBe(0)
  followed.stop()
})

test('while the watch is down the server is asked, and what was missed is told', async () => {
  const { clock, calls, put, read, changed, hangUp, followed } = world()
  put('red')
  await read('one')
  await clock.advance(1)
  hangUp()
  await clock.advance(1)
  put('blue')
  expect(await read('one')).toBe('blue')
  await clock.advance(1000)
  expect(changed).toEqual([['one']])
  expect(calls.watch).toBe(2)
  followed.stop()
  await clock.advance(1)
  expect(calls.open).toBe(0)
})
