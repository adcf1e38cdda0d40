import { describe, expect, test } from 'vitest'
import { node, pod, world } from '../testing.ts'
import { balancedAllocation } from './balanced-allocation.ts'
import { imageLocality } from './image-locality.ts'
import { nodeAffinity } from './node-affinity.ts'
import { nodeName } from './node-name.ts'
import { nodePorts } from './node-ports.ts'
import { nodeResourcesFit } from './node-resources-fit.ts'
import { nodeUnschedulable } from './node-unschedulable.ts'
import { taintToleration } from './taint-toleration.ts'

const anyToleration = [{ operator: 'Exists' as const }]
const required = (...nodeSelectorTerms: object[]) =>
  ({ nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms } } }) as never
const port80 = [{ name: 'main', image: 'web', ports: [{ containerPort: 80, hostPort: 80 }] }]

describe('filters', () => {
  test('cordoned nodes take only who tolerates it', () => {
    const { filter } = world([node({ name: 'open' }), node({ name: 'cordoned', unschedulable: true })])
    expect(filter(nodeUnschedulable, pod())).toEqual({ open: undefined, cordoned: 'Unresolvable: node(s) were unschedulable' })
    expect(filter(nodeUnschedulable, pod({ tolerations: anyToleration }))).toEqual({ open: undefined, cordoned: undefined })
  })
  test('a pod that names its node', () => {
    const { filter } = world([node({ name: 'a' }), node({ name: 'b' })])
    expect(filter(nodeName, pod({ nodeName: 'b' }))).toEqual({
      a: "Unresolvable: node(s) didn't match the requested node name",
      b: undefined,
    })
  })
  test('hard taints keep away, soft ones do not', () => {
    const taint = (effect: 'NoSchedule' | 'NoExecute' | 'PreferNoSchedule') => [{ key: 'k', effect }]
    const { filter } = world([
      node({ name: 'no-schedule', taints: taint('NoSchedule') }),
      node({ name: 'no-execute', taints: taint('NoExecute') }),
      node({ name: 'prefer', taints: taint('PreferNoSchedule') }),
    ])
    const refusal = 'Unresolvable: node(s) had untolerated taint {k: }'
    expect(filter(taintToleration, pod())).toEqual({ 'no-schedule': refusal, 'no-execute': refusal, prefer: undefined })
    const tolerations = [{ key: 'k', operator: 'Exists' as const, effect: 'NoSchedule' as const }]
    expect(filter(taintToleration, pod({ tolerations }))).toMatchObject({ 'no-schedule': undefined, 'no-execute': refusal })
  })
  test('node affinity, and names that restrict the search', () => {
    const { filter } = world([node({ name: 'a', labels: { zone: '1' } }), node({ name: 'b', labels: { zone: '2' } })])
    const refusal = "Unresolvable: node(s) didn't match Pod's node affinity/selector"
    expect(filter(nodeAffinity(), pod({ nodeSelector: { zone: '2' } }))).toEqual({ a: refusal, b: undefined })
    const named = (...values: string[]) => ({ matchFields: [{ key: 'metadata.name', operator: 'In', values }] })
    expect(filter(nodeAffinity(), pod({ affinity: required(named('b')) }))).toEqual({ a: 'not asked', b: undefined })
    const contradiction = { matchFields: [...named('a').matchFields, ...named('b').matchFields] }
    expect(filter(nodeAffinity(), pod({ affinity: required(contradiction) }))).toBe('Unresolvable: pod affinity terms conflict')
  })
  test('host ports', () => {
    const { filter } = world([node({ name: 'taken' }), node({ name: 'free' })], { taken: [pod({ containers: port80 })] })
    expect(filter(nodePorts, pod({ containers: port80 }))).toEqual({
      taken: "Unschedulable: node(s) didn't have free ports for the requested pod ports",
      free: undefined,
    })
  })
  test('resources: everything that lacks is named; what even the empty node lacks cannot be helped', () => {
    const nodes = [
      node({ name: 'full' }),
      node({ name: 'small', cpu: '1', memory: '1Gi' }),
      node({ name: 'crowded', pods: '1' }),
      node({ name: 'roomy' }),
    ]
    const { filter } = world(nodes, { full: [pod({ cpu: '3500m', memory: '7Gi' })], crowded: [pod()] })
    expect(filter(nodeResourcesFit(), pod({ cpu: '1500m', memory: '2Gi' }))).toEqual({
      full: 'Unschedulable: Insufficient cpu, Insufficient memory',
      small: 'Unresolvable: Insufficient cpu, Insufficient memory',
      crowded: 'Unschedulable: Too many pods',
      roomy: undefined,
    })
  })
  test('resources: exactly full fits, requests of nothing always fit, extended resources count', () => {
    const { filter } = world([node({ name: 'full', allocatable: { 'example.com/gpu': '1' } })], {
      full: [pod({ cpu: '3', memory: '8Gi' })],
    })
    expect(filter(nodeResourcesFit(), pod({ cpu: '1' }))).toEqual({ full: undefined })
    expect(filter(nodeResourcesFit(), pod())).toEqual({ full: undefined })
    const gpu = (count: string) => [{ name: 'main', image: 'x', resources: { requests: { 'example.com/gpu': count } } }]
    expect(filter(nodeResourcesFit(), pod({ containers: gpu('1') }))).toEqual({ full: undefined })
    expect(filter(nodeResourcesFit(), pod({ containers: gpu('2') }))).toEqual({
      full: 'Unresolvable: Insufficient example.com/gpu',
    })
  })
})

describe('scores', () => {
  test('the emptier the better: containers that ask for nothing count 100m and 200Mi', () => {
    const { score } = world([node({ name: 'n' })], { n: [pod({ cpu: '500m', memory: '256Mi' })] })
    expect(score(nodeResourcesFit(), pod())).toEqual({ n: 89 })
  })
  test('an overfull resource is worth nothing, one that the node has not does not count', () => {
    const { score } = world([node({ name: 'full', memory: '100Mi' }), node({ name: 'no-memory', memory: '0' })])
    expect(score(nodeResourcesFit(), pod({ cpu: '1' }))).toEqual({ full: 37, 'no-memory': 75 })
  })
  test('balance of cpu and memory', () => {
    const { score } = world([node({ name: 'n' })])
    expect(score(balancedAllocation(), pod({ cpu: '500m', memory: '256Mi' }))).toEqual({ n: 95 })
    expect(score(balancedAllocation(), pod({ cpu: '3', memory: '2Gi' }))).toEqual({ n: 75 })
    expect(score(balancedAllocation(), pod())).toBeUndefined()
  })
  test('soft taints', () => {
    const soft = (...keys: string[]) => keys.map(key => ({ key, effect: 'PreferNoSchedule' as const }))
    const { score } = world([
      node({ name: 'none' }),
      node({ name: 'one', taints: soft('a') }),
      node({ name: 'two', taints: soft('a', 'b') }),
    ])
    expect(score(taintToleration, pod())).toEqual({ none: 100, one: 50, two: 0 })
    expect(score(taintToleration, pod({ tolerations: anyToleration }))).toEqual({ none: 100, one: 100, two: 100 })
  })
  test('preferred nodes', () => {
    const { score } = world([
      node({ name: 'a', labels: { zone: '1' } }),
      node({ name: 'b', labels: { zone: '2' } }),
      node({ name: 'c' }),
    ])
    const prefer = (weight: number, value: string) => ({
      weight,
      preference: { matchExpressions: [{ key: 'zone', operator: 'In' as const, values: [value] }] },
    })
    const affinity = { nodeAffinity: { preferredDuringSchedulingIgnoredDuringExecution: [prefer(30, '1'), prefer(10, '2')] } }
    expect(score(nodeAffinity(), pod({ affinity }))).toEqual({ a: 100, b: 33, c: 0 })
    expect(score(nodeAffinity(), pod())).toBeUndefined()
  })
  test.each([
    [500, 2, 23],
    [500, 4, 48],
    [40, 1, 0],
  ])('an image of %d MiB on %d of 4 nodes: %d points', (size, on, points) => {
    const images = [{ names: ['web:latest'], sizeBytes: size * 1024 * 1024 }]
    const nodes = [0, 1, 2, 3].map(i => node({ name: `n${i}`, ...(i < on && { images }) }))
    const scores = world(nodes).score(imageLocality, pod({ containers: [{ name: 'main', image: 'web' }] }))
    expect(scores).toMatchObject({ n0: points, ...(on < 4 && { n3: 0 }) })
  })
})

describe('what wakes a refused pod', () => {
  const info = (one: ReturnType<typeof pod>) => world([]).cycleOf(one).pod
  test.each([
    ['a big enough node comes', undefined, node(), true],
    ['a node comes that is too small', undefined, node({ cpu: '1' }), false],
    ['a node grows', node({ cpu: '1' }), node(), true],
    ['a node changes in other ways', node(), node(), false],
    ['a node grows where it does not help', node(), node({ allocatable: { 'example.com/gpu': '1' } }), false],
  ])('resources: %s', (_, before, after, expected) => {
    const action = before ? 'update' : 'add'
    expect(nodeResourcesFit().wakes?.node?.(info(pod({ cpu: '2' })), { action, before, after })).toBe(expected)
  })
  test('resources: a pod leaves or shrinks', () => {
    const { wakes } = nodeResourcesFit()
    const [large, small] = [info(pod({ cpu: '2' })), info(pod({ cpu: '1' }))]
    expect(wakes?.assignedPod?.(large, { action: 'delete', before: small })).toBe(true)
    expect(wakes?.assignedPod?.(large, { action: 'update', before: large, after: small })).toBe(true)
    expect(wakes?.assignedPod?.(large, { action: 'update', before: small, after: large })).toBe(false)
    expect(wakes?.assignedPod?.(large, { action: 'add', after: small })).toBe(false)
  })
  test('a taint goes, a cordon is lifted, a label comes', () => {
    const tainted = node({ taints: [{ key: 'k', effect: 'NoSchedule' }] })
    expect(taintToleration.wakes?.node?.(info(pod()), { action: 'update', before: tainted, after: node() })).toBe(true)
    expect(taintToleration.wakes?.node?.(info(pod()), { action: 'update', before: node(), after: node() })).toBe(false)
    const cordoned = node({ unschedulable: true })
    expect(nodeUnschedulable.wakes?.node?.(info(pod()), { action: 'update', before: cordoned, after: node() })).toBe(true)
    expect(nodeUnschedulable.wakes?.node?.(info(pod()), { action: 'update', before: node(), after: cordoned })).toBe(false)
    const picky = info(pod({ nodeSelector: { zone: 'a' } }))
    const right = node({ labels: { zone: 'a' } })
    expect(nodeAffinity().wakes?.node?.(picky, { action: 'update', before: node(), after: right })).toBe(true)
    expect(nodeAffinity().wakes?.node?.(picky, { action: 'update', before: right, after: right })).toBe(false)
  })
})
