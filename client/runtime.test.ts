import { expect, test } from 'vitest'
import { ConfigMap } from '../api/core/config-map.ts'
import { Secret } from '../api/core/secret.ts'
import { ApiError } from '../api/errors.ts'
import type { Call } from '../api/transport.ts'
import { testServer } from '../apiserver/testing.ts'
import { virtualClock } from '../lib/clock.ts'
import { type Log, silentLog } from '../lib/log.ts'
import { seededRandom } from '../lib/random.ts'
import { runAll } from '../lib/run.ts'
import type { Controller } from './controller.ts'
import { noEvents } from './event-recorder.ts'
import type { Change, Informer, Informers } from './informer.ts'
import { createInformers } from './informers.ts'
import { runControllers } from './runtime.ts'
import { createClient } from './typed-client.ts'
import { on } from './watches.ts'

const configMap = (name: string, data: Record<string, string> = {}) => ({ metadata: { namespace: 'default', name }, data })

/** Runs one controller over a test server. `hold` keeps the informers' news back from the controller. */
async function setUp(controller: Partial<Controller> & Pick<Controller, 'reconcile'>, { log = silentLog }: { log?: Log } = {}) {
  const clock = virtualClock()
  const random = seededRandom(1)
  const server = await testServer({ clock, random })
  const calls: Call[] = []
  const transport = server.transport()
  const recording = { ...transport, call: (call: Call, signal?: AbortSignal) => (calls.push(call), transport.call(call, signal)) }
  const client = createClient(recording)
  const real = createInformers({ client, clock, log })
  const gate = { isOpen: true, open: () => {} }
  const informers: Informers = { ...real, of: (kind, options) => delayed(real.of(kind, options) as Informer, gate) as never }
  const controllers = [{ name: 'test', watches: [on(ConfigMap)], writes: [ConfigMap], ...controller }]
  const run = runControllers({ controllers, client, informers, clock, random, log, events: noEvents })
  const stopping = new AbortController()
  const running = runAll(
    [
      ['informers', real.run],
      ['controllers', run],
    ],
    stopping.signal,
  )
  await clock.advance(0)
  return {
    client,
    clock,
    calls,
    gate,
    async [Symbol.asyncDispose]() {
      stopping.abort()
      await running
      await server.stop()
    },
  }
}

/** An informer whose `reached` waits for a gate, as if its watch were late; everything else is the real one's. */
function delayed(informer: Informer, gate: { isOpen: boolean; open: () => void }): Informer {
  return {
    ...informer,
    get isSynced() {
      return informer.isSynced
    },
    get revision() {
      return informer.revision
    },
    subscribe: (handler: (changes: readonly Change[]) => void) => informer.subscribe(handler),
    async reached(revision, signal) {
      if (!gate.isOpen) {
        await new Promise<void>(resolve => {
          gate.open = resolve
          signal?.addEventListener('abort', () => resolve(), { once: true })
        })
      }
      await informer.reached(revision, signal)
    },
  }
}

test('writes carry the actor, the revisions that woke it, and the note', async () => {
  await using cluster = await setUp({
    async reconcile({ client, lister }, key) {
      const found = lister(ConfigMap).get(key)
      if (found?.metadata.name !== 'a' || found.data?.seen) return
      await client.patch(
        ConfigMap,
        found.metadata,
        'merge',
        { data: { seen: 'yes' } },
        { note: { rule: 'test/seen', text: 'seen' } },
      )
    },
  })
  const { metadata } = await cluster.client.create(ConfigMap, configMap('a'))
  await cluster.clock.advance(0)
  const patch = cluster.calls.find(call => call.verb === 'patch')
  expect(patch?.cause).toEqual({
    actor: 'test-controller',
    wokenBy: [Number(metadata.resourceVersion)],
    note: { rule: 'test/seen', text: 'seen' },
  })
})

test('a key does not run again before the informers have seen what it wrote', async () => {
  const runs: string[] = []
  await using cluster = await setUp({
    async reconcile({ client, lister }, key) {
      const found = lister(ConfigMap).get(key)
      if (found?.metadata.name !== 'a') return
      runs.push(found.data?.n ?? '')
      if (runs.length === 1) await client.patch(ConfigMap, found.metadata, 'merge', { data: { n: '1' } })
    },
  })
  cluster.gate.isOpen = false
  await cluster.client.create(ConfigMap, configMap('a'))
  await cluster.clock.advance(1_000)
  expect(runs).toEqual([''])
  cluster.gate.isOpen = true
  cluster.gate.open()
  await cluster.clock.advance(0)
  expect(runs).toEqual(['', '1'])
})

test('after thirty seconds it runs all the same', async () => {
  let runs = 0
  await using cluster = await setUp({
    async reconcile({ client, lister }, key) {
      const found = lister(ConfigMap).get(key)
      if (found?.metadata.name !== 'a') return
      runs += 1
      if (runs === 1) await client.patch(ConfigMap, found.metadata, 'merge', { data: { n: '1' } })
    },
  })
  cluster.gate.isOpen = false
  await cluster.client.create(ConfigMap, configMap('a'))
  await cluster.clock.advance(29_999)
  expect(runs).toBe(1)
  cluster.gate.isOpen = true
  await cluster.clock.advance(1)
  expect(runs).toBe(2)
})

test('a kind that was not declared cannot be written', async () => {
  const errors: string[] = []
  await using cluster = await setUp({
    async reconcile({ client }, key) {
      if (key !== 'default/a') return
      const secret = { metadata: { namespace: 'default', name: 'x' } }
      for (const write of [() => client.create(Secret, secret), () => client.delete(Secret, secret.metadata)]) {
        await write().catch((error: Error) => errors.push(error.message))
      }
    },
  })
  await cluster.client.create(ConfigMap, configMap('a'))
  await cluster.clock.advance(0)
  expect(errors).toEqual(Array(2).fill('test may not write Secret: it did not declare it'))
})

test('a subresource that was declared may be updated whatever the kind, and nothing else of it', async () => {
  const errors: string[] = []
  await using cluster = await setUp({
    writesSubresources: ['scale'],
    async reconcile({ client }, key) {
      if (key !== 'default/a') return
      const secret = { metadata: { namespace: 'default', name: 'x' } }
      for (const subresource of ['scale', 'status', undefined]) {
        const options = subresource === undefined ? {} : { subresource }
        await client.update(Secret, secret, options).catch((error: Error) => errors.push(error.message))
      }
    },
  })
  await cluster.client.create(ConfigMap, configMap('a'))
  await cluster.clock.advance(0)
  const refused = 'test may not write Secret: it did not declare it'
  expect(errors).toEqual([expect.stringContaining('could not find the requested resource'), refused, refused])
})

test('a key that asks for a rest is left alone for so long, and what came meanwhile is done in one run', async () => {
  const runs: string[] = []
  await using cluster = await setUp({
    async reconcile({ lister }, key) {
      const found = lister(ConfigMap).get(key)
      if (found?.metadata.name !== 'a') return
      runs.push(found.data?.n ?? '')
      return { restMs: 1_000 }
    },
  })
  const patch = (n: string) => cluster.client.patch(ConfigMap, { namespace: 'default', name: 'a' }, 'merge', { data: { n } })
  await cluster.client.create(ConfigMap, configMap('a', { n: '0' }))
  await cluster.clock.advance(0)
  for (const n of ['1', '2', '3']) {
    await patch(n)
    await cluster.clock.advance(300)
  }
  expect(runs).toEqual(['0'])
  await cluster.clock.advance(200)
  expect(runs).toEqual(['0', '3'])
  await cluster.clock.advance(5_000)
  await patch('4')
  await cluster.clock.advance(0)
  expect(runs).toEqual(['0', '3', '4'])
})

test('what fails is retried with growing delays and logged once each time; conflicts are retried quietly', async () => {
  const logged: unknown[] = []
  const log = {
    ...silentLog,
    child: () => log,
    warn: (fields: { retryInMs: number }) => logged.push(fields.retryInMs),
  } as unknown as Log
  const at: number[] = []
  await using cluster = await setUp(
    {
      async reconcile({ clock, client, lister }, key) {
        const found = lister(ConfigMap).get(key)
        if (key !== 'default/a' || !found || found.data?.done) return
        at.push(clock.monotonic())
        if (at.length === 6) await client.patch(ConfigMap, found.metadata, 'merge', { data: { done: 'yes' } })
        if (at.length === 4) throw new ApiError('Conflict', 'changed')
        if (at.length < 6) throw new Error('broken')
      },
    },
    { log },
  )
  const { metadata } = await cluster.client.create(ConfigMap, configMap('a'))
  await cluster.clock.advance(10_000)
  expect(cluster.calls.find(call => call.verb === 'patch')?.cause?.wokenBy).toEqual([Number(metadata.resourceVersion)])
  expect(at.slice(1).map((time, i) => time - (at[i] ?? 0))).toEqual([5, 10, 20, 40, 80])
  expect(logged).toEqual([5, 10, 20, 80])
})

test('requeueAfterMs and periodic wake a key without any event', async () => {
  const at: string[] = []
  await using cluster = await setUp({
    periodic: { everyMs: 1_000, keys: () => ['tick'] },
    async reconcile({ clock }, key) {
      if (key === 'tick' || key === 'default/a') at.push(`${key} ${clock.monotonic()}`)
      if (key === 'default/a' && at.filter(each => each.startsWith(key)).length < 2) return { requeueAfterMs: 700 }
    },
  })
  await cluster.client.create(ConfigMap, configMap('a'))
  await cluster.clock.advance(2_000)
  expect(at).toEqual(['tick 0', 'default/a 0', 'default/a 700', 'tick 1000', 'tick 2000'])
})

test('one key never runs twice at a time, different keys do', async () => {
  let running = 0
  let most = 0
  const active = new Set<string>()
  await using cluster = await setUp({
    concurrency: 3,
    async reconcile({ clock }, key) {
      expect(active.has(key)).toBe(false)
      active.add(key)
      most = Math.max(most, ++running)
      await clock.sleep(100)
      running -= 1
      active.delete(key)
    },
  })
  for (const name of ['a', 'b', 'c', 'd']) await cluster.client.create(ConfigMap, configMap(name))
  await cluster.client.patch(ConfigMap, { namespace: 'default', name: 'a' }, 'merge', { data: { x: '1' } })
  await cluster.clock.advance(1_000)
  expect(most).toBe(3)
  expect(running).toBe(0)
})

test('stopping waits for the runs under way and leaves no timer', async () => {
  const clock = virtualClock()
  const server = await testServer({ clock, random: seededRandom(1) })
  const timersOfServer = clock.timers
  const client = createClient(server.transport())
  const informers = createInformers({ client, clock, log: silentLog })
  let ended = 0
  const slow: Controller = {
    name: 'slow',
    watches: [on(ConfigMap)],
    writes: [ConfigMap],
    async reconcile(context, key) {
      await context.clock.sleep(500, context.signal)
      await Promise.resolve()
      ended += 1
      if (key === 'default/a') return { requeueAfterMs: 60_000 }
      throw new Error('retried later')
    },
  }
  const run = runControllers({
    controllers: [slow],
    client,
    informers,
    clock,
    random: seededRandom(1),
    log: silentLog,
    events: noEvents,
  })
  const stopping = new AbortController()
  const running = runAll(
    [
      ['informers', informers.run],
      ['controllers', run],
    ],
    stopping.signal,
  )
  await client.create(ConfigMap, configMap('a'))
  await client.create(ConfigMap, configMap('b'))
  await clock.advance(0)
  expect(ended).toBe(0)
  stopping.abort()
  await running
  expect(ended).toBe(2)
  expect(clock.timers).toBe(timersOfServer)
  await server.stop()
})
