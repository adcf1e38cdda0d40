import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { Node } from '../api/core/node.ts'
import { Pod } from '../api/core/pod.ts'
import { ApiError } from '../api/errors.ts'
import { type VirtualClock, virtualClock } from '../lib/clock.ts'
import { copy } from '../lib/json.ts'
import { silentLog } from '../lib/log.ts'
import { seededRandom } from '../lib/random.ts'
import type { Plugin } from './framework.ts'
import { defaultProfile, type Profile } from './profile.ts'
import { createScheduler } from './scheduler.ts'
import { type FakeApi, fakeApi, node, pod } from './testing.ts'

let clock: VirtualClock
let api: FakeApi
let told: string[]
let stop: AbortController
let running: Promise<void>

/** Starts a scheduler beside the fake API; more plugins come first. */
function start(more: Plugin[] = []) {
  const profile = (dependencies: Parameters<typeof defaultProfile>[0]): Profile => {
    const usual = defaultProfile(dependencies)
    return { ...usual, plugins: [...more.map(plugin => ({ plugin })), ...usual.plugins] }
  }
  const events = {
    record: (about: { metadata: { name: string } }, type: string, reason: string, message: string) =>
      void told.push(`${about.metadata.name}: ${type} ${reason} ${message}`),
  }
  const { client, informers } = api
  running = createScheduler({ client, informers, events, clock, random: seededRandom(7), log: silentLog, profile }).run(
    stop.signal,
  )
  return clock.advance(0)
}
const nodeOf = (name: string) => api.pod(`default/${name}`).spec.nodeName
const conditionOf = (name: string) => api.pod(`default/${name}`).status.conditions?.find(({ type }) => type === 'PodScheduled')
const bindings = () => api.calls.filter(({ subresource }) => subresource === 'binding')
const patches = (name: string) => api.calls.filter(call => call.verb === 'patch' && call.name === name)

beforeEach(() => {
  clock = virtualClock()
  api = fakeApi()
  told = []
  stop = new AbortController()
  running = Promise.resolve()
})
afterEach(async () => {
  stop.abort()
  await running
  expect(clock.timers).toBe(0)
})

describe('a pod', () => {
  test('is bound to the better node; the write says why', async () => {
    api.put(Node, node({ name: 'busy' }))
    api.put(Node, node({ name: 'idle' }))
    api.put(Node, node({ name: 'closed', unschedulable: true }))
    api.put(Pod, pod({ name: 'there', cpu: '3', memory: '4Gi', nodeName: 'busy' }))
    api.put(Pod, pod({ name: 'web', cpu: '500m', memory: '256Mi' }))
    await start()
    expect(nodeOf('web')).toBe('idle')
    const [call] = bindings()
    expect(call?.body).toEqual({
      apiVersion: 'v1',
      kind: 'Binding',
      metadata: { name: 'web', namespace: 'default', uid: api.pod('default/web').metadata.uid },
      target: { apiVersion: 'v1', kind: 'Node', name: 'idle' },
    })
    expect(call?.cause).toMatchObject({
      actor: 'scheduler',
      wokenBy: [expect.any(Number)],
      note: {
        rule: 'scheduler/bind',
        text: expect.stringMatching(/^idle scored \d+ of 2 feasible; runner-up busy with \d+$/),
        data: {
          feasible: 2,
          rejected: [{ count: 1, nodes: ['closed'], reason: 'node(s) were unschedulable', plugin: 'NodeUnschedulable' }],
        },
      },
    })
    expect(told).toEqual(['web: Normal Scheduled Successfully assigned default/web to idle'])
  })
  test('that names another scheduler, has a node or is done is none of our business', async () => {
    api.put(Node, node())
    api.put(Pod, pod({ name: 'other', schedulerName: 'mine' }))
    api.put(Pod, pod({ name: 'done', status: { phase: 'Succeeded' } }))
    await start()
    expect(api.calls).toEqual([])
  })
  test('that is being deleted is not placed any more', async () => {
    api.put(Node, node())
    api.put(Pod, pod({ name: 'leaving', deletionTimestamp: '2026-01-01T00:00:00Z' }))
    await start()
    expect(api.calls).toEqual([])
    expect(told).toEqual(['leaving: Warning FailedScheduling skip schedule deleting pod: default/leaving'])
  })
  test('of higher priority goes first when there is room for one only', async () => {
    api.put(Pod, pod({ name: 'low', cpu: '3', priority: 1, preemptionPolicy: 'Never' }))
    api.put(Pod, pod({ name: 'high', cpu: '3', priority: 5, preemptionPolicy: 'Never' }))
    api.put(Node, node({ name: 'n' }))
    await start()
    expect([nodeOf('high'), nodeOf('low')]).toEqual(['n', ''].map(name => name || undefined))
  })
})

describe('optimistic binding', () => {
  test('the next pod sees what the last one took, long before the API does', async () => {
    api.put(Node, node({ name: 'n', cpu: '2' }))
    api.put(Pod, pod({ name: 'first', cpu: '1500m' }))
    api.put(Pod, pod({ name: 'second', cpu: '1500m' }))
    await start()
    expect(bindings().map(({ name }) => name)).toEqual(['first'])
    expect(conditionOf('second')).toMatchObject({ status: 'False', reason: 'Unschedulable' })
  })
  test('a bind that fails gives the room back to whoever waits for it, and the pod is tried again after its back-off', async () => {
    api.refuse(({ subresource, name }) =>
      subresource === 'binding' && name === 'first' ? new ApiError('Conflict', 'somebody was faster') : undefined,
    )
    api.put(Node, node({ name: 'n', cpu: '2' }))
    api.put(Pod, pod({ name: 'first', cpu: '1500m' }))
    api.put(Pod, pod({ name: 'second', cpu: '1500m' }))
    await start()
    await clock.advance(10)
    expect([nodeOf('first'), nodeOf('second')]).toEqual([undefined, 'n'])
    expect(conditionOf('first')).toMatchObject({
      reason: 'SchedulerError',
      message: 'running Bind plugin "DefaultBinder": somebody was faster',
    })
    api.refuse(() => undefined)
    api.remove(Pod, 'default/second')
    await clock.advance(900)
    expect(nodeOf('first')).toBeUndefined()
    await clock.advance(10_000)
    expect(nodeOf('first')).toBe('n')
  })
  test('a pod that vanished while it was bound is forgotten for good', async () => {
    api.put(Node, node({ name: 'n', cpu: '2' }))
    api.put(Pod, pod({ name: 'first', cpu: '1500m' }))
    api.refuse(({ name, subresource }) => {
      if (subresource !== 'binding' || name !== 'first') return undefined
      api.remove(Pod, 'default/first')
      return new ApiError('NotFound', 'pods "first" not found')
    })
    await start()
    api.put(Pod, pod({ name: 'second', cpu: '1500m' }))
    await clock.advance(20_000)
    expect(bindings().map(({ name }) => name)).toEqual(['first', 'second'])
  })
  test('the loop itself never calls the API: everything is decided before the first answer', async () => {
    let calls = 0
    let callsWhileDeciding = 0
    const watchful: Plugin = {
      name: 'Watchful',
      preFilter() {
        calls = api.calls.length
        return 'skip'
      },
      reserve() {
        callsWhileDeciding += api.calls.length - calls
      },
    }
    for (let i = 0; i < 20; i++) api.put(Node, node())
    for (let i = 0; i < 50; i++) api.put(Pod, pod({ name: `pod-${i}`, cpu: '100m' }))
    await start([watchful])
    expect(callsWhileDeciding).toBe(0)
    expect(bindings()).toHaveLength(50)
    expect(api.calls).toHaveLength(50)
  })
})

describe('a pod that fits nowhere', () => {
  test('is told why, once, and why-notes say what would help', async () => {
    api.put(Node, node({ name: 'small', cpu: '1' }))
    api.put(Node, node({ name: 'tainted', cpu: '16', taints: [{ key: 'team', value: 'a', effect: 'NoSchedule' }] }))
    api.put(Pod, pod({ name: 'big', cpu: '3' }))
    await start()
    const message =
      '0/2 nodes are available: 1 Insufficient cpu, 1 node(s) had untolerated taint {team: a}. preemption: 0/2 nodes are available: 2 Preemption is not helpful for scheduling.'
    expect(conditionOf('big')).toMatchObject({ type: 'PodScheduled', status: 'False', reason: 'Unschedulable', message })
    expect(told).toEqual([`big: Warning FailedScheduling ${message}`])
    const [patch] = patches('big')
    expect(patch?.cause?.note).toEqual({
      rule: 'scheduler/unschedulable',
      text: message,
      data: {
        nodes: [
          { count: 1, nodes: ['small'], reason: 'Insufficient cpu', plugin: 'NodeResourcesFit' },
          { count: 1, nodes: ['tainted'], reason: 'node(s) had untolerated taint {team: a}', plugin: 'TaintToleration' },
        ],
        fits: ['2 cpu more on small', 'a toleration of the taint team=a:NoSchedule'],
      },
    })
    await clock.advance(400_000)
    expect(patches('big')).toHaveLength(1)
    expect(told.length).toBeGreaterThan(1)
  })
  test('waits until there is room', async () => {
    api.put(Node, node({ name: 'n', cpu: '2' }))
    api.put(Pod, pod({ name: 'there', cpu: '1500m', nodeName: 'n' }))
    api.put(Pod, pod({ name: 'waiting', cpu: '1' }))
    await start()
    expect(nodeOf('waiting')).toBeUndefined()
    api.remove(Pod, 'default/there')
    await clock.advance(0)
    expect(nodeOf('waiting')).toBe('n')
    expect(bindings()[0]?.cause?.wokenBy).toHaveLength(2)
  })
  test.each([
    ['a node comes', () => api.put(Node, node({ name: 'new' }))],
    ['the pod there is done', () => api.put(Pod, { ...api.pod('default/there'), status: { phase: 'Succeeded' } } as Pod)],
    ['the node grows', () => api.put(Node, node({ name: 'n', cpu: '8' }))],
  ])('is woken when %s', async (_, happen) => {
    api.put(Node, node({ name: 'n', cpu: '2' }))
    api.put(Pod, pod({ name: 'there', cpu: '1500m', nodeName: 'n' }))
    api.put(Pod, pod({ name: 'waiting', cpu: '1' }))
    await start()
    happen()
    await clock.advance(0)
    expect(nodeOf('waiting')).toBeDefined()
  })
  test('waits for the first node of all', async () => {
    api.put(Pod, pod({ name: 'early' }))
    await start()
    expect(conditionOf('early')?.message).toBe('no nodes available to schedule pods')
    api.put(Node, node({ name: 'first' }))
    await clock.advance(0)
    expect(nodeOf('early')).toBe('first')
  })
  test('does not miss what happens while it is being tried', async () => {
    let happen = () => {}
    const interrupted: Plugin = {
      name: 'Interrupted',
      async postFilter() {
        happen()
        happen = () => {}
        return undefined
      },
    }
    api.put(Node, node({ name: 'n', cpu: '2' }))
    api.put(Pod, pod({ name: 'there', cpu: '1500m', nodeName: 'n' }))
    api.put(Pod, pod({ name: 'unlucky', cpu: '1' }))
    happen = () => api.remove(Pod, 'default/there')
    await start([interrupted])
    await clock.advance(1000)
    expect(nodeOf('unlucky')).toBe('n')
  })
  test('and is deleted meanwhile is left alone', async () => {
    api.put(Node, node({ name: 'n', cpu: '1' }))
    api.put(Pod, pod({ name: 'big', cpu: '2' }))
    await start()
    api.remove(Pod, 'default/big')
    api.put(Node, node({ name: 'large' }))
    await clock.advance(400_000)
    expect(bindings()).toEqual([])
  })
  test('behind a gate is tried when the gate goes', async () => {
    api.put(Node, node({ name: 'n' }))
    api.put(Pod, pod({ name: 'gated', schedulingGates: [{ name: 'later' }] }))
    await start()
    expect(api.calls).toEqual([])
    const open = copy(api.pod('default/gated'))
    open.spec.schedulingGates = []
    api.put(Pod, open)
    await clock.advance(0)
    expect(nodeOf('gated')).toBe('n')
  })
})

describe('preemption', () => {
  const low = (name: string, nodeName: string, priority = 1) => pod({ name, cpu: '3', priority, nodeName })

  test('pushes the least important pod away, waits for it to leave, and gets the place', async () => {
    api.put(Node, node({ name: 'a' }))
    api.put(Node, node({ name: 'b' }))
    api.put(Pod, low('less', 'a', 1))
    api.put(Pod, low('more', 'b', 2))
    api.put(Pod, pod({ name: 'vip', cpu: '2', priority: 100 }))
    await start()
    await clock.advance(5)
    const writes = api.calls.filter(({ name }) => name === 'less').map(({ verb, cause }) => [verb, cause?.note?.rule])
    expect(writes).toEqual([
      ['patch', 'scheduler/preempt'],
      ['delete', 'scheduler/preempt'],
    ])
    expect(api.calls.find(({ name }) => name === 'less')?.body).toMatchObject({
      status: {
        conditions: [
          {
            type: 'DisruptionTarget',
            status: 'True',
            reason: 'PreemptionByScheduler',
            message: 'default-scheduler: preempting to accommodate a higher priority pod',
          },
        ],
      },
    })
    expect(told).toContain(`less: Normal Preempted Preempted by pod ${api.pod('default/vip').metadata.uid} on node a`)
    expect(patches('vip')[0]?.body).toMatchObject({ status: { nominatedNodeName: 'a' } })
    expect(nodeOf('vip')).toBe('a')
    expect(nodeOf('more')).toBe('b')
  })
  test('keeps the room for the one it was made for', async () => {
    api.put(Node, node({ name: 'a' }))
    api.put(Pod, low('victim', 'a'))
    api.put(Pod, pod({ name: 'vip', cpu: '2', priority: 100 }))
    const leaving = new Set<string>()
    api.refuse(({ verb, name }) => {
      if (verb !== 'delete') return undefined
      leaving.add(name)
      const victim = copy(api.pod(`default/${name}`))
      victim.metadata.deletionTimestamp = '2026-01-01T00:00:30Z'
      api.put(Pod, victim)
      return new ApiError('NotFound', 'it leaves in its own time')
    })
    await start()
    api.put(Pod, pod({ name: 'sneaky', cpu: '1', priority: 50 }))
    await clock.advance(5)
    expect([leaving.has('victim'), nodeOf('vip')]).toEqual([true, undefined])
    api.remove(Pod, 'default/victim')
    await clock.advance(5)
    expect([nodeOf('vip'), nodeOf('sneaky')]).toEqual(['a', 'a'])
    const other = api.calls.filter(({ verb }) => verb === 'delete').map(({ name }) => name)
    expect(other).toEqual(['victim'])
  })
  test('of several pods is one affair: the first to leave does not set off another', async () => {
    api.put(Node, node({ name: 'a' }))
    for (const name of ['one', 'two', 'three']) api.put(Pod, pod({ name, cpu: '1200m', priority: 1, nodeName: 'a' }))
    api.put(Pod, pod({ name: 'vip', cpu: '4', priority: 100 }))
    await start()
    await clock.advance(2000)
    const deleted = api.calls.filter(({ verb }) => verb === 'delete').map(({ name }) => name)
    expect(deleted.sort()).toEqual(['one', 'three', 'two'])
    expect(nodeOf('vip')).toBe('a')
  })
  test('is not for those who do not want it, and the message says so', async () => {
    api.put(Node, node({ name: 'a' }))
    api.put(Pod, low('there', 'a'))
    api.put(Pod, pod({ name: 'polite', cpu: '2', priority: 100, preemptionPolicy: 'Never' }))
    await start()
    expect(conditionOf('polite')?.message).toBe(
      '0/1 nodes are available: 1 Insufficient cpu. preemption: not eligible due to preemptionPolicy=Never.',
    )
    expect(api.get(Pod, 'default/there')).toBeDefined()
  })
  test('does not push away equals', async () => {
    api.put(Node, node({ name: 'a' }))
    api.put(Pod, low('there', 'a', 100))
    api.put(Pod, pod({ name: 'peer', cpu: '2', priority: 100 }))
    await start()
    expect(conditionOf('peer')?.message).toBe(
      '0/1 nodes are available: 1 Insufficient cpu. preemption: 0/1 nodes are available: 1 No preemption victims found for incoming pod.',
    )
  })
  test('that fails is tried again', async () => {
    let refused = 0
    api.refuse(({ verb, name }) =>
      verb === 'delete' && name === 'there' && refused++ === 0 ? new Error('no answer') : undefined,
    )
    api.put(Node, node({ name: 'a' }))
    api.put(Pod, low('there', 'a'))
    api.put(Pod, pod({ name: 'vip', cpu: '2', priority: 100 }))
    await start()
    await clock.advance(5000)
    expect(nodeOf('vip')).toBe('a')
  })
})
