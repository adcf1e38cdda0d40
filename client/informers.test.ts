import { expect, test } from 'vitest'
import { ApiError } from '../api/errors.ts'
import type { AnyKind } from '../api/kind.ts'
import type { KubeObject, WatchEvent } from '../api/transport.ts'
import { bell } from '../lib/bell.ts'
import { virtualClock } from '../lib/clock.ts'
import { deepFreeze } from '../lib/json.ts'
import { silentLog } from '../lib/log.ts'
import type { Client, ListOptions } from './client.ts'
import type { Change } from './informer.ts'
import { createInformers } from './informers.ts'

const Thing = { group: '', version: 'v1', kind: 'Thing', plural: 'things', namespaced: true } as AnyKind

function thing(name: string, revision: number, { uid = name, color = 'red' } = {}): KubeObject {
  const metadata = {
    name,
    namespace: 'default',
    uid,
    resourceVersion: String(revision),
    creationTimestamp: '',
    labels: { color },
  }
  return deepFreeze({ apiVersion: 'v1', kind: 'Thing', metadata })
}

/** A server of things whose watches the test feeds, breaks and ends. */
function thingServer() {
  const state = { things: new Map<string, KubeObject>(), revision: 10, failList: undefined as Error | undefined }
  const calls: string[] = []
  let feed: { events: WatchEvent[][]; end?: Error | 'end'; changed: ReturnType<typeof bell> } | undefined
  const client = {
    async list(_kind: AnyKind, options: ListOptions) {
      calls.push(`list${options.continue ? ` ${options.continue}` : ''}`)
      if (state.failList) throw state.failList
      const items = [...state.things.values()]
      return { apiVersion: 'v1', kind: 'ThingList', metadata: { resourceVersion: String(state.revision) }, items }
    },
    async *watch(_kind: AnyKind, options: ListOptions, signal: AbortSignal) {
      calls.push(`watch ${options.resourceVersion}`)
      const own = { events: [] as WatchEvent[][], changed: bell() }
      feed = own
      while (!signal.aborted) {
        const woken = own.changed.wait(signal)
        yield* own.events.splice(0)
        const { end } = own as typeof own & { end?: Error | 'end' }
        if (end === 'end') return
        if (end) throw end
        await woken
      }
    },
  } as unknown as Client
  return {
    client,
    calls,
    state,
    send(...events: WatchEvent[]) {
      feed?.events.push(events)
      feed?.changed.ring()
    },
    end(how: Error | 'end') {
      if (feed) feed.end = how
      feed?.changed.ring()
    },
  }
}

function setUp(things: readonly KubeObject[] = [], failList?: Error) {
  const server = thingServer()
  for (const each of things) server.state.things.set(each.metadata.name, each)
  server.state.failList = failList
  const clock = virtualClock()
  const informers = createInformers({ client: server.client, clock, log: silentLog })
  const informer = informers.of(Thing)
  const told: string[] = []
  const stopping = new AbortController()
  const running = informers.run(stopping.signal)
  const tell = (changes: readonly Change[]) => {
    for (const { type, object, revision } of changes) told.push(`${type} ${object.metadata.name} at ${revision}`)
  }
  informer.subscribe(tell)
  return {
    ...server,
    clock,
    informer,
    informers,
    told,
    async [Symbol.asyncDispose]() {
      stopping.abort()
      await running
      expect(clock.timers).toBe(0)
    },
  }
}

test('what is listed comes as added, what is watched as it happens', async () => {
  await using server = setUp([thing('a', 7)])
  await server.clock.advance(0)
  expect(server.informer.isSynced).toBe(true)
  expect(server.informer.revision).toBe(10)
  server.send({ type: 'ADDED', object: thing('b', 11) }, { type: 'MODIFIED', object: thing('a', 12) })
  server.send({ type: 'DELETED', object: thing('b', 13) })
  await server.clock.advance(0)
  expect(server.told).toEqual(['added a at 7', 'added b at 11', 'modified a at 12', 'deleted b at 13'])
  expect(server.calls).toEqual(['list', 'watch 10'])
  expect(server.informer.lister.list().map(({ metadata }) => metadata.name)).toEqual(['a'])
})

test('objects are shared, not copied', async () => {
  const a = thing('a', 7)
  await using server = setUp([a])
  await server.clock.advance(0)
  expect(server.informer.lister.get('default/a')).toBe(a)
  expect(server.informer.lister.list('default')[0]).toBe(a)
})

test('a bookmark moves the revision, and a watch that ends is resumed from there', async () => {
  await using server = setUp()
  await server.clock.advance(0)
  server.send({ type: 'BOOKMARK', object: thing('', 25) })
  await server.clock.advance(0)
  server.end('end')
  await server.clock.advance(0)
  expect(server.calls).toEqual(['list', 'watch 10', 'watch 25'])
  expect(server.told).toEqual([])
})

test.each(['Gone', 'Expired'] as const)('%s: lists again, and only real changes are told', async reason => {
  await using server = setUp(['same', 'changed', 'gone', 'anew'].map(name => thing(name, 5)))
  await server.clock.advance(0)
  server.told.length = 0
  server.state.things = new Map([
    ['same', thing('same', 5)],
    ['changed', thing('changed', 31)],
    ['anew', thing('anew', 32, { uid: 'another' })],
    ['fresh', thing('fresh', 33)],
  ])
  server.state.revision = 40
  server.send({ type: 'BOOKMARK', object: thing('', 11) })
  server.end(new ApiError(reason, 'too old resource version'))
  await server.clock.advance(0)
  expect(server.told.sort()).toEqual([
    'added anew at 32',
    'added fresh at 33',
    'deleted anew at 40',
    'deleted gone at 40',
    'modified changed at 31',
  ])
  expect(server.calls).toEqual(['list', 'watch 10', 'list', 'watch 40'])
})

test('other errors are waited out, ever longer, and the watch resumes without a new list', async () => {
  await using server = setUp()
  await server.clock.advance(0)
  const fail = () => server.end(new ApiError('ServiceUnavailable', 'down'))
  fail()
  await server.clock.advance(799)
  expect(server.calls).toHaveLength(2)
  await server.clock.advance(1)
  expect(server.calls).toHaveLength(3)
  fail()
  await server.clock.advance(1_599)
  expect(server.calls).toHaveLength(3)
  await server.clock.advance(1)
  expect(server.calls).toEqual(['list', 'watch 10', 'watch 10', 'watch 10'])
})

test('a first list that fails is tried again', async () => {
  await using server = setUp([], new Error('connection refused'))
  await server.clock.advance(60_000)
  expect(server.informer.isSynced).toBe(false)
  server.state.failList = undefined
  await server.clock.advance(30_000)
  expect(server.informer.isSynced).toBe(true)
})

test('reached and moved resolve when the copy shows it, or when the caller gives up', async () => {
  await using server = setUp([thing('a', 7)])
  await server.clock.advance(0)
  const done: string[] = []
  const patience = new AbortController()
  void server.informer.reached(12).then(() => done.push('reached 12'))
  void server.informer.reached(99, patience.signal).then(() => done.push('gave up'))
  void server.informer.moved('default/a', '7').then(() => done.push('moved'))
  await server.clock.advance(0)
  expect(done).toEqual([])
  server.send({ type: 'MODIFIED', object: thing('a', 11) })
  await server.clock.advance(0)
  expect(done).toEqual(['moved'])
  server.send({ type: 'BOOKMARK', object: thing('', 12) })
  await server.clock.advance(0)
  expect(done).toEqual(['moved', 'reached 12'])
  patience.abort()
  await server.clock.advance(0)
  expect(done).toEqual(['moved', 'reached 12', 'gave up'])
})

test('an index files objects under their values, and follows their changes', async () => {
  await using server = setUp([thing('a', 7)])
  await server.clock.advance(0)
  server.informer.index('color', object => [object.metadata.labels?.color ?? ''])
  const names = (color: string) => server.informer.lister.by('color', color).map(({ metadata }) => metadata.name)
  expect(names('red')).toEqual(['a'])
  server.send({ type: 'MODIFIED', object: thing('a', 11, { color: 'blue' }) }, { type: 'ADDED', object: thing('b', 12) })
  await server.clock.advance(0)
  expect({ red: names('red'), blue: names('blue') }).toEqual({ red: ['b'], blue: ['a'] })
  server.send({ type: 'DELETED', object: thing('a', 13, { color: 'blue' }) })
  await server.clock.advance(0)
  expect(names('blue')).toEqual([])
})

test('a handler that fails keeps neither the informer nor the others from going on', async () => {
  await using server = setUp()
  const told: string[] = []
  server.informer.subscribe(() => {
    throw new Error('mistake')
  })
  server.informer.subscribe(changes => void told.push(...changes.map(({ object }) => object.metadata.name)))
  await server.clock.advance(0)
  server.send({ type: 'ADDED', object: thing('a', 11) })
  await server.clock.advance(0)
  server.send({ type: 'ADDED', object: thing('b', 12) })
  await server.clock.advance(0)
  expect(told).toEqual(['a', 'b'])
})

test('who subscribes late is told what is there, and one who left is told nothing more', async () => {
  await using server = setUp([thing('a', 7)])
  await server.clock.advance(0)
  const told: string[] = []
  const leave = server.informer.subscribe(
    changes => void told.push(...changes.map(change => `${change.type} ${change.revision}`)),
  )
  expect(told).toEqual(['added 7'])
  leave()
  server.send({ type: 'MODIFIED', object: thing('a', 11) })
  await server.clock.advance(0)
  expect(told).toEqual(['added 7'])
})

test('an informer asked for while all run starts at once', async () => {
  await using server = setUp()
  await server.clock.advance(0)
  const late = server.informers.of(Thing, { fieldSelector: 'spec.nodeName=n1' })
  await server.informers.synced()
  expect(late.isSynced).toBe(true)
})
