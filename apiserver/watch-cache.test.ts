import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { ConfigMap } from '../api/core/config-map.ts'
import { Pod } from '../api/core/pod.ts'
import { type VirtualClock, virtualClock } from '../lib/clock.ts'
import { silentLog } from '../lib/log.ts'
import { memoryStore } from '../storage/memory.ts'
import type { Store } from '../storage/store.ts'
import { decode, encode } from './codec.ts'
import { storeKey } from './store-keys.ts'
import { type WatchCache, watchCache } from './watch-cache.ts'

/** A store whose lists and watches can be held up. */
function slowStore(clock: VirtualClock) {
  const store = memoryStore({ clock })
  let open = () => {}
  let gate: Promise<void> | undefined
  const held: Store = {
    ...store,
    async list(prefix, page) {
      const answer = await store.list(prefix, page)
      await gate
      return answer
    },
    async *watch(prefix, since, signal) {
      for await (const events of store.watch(prefix, since, signal)) {
        await gate
        yield events
      }
    },
  }
  return {
    store: held,
    hold() {
      gate = new Promise(resolve => {
        open = resolve
      })
    },
    release() {
      gate = undefined
      open()
    },
  }
}

let clock: VirtualClock
let slow: ReturnType<typeof slowStore>
let cache: WatchCache
let stop: AbortController
let running: Promise<void>
beforeEach(async () => {
  clock = virtualClock()
  slow = slowStore(clock)
  cache = watchCache({ store: slow.store, clock, log: silentLog })
  stop = new AbortController()
  running = cache.run(stop.signal)
  await cache.started
})
afterEach(async () => {
  slow.release()
  stop.abort()
  await running
})

const object = (kind: string, name: string, more: object = {}) => ({
  apiVersion: 'v1',
  kind,
  metadata: { name, namespace: 'default', uid: 'u', resourceVersion: '', creationTimestamp: '' },
  ...more,
})
const put = (name: string, more: object = {}, expected = 0, kind: typeof Pod | typeof ConfigMap = ConfigMap) =>
  slow.store.put(storeKey(kind, 'default', name), () => encode(object(kind.kind, name, more)), expected)

test('what is written while a kind is loaded is not lost', async () => {
  await put('a')
  slow.hold()
  const loading = cache.of(ConfigMap)
  await clock.advance(0)
  await put('b')
  slow.release()
  const { objects } = await loading
  await cache.latest(ConfigMap)
  expect([...objects.values()].map(each => each.object.metadata.name)).toEqual(['a', 'b'])
})

test('the latest is never older than what was committed', async () => {
  await cache.of(ConfigMap)
  slow.hold()
  await put('a')
  const { objects } = await cache.of(ConfigMap)
  expect(objects.size).toBe(0)
  const latest = cache.latest(ConfigMap)
  await clock.advance(1_000)
  slow.release()
  expect((await latest).objects.size).toBe(1)
})

test('a cache that does not catch up says so after three seconds', async () => {
  await cache.of(ConfigMap)
  slow.hold()
  await put('a')
  const refused = expect(cache.latest(ConfigMap)).rejects.toMatchObject({ status: { code: 504 } })
  await clock.advance(3_000)
  await refused
})

test('an index forgets what has moved on', async () => {
  const phase = (text: string) => ({ spec: { containers: [] }, status: { phase: text } })
  const pending = { field: 'status.phase', value: 'Pending' }
  const made = await put('a', phase('Pending'), 0, Pod)
  const known = await cache.latest(Pod)
  expect(known.keysBy(pending)).toEqual(['/registry/core/pods/default/a'])
  await put('a', phase('Running'), made?.revision, Pod)
  await cache.latest(Pod)
  expect(known.keysBy(pending)).toEqual([])
})

describe('objects and their bytes', () => {
  test('the object that was written is the one that is read', () => {
    const written = object('ConfigMap', 'a', { data: { x: 'ü€😀' } })
    const bytes = encode(written)
    expect(decode(bytes)).toBe(written)
    expect(Object.isFrozen(written.metadata)).toBe(true)
    expect(decode(Uint8Array.from(bytes))).toEqual(written)
  })

  test('bytes from elsewhere are decoded once', () => {
    const bytes = Buffer.from(JSON.stringify(object('ConfigMap', 'a')))
    expect(decode(bytes)).toBe(decode(bytes))
  })
})
