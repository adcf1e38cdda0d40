import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Pod } from '../../api/core/pod.ts'
import { burst, plan } from './plan.ts'
import { ageRank } from './ranking.ts'

const now = Date.UTC(2026, 0, 1)
const hour = 3_600_000

interface PodOptions {
  node?: string
  phase?: 'Pending' | 'Running' | 'Unknown'
  readyForMs?: number
  notReady?: boolean
  cost?: string
  restarts?: number
  sidecarRestarts?: number
  ageMs?: number
  uid?: string
}

function pod(name: string, options: PodOptions = {}): Pod {
  const { node = 'n1', phase = 'Running', readyForMs = hour, notReady = false, cost, restarts = 0, sidecarRestarts = 0 } = options
  const status = (container: string, restartCount: number) => ({
    name: container,
    restartCount,
    image: '',
    imageID: '',
    ready: true,
  })
  return Pod.schema.parse({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name,
      namespace: 'default',
      uid: options.uid ?? name,
      creationTimestamp: new Date(now - (options.ageMs ?? 2 * hour)).toISOString(),
      ...(cost !== undefined && { annotations: { 'controller.kubernetes.io/pod-deletion-cost': cost } }),
    },
    spec: {
      ...(node && { nodeName: node }),
      containers: [{ name: 'main', image: 'x' }],
      initContainers: [{ name: 'side', image: 'x', restartPolicy: 'Always' }],
    },
    status: {
      phase,
      conditions: [
        { type: 'Ready', status: notReady ? 'False' : 'True', lastTransitionTime: new Date(now - readyForMs).toISOString() },
      ],
      containerStatuses: [status('main', restarts)],
      initContainerStatuses: [status('side', sidecarRestarts)],
    },
  })
}

const removed = (wanted: number, pods: Pod[], siblings = pods) =>
  plan(wanted, pods, siblings, now).remove.map(({ pod: { metadata }, because }) => `${metadata.name}: ${because}`)

test.each<[string, Pod[], string]>([
  ['unassigned before assigned', [pod('a'), pod('b', { node: '', phase: 'Pending' })], 'b: it is on no node yet'],
  ['assigned or not comes before the phase', [pod('a', { phase: 'Pending' }), pod('b', { node: '' })], 'b: it is on no node yet'],
  ['pending before unknown', [pod('a', { phase: 'Unknown' }), pod('b', { phase: 'Pending' })], 'b: it does not run yet'],
  ['unknown before running', [pod('a'), pod('b', { phase: 'Unknown' })], 'b: it does not run yet'],
  ['not ready before ready', [pod('a'), pod('b', { notReady: true })], 'b: it is not ready'],
  ['not ready comes before the cost', [pod('a', { cost: '-5' }), pod('b', { notReady: true })], 'b: it is not ready'],
  ['lower cost first', [pod('a', { cost: '10' }), pod('b', { cost: '-10' })], 'b: its deletion cost is lower'],
  ['no cost is zero', [pod('a', { cost: '1' }), pod('b')], 'b: its deletion cost is lower'],
  ['a cost that is no number is zero', [pod('a', { cost: '1' }), pod('b', { cost: '+7' })], 'b: its deletion cost is lower'],
  ['ready for a shorter time first', [pod('a', { readyForMs: 2 * hour }), pod('b')], 'b: it became ready later'],
  [
    'within a magnitude of readiness the UID decides',
    [pod('a', { readyForMs: 10_000, uid: 'y' }), pod('b', { readyForMs: 15_000, uid: 'x' })],
    'b: it became ready later',
  ],
  ['more restarts first', [pod('a'), pod('b', { restarts: 1 })], 'b: it restarted more often'],
  [
    'restarts of containers come before those of sidecars',
    [pod('a', { sidecarRestarts: 9 }), pod('b', { restarts: 1 })],
    'b: it restarted more often',
  ],
  ['then those of sidecars', [pod('a'), pod('b', { sidecarRestarts: 1 })], 'b: it restarted more often'],
  ['younger first', [pod('a', { ageMs: 8 * hour }), pod('b', { ageMs: hour })], 'b: it is younger'],
])('ranking: %s', (_rule, pods, expected) => {
  expect(removed(1, pods)).toEqual([expected])
  expect(removed(1, [...pods].reverse())).toEqual([expected])
})

test('scale-down victims go by stage, cost, crowding and readiness, in that order, rather than oldest or newest', () => {
  const crowd = [pod('old-version', { node: 'crowded' })]
  const ranked = [
    pod('unscheduled', { node: '', phase: 'Pending', notReady: true, ageMs: 9 * hour }),
    pod('pending', { phase: 'Pending', notReady: true, ageMs: 8 * hour }),
    pod('not-ready', { notReady: true, ageMs: 7 * hour }),
    pod('cheap', { cost: '-1', ageMs: 6 * hour }),
    pod('crowded', { node: 'crowded', ageMs: 5 * hour }),
    pod('just-ready', { readyForMs: 1_000, ageMs: 4 * hour }),
    pod('restarted', { restarts: 3, node: 'n2' }),
    pod('young', { ageMs: hour, node: 'n3' }),
    pod('long-ready', { node: 'n4' }),
  ].map(each => ({
    ...each,
    spec: { ...each.spec, nodeName: each.spec.nodeName === 'n1' ? `n-${each.metadata.name}` : each.spec.nodeName },
  }))
  // Two share the crowded node: this one and one of another version.
  const { remove } = plan(0, ranked, [...ranked, ...crowd], now)
  expect(remove.map(({ pod: { metadata } }) => metadata.name)).toEqual(ranked.map(({ metadata }) => metadata.name))
})

test('the pod with more siblings on its node goes first, siblings of other versions included', () => {
  const pods = [pod('a', { node: 'n1' }), pod('b', { node: 'n2' })]
  const siblings = [...pods, pod('old', { node: 'n2' })]
  expect(removed(1, pods, siblings)).toEqual(['b: more of its siblings share its node'])
})

test('ages are compared by orders of magnitude', () => {
  expect([0, 10_000, 15_000, 40_000, hour, 2 * hour].map(ageRank)).toEqual([-1, 33, 33, 35, 41, 42])
})

test.each([
  [0, 0, 0, 0],
  [3, 1, 2, 0],
  [1, 3, 0, 2],
  [5, 5, 0, 0],
  [2_000, 10, burst, 0],
  [0, 700, 0, burst],
])('wanted %i, active %i: create %i, remove %i', (wanted, active, create, remove) => {
  const pods = Array.from({ length: active }, (_, i) => pod(`p${i}`))
  const planned = plan(wanted, pods, pods, now)
  expect({ create: planned.create, remove: planned.remove.length }).toEqual({ create, remove })
})

test('whatever the pods, the plan leads towards the wanted number and removes nothing twice', () => {
  const anyPod = fc.record({
    node: fc.constantFrom('', 'n1', 'n2'),
    phase: fc.constantFrom<'Pending' | 'Running' | 'Unknown'>('Pending', 'Running', 'Unknown'),
    notReady: fc.boolean(),
    restarts: fc.nat(3),
    readyForMs: fc.nat(hour),
  })
  fc.assert(
    fc.property(fc.array(anyPod, { maxLength: 12 }), fc.nat(12), (options, wanted) => {
      const pods = options.map((each, i) => pod(`p${i}`, each))
      const { create, remove } = plan(wanted, pods, pods, now)
      expect(pods.length + create - remove.length).toBe(wanted)
      expect(new Set(remove.map(({ pod }) => pod.metadata.uid)).size).toBe(remove.length)
      expect(create === 0 || remove.length === 0).toBe(true)
      const kept = pods.filter(each => !remove.some(({ pod }) => pod === each))
      // Nobody goes who is further along, by the coarse rules, than someone who stays.
      const stage = (each: Pod) =>
        [each.spec.nodeName ? 1 : 0, ['Pending', 'Unknown', 'Running'].indexOf(each.status.phase)].join()
      const furthestGone = remove
        .map(({ pod }) => stage(pod))
        .sort()
        .at(-1)
      const leastKept = kept.map(stage).sort()[0]
      if (furthestGone && leastKept) expect(furthestGone <= leastKept).toBe(true)
    }),
    { numRuns: 100 },
  )
})
