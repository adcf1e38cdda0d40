import { expect, test } from 'vitest'
import type { Pod } from '../../api/core/pod.ts'
import { nodeWith, podWith } from '../shared/test-objects.ts'
import { plan } from './plan.ts'

const run = (
  pods: Pod[],
  { nodes = [nodeWith()], now = 0, missingSince = new Map<string, number>(), terminatedThreshold = 12_500 } = {},
) => plan({ pods, nodeOf: name => nodes.find(node => node.metadata.name === name), now, missingSince, terminatedThreshold })

const brief = (removals: ReturnType<typeof plan>) => removals.map(({ pod, rule }) => [pod.metadata.name, rule])

test('of the pods that have ended only so many are kept: evicted ones go first, then the oldest', () => {
  const ended = (name: string, second: number, reason?: string) =>
    podWith({
      metadata: { name, creationTimestamp: `2026-01-01T00:00:0${second}Z` },
      status: { phase: 'Failed', ...(reason && { reason }) },
    })
  const pods = [
    ended('c', 3),
    ended('a', 1),
    ended('evicted', 9, 'Evicted'),
    ended('b', 2),
    podWith({ metadata: { name: 'alive' } }),
  ]
  expect(brief(run(pods, { terminatedThreshold: 2 }))).toEqual([
    ['evicted', 'terminated'],
    ['a', 'terminated'],
  ])
  expect(run(pods, { terminatedThreshold: 4 })).toEqual([])
})

test('a pod whose node is gone goes after 40 s of absence, and the node is to be confirmed gone', () => {
  const missingSince = new Map<string, number>()
  const pod = podWith({ spec: { nodeName: 'lost' } })
  expect(run([pod], { missingSince, now: 1000 })).toEqual([])
  expect(run([pod], { missingSince, now: 40_999 })).toEqual([])
  const [removal] = run([pod], { missingSince, now: 41_000 })
  expect([removal?.rule, removal?.missingNode, removal?.condition?.reason]).toEqual(['orphaned', 'lost', 'DeletionByPodGC'])
})

test('a node is missed anew when no pod has asked for it in between', () => {
  const missingSince = new Map<string, number>()
  const pod = podWith({ spec: { nodeName: 'lost' } })
  run([pod], { missingSince, now: 1000 })
  run([], { missingSince, now: 30_000 })
  expect(run([pod], { missingSince, now: 60_000 })).toEqual([])
  expect(run([pod], { missingSince, now: 100_000 })).toHaveLength(1)
})

test('a pod deleted before it had a node goes; one with a node is the kubelet\u2019s', () => {
  const deleted = { deletionTimestamp: '2026-01-01T00:00:00Z' }
  const pods = [
    podWith({ metadata: { name: 'nowhere', ...deleted } }),
    podWith({ metadata: { name: 'there', ...deleted }, spec: { nodeName: 'node-1' } }),
  ]
  expect(brief(run(pods))).toEqual([['nowhere', 'unscheduled']])
})

test('pods end on a node that is not ready and out of service, and only there', () => {
  const pod = podWith({ metadata: { deletionTimestamp: '2026-01-01T00:00:00Z' }, spec: { nodeName: 'node-1' } })
  const taints = [{ key: 'node.kubernetes.io/out-of-service', effect: 'NoExecute' as const }]
  const dead = nodeWith({ spec: { taints }, status: { conditions: [{ type: 'Ready', status: 'Unknown' }] } })
  expect(brief(run([pod], { nodes: [dead] }))).toEqual([['web', 'out-of-service']])
  expect(run([pod], { nodes: [nodeWith({ spec: { taints } })] })).toEqual([])
})
