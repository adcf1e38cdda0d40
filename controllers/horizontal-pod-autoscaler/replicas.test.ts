import { describe, expect, test } from 'vitest'
import type { Pod } from '../../api/core/pod.ts'
import { timestamp } from '../../lib/clock.ts'
import { podWith } from '../shared/test-objects.ts'
import { replicasForAverage, replicasForShare, replicasForUtilization, replicasForValue, type Tolerance } from './replicas.ts'
import { now, type PodsForTest, podsForTest, situationOf, twice, usagesOf } from './testing.ts'
import { groupPods, largest, requestsOf, type Usages } from './usages.ts'

const ones = (count: number) => Array.from({ length: count }, () => '1')
const [yes, no] = [true, false]

interface Utilized extends PodsForTest {
  readonly current: number
  readonly usages: Usages
  readonly target: number
  readonly container?: string
  readonly tolerance?: Partial<Tolerance>
}

function utilized({ current, usages, target, container = '', tolerance, ...pods }: Utilized) {
  const situation = situationOf(current, podsForTest(pods), tolerance)
  const { replicas, utilization, average } = replicasForUtilization({ situation, usages, resource: 'cpu', container }, target)
  return [replicas, utilization, Number(average)]
}

/** The cases of upstream's replica_calculator_test.go. */
describe('pods by their share of what they ask for', () => {
  test.each<[string, Utilized, [replicas: number, utilization: number, average: number]]>([
    ['up', { current: 3, requests: ones(3), usages: twice([300, 500, 700]), target: 30 }, [5, 50, 1000]],
    [
      'up, by one container',
      { current: 3, requests: ones(3), usages: usagesOf([300, 500, 700]), target: 30, container: 'container2' },
      [5, 50, 500],
    ],
    [
      'up by less, as one is not ready',
      { current: 3, requests: ones(3), readiness: [no, yes, yes], usages: twice([300, 500, 700]), target: 30 },
      [4, 60, 1200],
    ],
    [
      'up by less, as one has just begun',
      { current: 3, requests: ones(3), starts: ['hot'], usages: twice([300, 500, 700]), target: 30 },
      [4, 60, 1200],
    ],
    [
      'up by less by one container, as one has just begun',
      {
        current: 3,
        requests: ones(3),
        starts: ['hot'],
        usages: usagesOf([300, 500, 700]),
        target: 30,
        container: 'container2',
      },
      [4, 60, 600],
    ],
    [
      'not up, as those that are not ready will do',
      { current: 3, requests: ones(3), readiness: [yes, no, no], usages: twice([400, 500, 700]), target: 30 },
      [3, 40, 800],
    ],
    [
      'not up, as those that have just begun will do',
      {
        current: 3,
        requests: ones(3),
        readiness: [yes, no, no],
        starts: ['cool', 'hot', 'hot'],
        usages: twice([400, 500, 700]),
        target: 30,
      },
      [3, 40, 800],
    ],
    [
      'up, whatever failed',
      {
        current: 2,
        requests: ones(4),
        readiness: [yes, yes, no, no],
        phases: ['Running', 'Running', 'Failed', 'Failed'],
        usages: twice([500, 700]),
        target: 30,
      },
      [4, 60, 1200],
    ],
    [
      'up, whatever is being deleted',
      {
        current: 2,
        requests: ones(4),
        readiness: [yes, yes, no, no],
        deleted: [no, no, yes, yes],
        usages: twice([500, 700]),
        target: 30,
      },
      [4, 60, 1200],
    ],
    ['down', { current: 5, requests: ones(5), usages: twice([100, 300, 500, 250, 250]), target: 50 }, [3, 28, 560]],
    [
      'down, by one container',
      {
        current: 5,
        requests: ones(5),
        usages: usagesOf([100, 300, 500, 250, 250]),
        target: 50,
        container: 'container2',
      },
      [3, 28, 280],
    ],
    [
      'down, without those that are not ready',
      {
        current: 5,
        requests: ones(5),
        readiness: [yes, yes, yes, no, no],
        usages: twice([100, 300, 500, 250, 250]),
        target: 50,
      },
      [2, 30, 600],
    ],
    [
      'down, without those that wait for a node',
      {
        current: 5,
        requests: ones(5),
        readiness: [yes, no, no, no, no],
        phases: ['Running', 'Pending', 'Pending', 'Pending', 'Pending'],
        usages: twice([100]),
        target: 50,
      },
      [1, 10, 200],
    ],
    [
      'down, without those that have just begun',
      {
        current: 5,
        requests: ones(5),
        starts: ['cool', 'cool', 'cool', 'hot', 'hot'],
        usages: twice([100, 300, 500, 250, 250]),
        target: 50,
      },
      [2, 30, 600],
    ],
    [
      'down, whatever failed',
      {
        current: 5,
        requests: ones(7),
        phases: ['Running', 'Running', 'Running', 'Running', 'Running', 'Failed', 'Failed'],
        usages: twice([100, 300, 500, 250, 250]),
        target: 50,
      },
      [3, 28, 560],
    ],
    [
      'down, whatever is being deleted but still runs',
      {
        current: 5,
        requests: ones(7),
        deleted: [no, no, no, no, no, yes, yes],
        usages: twice([100, 300, 500, 250, 250, 1000, 1000]),
        target: 50,
      },
      [3, 28, 560],
    ],
    [
      'near enough',
      { current: 3, requests: ['0.9', '1', '1.1'], usages: twice([1010, 1030, 1020]), target: 100 },
      [3, 102, 2040],
    ],
    [
      'with no tolerance nothing is near enough',
      {
        current: 3,
        requests: ['0.9', '1', '1.1'],
        usages: twice([909, 1010, 1111]),
        target: 100,
        tolerance: { up: 0, down: 0 },
      },
      [4, 101, 2020],
    ],
    [
      'within 200 % above',
      { current: 3, requests: ['0.9', '1', '1.1'], usages: twice([1890, 1910, 1900]), target: 100, tolerance: { up: 2 } },
      [3, 190, 3800],
    ],
    [
      'beyond 8 % above, whatever may be below',
      {
        current: 3,
        requests: ['0.9', '1', '1.1'],
        usages: twice([1100, 1080, 1090]),
        target: 100,
        tolerance: { up: 0.08, down: 2 },
      },
      [4, 109, 2180],
    ],
    [
      'within 36 % below',
      { current: 3, requests: ['0.9', '1', '1.1'], usages: twice([660, 640, 650]), target: 100, tolerance: { down: 0.36 } },
      [3, 65, 1300],
    ],
    [
      'beyond 34 % below',
      { current: 3, requests: ['0.9', '1', '1.1'], usages: twice([660, 640, 650]), target: 100, tolerance: { down: 0.34 } },
      [2, 65, 1300],
    ],
    [
      'more figures than pods',
      { current: 4, requests: ones(4), usages: twice([4000, 9500, 3000, 7000, 3200, 2000]), target: 100 },
      [24, 587, 11750],
    ],
    ['fewer figures than pods, down', { current: 4, requests: ones(4), usages: twice([400, 95]), target: 100 }, [3, 24, 495]],
    ['fewer figures, just right', { current: 2, requests: ones(2), usages: twice([1000]), target: 100 }, [2, 100, 2000]],
    ['fewer figures, and busy', { current: 2, requests: ones(2), usages: twice([1900]), target: 100 }, [2, 190, 3800]],
    ['fewer figures, and idle', { current: 2, requests: ones(2), usages: twice([600]), target: 100 }, [2, 60, 1200]],
    [
      'figures missing and a pod not ready: no change',
      { current: 3, requests: ones(3), readiness: [no, yes, yes], usages: twice([100, 450]), target: 50 },
      [3, 45, 900],
    ],
    [
      'figures missing and a pod just begun: no change',
      { current: 3, requests: ones(3), starts: ['hot'], usages: twice([100, 450]), target: 50 },
      [3, 45, 900],
    ],
    [
      'figures missing and a pod not ready: up',
      { current: 3, requests: ones(3), readiness: [no, yes, yes], usages: twice([100, 2000]), target: 50 },
      [4, 200, 4000],
    ],
    [
      'figures missing and a pod just begun: up',
      { current: 3, requests: ones(3), readiness: [no, yes, yes], starts: ['hot'], usages: twice([100, 2000]), target: 50 },
      [4, 200, 4000],
    ],
    [
      'figures missing and a pod not ready: down',
      { current: 4, requests: ones(4), readiness: [no, yes, yes, yes], usages: twice([100, 100, 100]), target: 50 },
      [3, 10, 200],
    ],
    [
      'who says nothing is taken to use what it may, beyond what it asks for',
      {
        current: 4,
        requests: ['1', '1', '2', '2'],
        readiness: [no, yes, yes, yes],
        usages: twice([200, 100, 100]),
        target: 300,
      },
      [2, 6, 200],
    ],
    [
      'those that are not ready count as idle: near enough together',
      {
        current: 6,
        requests: ones(6),
        readiness: [yes, yes, no, no, no, no],
        usages: twice([1600, 1600, 900, 900, 900, 900]),
        target: 50,
      },
      [6, 160, 3200],
    ],
    [
      'those that say nothing count as idle: near enough together',
      { current: 6, requests: ones(6), usages: twice([1600, 1600]), target: 50 },
      [6, 160, 3200],
    ],
    ['a surge of a rolling update', { current: 2, requests: ones(3), usages: twice([100, 100]), target: 50 }, [2, 10, 200]],
  ])('%s', (_, given, expected) => expect(utilized(given)).toEqual(expected))

  test('a small step down beyond the tolerance is taken, one within it is not', () => {
    const requests = Array.from({ length: 10 }, (_, i) => `${300 + (i % 2 === 0 ? 100 : -100)}m`)
    const usages = usagesOf(Array.from({ length: 10 }, () => 150 * 2))
    expect(utilized({ current: 10, requests, usages, target: 56 })[0]).toBe(9)
    expect(utilized({ current: 10, requests, usages, target: 55 })[0]).toBe(10)
  })

  test.each<[string, Utilized, string]>([
    [
      'figures of other pods',
      {
        current: 1,
        requests: ones(1),
        usages: new Map([['an-older-pod', { milli: 100n, at: now, windowInMs: 0 }]]),
        target: 100,
      },
      'no metrics returned matched known pods',
    ],
    [
      'no pods',
      { current: 1, requests: [], usages: usagesOf([1]), target: 100 },
      'no pods returned by selector while calculating replica count',
    ],
    [
      'only pods that are not ready',
      { current: 1, requests: ones(1), readiness: [no], usages: usagesOf([1]), target: 100 },
      'did not receive metrics for targeted pods (pods might be unready)',
    ],
  ])('%s: nothing to go by', (_, given, message) => expect(() => utilized(given)).toThrow(message))
})

test('the worked numbers: 200 % where 50 % is wanted makes 3 pods 12; 5 % too much changes nothing', () => {
  expect(utilized({ current: 3, requests: ones(3), usages: twice([2000, 2000, 2000]), target: 50 })[0]).toBe(12)
  expect(utilized({ current: 3, requests: ones(3), usages: twice([1050, 1050, 1050]), target: 100 })[0]).toBe(3)
})

test('sums of bytes are exact beyond 53 bits', () => {
  const pods = podsForTest({ requests: ones(3) })
  const usages = new Map(pods.map(({ metadata }) => [metadata.name, { milli: 2n ** 60n + 1n, at: now, windowInMs: 0 }]))
  expect(replicasForAverage({ situation: situationOf(3, pods), usages, resource: 'memory' }, 2n ** 59n)).toEqual({
    replicas: 6,
    average: 2n ** 60n + 1n,
  })
})

describe('pods by what each has of a metric', () => {
  interface Averaged extends Partial<PodsForTest> {
    readonly current: number
    readonly levels: readonly number[]
    readonly target: number
    readonly tolerance?: Partial<Tolerance>
  }
  test.each<[string, Averaged, [replicas: number, average: number]]>([
    ['up', { current: 3, levels: [20_000, 10_000, 30_000], target: 15_000 }, [4, 20_000]],
    [
      'readiness and heat do not matter here',
      {
        current: 3,
        readiness: [yes, yes, no],
        starts: ['cool', 'cool', 'hot'],
        levels: [50_000, 10_000, 30_000],
        target: 15_000,
      },
      [6, 30_000],
    ],
    [
      'nor when hardly anyone is ready',
      {
        current: 3,
        readiness: [no, yes, no],
        starts: ['hot', 'cool', 'hot'],
        levels: [50_000, 15_000, 30_000],
        target: 15_000,
      },
      [7, 31_666],
    ],
    ['up from one', { current: 1, levels: [8600], target: 4400 }, [2, 8600]],
    ['down', { current: 5, levels: [12_000, 12_000, 12_000, 12_000, 12_000], target: 20_000 }, [3, 12_000]],
    ['near enough', { current: 3, levels: [20_000, 21_000, 21_000], target: 20_000 }, [3, 20_666]],
    [
      'beyond a tolerance of its own',
      { current: 3, levels: [20_000, 21_000, 21_000], target: 20_000, tolerance: { up: 0.01 } },
      [4, 20_666],
    ],
    ['fewer figures than pods', { current: 5, levels: [20_000, 19_000, 21_000], target: 20_000 }, [5, 20_000]],
    ['a surge of a rolling update', { current: 2, requests: ones(3), levels: [10_000, 10_000], target: 17_000 }, [2, 10_000]],
  ])('%s', (_, { current, levels, target, tolerance, ...pods }, expected) => {
    const situation = situationOf(current, podsForTest({ requests: ones(current), ...pods }), tolerance)
    const { replicas, average } = replicasForAverage({ situation, usages: usagesOf(levels) }, BigInt(target))
    expect([replicas, Number(average)]).toEqual(expected)
  })
})

describe('pods by one figure', () => {
  interface Valued extends Partial<PodsForTest> {
    readonly current: number
    readonly value: number
    readonly target: number
    readonly tolerance?: Partial<Tolerance>
  }
  test.each<[string, Valued, number]>([
    ['up', { current: 3, value: 20_000, target: 15_000 }, 4],
    ['from those that are ready', { current: 3, readiness: [no, yes, no], value: 50_000, target: 10_000 }, 5],
    ['even down, if few are ready', { current: 3, readiness: [no, yes, no], value: 8600, target: 4400 }, 2],
    ['down', { current: 5, value: 12_000, target: 20_000 }, 3],
    ['down to little', { current: 5, value: 8600, target: 14_334 }, 3],
    ['near enough', { current: 3, value: 20_666, target: 20_000 }, 3],
    ['near enough below', { current: 3, value: 8600, target: 8888 }, 3],
    ['beyond a tolerance of its own', { current: 3, value: 20_666, target: 20_000, tolerance: { up: 0.01 } }, 4],
    ['from none, as many as it says', { current: 0, requests: [], value: 20_000, target: 15_000 }, 2],
    ['from none, nothing is near enough', { current: 0, requests: [], value: 1_000, target: 1_000 }, 1],
    ['from none to none', { current: 0, requests: [], value: 0, target: 15_000 }, 0],
    ['to none', { current: 3, value: 0, target: 15_000 }, 0],
  ])('%s', (_, { current, value, target, tolerance, ...pods }, expected) => {
    const situation = situationOf(current, podsForTest({ requests: ones(current), ...pods }), tolerance)
    expect(replicasForValue(situation, BigInt(value), BigInt(target))).toBe(expected)
  })

  test('without pods there is nothing to count', () => {
    const why = 'unable to calculate ready pods: no pods returned by selector while calculating replica count'
    expect(() => replicasForValue(situationOf(3, []), 50n, 10n)).toThrow(why)
  })
})

test.each<[string, number, bigint, bigint, number, [replicas: number, average: bigint]]>([
  ['up', 3, 20_000n, 5000n, 0.1, [4, 6667n]],
  ['up a little', 3, 8600n, 2150n, 0.1, [4, 2867n]],
  ['down', 5, 6000n, 2000n, 0.1, [3, 1200n]],
  ['down to what it takes', 5, 8600n, 2867n, 0.1, [3, 1720n]],
  ['near enough', 4, 20_166n, 5000n, 0.1, [4, 5042n]],
  ['near enough below', 3, 8600n, 2900n, 0.1, [3, 2867n]],
  ['beyond a tolerance of its own', 4, 20_208n, 5000n, 0.01, [5, 5052n]],
  ['more than fit', 1, largest, 1n, 0.1, [2 ** 31 - 1, largest]],
  ['as much as fits', 1, largest, largest, 0.1, [1, largest]],
  ['shared by nobody', 0, 9000n, 2000n, 0.1, [5, 9000n]],
])('pods by their share of one figure: %s', (_, present, value, target, up, [replicas, average]) => {
  expect(replicasForShare({ tolerance: { up, down: 0.1 } }, present, value, target)).toEqual({ replicas, average })
})

describe('which pods count', () => {
  const minuteInMs = 60_000
  const of = (status: Partial<Pod['status']>, metadata = {}) =>
    podWith({ metadata: { name: 'a', ...metadata }, status: status as never })
  const ready = (status: string, since: number) =>
    [{ type: 'Ready', status, lastTransitionTime: timestamp(now - since) }] as never
  const began = (ago: number) => timestamp(now - ago)
  const fresh = (windowInMs = 30_000, at = now) => ({ milli: 1n, at, windowInMs })
  const usages = new Map([['a', fresh()]])

  test.each<[string, Pod, Usages, string, object]>([
    ['a pod with figures', of({ phase: 'Running' }), usages, 'memory', { ready: 1 }],
    [
      'CPU of one that says nothing about being ready',
      of({ phase: 'Running', startTime: began(0) }),
      usages,
      'cpu',
      { unready: ['a'] },
    ],
    ['CPU of one that has not begun', of({ phase: 'Running', conditions: ready('True', 0) }), usages, 'cpu', { unready: ['a'] }],
    [
      'early, ready, measured since',
      of({ phase: 'Running', startTime: began(minuteInMs), conditions: ready('True', 30_000) }),
      usages,
      'cpu',
      { ready: 1 },
    ],
    [
      'early, ready, but measured over a time when it was not',
      of({ phase: 'Running', startTime: began(minuteInMs), conditions: ready('True', 30_000) }),
      new Map([['a', fresh(minuteInMs)]]),
      'cpu',
      { unready: ['a'] },
    ],
    [
      'early and not ready',
      of({ phase: 'Running', startTime: began(minuteInMs), conditions: ready('False', 59_000) }),
      usages,
      'cpu',
      { unready: ['a'] },
    ],
    [
      'later, ready, whenever it was measured',
      of({ phase: 'Running', startTime: began(3 * minuteInMs), conditions: ready('True', 3 * minuteInMs) }),
      new Map([['a', fresh(minuteInMs, now - 2 * minuteInMs)]]),
      'cpu',
      { ready: 1 },
    ],
    [
      'later, not ready any more',
      of({ phase: 'Running', startTime: began(10 * minuteInMs), conditions: ready('False', 9 * minuteInMs) }),
      usages,
      'cpu',
      { ready: 1 },
    ],
    [
      'later, ready never: within ten seconds of its start',
      of({ phase: 'Running', startTime: began(10 * minuteInMs), conditions: ready('False', 10 * minuteInMs - 6000) }),
      usages,
      'cpu',
      { unready: ['a'] },
    ],
    [
      'exactly ten seconds after its start it was ready once',
      of({ phase: 'Running', startTime: began(10 * minuteInMs), conditions: ready('False', 10 * minuteInMs - 10_000) }),
      usages,
      'cpu',
      { ready: 1 },
    ],
    [
      'nobody knows whether it is ready: that is not unready',
      of({ phase: 'Running', startTime: began(minuteInMs), conditions: ready('Unknown', 30_000) }),
      usages,
      'cpu',
      { ready: 1 },
    ],
    ['without figures', of({ phase: 'Running', startTime: began(3 * minuteInMs) }), new Map(), 'cpu', { missing: ['a'] }],
    ['waiting for a node', of({ phase: 'Pending' }), new Map(), 'cpu', { unready: ['a'] }],
    ['being deleted', of({ phase: 'Pending' }, { deletionTimestamp: timestamp(now) }), usages, 'cpu', { ignored: ['a'] }],
    ['failed', of({ phase: 'Failed' }), usages, 'cpu', { ignored: ['a'] }],
  ])('%s', (_, pod, figures, resource, expected) => {
    const patience = { now, cpuInitializationInMs: 120_000, initialReadinessDelayInMs: 10_000 }
    const { ready: count, ...groups } = groupPods([pod], figures, resource, patience)
    const lists = Object.fromEntries(Object.entries(groups).map(([name, names]) => [name, [...names]]))
    expect({ ready: count, ...lists }).toEqual({ ready: 0, unready: [], missing: [], ignored: [], ...expected })
  })
})

describe('what pods ask for', () => {
  const container = (name: string, cpu?: string) => ({ name, image: 'a', resources: cpu ? { requests: { cpu } } : {} })
  const pod = (spec: object) => podWith({ metadata: { name: 'a' }, spec: spec as never })
  const two = { containers: [container('one', '100m'), container('two', '50m')] }
  test.each<[string, object, string, number | string]>([
    ['containers together', two, '', 150],
    ['one container', two, 'two', 50],
    ['a container that is not there', two, 'three', 0],
    [
      'sidecars count, what only initialises does not',
      { ...two, initContainers: [{ ...container('side', '20m'), restartPolicy: 'Always' }, container('init', '1')] },
      '',
      170,
    ],
    ['the pod as a whole', { ...two, resources: { requests: { cpu: '800m' } } }, '', 800],
    ['one container, whatever the pod as a whole', { ...two, resources: { requests: { cpu: '800m' } } }, 'one', 100],
    ['the whole says nothing of it, the containers do', { ...two, resources: { requests: { memory: '1Gi' } } }, '', 150],
    [
      'neither does',
      { containers: [container('one')], resources: { requests: { memory: '1Gi' } } },
      '',
      'missing pod-level request for cpu in Pod a',
    ],
    [
      'nothing',
      { containers: [container('one', '1'), container('two')] },
      '',
      'missing request for cpu in container two of Pod a',
    ],
  ])('%s', (_, spec, name, expected) => {
    const ask = () => Number(requestsOf([pod(spec)], 'cpu', name).get('a'))
    if (typeof expected === 'string') expect(ask).toThrow(expected)
    else expect(ask()).toBe(expected)
  })
})
