import { describe, expect, test } from 'vitest'
import { noColours } from '../print/colour.ts'
import { placementText } from './placement-text.ts'
import { podsOfManifest } from './pods-of-manifest.ts'

const spec = { containers: [{ name: 'main', image: 'web' }] }

describe('the pods that a manifest stands for', () => {
  test.each([
    ['a pod is itself, without a name that may be taken', { kind: 'Pod', metadata: { name: 'p', labels: { a: 'b' } }, spec }, 1],
    [
      'a set wants its replicas',
      {
        kind: 'ReplicaSet',
        metadata: { name: 'p' },
        spec: { replicas: 3, template: { metadata: { labels: { a: 'b' } }, spec } },
      },
      3,
    ],
    [
      'one where nothing is said',
      { kind: 'Deployment', metadata: { name: 'p' }, spec: { template: { metadata: { labels: { a: 'b' } }, spec } } },
      1,
    ],
    [
      'a job as many as run at once',
      { kind: 'Job', metadata: { name: 'p' }, spec: { parallelism: 2, template: { metadata: { labels: { a: 'b' } }, spec } } },
      2,
    ],
    [
      'a cron job those of one job',
      {
        kind: 'CronJob',
        metadata: { name: 'p' },
        spec: { jobTemplate: { spec: { template: { metadata: { labels: { a: 'b' } }, spec } } } },
      },
      1,
    ],
  ])('%s', (_, manifest, count) =>
    expect(podsOfManifest(manifest)).toEqual({
      pod: { apiVersion: 'v1', kind: 'Pod', metadata: { generateName: 'p-', labels: { a: 'b' } }, spec },
      count,
    }),
  )
  test('others have none', () => expect(podsOfManifest({ kind: 'ConfigMap', metadata: { name: 'c' } })).toBeUndefined())
})

describe('what is told', () => {
  test('the best node, the runner-up and what each plugin gave', () => {
    const ranked = [
      { nodeName: 'a', score: 350, points: [50, 300] },
      { nodeName: 'b', score: 340, points: [40, 300] },
      { nodeName: 'c', score: 320 },
    ]
    const nodes = [{ count: 1, nodes: ['d'], reason: 'node(s) were unschedulable', plugin: 'NodeUnschedulable' }]
    const verdict = {
      totalNodes: 4,
      nodeName: 'a',
      feasible: 3,
      ranked,
      plugins: ['NodeResourcesFit', 'TaintToleration'],
      text: '',
      nodes,
      fits: [],
    }
    expect(placementText('pod/web', verdict, noColours)).toBe(
      [
        'pod/web would go to a',
        '  the best of 3 nodes that take it, of 4',
        '  best        a     350   NodeResourcesFit 50, TaintToleration 300',
        '  runner-up   b     340   NodeResourcesFit 40, TaintToleration 300',
        '  next        c     320',
        '  not 1 node   node(s) were unschedulable   NodeUnschedulable   d',
        '',
      ].join('\n'),
    )
  })
  test('why there is none, what would help, and who would have to leave', () => {
    const verdict = {
      totalNodes: 1,
      feasible: 0,
      ranked: [],
      plugins: [],
      text: '0/1 nodes are available: 1 Insufficient cpu.',
      nodes: [{ count: 1, nodes: ['a'], reason: 'Insufficient cpu', plugin: 'NodeResourcesFit' }],
      fits: ['500m cpu more on a'],
      preemption: { node: 'a', victims: ['default/low'] },
    }
    expect(placementText('pod/web', verdict, noColours)).toBe(
      [
        'pod/web would get no node: 0/1 nodes are available: 1 Insufficient cpu.',
        'No node takes it:',
        '  1 node   Insufficient cpu   NodeResourcesFit   a',
        'It would fit with one of these:',
        '  500m cpu more on a',
        'Preemption makes room on a; these have to leave it:',
        '  default/low',
        '',
      ].join('\n'),
    )
  })
})
