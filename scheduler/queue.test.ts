import { describe, expect, test } from 'vitest'
import { virtualClock } from '../lib/clock.ts'
import { seededRandom } from '../lib/random.ts'
import { backoffInMs } from './backoff.ts'
import type { ClusterEvent, Plugin } from './framework.ts'
import { heap } from './heap.ts'
import { inFlightPods } from './in-flight.ts'
import { schedulingGates } from './plugins/scheduling-gates.ts'
import { type PodInfo, podInfo } from './pod-info.ts'
import { schedulingQueue } from './queue.ts'
import type { QueuedPod } from './queued-pod.ts'
import { pod } from './testing.ts'

/** Refuses pods until a pod with their name's label goes. */
const picky: Plugin = { name: 'Picky', wakes: { assignedPod: (_, { action }) => action === 'delete' } }
const deaf: Plugin = { name: 'Deaf', wakes: {} }
const pickyOnly = new Set(['Picky'])

function setUp(plugins: Plugin[] = [schedulingGates, picky, deaf]) {
  const clock = virtualClock()
  const queue = schedulingQueue({ clock, plugins })
  const add = (options: Parameters<typeof pod>[0]) => {
    const info = podInfo(pod(options))
    queue.add(info)
    return info
  }
  const pop = () => queue.pop()?.pod.pod.metadata.name
  const take = () => {
    const queued = queue.pop()
    if (!queued) throw new Error('the queue is empty')
    return queued
  }
  const refuse = (queued: QueuedPod, by = pickyOnly) => queue.requeue(queued, queued.pod, by)
  return { clock, queue, add, pop, take, refuse }
}
const leaves = (who: PodInfo = podInfo(pod())): ClusterEvent => ({
  resource: 'assignedPod',
  action: 'delete',
  before: who,
  revision: 7,
})

test('a heap hands out in order, whatever is added and removed', () => {
  const random = seededRandom(1)
  const numbers = heap<number>((a, b) => a < b)
  const there = new Set<number>()
  for (let i = 0; i < 500; i++) {
    const number = random.below(1000)
    if (random.below(3) > 0) {
      numbers.add(number)
      there.add(number)
    } else expect(numbers.remove(number)).toBe(there.delete(number))
  }
  const taken = Array.from({ length: there.size }, () => numbers.take())
  expect(taken).toEqual([...there].sort((a, b) => a - b))
  expect(numbers.size).toBe(0)
})

test('the back-off after so many failures', () => {
  expect([0, 1, 2, 3, 4, 5, 6].map(failures => backoffInMs(failures))).toEqual([0, 1000, 2000, 4000, 8000, 10_000, 10_000])
})

describe('order', () => {
  test('higher priority first, then who has waited longer', async () => {
    const { add, pop, clock } = setUp()
    add({ name: 'first' })
    await clock.advance(5)
    add({ name: 'second' })
    add({ name: 'important', priority: 10 })
    add({ name: 'third' })
    expect([pop(), pop(), pop(), pop(), pop()]).toEqual(['important', 'first', 'second', 'third', undefined])
  })
  test('the time of the last return counts, not that of the first arrival', async () => {
    const { add, pop, take, refuse, queue, clock } = setUp()
    add({ name: 'refused' })
    refuse(take())
    await clock.advance(2000)
    add({ name: 'newcomer' })
    queue.moveOn(leaves())
    await clock.advance(10)
    expect([pop(), pop()]).toEqual(['refused', 'newcomer'])
  })
})

describe('a refused pod', () => {
  test('waits for an event that the plugin cares for, and for its back-off while others are there', async () => {
    const { add, pop, take, refuse, queue, clock } = setUp()
    add({ name: 'refused' })
    refuse(take())
    expect(pop()).toBeUndefined()
    queue.moveOn({ resource: 'node', action: 'add', revision: 1 })
    expect(queue.counts.unschedulable).toBe(1)
    queue.moveOn(leaves())
    expect(queue.counts.backoff).toBe(1)
    add({ name: 'other' })
    expect(pop()).toBe('other')
    add({ name: 'another' })
    await clock.advance(1999)
    expect(pop()).toBe('another')
    await clock.advance(1)
    expect(pop()).toBe('refused')
  })
  test('need not wait when nobody else wants to be tried', () => {
    const { add, take, refuse, queue } = setUp()
    add({ name: 'refused' })
    refuse(take())
    queue.moveOn(leaves())
    const again = take()
    expect([again.pod.pod.metadata.name, again.wokenBy, again.attempts]).toEqual(['refused', 7, 2])
  })
  test('is tried again after five minutes, whatever happens', async () => {
    const { add, pop, take, refuse, clock } = setUp()
    add({ name: 'forgotten' })
    refuse(take(), new Set(['Deaf']))
    await clock.advance(299_000)
    expect(pop()).toBeUndefined()
    await clock.advance(31_000)
    expect(pop()).toBe('forgotten')
  })
  test('does not miss what happened while it was being tried', () => {
    const { add, pop, take, refuse, queue } = setUp()
    add({ name: 'in flight' })
    const queued = take()
    queue.moveOn(leaves())
    refuse(queued)
    expect(pop()).toBe('in flight')
  })
  test('is not told of what happened before it was taken', () => {
    const { add, pop, take, refuse, queue } = setUp()
    add({ name: 'a' })
    add({ name: 'b' })
    const first = take()
    queue.moveOn(leaves())
    const second = take()
    refuse(second)
    expect(pop()).toBeUndefined()
    refuse(first)
    expect(pop()).toBe('a')
  })
})

test('an error brings a pod back by time alone, and its count starts over after a refusal', async () => {
  const { add, pop, take, refuse, queue, clock } = setUp()
  add({ name: 'unlucky' })
  refuse(take(), new Set())
  queue.moveOn(leaves())
  expect(pop()).toBeUndefined()
  await clock.advance(2000)
  refuse(take(), new Set())
  await clock.advance(2999)
  expect(pop()).toBeUndefined()
  let rang = false
  void queue.arrived.wait().then(() => {
    rang = true
  })
  await clock.advance(1)
  expect(rang).toBe(true)
  const third = take()
  refuse(third)
  expect([third.errors, third.refusals]).toEqual([0, 1])
})

describe('gates', () => {
  const gated = { name: 'gated', schedulingGates: [{ name: 'later' }] }
  test('keep a pod out until they are gone', () => {
    const { add, pop, queue } = setUp()
    const before = add(gated)
    expect([pop(), queue.counts.gated]).toEqual([undefined, 1])
    queue.moveOn(leaves())
    expect(pop()).toBeUndefined()
    const after = podInfo({ ...before.pod, spec: { ...before.pod.spec, schedulingGates: [] } })
    queue.update(before, after, 3)
    expect(pop()).toBe('gated')
  })
  test('of other sorts are asked again on demand', () => {
    let isShut = true
    const gate: Plugin = { name: 'Gate', preEnqueue: () => (isShut ? 'shut' : undefined) }
    const { add, pop, queue } = setUp([gate, picky])
    const info = add({ name: 'behind' })
    queue.activate(info.uid)
    expect(pop()).toBeUndefined()
    isShut = false
    queue.activate(info.uid)
    expect(pop()).toBe('behind')
  })
})

test('an update replaces the pod where it is and asks the plugins that refused it', () => {
  const relenting: Plugin = { name: 'Picky', wakes: { self: (_, { after }) => after?.labels.nice === 'yes' } }
  const { add, pop, take, refuse, queue } = setUp([relenting])
  const before = add({ name: 'waiting' })
  refuse(take())
  const withLabels = (labels: Record<string, string>) => podInfo({ ...before.pod, metadata: { ...before.pod.metadata, labels } })
  queue.update(before, withLabels({ nice: 'no' }), 4)
  expect(pop()).toBeUndefined()
  queue.update(before, withLabels({ nice: 'yes' }), 5)
  expect(take().pod.labels).toEqual({ nice: 'yes' })
})

describe('a back-off', () => {
  test('is over with the second after the one in which it ends, as upstream counts', async () => {
    const { add, pop, take, refuse, queue, clock } = setUp()
    await clock.advance(300)
    add({ name: 'refused' })
    refuse(take())
    queue.moveOn(leaves())
    await clock.advance(1699)
    add({ name: 'other' })
    expect(pop()).toBe('other')
    await clock.advance(1)
    add({ name: 'another' })
    expect(pop()).toBe('refused')
  })
  test('that ends in the same second as another lets the more important pod go first', async () => {
    const { add, pop, take, refuse, queue, clock } = setUp()
    for (const [name, priority] of [
      ['low', 1],
      ['high', 9],
    ] as const) {
      add({ name, priority })
      refuse(take())
      await clock.advance(100)
    }
    queue.moveOn(leaves())
    expect([pop(), pop()]).toEqual(['high', 'low'])
  })
  test('is doubled by every refusal, up to ten seconds, and counted from the last attempt', async () => {
    const { add, take, refuse, queue, clock } = setUp()
    add({ name: 'unlucky' })
    const waits: number[] = []
    for (let i = 0; i < 6; i++) {
      const queued = take()
      refuse(queued)
      queue.moveOn(leaves())
      const since = clock.now()
      // Somebody else is always there, so nobody is taken out of the back-off early.
      for (let next: QueuedPod | undefined; next !== queued; ) {
        await clock.advance(1000)
        add({ name: `other-${clock.now()}`, priority: -1 })
        next = take()
        queue.done(next === queued ? '' : next.pod.uid)
      }
      waits.push((clock.now() - since) / 1000)
      refuse(queued)
      queued.refusals--
      queue.moveOn(leaves())
      queue.activate(queued.pod.uid)
    }
    expect(waits).toEqual([1, 2, 4, 8, 10, 10].map(seconds => seconds + 1))
  })
  test('of another length may be asked for', async () => {
    const clock = virtualClock()
    const queue = schedulingQueue({ clock, plugins: [picky], backoff: { initialInMs: 3000, maxInMs: 5000 } })
    const info = podInfo(pod({ name: 'unlucky' }))
    queue.add(info)
    const queued = queue.pop() as QueuedPod
    queue.requeue(queued, info, new Set())
    await clock.advance(3999)
    expect(queue.pop()).toBeUndefined()
    await clock.advance(1)
    expect(queue.pop()).toBe(queued)
  })
})

describe('hints', () => {
  test('that fail mean yes; a plugin without any is woken by everything', () => {
    const broken: Plugin = {
      name: 'Broken',
      wakes: {
        node: () => {
          throw new Error('a bug')
        },
      },
    }
    const curious: Plugin = { name: 'Curious' }
    const { add, pop, take, refuse, queue } = setUp([broken, curious])
    add({ name: 'one' })
    add({ name: 'two' })
    refuse(take(), new Set(['Broken']))
    refuse(take(), new Set(['Curious']))
    queue.moveOn(leaves())
    expect([pop(), pop()]).toEqual(['two', undefined])
    queue.moveOn({ resource: 'node', action: 'add', revision: 1 })
    expect(pop()).toBe('one')
  })
  test('of a plugin that waits for something under way skip the back-off', () => {
    const { add, take, refuse, queue } = setUp()
    add({ name: 'refused' })
    add({ name: 'pending' })
    refuse(take())
    const pending = take()
    queue.requeue(pending, pending.pod, pickyOnly, pickyOnly)
    queue.moveOn(leaves())
    expect(queue.counts).toMatchObject({ active: 1, backoff: 1 })
    expect(take().pod.pod.metadata.name).toBe('pending')
  })
  test('that came while a pending pod was tried count as well', () => {
    const { add, take, queue } = setUp()
    add({ name: 'pending' })
    const pending = take()
    queue.moveOn(leaves())
    queue.requeue(pending, pending.pod, pickyOnly, pickyOnly)
    expect(queue.counts.active).toBe(1)
  })
  test('of another profile are not asked', () => {
    const clock = virtualClock()
    const theirs: Plugin = { name: 'Picky', wakes: {} }
    const queue = schedulingQueue({
      clock,
      plugins: [picky, theirs],
      pluginsFor: ({ pod }) => [pod.spec.schedulerName === 'ours' ? picky : theirs],
    })
    for (const schedulerName of ['ours', 'theirs']) {
      queue.add(podInfo(pod({ name: schedulerName, schedulerName })))
      const queued = queue.pop() as QueuedPod
      queue.requeue(queued, queued.pod, pickyOnly)
    }
    queue.moveOn(leaves())
    expect(queue.pop()?.pod.pod.metadata.name).toBe('ours')
    expect(queue.pop()).toBeUndefined()
  })
})

describe('activation', () => {
  test('takes a pod out of its back-off', () => {
    const { add, take, refuse, queue } = setUp()
    add({ name: 'wanted' })
    const queued = take()
    refuse(queued, new Set())
    queue.activate(queued.pod.uid)
    expect(queue.counts.active).toBe(1)
  })
  test('of a pod that is being tried is remembered', () => {
    const { add, take, refuse, queue } = setUp()
    add({ name: 'wanted' })
    const queued = take()
    queue.activate(queued.pod.uid)
    refuse(queued)
    expect(queue.counts).toMatchObject({ backoff: 1, unschedulable: 0 })
  })
})

describe('a gate that shut after a refusal', () => {
  const deletions = ({ resource, action }: ClusterEvent) => resource === 'assignedPod' && action === 'delete'
  const gateThat = (isShut: () => boolean): Plugin => ({
    name: 'Gate',
    preEnqueue: () => (isShut() ? 'shut' : undefined),
    wakes: { assignedPod: () => false },
    opensOn: deletions,
  })
  test('opens on its own events only, and then who refused decides', () => {
    let isShut = false
    const caring: Plugin = { name: 'Picky', wakes: { node: () => true, assignedPod: () => true } }
    const { add, pop, take, refuse, queue } = setUp([gateThat(() => isShut), caring])
    add({ name: 'behind' })
    const queued = take()
    isShut = true
    queue.moveOn({ resource: 'node', action: 'add', revision: 1 })
    refuse(queued)
    expect(queue.counts.gated).toBe(1)
    isShut = false
    queue.moveOn({ resource: 'node', action: 'add', revision: 2 })
    expect(pop()).toBeUndefined()
    queue.moveOn(leaves())
    expect(pop()).toBe('behind')
  })
  test('is found open after five minutes at the latest', async () => {
    let isShut = false
    const { add, pop, take, refuse, queue, clock } = setUp([
      gateThat(() => isShut),
      { name: 'Picky', wakes: { node: () => true } },
    ])
    add({ name: 'behind' })
    const queued = take()
    isShut = true
    queue.moveOn({ resource: 'node', action: 'add', revision: 1 })
    refuse(queued)
    isShut = false
    await clock.advance(299_000)
    expect(pop()).toBeUndefined()
    await clock.advance(31_000)
    expect(pop()).toBe('behind')
  })
})

test('what happens is kept only as long as somebody who is being tried may need it', () => {
  const flights = inFlightPods()
  flights.begin('slow')
  for (let i = 0; i < 300; i++) flights.record(leaves())
  flights.begin('quick')
  for (let i = 0; i < 300; i++) flights.record(leaves())
  flights.done('slow')
  expect([flights.kept, flights.eventsFor('quick').length]).toEqual([300, 300])
  flights.done('quick')
  flights.record(leaves())
  expect(flights.kept).toBe(0)
})
