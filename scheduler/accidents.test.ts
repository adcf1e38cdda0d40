import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { Node } from '../api/core/node.ts'
import { Pod } from '../api/core/pod.ts'
import { ApiError } from '../api/errors.ts'
import { users } from '../api/user.ts'
import { testServer } from '../apiserver/testing.ts'
import { createInformers } from '../client/informers.ts'
import { createClient } from '../client/typed-client.ts'
import { systemClock, type VirtualClock, virtualClock } from '../lib/clock.ts'
import { silentLog } from '../lib/log.ts'
import { seededRandom } from '../lib/random.ts'
import { memoryStore } from '../storage/memory.ts'
import type { Plugin } from './framework.ts'
import { defaultProfile } from './profile.ts'
import { createScheduler } from './scheduler.ts'
import { type FakeApi, fakeApi, node, pod } from './testing.ts'

let clock: VirtualClock
let api: FakeApi
let stop: AbortController
let running: Promise<void>[]

/** The server takes a pod's first binding and refuses the others, as the real one does. */
function refuseSecondBindings() {
  const taken = new Map<string, string>()
  api.refuse(({ subresource, name, body }) => {
    if (subresource !== 'binding') return undefined
    const owner = taken.get(name)
    const wanted = (body as { target: { name: string } }).target.name
    taken.set(name, owner ?? wanted)
    return owner === undefined ? undefined : new ApiError('Conflict', `pod ${name} is already assigned to node "${owner}"`)
  })
}
function start(seed: number, schedulerName?: string, ...more: Plugin[]) {
  const { client, informers } = api
  const profile = (dependencies: Parameters<typeof defaultProfile>[0]) => {
    const usual = defaultProfile(dependencies)
    const plugins = [...more.map(plugin => ({ plugin })), ...usual.plugins]
    return { ...usual, plugins, ...(schedulerName && { schedulerName }) }
  }
  const events = { record: () => {} }
  const options = { client, informers, events, clock, random: seededRandom(seed), log: silentLog, profile }
  running.push(createScheduler(options).run(stop.signal))
}
const pods = () => api.informers.of(Pod).lister.list()
const nodeOf = (name: string) => api.pod(`default/${name}`).spec.nodeName
const bindings = () => api.calls.filter(({ subresource }) => subresource === 'binding')

beforeEach(() => {
  clock = virtualClock()
  api = fakeApi()
  stop = new AbortController()
  running = []
})
afterEach(async () => {
  stop.abort()
  await Promise.all(running)
  expect(clock.timers).toBe(0)
})

describe('two schedulers', () => {
  test('that want the same pods bind each of them once, and lose none', async () => {
    refuseSecondBindings()
    for (let i = 0; i < 5; i++) api.put(Node, node({ name: `n${i}`, cpu: '8' }))
    for (let i = 0; i < 40; i++) api.put(Pod, pod({ name: `pod-${i}`, cpu: '500m' }))
    start(1)
    start(2)
    await clock.advance(30_000)
    expect(pods().filter(({ spec }) => !spec.nodeName)).toEqual([])
    expect(bindings().length).toBeGreaterThan(40)
    const wrong = pods().filter(({ status }) => status.conditions?.some(({ reason }) => reason === 'SchedulerError'))
    expect(wrong).toEqual([])
  })
  test('that race for the last room of a node both learn what came of it', async () => {
    api.put(Node, node({ name: 'n', cpu: '2' }))
    start(1)
    start(2, 'second')
    await clock.advance(0)
    api.put(Pod, pod({ name: 'ours', cpu: '1500m' }))
    api.put(Pod, pod({ name: 'theirs', cpu: '1500m', schedulerName: 'second' }))
    await clock.advance(10)
    // The API does not count: the node's own admission will refuse one of them.
    expect([nodeOf('ours'), nodeOf('theirs')]).toEqual(['n', 'n'])
    for (const [name, schedulerName] of [
      ['late', 'default-scheduler'],
      ['later', 'second'],
    ])
      api.put(Pod, pod({ name, cpu: '100m', schedulerName }))
    await clock.advance(10)
    expect([nodeOf('late'), nodeOf('later')]).toEqual([undefined, undefined])
    api.remove(Pod, 'default/theirs')
    for (let second = 0; second < 5; second++) await clock.advance(1000)
    expect([nodeOf('late'), nodeOf('later')]).toEqual(['n', 'n'])
  })
})

describe('a node that vanishes', () => {
  test('while a pod is being placed is bound to once and then forgotten', async () => {
    let vanish = () => {}
    const witness: Plugin = {
      name: 'Witness',
      reserve() {
        vanish()
        vanish = () => {}
      },
    }
    api.put(Node, node({ name: 'gone' }))
    api.put(Pod, pod({ name: 'first' }))
    vanish = () => {
      api.remove(Node, 'gone')
      api.refuse(({ subresource }) =>
        subresource === 'binding' ? new ApiError('NotFound', 'nodes "gone" not found') : undefined,
      )
    }
    start(1, undefined, witness)
    await clock.advance(10)
    expect(nodeOf('first')).toBeUndefined()
    api.refuse(() => undefined)
    api.put(Node, node({ name: 'new' }))
    await clock.advance(5000)
    expect(nodeOf('first')).toBe('new')
  })
  test('in the middle of a search does no harm', async () => {
    let seen = 0
    const witness: Plugin = {
      name: 'Witness',
      filter(_, { name }) {
        if (++seen === 2) api.remove(Node, name)
        return undefined
      },
    }
    for (let i = 0; i < 3; i++) api.put(Node, node({ name: `n${i}` }))
    for (let i = 0; i < 6; i++) api.put(Pod, pod({ name: `pod-${i}`, cpu: '1' }))
    start(1, undefined, witness)
    await clock.advance(10_000)
    expect(pods().filter(({ spec }) => !spec.nodeName)).toEqual([])
    expect(api.informers.of(Node).lister.list()).toHaveLength(2)
  })
  test('with the nomination that waits for it leaves the pod free to go elsewhere', async () => {
    api.put(Node, node({ name: 'full', cpu: '2' }))
    api.put(Pod, pod({ name: 'victim', cpu: '2', nodeName: 'full' }))
    api.put(Pod, pod({ name: 'vip', cpu: '2', priority: 10 }))
    api.refuse(({ verb, name }) => (verb === 'delete' && name === 'victim' ? new ApiError('NotFound', 'later') : undefined))
    start(1)
    await clock.advance(10)
    api.remove(Node, 'full')
    api.put(Node, node({ name: 'new', cpu: '2' }))
    await clock.advance(20_000)
    expect(nodeOf('vip')).toBe('new')
  })
})

test('a full disk behind the API server holds pods up, and they are bound when there is room again', {
  timeout: 20_000,
}, async () => {
  const store = memoryStore({ clock: systemClock })
  let isFull = false
  const limited: typeof store = Object.create(store, {
    put: {
      value: async (...args: Parameters<typeof store.put>) => {
        if (isFull) throw new Error('ENOSPC: no space left on device, write')
        return store.put(...args)
      },
    },
  }) as typeof store
  await using server = await testServer({ store: limited })
  const admin = createClient(server.transport(users.admin))
  const client = createClient(server.transport(users.scheduler))
  const informers = createInformers({ client, clock: systemClock, log: silentLog })
  const told: string[] = []
  const record = (_: object, __: string, reason: string, message: string) => void told.push(`${reason}: ${message}`)
  const allocatable = { cpu: '4', memory: '8Gi', pods: '110' }
  const made = await admin.create(Node, { metadata: { name: 'n' } })
  await admin.updateStatus(Node, { ...made, status: { ...made.status, allocatable, capacity: allocatable } })
  const containers = [{ name: 'main', image: 'web:1', resources: { requests: { cpu: '3' } } }]
  await admin.create(Pod, { metadata: { name: 'web', namespace: 'default' }, spec: { containers } })

  isFull = true
  running = [
    informers.run(stop.signal),
    createScheduler({ client, informers, events: { record }, clock, random: seededRandom(1), log: silentLog }).run(stop.signal),
  ]
  await vi.waitFor(() => expect(told.some(text => text.startsWith('FailedScheduling: running Bind plugin'))).toBe(true))
  isFull = false
  await vi.waitFor(async () => {
    await clock.advance(1000)
    expect((await admin.get(Pod, { namespace: 'default', name: 'web' })).spec.nodeName).toBe('n')
  })
  expect(told.at(-1)).toBe('Scheduled: Successfully assigned default/web to n')
})
