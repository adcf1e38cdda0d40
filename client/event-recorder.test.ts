import { expect, test } from 'vitest'
import { Event } from '../api/core/event.ts'
import { ApiError } from '../api/errors.ts'
import type { Call, KubeObject } from '../api/transport.ts'
import { testServer } from '../apiserver/testing.ts'
import { virtualClock } from '../lib/clock.ts'
import { silentLog } from '../lib/log.ts'
import { seededRandom } from '../lib/random.ts'
import { createEvents } from './event-recorder.ts'
import { createClient } from './typed-client.ts'

const object = (name: string): KubeObject => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name, namespace: 'default', uid: `uid-${name}`, resourceVersion: '7', creationTimestamp: '' },
})

async function setUp() {
  const clock = virtualClock()
  const server = await testServer({ clock, random: seededRandom(1) })
  const transport = server.transport()
  const state = { fail: undefined as Error | undefined, writes: [] as string[] }
  const call = async (call: Call) => {
    if (call.verb !== 'list') state.writes.push(call.verb)
    if (state.fail && call.verb !== 'list') throw state.fail
    return transport.call(call)
  }
  const client = createClient({ ...transport, call })
  const events = createEvents({ client, clock, log: silentLog })
  const stopping = new AbortController()
  const running = events.run(stopping.signal)
  const stored = async () => (await client.list(Event)).items
  return {
    clock,
    client,
    events,
    recorder: events.from('tester', 'node-1'),
    state,
    stored,
    async [Symbol.asyncDispose]() {
      stopping.abort()
      await running
      await server.stop()
    },
  }
}

test('an event names its subject, its source and its time', async () => {
  await using setup = await setUp()
  setup.recorder.record(object('web'), 'Normal', 'Started', 'Started it')
  await setup.clock.advance(0)
  const [event] = await setup.stored()
  expect(event?.metadata.name).toMatch(/^web\.[0-9a-f]{16}$/)
  expect(event).toMatchObject({
    metadata: { namespace: 'default' },
    involvedObject: { apiVersion: 'v1', kind: 'Pod', namespace: 'default', name: 'web', uid: 'uid-web', resourceVersion: '7' },
    type: 'Normal',
    reason: 'Started',
    message: 'Started it',
    count: 1,
    firstTimestamp: '2026-01-01T00:00:00Z',
    lastTimestamp: '2026-01-01T00:00:00Z',
    source: { component: 'tester', host: 'node-1' },
    reportingComponent: 'tester',
    reportingInstance: 'node-1',
  })
})

test('equal events are counted up in place', async () => {
  await using setup = await setUp()
  for (let i = 0; i < 3; i++) {
    setup.recorder.record(object('web'), 'Warning', 'BackOff', 'Back-off')
    await setup.clock.advance(10_000)
  }
  const items = await setup.stored()
  expect(items.map(({ count, firstTimestamp, lastTimestamp }) => ({ count, firstTimestamp, lastTimestamp }))).toEqual([
    { count: 3, firstTimestamp: '2026-01-01T00:00:00Z', lastTimestamp: '2026-01-01T00:00:20Z' },
  ])
})

test('those told faster than they are written become one write', async () => {
  await using setup = await setUp()
  for (let i = 0; i < 5; i++) setup.recorder.record(object('web'), 'Warning', 'BackOff', 'Back-off')
  await setup.clock.advance(0)
  expect((await setup.stored()).map(({ count }) => count)).toEqual([5])
  expect(setup.state.writes).toEqual(['create'])
})

test('one source may tell twenty-five things about an object, and one more every five minutes', async () => {
  await using setup = await setUp()
  const tell = () => setup.recorder.record(object('web'), 'Warning', 'BackOff', 'Back-off')
  const count = async () => (await setup.stored())[0]?.count
  for (let i = 0; i < 40; i++) tell()
  await setup.clock.advance(0)
  expect(await count()).toBe(25)
  await setup.clock.advance(299_000)
  tell()
  await setup.clock.advance(0)
  expect(await count()).toBe(25)
  await setup.clock.advance(1_000)
  tell()
  await setup.clock.advance(0)
  expect(await count()).toBe(26)
  setup.recorder.record(object('other'), 'Normal', 'Started', 'Started it')
  await setup.clock.advance(0)
  expect(await setup.stored()).toHaveLength(2)
})

test('from the tenth different message on, similar events are combined', async () => {
  await using setup = await setUp()
  for (let i = 0; i < 15; i++) {
    setup.recorder.record(object('web'), 'Normal', 'SuccessfulCreate', `Created pod: ${i}`)
    await setup.clock.advance(0)
  }
  const items = await setup.stored()
  expect(items).toHaveLength(10)
  expect(
    items.filter(({ message }) => message?.startsWith('(combined')).map(({ count, message }) => `${count} ${message}`),
  ).toEqual(['6 (combined from similar events): Created pod: 14'])
})

test('a server that is away is waited for, one that refuses is not', async () => {
  await using setup = await setUp()
  setup.state.fail = new ApiError('ServiceUnavailable', 'down')
  setup.recorder.record(object('web'), 'Normal', 'Started', 'Started it')
  await setup.clock.advance(5_000)
  expect(setup.state.writes.length).toBeGreaterThan(1)
  setup.state.fail = undefined
  await setup.clock.advance(30_000)
  expect(await setup.stored()).toHaveLength(1)

  setup.state.fail = new ApiError('Forbidden', 'no')
  setup.state.writes.length = 0
  setup.recorder.record(object('other'), 'Normal', 'Started', 'Started it')
  await setup.clock.advance(60_000)
  expect(setup.state.writes).toEqual(['create'])
})

test('an event that has expired meanwhile is made anew', async () => {
  await using setup = await setUp()
  setup.recorder.record(object('web'), 'Warning', 'BackOff', 'Back-off')
  await setup.clock.advance(0)
  const [event] = await setup.stored()
  await setup.client.delete(Event, event?.metadata as Event['metadata'])
  setup.recorder.record(object('web'), 'Warning', 'BackOff', 'Back-off')
  await setup.clock.advance(0)
  expect((await setup.stored()).map(({ count }) => count)).toEqual([2])
})

test('parts of an object are told apart, and share its limits', async () => {
  await using setup = await setUp()
  const about = (name: string) => ({ ...object('web'), fieldPath: `spec.containers{${name}}` })
  for (const name of ['a', 'b', 'a']) setup.recorder.record(about(name), 'Normal', 'Started', 'Started it')
  await setup.clock.advance(1000)
  const found = (await setup.stored()).map(({ involvedObject, count }) => `${involvedObject.fieldPath} ${count}`)
  expect(found.sort()).toEqual(['spec.containers{a} 2', 'spec.containers{b} 1'])
  for (let i = 0; i < 40; i++) setup.recorder.record(about(`c${i}`), 'Normal', 'Started', 'Started it')
  await setup.clock.advance(1000)
  expect(await setup.stored()).toHaveLength(2 + 22)
})
