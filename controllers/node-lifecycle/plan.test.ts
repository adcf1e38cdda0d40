import { expect, test } from 'vitest'
import { nodeWith } from '../shared/test-objects.ts'
import { observe, unknownConditions } from './health.ts'
import { noExecuteStep, noScheduleTaints, notReadyTaint, unreachableTaint, withNoExecute } from './taints.ts'
import { defaultLimits, disruptionOf, isExcluded, letThrough, rateOf, withRate, zoneOf } from './zones.ts'

const noSchedule = (...keys: string[]) => keys.map(key => ({ key, effect: 'NoSchedule' as const }))

test.each([
  ['Ready', 'True', []],
  ['Ready', 'False', ['node.kubernetes.io/not-ready']],
  ['Ready', 'Unknown', ['node.kubernetes.io/unreachable']],
  ['MemoryPressure', 'True', ['node.kubernetes.io/memory-pressure']],
  ['DiskPressure', 'True', ['node.kubernetes.io/disk-pressure']],
  ['PIDPressure', 'True', ['node.kubernetes.io/pid-pressure']],
  ['MemoryPressure', 'Unknown', []],
] as const)('%s=%s puts on the NoSchedule taints %j', (type, status, keys) => {
  const taints = noScheduleTaints(nodeWith({ status: { conditions: [{ type, status }] } }), 0)
  expect((taints ?? []).map(taint => taint.key)).toEqual(keys)
})

test('taints of conditions come and go, those of people stay', () => {
  const own = { key: 'dedicated', value: 'gpu', effect: 'NoSchedule' as const }
  const node = nodeWith({ spec: { unschedulable: true, taints: [own, ...noSchedule(notReadyTaint)] } })
  expect(noScheduleTaints(node, 0)?.map(taint => taint.key)).toEqual(['dedicated', 'node.kubernetes.io/unschedulable'])
  expect(noScheduleTaints(nodeWith({ spec: { taints: [own] } }), 0)).toBeUndefined()
})

test('at most one of the two NoExecute taints is on a node: the other is swapped for it', () => {
  const before = [{ key: notReadyTaint, effect: 'NoExecute' as const }, ...noSchedule(notReadyTaint)]
  expect(withNoExecute(before, unreachableTaint, 0)?.map(({ key, effect }) => `${key}:${effect}`)).toEqual([
    'node.kubernetes.io/not-ready:NoSchedule',
    'node.kubernetes.io/unreachable:NoExecute',
  ])
  expect(withNoExecute(before, notReadyTaint, 0)).toBeUndefined()
  expect(withNoExecute(before, undefined, 0)).toEqual(noSchedule(notReadyTaint))
})

const lease = (renewTime: string) => ({ spec: { renewTime } }) as never

test('a sign of life is stamped on our own clock, whatever time the node believes it is', () => {
  const first = observe(undefined, nodeWith(), lease('2001-01-01T00:00:00Z'), 5000, 0)
  const silent = observe(first, nodeWith(), lease('2001-01-01T00:00:00Z'), 9000, 0)
  const renewed = observe(silent, nodeWith(), lease('2001-01-01T00:00:10Z'), 9500, 0)
  const older = observe(renewed, nodeWith(), lease('1999-01-01T00:00:00Z'), 9900, 0)
  expect([first.at, silent.at, renewed.at, older.at]).toEqual([5000, 5000, 9500, 9500])
})

test('a heartbeat is a sign of life as well, also one with an older time', () => {
  const beating = (lastHeartbeatTime: string) =>
    nodeWith({ status: { conditions: [{ type: 'Ready', status: 'True', lastHeartbeatTime }] } })
  const first = observe(undefined, beating('2026-01-01T00:00:10Z'), undefined, 1000, 0)
  const second = observe(first, beating('2026-01-01T00:00:05Z'), undefined, 2000, 0)
  expect([observe(second, beating('2026-01-01T00:00:05Z'), undefined, 3000, 0), second.at]).toEqual([second, 2000])
})

test('a node that never reported counts from its creation, one made anew under its name starts over', () => {
  const created = Date.parse('2026-01-01T00:00:00Z')
  const never = { status: { conditions: [] } }
  expect(observe(undefined, nodeWith(never), undefined, 100_000, created + 45_000).at).toBe(55_000)
  expect(observe(undefined, nodeWith(never), lease('2026-01-01T00:00:01Z'), 100_000, created + 45_000).at).toBe(100_000)
  const former = observe(undefined, nodeWith(), undefined, 1000, created)
  expect(observe(former, nodeWith({ metadata: { uid: 'another' } }), undefined, 9000, created).at).toBe(9000)
})

test('a silent node becomes Unknown in all four conditions, and says why', () => {
  const conditions = unknownConditions(nodeWith(), Date.UTC(2026, 0, 1, 0, 1))
  expect(conditions?.map(({ type, status, reason }) => [type, status, reason])).toEqual([
    ['Ready', 'Unknown', 'NodeStatusUnknown'],
    ['MemoryPressure', 'Unknown', 'NodeStatusNeverUpdated'],
    ['DiskPressure', 'Unknown', 'NodeStatusNeverUpdated'],
    ['PIDPressure', 'Unknown', 'NodeStatusNeverUpdated'],
  ])
  expect(unknownConditions(nodeWith({ status: { conditions: conditions ?? [] } }), 0)).toBeUndefined()
})

test.each([
  ['True', [], 'none'],
  ['True', [notReadyTaint], 'remove'],
  ['True', [unreachableTaint], 'remove'],
  ['False', [], 'queue'],
  ['False', [notReadyTaint], 'none'],
  ['False', [unreachableTaint], 'swap'],
  ['Unknown', [], 'queue'],
  ['Unknown', [unreachableTaint], 'none'],
  ['Unknown', [notReadyTaint], 'swap'],
  ['Unknown', [notReadyTaint, unreachableTaint], 'swap'],
] as const)('Ready=%s with the NoExecute taints %j: %s', (status, keys, step) => {
  const taints = keys.map(key => ({ key, effect: 'NoExecute' as const }))
  const others = [...noSchedule(notReadyTaint, unreachableTaint), { key: 'mine', effect: 'NoExecute' as const }]
  expect(
    noExecuteStep(nodeWith({ spec: { taints: [...others, ...taints] }, status: { conditions: [{ type: 'Ready', status }] } })),
  ).toBe(step)
})

test('a node that never said whether it is ready keeps its NoExecute taints as they are', () => {
  const taints = [{ key: notReadyTaint, effect: 'NoExecute' as const }]
  expect(noExecuteStep(nodeWith({ spec: { taints }, status: { conditions: [] } }))).toBe('none')
})

test.each([
  [3, 0, 'normal'],
  [1, 2, 'normal'],
  [2, 4, 'partial'],
  [9, 11, 'partial'],
  [10, 11, 'normal'],
  [0, 1, 'full'],
  [0, 0, 'normal'],
] as const)('a zone with %i nodes ready and %i not is disrupted: %s', (ready, down, disruption) => {
  expect(disruptionOf({ ready, down }, defaultLimits)).toBe(disruption)
})

test.each([
  ['normal', { ready: 3, down: 0 }, false, 0.1],
  ['full, but not everywhere', { ready: 0, down: 3 }, false, 0.1],
  ['full, as all others', { ready: 0, down: 3 }, true, 0],
  ['partial and large', { ready: 20, down: 31 }, false, 0.01],
  ['partial and small', { ready: 20, down: 30 }, false, 0],
])('a zone that is disrupted %s: %j, all down %s -> %d nodes/s', (_, tally, areAllDown, rate) => {
  expect(rateOf(tally, areAllDown, defaultLimits)).toBe(rate)
})

test('a limiter lets one through per turn, and starts a new turn when its rate changes while somebody waits', () => {
  const full = { rate: 0.1, nextAt: 0 }
  const used = letThrough(full, 1000)
  expect([used, letThrough(used ?? full, 10_999), letThrough(used ?? full, 11_000)?.nextAt]).toEqual([
    { rate: 0.1, nextAt: 11_000 },
    undefined,
    21_000,
  ])
  expect(withRate({ rate: 0.1, nextAt: 11_000 }, 0.01, 5000)).toEqual({ rate: 0.01, nextAt: 105_000 })
  expect(withRate({ rate: 0.1, nextAt: 11_000 }, 0.01, 12_000)).toEqual({ rate: 0.01, nextAt: 12_000 })
  expect(withRate({ rate: 0, nextAt: 0 }, 0.1, 5000)).toEqual({ rate: 0.1, nextAt: 15_000 })
  expect(letThrough(withRate(full, 0, 5000), 1e9)).toBeUndefined()
})

test.each([
  [{}, ''],
  [{ 'topology.kubernetes.io/region': 'eu', 'topology.kubernetes.io/zone': 'a' }, 'eu:\u0000:a'],
  [{ 'topology.kubernetes.io/zone': 'a' }, ':\u0000:a'],
  [{ 'failure-domain.beta.kubernetes.io/zone': 'b' }, ':\u0000:b'],
])('labels %j are zone %j', (labels, zone) => {
  expect(zoneOf(nodeWith({ metadata: { labels } }))).toBe(zone)
})

test('a node may be excluded from what disrupts its zone', () => {
  expect(isExcluded(nodeWith({ metadata: { labels: { 'node.kubernetes.io/exclude-disruption': '' } } }))).toBe(true)
  expect(isExcluded(nodeWith())).toBe(false)
})
