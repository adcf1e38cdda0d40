import { expect, test } from 'vitest'
import { nodeWith } from '../shared/test-objects.ts'
import { observe, unknownConditions } from './health.ts'
import { noScheduleTaints, notReadyTaint, unreachableTaint, withNoExecute } from './taints.ts'
import { defaultLimits, disruptionOf, rateOf, zoneOf } from './zones.ts'

const nodeIn = (name: string, status: 'True' | 'False' | 'Unknown') =>
  nodeWith({ metadata: { name }, status: { conditions: [{ type: 'Ready', status }] } })
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

test('a sign of life is stamped on our own clock, whatever time the node believes it is', () => {
  const lease = (renewTime: string) => ({ spec: { renewTime } }) as never
  const first = observe(undefined, nodeWith(), lease('2001-01-01T00:00:00Z'), 5000)
  const silent = observe(first, nodeWith(), lease('2001-01-01T00:00:00Z'), 9000)
  const renewed = observe(silent, nodeWith(), lease('1999-01-01T00:00:00Z'), 9500)
  expect([first.at, silent.at, renewed.at]).toEqual([5000, 5000, 9500])
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
  [['True', 'True', 'True'], 'normal'],
  [['True', 'False', 'Unknown'], 'normal'],
  [['True', 'True', 'False', 'Unknown', 'Unknown', 'Unknown'], 'partial'],
  [['Unknown'], 'full'],
  [['False', 'Unknown'], 'full'],
  [[], 'normal'],
] as const)('a zone of %j is disrupted: %s', (statuses, disruption) => {
  expect(
    disruptionOf(
      statuses.map((status, i) => nodeIn(`n${i}`, status)),
      defaultLimits,
    ),
  ).toBe(disruption)
})

test('a partially disrupted zone evicts slowly if it is large, else not at all', () => {
  expect([
    rateOf('normal', 3, defaultLimits),
    rateOf('full', 3, defaultLimits),
    rateOf('partial', 51, defaultLimits),
    rateOf('partial', 50, defaultLimits),
  ]).toEqual([0.1, 0.1, 0.01, 0])
  const labels = { 'topology.kubernetes.io/region': 'eu', 'topology.kubernetes.io/zone': 'a' }
  expect([zoneOf(nodeWith()), zoneOf(nodeWith({ metadata: { labels } }))]).toEqual(['', 'eu:\u0000:a'])
})
