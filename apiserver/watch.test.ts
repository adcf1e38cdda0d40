import { setMaxListeners } from 'node:events'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { users } from '../api/user.ts'
import { type VirtualClock, virtualClock } from '../lib/clock.ts'
import { memoryStore } from '../storage/memory.ts'
import type { Store } from '../storage/store.ts'
import { callsOn, configMap, configMaps, type Followed, pod, pods } from '../test/contract/calls.ts'
import type { WatchFrame } from './request.ts'
import { type TestServer, testServer } from './testing.ts'
import { watcher } from './watcher.ts'

let clock: VirtualClock
let server: TestServer
let watching: AbortController
beforeEach(async () => {
  clock = virtualClock()
  server = await testServer({ clock })
  watching = new AbortController()
  setMaxListeners(0, watching.signal)
})
afterEach(async () => {
  watching.abort()
  await server.stop()
})

const calls = callsOn(() => server.transport())
const { create, list, patch, remove } = calls
const watch = (target: Parameters<typeof calls.watch>[0], options: Parameters<typeof calls.watch>[1] = {}): Followed =>
  calls.watch(target, options, watching.signal)
const newest = async () => (await list(configMaps)).metadata.resourceVersion

describe('resuming', () => {
  test('a watch from any past event sees exactly the rest', async () => {
    const since = await newest()
    const first = watch(configMaps, { resourceVersion: since })
    for (let i = 0; i < 10; i++) await create(configMaps, configMap(`n${i}`))
    for (let i = 0; i < 10; i += 2) await patch(configMaps, `n${i}`, 'merge', { data: { x: '1' } })
    for (let i = 0; i < 10; i += 3) await remove(configMaps, `n${i}`)
    const whole = await first.until(19)
    for (const [i, event] of first.events.entries()) {
      const rest = watch(configMaps, { resourceVersion: event.object.metadata.resourceVersion })
      expect(await rest.until(whole.length - i - 1)).toEqual(whole.slice(i + 1))
    }
  })

  test('what memory no longer holds comes from the log', async () => {
    const since = await newest()
    await Promise.all(Array.from({ length: 1_500 }, (_, i) => create(configMaps, configMap(`n${i}`))))
    await create(pods, pod('other'))
    const seen = watch(configMaps, { resourceVersion: since, labelSelector: '!none' })
    await seen.until(1_500)
    await create(configMaps, configMap('last'))
    expect((await seen.until(1_501)).at(-1)).toBe('ADDED last')
    const versions = seen.events.map(({ object }) => Number(object.metadata.resourceVersion))
    expect(versions).toEqual([...new Set(versions)].sort((a, b) => a - b))
  })

  test('a version before what is kept is gone', async () => {
    const since = await newest()
    await Promise.all(Array.from({ length: 1_500 }, (_, i) => create(configMaps, configMap(`n${i}`))))
    const oldest = await server.store.revision()
    await server.store.compact(oldest)
    await expect(watch(configMaps, { resourceVersion: since }).done).rejects.toMatchObject({
      status: { code: 410, reason: 'Expired', message: `too old resource version: ${since} (${oldest})` },
    })
  })

  test('a version that has not happened is silent until it is passed', async () => {
    const ahead = String(Number(await newest()) + 2)
    const seen = watch(configMaps, { resourceVersion: ahead })
    await create(configMaps, configMap('early'))
    await create(configMaps, configMap('still-early'))
    await create(configMaps, configMap('late'))
    expect(await seen.until(1)).toEqual(['ADDED late'])
  })
})

test('an object that leaves the value that is watched vanishes', async () => {
  await create(pods, pod('a'))
  const seen = watch(pods, { fieldSelector: 'status.phase=Pending' })
  expect(await seen.until(1)).toEqual(['ADDED a'])
  await patch(pods, 'a', 'merge', { status: { phase: 'Running' } }, { subresource: 'status' })
  expect(await seen.until(2)).toEqual(['ADDED a', 'DELETED a'])
})

describe('bookmarks', () => {
  test('come every minute to those who want them, with the newest version', async () => {
    const wants = watch(configMaps, { resourceVersion: '0', allowWatchBookmarks: true })
    const doesNot = watch(configMaps, { resourceVersion: '0' })
    await clock.advance(1)
    const other = await create(pods, pod('elsewhere'))
    await clock.advance(60_000)
    expect(wants.events).toMatchObject([
      {
        type: 'BOOKMARK',
        object: { kind: 'ConfigMap', apiVersion: 'v1', metadata: { resourceVersion: other.metadata.resourceVersion } },
      },
    ])
    expect(wants.events[0]).not.toHaveProperty('endOfInitialEvents')
    expect(doesNot.events).toEqual([])
  })

  test('one comes two seconds before the end', async () => {
    const seen = watch(configMaps, { resourceVersion: '0', allowWatchBookmarks: true, timeoutSeconds: 10 })
    await clock.advance(7_999)
    expect(seen.events).toEqual([])
    await clock.advance(1)
    expect(seen.events).toMatchObject([{ type: 'BOOKMARK' }])
    await clock.advance(2_000)
    await seen.done
  })

  test('a watch without a limit of its own ends within the hour', async () => {
    const seen = watch(configMaps, { resourceVersion: '0' })
    let isOver = false
    void seen.done.then(() => (isOver = true))
    await clock.advance(29 * 60_000)
    expect(isOver).toBe(false)
    await clock.advance(31 * 60_000)
    expect(isOver).toBe(true)
  })
})

describe('parameters', () => {
  test.each([
    [{ sendInitialEvents: true }, 'sendInitialEvents requires setting resourceVersionMatch to NotOlderThan'],
    [{ resourceVersionMatch: 'NotOlderThan' as const }, 'resourceVersionMatch is forbidden for watch unless sendInitialEvents'],
  ])('%j is refused', async (options, message) => {
    await expect(watch(configMaps, options).done).rejects.toMatchObject({
      status: { code: 422, message: expect.stringContaining(message) },
    })
  })

  test('initial events of a version that has not happened are waited for in vain', async () => {
    const options = { sendInitialEvents: true, resourceVersionMatch: 'NotOlderThan', resourceVersion: '100000' } as const
    const { done } = watch(configMaps, options)
    const refused = expect(done).rejects.toMatchObject({ status: { code: 504 } })
    await clock.advance(3_000)
    await refused
  })
})

test('a watcher that does not read is cut off, and nobody waits for it', async () => {
  const own = watcher({ prefix: '/' }, 0, false)
  const object = {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: 'a', uid: '', resourceVersion: '1', creationTimestamp: '' },
  }
  const frame: WatchFrame = { type: 'ADDED', object, bytes: new Uint8Array() }
  for (let i = 0; i < 10_000; i++) own.push(frame)
  expect(await own.next()).toHaveLength(10_000)
  for (let i = 0; i < 10_001; i++) own.push(frame)
  await expect(own.next()).rejects.toMatchObject({ status: { code: 410, reason: 'Expired' } })
})

test('all watchers of a change share one frame', async () => {
  const events = async () => {
    const request = { group: '', version: 'v1', resource: 'configmaps', verb: 'watch', user: users.admin } as const
    const answer = await server.pipeline.handle({ ...request, options: { resourceVersion: await newest() } })
    if (answer.type !== 'watch') return expect.unreachable()
    return answer.events[Symbol.asyncIterator]()
  }
  const [one, two] = [await events(), await events()]
  const both = Promise.all([one.next(), two.next()])
  await clock.advance(0)
  await create(configMaps, configMap('a'))
  const [a, b] = await both
  expect(a.value[0]).toBe(b.value[0])
  await Promise.all([one.return?.(), two.return?.()])
})

describe('a store that fails', () => {
  /** A store whose watches break on demand. */
  function fragile(store: Store): { store: Store; break(): void } {
    let fail = () => {}
    const broken = { ...store, watch: fragileWatch, revision: () => store.revision() }
    async function* fragileWatch(prefix: string, since: number, signal: AbortSignal) {
      const failure = new Promise<never>((_, reject) => {
        fail = () => reject(new Error('the disk is on fire'))
      })
      const events = store.watch(prefix, since, signal)[Symbol.asyncIterator]()
      for (;;) {
        const next = await Promise.race([events.next(), failure])
        if (next.done) return
        yield next.value
      }
    }
    return { store: broken, break: () => fail() }
  }

  test('ends the watches with 410, and the cache starts over', async () => {
    const broken = fragile(memoryStore({ clock }))
    const own = await testServer({ clock, store: broken.store })
    const calls = callsOn(() => own.transport())
    await calls.create(configMaps, configMap('a'))
    const seen = calls.watch(configMaps, { resourceVersion: '0' }, watching.signal)
    await seen.until(1)
    broken.break()
    await expect(seen.done).rejects.toMatchObject({ status: { code: 410 } })
    await clock.advance(1_000)
    await calls.create(configMaps, configMap('b'))
    expect((await calls.list(configMaps)).items).toHaveLength(2)
    const again = calls.watch(configMaps, {}, watching.signal)
    expect(await again.until(2)).toEqual(['ADDED a', 'ADDED b'])
    await own.stop()
  })
})
