import { describe, expect, test } from 'vitest'
import { type AdmissiblePod, type AdmittingNode, admitPod } from './admit.ts'

const pod = (spec: object = {}, metadata: object = {}): AdmissiblePod => ({ metadata, spec: { containers: [], ...spec } })
const asking = (requests: Record<string, string>, more: object = {}) =>
  pod({ containers: [{ resources: { requests } }], ...more })
const node = (allocatable: Record<string, string> = {}, spec: object = {}): AdmittingNode => ({
  metadata: { name: 'node-1', labels: { zone: 'a' } },
  spec,
  status: { allocatable: { cpu: '4', memory: '8Gi', pods: '10', ...allocatable } },
})
const taint = (effect: string) => ({ taints: [{ key: 'k', effect }] })

describe('the node looks again', () => {
  test('and takes what still fits', () => {
    expect(admitPod(asking({ cpu: '500m' }), node(), [asking({ cpu: '3500m' })])).toBeUndefined()
  })
  test('it has too little, and says how little', () => {
    expect(admitPod(asking({ cpu: '500m' }), node(), [asking({ cpu: '3800m' })])).toEqual({
      reason: 'OutOfcpu',
      message: "Node didn't have enough resource: cpu, requested: 500, used: 3800, capacity: 4000",
      missing: { cpu: 300 },
    })
  })
  test('of several resources the first is named and all are missing', () => {
    const refusal = admitPod(asking({ memory: '9Gi', cpu: '5' }), node({ pods: '0' }), [])
    expect(refusal?.reason).toBe('OutOfpods')
    expect(refusal?.missing).toEqual({ pods: 1, cpu: 1000, memory: 1024 ** 3 })
  })
  test('a second sort of refusal means that making room would not help', () => {
    const refusal = admitPod(asking({ cpu: '5' }, { nodeSelector: { zone: 'b' } }), node(), [])
    expect(refusal).toEqual({ reason: 'OutOfcpu', message: expect.any(String) })
  })
  test.each([
    ['extended resource it knows', asking({ 'example.com/gpu': '2' }), node({ 'example.com/gpu': '1' }), 'OutOfexample.com/gpu'],
    ['extended resource it does not know', asking({ 'example.com/gpu': '2' }), node(), undefined],
    ['a taint that keeps away only new pods', pod(), node({}, taint('NoSchedule')), undefined],
    ['a taint that drives out', pod(), node({}, taint('NoExecute')), 'TaintToleration'],
    ['tolerated', pod({ tolerations: [{ operator: 'Exists' }] }), node({}, taint('NoExecute')), undefined],
    [
      'a static pod',
      pod({}, { annotations: { 'kubernetes.io/config.source': 'file' } }),
      node({}, taint('NoExecute')),
      undefined,
    ],
    ['another node', pod({ nodeName: 'node-2' }), node(), 'NodeName'],
    ['another operating system', pod({ os: { name: 'windows' } }), node(), 'PodOSNotSupported'],
    ['a label for another', pod({}, { labels: { 'kubernetes.io/os': 'windows' } }), node(), 'PodOSSelectorNodeLabelDoesNotMatch'],
  ])('%s: %#', (_, asked, where, reason) => expect(admitPod(asked, where, [])?.reason).toBe(reason))

  test.each([
    [pod({ nodeSelector: { zone: 'b' } }), "Predicate NodeAffinity failed: node(s) didn't match Pod's node affinity/selector"],
    [
      pod({ containers: [{ ports: [{ hostPort: 80 }] }] }),
      "Predicate NodePorts failed: node(s) didn't have free ports for the requested pod ports",
    ],
  ])('in words: %#', (asked, message) => {
    const neighbour = pod({ containers: [{ ports: [{ hostPort: 80 }] }] })
    expect(admitPod(asked, node(), [neighbour])?.message).toBe(message)
  })
})
