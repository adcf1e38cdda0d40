import { expect, test } from 'vitest'
import { allCapabilities, wholeCapability } from './access-mode.ts'
import { classParameters } from './parameters.ts'
import { askedDriver, binary, reclaimStep, refusal, shortfall } from './provision-plan.ts'
import { begun, failed, finished, nodesTurn, wantedSize } from './resize-plan.ts'
import { nodeAffinityOf, topologyRequirement } from './topology.ts'

const claim = (overrides: object = {}, status: object = {}) =>
  ({
    metadata: { name: 'data', namespace: 'ns', uid: 'u1', annotations: { 'volume.kubernetes.io/storage-provisioner': 'd' } },
    spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '2Gi' } } },
    status,
    ...overrides,
  }) as never
const storageClass = (overrides: object = {}) =>
  ({ metadata: { name: 'c' }, provisioner: 'd', volumeBindingMode: 'Immediate', reclaimPolicy: 'Delete', ...overrides }) as never

test.each([
  ['asked', claim(), storageClass(), 'd'],
  ['of another class', claim(), storageClass({ provisioner: 'e' }), undefined],
  ['nobody asked yet', claim({ metadata: {} }), storageClass(), undefined],
  ['bound', claim({ spec: { volumeName: 'v' } }), storageClass(), undefined],
  ['waits for its pod', claim(), storageClass({ volumeBindingMode: 'WaitForFirstConsumer' }), undefined],
])('whether a driver is asked for a volume: %s', (_, one, ofClass, expected) => {
  expect(askedDriver(one, ofClass)).toBe(expected)
})

test.each([
  [{}, undefined],
  [{ selector: {} }, 'claim Selector is not supported'],
  [{ dataSource: { kind: 'PersistentVolumeClaim', name: 'x' } }, 'cloning of claim x is not supported: volumes start empty'],
  [{ dataSourceRef: { kind: 'VolumeSnapshot', name: 's' } }, 'restoring of snapshot s is not supported: volumes start empty'],
])('what is refused of a claim: %o', (spec, expected) => {
  expect(refusal(claim({ spec }))).toBe(expected)
})

test('what a class tells the driver, and what it tells us', () => {
  const told = classParameters(
    {
      tier: 'gold',
      'csi.storage.k8s.io/fstype': 'xfs',
      'csi.storage.k8s.io/node-stage-secret-name': 'key-${pvc.name}',
      'csi.storage.k8s.io/node-stage-secret-namespace': '${pvc.namespace}',
      'csi.storage.k8s.io/provisioner-secret-name': "${pvc.annotations['volume.kubernetes.io/storage-provisioner']}",
      'csi.storage.k8s.io/provisioner-secret-namespace': 'x',
    },
    claim(),
    'pv',
  )
  expect(told).toEqual({
    driver: { tier: 'gold' },
    fsType: 'xfs',
    secrets: { 'node-stage': { name: 'key-data', namespace: 'ns' }, provisioner: { name: 'd', namespace: 'x' } },
  })
  const refused = (parameters: Record<string, string>): string => {
    try {
      return JSON.stringify(classParameters(parameters, claim(), 'pv'))
    } catch (error) {
      return (error as Error).message
    }
  }
  expect(refused({ 'csi.storage.k8s.io/wish': 'x' })).toMatch(/unknown parameter key "csi.storage.k8s.io\/wish"/)
  expect(refused({ 'csi.storage.k8s.io/node-stage-secret-name': 'x' })).toMatch(/Both must be specified/)
  const template = { 'csi.storage.k8s.io/node-stage-secret-name': '${x}', 'csi.storage.k8s.io/node-stage-secret-namespace': 'x' }
  expect(refused(template)).toMatch(/invalid tokens: \["x"\]/)
})

test.each([
  [['ReadWriteOnce'], false, 'SINGLE_NODE_WRITER'],
  [['ReadWriteOnce'], true, 'SINGLE_NODE_MULTI_WRITER'],
  [['ReadWriteOncePod'], false, 'SINGLE_NODE_WRITER'],
  [['ReadWriteOncePod'], true, 'SINGLE_NODE_SINGLE_WRITER'],
  [['ReadOnlyMany'], false, 'MULTI_NODE_READER_ONLY'],
  [['ReadWriteOnce', 'ReadWriteMany'], false, 'MULTI_NODE_MULTI_WRITER'],
])('%o of a driver that tells pods apart (%s) is %s', (accessModes, isFine, mode) => {
  expect(wholeCapability({ accessModes }, isFine).accessMode.mode).toBe(mode)
})

test('a volume that is to be made must do for each mode; one for readers of many nodes cannot have one writer', () => {
  expect(allCapabilities({ accessModes: ['ReadWriteOnce', 'ReadWriteMany'], volumeMode: 'Block' }, false)).toEqual([
    { block: {}, accessMode: { mode: 'SINGLE_NODE_WRITER' } },
    { block: {}, accessMode: { mode: 'MULTI_NODE_MULTI_WRITER' } },
  ])
  expect(() => wholeCapability({ accessModes: ['ReadOnlyMany', 'ReadWriteOnce'] }, false)).toThrow(/does not support/)
})

test('volumes go to the places of the driver that the class allows, the chosen node first', () => {
  const node = (name: string, zone: string) => ({ metadata: { name, labels: { zone } } })
  const csiNode = (name: string) => ({
    metadata: { name },
    spec: { drivers: [{ name: 'd', nodeID: name, topologyKeys: ['zone'] }] },
  })
  const input = {
    driver: 'd',
    nodes: [node('n1', 'a'), node('n2', 'b'), node('n3', 'c'), node('n4', 'd')],
    csiNodes: ['n1', 'n2', 'n3'].map(csiNode),
    storageClass: { allowedTopologies: [{ matchLabelExpressions: [{ key: 'zone', values: ['a', 'b'] }] }] },
    selectedNode: 'n2',
  } as never
  const terms = [{ segments: { zone: 'b' } }, { segments: { zone: 'a' } }]
  expect(topologyRequirement(input)).toEqual({ requisite: terms, preferred: terms })
  expect(() => topologyRequirement({ ...(input as object), nodes: [node('n4', 'd')], selectedNode: undefined } as never)).toThrow(
    /no available topology/,
  )
  expect(nodeAffinityOf([{ segments: { zone: 'b' } }])?.required.nodeSelectorTerms).toEqual([
    { matchExpressions: [{ key: 'zone', operator: 'In', values: ['b'] }] },
  ])
  expect(nodeAffinityOf([])).toBeUndefined()
})

test.each([
  ['Delete', 'Released', ['external-provisioner.volume.kubernetes.io/finalizer'], 'remove'],
  ['Delete', 'Bound', [], 'guard'],
  ['Retain', 'Released', ['external-provisioner.volume.kubernetes.io/finalizer'], 'unguard'],
  ['Retain', 'Released', [], 'none'],
])('a volume to %s that is %s: %o -> %s', (policy, phase, finalizers, expected) => {
  const metadata = { finalizers, annotations: { 'pv.kubernetes.io/provisioned-by': 'd' } }
  const spec = { persistentVolumeReclaimPolicy: policy, csi: { driver: 'd', volumeHandle: 'h' } }
  expect(reclaimStep({ metadata, spec, status: { phase } } as never)).toBe(expected)
})

test('sizes', () => {
  expect([0, 1000, 1024, 3 * 2 ** 20, 2 ** 31].map(binary)).toEqual(['0', '1000', '1Ki', '3Mi', '2Gi'])
  expect(shortfall(claim(), { volumeId: 'v', capacityBytes: 2 ** 30 })).toMatch(/less than requested/)
  expect(shortfall(claim(), { volumeId: 'v', capacityBytes: 0 })).toBeUndefined()
})

const volume = { spec: { claimRef: { uid: 'u1' } } } as never
const bound = (more: object = {}) => ({ phase: 'Bound', capacity: { storage: '1Gi' }, ...more })

test.each([
  ['as large as it is to be', bound({ capacity: { storage: '2Gi' } }), undefined],
  ['too small', bound(), '2Gi'],
  ['not bound', { phase: 'Pending' }, undefined],
  [
    'the node is at it',
    bound({ allocatedResources: { storage: '2Gi' }, allocatedResourceStatuses: { storage: 'NodeResizePending' } }),
    undefined,
  ],
  [
    'begun with more than is asked for now',
    bound({ allocatedResources: { storage: '3Gi' }, allocatedResourceStatuses: { storage: 'ControllerResizeInProgress' } }),
    '3Gi',
  ],
  [
    'begun with more than can be had',
    bound({ allocatedResources: { storage: '3Gi' }, allocatedResourceStatuses: { storage: 'ControllerResizeInfeasible' } }),
    '2Gi',
  ],
])('how much a volume is to grow to: %s', (_, status, expected) => {
  expect(wantedSize(claim({}, status), volume)).toBe(expected)
})

test("a claim's status while it grows", () => {
  const types = (status: { conditions?: readonly { type: string }[] }) => status.conditions?.map(({ type }) => type)
  const started = begun(bound() as never, '2Gi', 'now')
  expect([started.allocatedResources, started.allocatedResourceStatuses, types(started)]).toEqual([
    { storage: '2Gi' },
    { storage: 'ControllerResizeInProgress' },
    ['Resizing'],
  ])
  const refused = failed(started, 'too much', true, 'now')
  expect([refused.allocatedResourceStatuses, types(refused)]).toEqual([
    { storage: 'ControllerResizeInfeasible' },
    ['Resizing', 'ControllerResizeError'],
  ])
  const handed = nodesTurn(refused, 'now')
  expect([handed.allocatedResourceStatuses, types(handed)]).toEqual([
    { storage: 'NodeResizePending' },
    ['FileSystemResizePending'],
  ])
  const done = finished(handed, '2Gi')
  expect([done.capacity, done.allocatedResourceStatuses, types(done)]).toEqual([{ storage: '2Gi' }, {}, []])
})
