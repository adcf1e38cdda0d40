import { describe, expect, test } from 'vitest'
import { Deployment } from '../apps/deployment.ts'
import { ConfigMap } from '../core/config-map.ts'
import { PersistentVolumeClaim } from '../core/persistent-volume-claim.ts'
import { Pod } from '../core/pod.ts'
import { Service } from '../core/service.ts'
import type { AnyKind } from '../kind.ts'
import { made } from '../testing.ts'
import type { KubeObject } from '../transport.ts'
import { increase, readAmounts, writeAmounts } from './amounts.ts'
import { evaluatorOf } from './evaluators.ts'

const object = (kind: AnyKind, body: object) => made(kind, body) as unknown as KubeObject
const used = (kind: AnyKind, body: object) =>
  writeAmounts(evaluatorOf(kind).usage(object(kind, body), Date.parse('2026-01-01T00:01:00Z')))
const container = (requests: object, limits: object = {}) => ({ name: 'c', image: 'x', resources: { requests, limits } })

describe('a pod counts for', () => {
  test('its number, its requests and its limits', () => {
    const spec = {
      containers: [
        container({ cpu: '100m', memory: '64Mi', 'a.b/gpu': '1' }, { memory: '64Mi', 'a.b/gpu': '1' }),
        { ...container({ cpu: '100m' }), name: 'd' },
      ],
      initContainers: [{ ...container({ cpu: '1', 'ephemeral-storage': '1Gi' }), name: 'i' }],
      overhead: { cpu: '10m' },
    }
    expect(used(Pod, { spec })).toEqual({
      'count/pods': '1',
      pods: '1',
      cpu: '1010m',
      'requests.cpu': '1010m',
      memory: '64Mi',
      'requests.memory': '64Mi',
      'limits.memory': '64Mi',
      'ephemeral-storage': '1Gi',
      'requests.ephemeral-storage': '1Gi',
      'requests.a.b/gpu': '1',
    })
  })

  test.each([
    [{ status: { phase: 'Failed' } }],
    [{ status: { phase: 'Succeeded' } }],
    [{ metadata: { deletionTimestamp: '2026-01-01T00:00:00Z', deletionGracePeriodSeconds: 30 } }],
  ])('nothing but its object if %j', more => {
    expect(used(Pod, { spec: { containers: [container({ cpu: '1' })] }, ...more })).toEqual({ 'count/pods': '1' })
  })

  test.each([
    ['BestEffort', {}, true],
    ['NotBestEffort', { containers: [container({ cpu: '1' })] }, true],
    ['Terminating', { activeDeadlineSeconds: 5 }, true],
    ['NotTerminating', { activeDeadlineSeconds: 5 }, false],
    ['PriorityClass', { priorityClassName: 'high' }, true],
    ['PriorityClass', {}, false],
    ['CrossNamespacePodAffinity', {}, false],
    [
      'CrossNamespacePodAffinity',
      {
        affinity: { podAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [{ topologyKey: 'a', namespaces: ['x'] }] } },
      },
      true,
    ],
  ])('scope %s of %j: %s', (scopeName, spec, expected) => {
    const pod = object(Pod, { spec: { containers: [container({})], ...spec } })
    expect(evaluatorOf(Pod).fits({ scopeName, operator: 'Exists' }, pod)).toBe(expected)
  })

  test.each([
    ['In', ['high'], true],
    ['In', ['low'], false],
    ['NotIn', ['low'], true],
    ['NotIn', ['high'], false],
    ['DoesNotExist', undefined, false],
  ] as const)('priority class high %s %j: %s', (operator, values, expected) => {
    const pod = object(Pod, { spec: { containers: [], priorityClassName: 'high' } })
    const requirement = { scopeName: 'PriorityClass', operator, ...(values && { values: [...values] }) }
    expect(evaluatorOf(Pod).fits(requirement, pod)).toBe(expected)
  })

  test('what its containers have to say', () => {
    const pod = object(Pod, { spec: { containers: [container({ cpu: '1' }), { ...container({}), name: 'b' }] } })
    expect(evaluatorOf(Pod).missing?.(['limits.memory', 'cpu', 'pods', 'requests.ephemeral-storage'], pod)).toBe(
      'must specify cpu for: b; limits.memory for: b,c',
    )
    expect(
      evaluatorOf(Pod).missing?.(['requests.cpu'], object(Pod, { spec: { containers: [container({ cpu: '1' })] } })),
    ).toBeUndefined()
  })
})

test.each([
  [{ type: 'ClusterIP', ports: [{ port: 1 }] }, '0', '0'],
  [{ type: 'NodePort', ports: [{ port: 1 }, { port: 2 }] }, '2', '0'],
  [{ type: 'LoadBalancer', ports: [{ port: 1 }] }, '1', '1'],
  [{ type: 'LoadBalancer', allocateLoadBalancerNodePorts: false, ports: [{ port: 1, nodePort: 30000 }, { port: 2 }] }, '1', '1'],
])('service %j', (spec, nodePorts, balancers) => {
  expect(used(Service, { spec })).toEqual({
    'count/services': '1',
    services: '1',
    'services.nodeports': nodePorts,
    'services.loadbalancers': balancers,
  })
})

test('a claim counts for its class as well, and for what it is growing to', () => {
  const spec = { storageClassName: 'gold', resources: { requests: { storage: '1Gi' } } }
  const expected = (size: string) => ({
    'count/persistentvolumeclaims': '1',
    persistentvolumeclaims: '1',
    'requests.storage': size,
    'gold.storageclass.storage.k8s.io/persistentvolumeclaims': '1',
    'gold.storageclass.storage.k8s.io/requests.storage': size,
  })
  expect(used(PersistentVolumeClaim, { spec })).toEqual(expected('1Gi'))
  expect(used(PersistentVolumeClaim, { spec, status: { allocatedResources: { storage: '2Gi' } } })).toEqual(expected('2Gi'))
  const { counts } = evaluatorOf(PersistentVolumeClaim)
  expect(Object.keys(expected('1Gi')).every(counts)).toBe(true)
  expect(counts('pods')).toBe(false)
})

test('everything else is counted', () => {
  expect(used(Deployment, {})).toEqual({ 'count/deployments.apps': '1' })
  expect(used(ConfigMap, {})).toEqual({ 'count/configmaps': '1', configmaps: '1' })
})

test('what is more than before', () => {
  const amounts = (written: Record<string, string>) => readAmounts(written)
  expect(writeAmounts(increase(amounts({ a: '3', b: '1', c: '1' }), amounts({ a: '1', b: '2', c: '1' })))).toEqual({ a: '2' })
})
