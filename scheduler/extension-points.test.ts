import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { Node } from '../api/core/node.ts'
import { Pod } from '../api/core/pod.ts'
import { type VirtualClock, virtualClock } from '../lib/clock.ts'
import { silentLog } from '../lib/log.ts'
import { seededRandom } from '../lib/random.ts'
import type { PluginDependencies } from './dependencies.ts'
import { type Plugin, unresolvable, unschedulable } from './framework.ts'
import { defaultProfile, type Profile } from './profile.ts'
import { createScheduler } from './scheduler.ts'
import { type FakeApi, fakeApi, node, pod } from './testing.ts'

let clock: VirtualClock
let api: FakeApi
let told: string[]
let calls: string[]
let stop: AbortController
let running: Promise<void>
let inside: PluginDependencies

/** Starts a scheduler with more plugins, which come first. */
async function start(...more: Plugin[]) {
  const profile = (dependencies: PluginDependencies): Profile => {
    inside = dependencies
    const usual = defaultProfile(dependencies)
    return { ...usual, plugins: [...more.map(plugin => ({ plugin })), ...usual.plugins] }
  }
  const record = (about: { metadata: { name: string } }, _: string, reason: string, message: string) =>
    void told.push(`${about.metadata.name}: ${reason} ${message}`)
  const { client, informers } = api
  running = createScheduler({
    client,
    informers,
    events: { record },
    clock,
    random: seededRandom(7),
    log: silentLog,
    profile,
  }).run(stop.signal)
  await clock.advance(5)
}
const nodeOf = (name: string) => api.pod(`default/${name}`).spec.nodeName
const conditionOf = (name: string) => api.pod(`default/${name}`).status.conditions?.find(({ type }) => type === 'PodScheduled')

beforeEach(() => {
  clock = virtualClock()
  api = fakeApi()
  ;[told, calls] = [[], []]
  stop = new AbortController()
  api.put(Node, node({ name: 'n' }))
  api.put(Pod, pod({ name: 'web', cpu: '1' }))
})
afterEach(async () => {
  stop.abort()
  await running
  expect(clock.timers).toBe(0)
})

/** Writes down in which order it is asked. */
const witness = (name: string, more: Partial<Plugin> = {}): Plugin => {
  const note = (point: string) => void calls.push(`${name} ${point}`)
  return {
    name,
    preEnqueue: () => note('preEnqueue') as undefined,
    preFilter: () => {
      note('preFilter')
      return { state: undefined }
    },
    filter: () => note('filter') as undefined,
    preScore: () => {
      note('preScore')
      return { state: undefined }
    },
    score: () => {
      note('score')
      return 0
    },
    normalize: () => note('normalize'),
    reserve: () => note('reserve') as undefined,
    unreserve: () => note('unreserve'),
    permit: () => note('permit') as undefined,
    preBind: async () => note('preBind'),
    postBind: () => note('postBind'),
    wakes: {},
    ...more,
  }
}

test('all extension points are asked, in order', async () => {
  api.put(Node, node({ name: 'other' }))
  await start(witness('W'))
  const once = [...new Set(calls)]
  expect(once).toEqual(
    ['preEnqueue', 'preFilter', 'filter', 'preScore', 'score', 'normalize', 'reserve', 'permit', 'preBind', 'postBind'].map(
      point => `W ${point}`,
    ),
  )
})

describe('what was reserved is given back, last first, when', () => {
  const ends: [string, Partial<Plugin>, string, string][] = [
    [
      'a later plugin refuses to reserve',
      { reserve: () => unschedulable('B', 'nothing left') },
      'Unschedulable',
      '0/1 nodes are available: 1 nothing left.',
    ],
    [
      'reserving fails',
      {
        reserve: () => {
          throw new Error('a bug')
        },
      },
      'SchedulerError',
      'running Reserve plugin "B": a bug',
    ],
    [
      'the permission is denied',
      { permit: () => unresolvable('B', 'not today') },
      'Unschedulable',
      '0/1 nodes are available: 1 not today.',
    ],
    [
      'preparing the bind fails',
      { preBind: async () => Promise.reject(new Error('no disk')) },
      'SchedulerError',
      'running PreBind plugin "B": no disk',
    ],
    [
      'preparing the bind is refused',
      { preBind: async () => unschedulable('B', 'too late') },
      'Unschedulable',
      '0/1 nodes are available: 1 too late.',
    ],
    [
      'the bind fails',
      { bind: async () => Promise.reject(new Error('no answer')) },
      'SchedulerError',
      'running Bind plugin "B": no answer',
    ],
  ]
  test.each(ends)('%s', async (_, plugin, reason, message) => {
    await start(witness('A'), witness('B', plugin))
    expect(calls.filter(call => call.endsWith('unreserve'))).toEqual(['B unreserve', 'A unreserve'])
    expect(conditionOf('web')).toMatchObject({ reason, message })
    expect(told).toEqual([`web: FailedScheduling ${message}`])
    expect(nodeOf('web')).toBeUndefined()
  })
})

describe('a pod that has to wait for a permission', () => {
  const patient = (name: string, waitInMs: number): Plugin => ({ name, permit: () => ({ waitInMs }), wakes: {} })
  const uid = () => api.pod('default/web').metadata.uid

  test('keeps its place meanwhile and is bound when all agree', async () => {
    await start(patient('P', 60_000), patient('Q', 60_000))
    api.put(Pod, pod({ name: 'big', cpu: '4' }))
    await clock.advance(1000)
    expect([nodeOf('web'), nodeOf('big'), inside.waiting?.uids()]).toEqual([undefined, undefined, [uid()]])
    expect(inside.waiting?.allow(uid(), 'P')).toBe(true)
    await clock.advance(5)
    expect(nodeOf('web')).toBeUndefined()
    inside.waiting?.allow(uid(), 'Q')
    await clock.advance(5)
    expect(nodeOf('web')).toBe('n')
  })
  test('is refused when it takes too long, and the room is free again', async () => {
    await start(patient('P', 2000))
    api.put(Pod, pod({ name: 'big', cpu: '4' }))
    await clock.advance(1900)
    expect(nodeOf('big')).toBeUndefined()
    await clock.advance(200)
    expect(conditionOf('web')?.message).toBe('0/1 nodes are available: 1 rejected due to timeout after waiting 2s at plugin P.')
    expect(inside.waiting?.uids()).toEqual([expect.not.stringMatching(uid())])
  })
  test('waits a quarter of an hour at most', async () => {
    await start(patient('P', 24 * 3_600_000))
    await clock.advance(15 * 60_000 + 10)
    expect(conditionOf('web')?.message).toContain('rejected due to timeout after waiting 15m0s at plugin P')
  })
  test('is forgotten when it is deleted', async () => {
    await start(patient('P', 60_000))
    api.remove(Pod, 'default/web')
    await clock.advance(10)
    expect(inside.waiting?.uids()).toEqual([])
    api.put(Pod, pod({ name: 'next', cpu: '4' }))
    await clock.advance(10)
    expect(inside.waiting?.uids()).toHaveLength(1)
  })
  test('is called off, not deleted, when somebody more important needs the room', async () => {
    await start(patient('P', 60_000))
    api.put(Pod, pod({ name: 'vip', cpu: '4', priority: 100 }))
    await clock.advance(10)
    expect(told).toContain(`web: Preempted Preempted by pod ${api.pod('default/vip').metadata.uid} on node n`)
    expect(api.calls.filter(({ verb }) => verb === 'delete')).toEqual([])
    expect(conditionOf('web')?.message).toContain('1 preempted.')
    expect(inside.waiting?.uids()).toEqual([api.pod('default/vip').metadata.uid])
  })
})

test('a plugin that does not bind leaves it to the next', async () => {
  await start({ name: 'Shy', bind: async () => 'skip' })
  expect(nodeOf('web')).toBe('n')
})

test('a score out of range is an error, not a decision', async () => {
  api.put(Node, node({ name: 'other' }))
  await start({ name: 'Loud', score: () => 101 })
  expect(conditionOf('web')).toMatchObject({
    reason: 'SchedulerError',
    message: 'plugin "Loud" returns an invalid score 101, it should in the range of [0, 100] after normalizing',
  })
})
