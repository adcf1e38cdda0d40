import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { Node } from '../../api/core/node.ts'
import { PersistentVolume } from '../../api/core/persistent-volume.ts'
import { PersistentVolumeClaim } from '../../api/core/persistent-volume-claim.ts'
import { Pod } from '../../api/core/pod.ts'
import type { InputOf } from '../../api/kind.ts'
import { CSIDriver } from '../../api/storage/csi-driver.ts'
import { CSINode } from '../../api/storage/csi-node.ts'
import { CSIStorageCapacity } from '../../api/storage/csi-storage-capacity.ts'
import { StorageClass } from '../../api/storage/storage-class.ts'
import { VolumeAttachment } from '../../api/storage/volume-attachment.ts'
import { type VirtualClock, virtualClock } from '../../lib/clock.ts'
import { copy } from '../../lib/json.ts'
import { silentLog } from '../../lib/log.ts'
import { seededRandom } from '../../lib/random.ts'
import { createScheduler } from '../scheduler.ts'
import { type FakeApi, fakeApi, node, pod } from '../testing.ts'

let api: FakeApi
let clock: VirtualClock
let stop: AbortController
let running: Promise<void>

beforeEach(async () => {
  api = fakeApi()
  clock = virtualClock()
  stop = new AbortController()
  const { client, informers } = api
  const events = { record: () => {} }
  running = createScheduler({ client, informers, events, clock, random: seededRandom(3), log: silentLog }).run(stop.signal)
  await clock.advance(0)
})
afterEach(async () => {
  stop.abort()
  await running
  expect(clock.timers).toBe(0)
})

const zone = 'topology.kubernetes.io/zone'
const bound = { 'pv.kubernetes.io/bind-completed': 'yes' }

function claim(name: string, spec: InputOf<typeof PersistentVolumeClaim>['spec'] = {}, more: object = {}) {
  const { annotations, status, deletionTimestamp } = more as Record<string, never>
  const metadata = { name, namespace: 'default', uid: `uid-${name}`, resourceVersion: '1', annotations, deletionTimestamp }
  const resources = { requests: { storage: '1Gi' } }
  const defaults = { accessModes: ['ReadWriteOnce' as const], resources, storageClassName: 'late' }
  api.put(PersistentVolumeClaim, PersistentVolumeClaim.schema.parse({ metadata, spec: { ...defaults, ...spec }, status }))
}
function volume(name: string, storage: string, spec: object = {}, labels?: Record<string, string>) {
  const local = { capacity: { storage }, accessModes: ['ReadWriteOnce'], storageClassName: 'late', hostPath: { path: '/x' } }
  const metadata = { name, uid: `uid-${name}`, resourceVersion: '1', ...(labels && { labels }) }
  api.put(
    PersistentVolume,
    PersistentVolume.schema.parse({ metadata, spec: { ...local, ...spec }, status: { phase: 'Available' } } as never),
  )
}
const onNode = (...names: string[]) => ({
  nodeAffinity: {
    required: { nodeSelectorTerms: [{ matchExpressions: [{ key: 'kubernetes.io/hostname', operator: 'In', values: names }] }] },
  },
})
function storageClass(
  name: string,
  provisioner: string,
  volumeBindingMode: 'Immediate' | 'WaitForFirstConsumer',
  more: object = {},
) {
  api.put(StorageClass, StorageClass.schema.parse({ metadata: { name }, provisioner, volumeBindingMode, ...more }))
}
/** The volume controller's answer. */
function finishBinding(name: string, volumeName: string) {
  const object = copy(api.get(PersistentVolumeClaim, `default/${name}`)) as unknown as PersistentVolumeClaim
  const metadata = { ...object.metadata, annotations: { ...object.metadata.annotations, ...bound } }
  const finished: PersistentVolumeClaim = { ...object, metadata, spec: { ...object.spec, volumeName } }
  api.put(PersistentVolumeClaim, finished)
}
const mounting = (...claims: string[]) => ({
  volumes: claims.map(claimName => ({ name: claimName, persistentVolumeClaim: { claimName } })),
})
const place = async (name: string, options: Parameters<typeof pod>[0]) => {
  api.put(Pod, pod({ name, ...options }))
  await clock.advance(5)
}
const nodeOf = (name: string) => api.pod(`default/${name}`).spec.nodeName
const messageOf = (name: string) =>
  api.pod(`default/${name}`).status.conditions?.find(({ type }) => type === 'PodScheduled')?.message

describe('claims that are not ready', () => {
  test.each([
    ['is missing', () => {}, 'persistentvolumeclaim "data" not found'],
    [
      'is going away',
      () => claim('data', { volumeName: 'v' }, { annotations: bound, deletionTimestamp: '2026-01-01T00:00:00Z' }),
      'persistentvolumeclaim "data" is being deleted',
    ],
    [
      'has lost its volume',
      () => claim('data', { volumeName: 'v' }, { annotations: bound, status: { phase: 'Lost' } }),
      'persistentvolumeclaim "data" bound to non-existent persistentvolume "v"',
    ],
    [
      'should have been bound at once',
      () => {
        storageClass('soon', 'x/y', 'Immediate')
        claim('data', { storageClassName: 'soon' })
      },
      'pod has unbound immediate PersistentVolumeClaims',
    ],
  ])('it %s', async (_, prepare, why) => {
    api.put(Node, node({ name: 'n' }))
    prepare()
    await place('web', mounting('data'))
    expect(messageOf('web')).toMatch(`0/1 nodes are available: ${why}.`)
  })
  test('the pod is woken when its claim appears, bound', async () => {
    api.put(Node, node({ name: 'n' }))
    await place('web', mounting('data'))
    volume('v', '1Gi')
    claim('data', { volumeName: 'v' }, { annotations: bound })
    await clock.advance(5)
    expect(nodeOf('web')).toBe('n')
  })
})

test('a bound volume draws its pod to the nodes that reach it', async () => {
  for (const name of ['a', 'b', 'c']) api.put(Node, node({ name }))
  volume('v', '1Gi', onNode('b'))
  claim('data', { volumeName: 'v' }, { annotations: bound })
  await place('web', mounting('data'))
  expect(nodeOf('web')).toBe('b')
  api.remove(Node, 'b')
  await place('next', mounting('data'))
  expect(messageOf('next')).toMatch("0/2 nodes are available: 2 node(s) didn't match PersistentVolume's node affinity.")
})

describe('claims that wait for their pod', () => {
  beforeEach(() => storageClass('late', 'kubernetes.io/no-provisioner', 'WaitForFirstConsumer'))

  test('get the smallest volume that does, written before the bind, which waits for the controller', async () => {
    api.put(Node, node({ name: 'a' }))
    api.put(Node, node({ name: 'b' }))
    volume('too-small', '500Mi', onNode('a'))
    volume('fits', '2Gi', onNode('a'))
    volume('large', '10Gi', onNode('a'))
    claim('data')
    await place('web', mounting('data'))
    expect(nodeOf('web')).toBeUndefined()
    const [write] = api.calls
    expect(write).toMatchObject({
      verb: 'update',
      name: 'fits',
      body: {
        metadata: { annotations: { 'pv.kubernetes.io/bound-by-controller': 'yes' } },
        spec: { claimRef: { kind: 'PersistentVolumeClaim', namespace: 'default', name: 'data', uid: 'uid-data' } },
      },
    })
    finishBinding('data', 'fits')
    await clock.advance(5)
    expect(nodeOf('web')).toBe('a')
  })
  test('are not promised the same volume twice', async () => {
    api.put(Node, node({ name: 'a' }))
    volume('only', '1Gi', onNode('a'))
    claim('one')
    claim('two')
    api.put(Pod, pod({ name: 'first', ...mounting('one') }))
    api.put(Pod, pod({ name: 'second', ...mounting('two') }))
    await clock.advance(5)
    expect(messageOf('second')).toMatch("1 node(s) didn't find available persistent volumes to bind.")
    finishBinding('one', 'only')
    await clock.advance(5)
    expect([nodeOf('first'), nodeOf('second')]).toEqual(['a', undefined])
  })
  test('give the volume and the node back when it takes too long', async () => {
    api.put(Node, node({ name: 'a', cpu: '2' }))
    volume('v', '1Gi')
    claim('data')
    await place('web', { cpu: '1500m', ...mounting('data') })
    await place('other', { cpu: '1' })
    expect(nodeOf('other')).toBeUndefined()
    await clock.advance(601_000)
    expect(JSON.stringify(api.calls)).toContain('binding volumes: timed out waiting for the condition')
    expect(nodeOf('other')).toBe('a')
  })
  test('have one made where the pod goes', async () => {
    const inZone = (value: string) => ({ key: zone, values: [value] })
    storageClass('made', 'x/y', 'WaitForFirstConsumer', { allowedTopologies: [{ matchLabelExpressions: [inZone('2')] }] })
    api.put(Node, node({ name: 'a', labels: { [zone]: '1' } }))
    api.put(Node, node({ name: 'b', labels: { [zone]: '2' } }))
    claim('data', { storageClassName: 'made' })
    await place('web', mounting('data'))
    const annotations = api.get(PersistentVolumeClaim, 'default/data')?.metadata.annotations
    expect(annotations).toEqual({ 'volume.kubernetes.io/selected-node': 'b' })
    finishBinding('data', 'pvc-1')
    await clock.advance(5)
    expect(nodeOf('web')).toBe('b')
  })
})

test('a ReadWriteOncePod claim is for one pod in the whole cluster', async () => {
  api.put(Node, node({ name: 'a' }))
  api.put(Node, node({ name: 'b' }))
  volume('v', '1Gi')
  claim('data', { volumeName: 'v', accessModes: ['ReadWriteOncePod'] }, { annotations: bound })
  await place('first', mounting('data'))
  await place('second', mounting('data'))
  expect(messageOf('second')).toMatch(
    '0/2 nodes are available: 2 node(s) unavailable due to PersistentVolumeClaim with ReadWriteOncePod access mode already in-use by another pod.',
  )
  api.remove(Pod, 'default/first')
  await clock.advance(5)
  expect(nodeOf('second')).toBeDefined()
})

test.each([
  [{ [zone]: '1' }, { [zone]: '1' }, true],
  [{ [zone]: '1' }, { [zone]: '2__3' }, false],
  [{ [zone]: '3' }, { [zone]: '2__3' }, true],
  [{ [zone]: '1' }, { 'failure-domain.beta.kubernetes.io/zone': '1' }, true],
  [{}, { [zone]: '1' }, true],
])('a node with %j reaches a volume with %j: %s', async (nodeLabels, volumeLabels, reaches) => {
  api.put(Node, node({ name: 'n', labels: nodeLabels }))
  volume('v', '1Gi', {}, volumeLabels)
  claim('data', { volumeName: 'v' }, { annotations: bound })
  await place('web', mounting('data'))
  expect(nodeOf('web')).toBe(reaches ? 'n' : undefined)
  if (!reaches) expect(messageOf('web')).toMatch('1 node(s) had no available volume zone.')
})

describe('storage drivers', () => {
  const driver = 'test.csi'
  const csiNode = (name: string, count: number) =>
    api.put(
      CSINode,
      CSINode.schema.parse({ metadata: { name }, spec: { drivers: [{ name: driver, nodeID: name, allocatable: { count } }] } }),
    )
  const onDriver = (handle: string) => ({ hostPath: undefined, csi: { driver, volumeHandle: handle } })

  test('a node takes as many volumes of a driver as its CSINode says; one that it has already counts once', async () => {
    api.put(Node, node({ name: 'n' }))
    csiNode('n', 2)
    for (const name of ['a', 'b', 'c']) {
      volume(name, '1Gi', onDriver(name))
      claim(name, { volumeName: name }, { annotations: bound })
    }
    await place('one', mounting('a', 'b'))
    await place('same', mounting('a'))
    expect([nodeOf('one'), nodeOf('same')]).toEqual(['n', 'n'])
    await place('more', mounting('c'))
    expect(messageOf('more')).toMatch('0/1 nodes are available: 1 node(s) exceed max volume count.')
    for (const name of ['one', 'same']) api.remove(Pod, `default/${name}`)
    await clock.advance(20_000)
    expect(nodeOf('more')).toBe('n')
  })

  test('a volume is made only where its driver says that there is room, if the driver tells', async () => {
    for (const name of ['small', 'large']) api.put(Node, node({ name, labels: { size: name } }))
    storageClass('late', driver, 'WaitForFirstConsumer')
    api.put(CSIDriver, CSIDriver.schema.parse({ metadata: { name: driver }, spec: { storageCapacity: true } }))
    claim('data')
    await place('early', mounting('data'))
    expect(messageOf('early')).toMatch('0/2 nodes are available: 2 node(s) did not have enough free storage.')
    for (const [name, capacity] of Object.entries({ small: '512Mi', large: '2Gi' }))
      api.put(
        CSIStorageCapacity,
        CSIStorageCapacity.schema.parse({
          metadata: { name, namespace: 'default' },
          storageClassName: 'late',
          capacity,
          nodeTopology: { matchLabels: { size: name } },
        }),
      )
    claim('other')
    await place('web', mounting('other'))
    const chosen = api.get(PersistentVolumeClaim, 'default/other') as unknown as PersistentVolumeClaim
    expect(chosen.metadata.annotations?.['volume.kubernetes.io/selected-node']).toBe('large')
  })
})

describe('disks of old', () => {
  const disk = (readOnly: boolean) => ({ volumes: [{ name: 'd', gcePersistentDisk: { pdName: 'disk', readOnly } }] })
  const ebs = { volumes: [{ name: 'd', awsElasticBlockStore: { volumeID: 'v', readOnly: true } }] }
  const iscsi = (iqn: string) => ({ volumes: [{ name: 'd', iscsi: { targetPortal: 'p', iqn, lun: 0 } }] })
  const rbd = (...monitors: string[]) => ({ volumes: [{ name: 'd', rbd: { monitors, image: 'i', pool: 'p' } }] })
  test.each<[string, object, object, boolean]>([
    ['the same disk', disk(false), disk(true), true],
    ['the same disk, only read', disk(true), disk(true), false],
    ['the same EBS volume, even only read', ebs, ebs, true],
    ['the same iSCSI target', iscsi('x'), iscsi('x'), true],
    ['another iSCSI target', iscsi('x'), iscsi('y'), false],
    ['the same image of the same Ceph', rbd('a', 'b'), rbd('b', 'c'), true],
    ['the same image of another Ceph', rbd('a'), rbd('b'), false],
  ])('%s', async (_, first, second, isConflict) => {
    api.put(Node, node({ name: 'n' }))
    await place('there', first)
    await place('web', second)
    expect(nodeOf('web')).toBe(isConflict ? undefined : 'n')
    if (!isConflict) return
    expect(messageOf('web')).toMatch('0/1 nodes are available: 1 node(s) had no available disk.')
    api.remove(Pod, 'default/there')
    await clock.advance(5)
    expect(nodeOf('web')).toBe('n')
  })
})

test('volumes that are still attached count against the limit until they are detached', async () => {
  const csi = (volumeHandle: string) => ({ hostPath: undefined, csi: { driver: 'x/y', volumeHandle } })
  api.put(Node, node({ name: 'n' }))
  api.put(
    CSINode,
    CSINode.schema.parse({
      metadata: { name: 'n' },
      spec: { drivers: [{ name: 'x/y', nodeID: 'n', allocatable: { count: 1 } }] },
    }),
  )
  volume('old', '1Gi', csi('one'))
  volume('new', '1Gi', csi('two'))
  const source = { persistentVolumeName: 'old' }
  api.put(
    VolumeAttachment,
    VolumeAttachment.schema.parse({ metadata: { name: 'va' }, spec: { attacher: 'x/y', nodeName: 'n', source } }),
  )
  claim('data', { volumeName: 'new' }, { annotations: bound })
  await place('web', mounting('data'))
  expect(messageOf('web')).toMatch('1 node(s) exceed max volume count.')
  api.remove(VolumeAttachment, 'va')
  await clock.advance(5)
  expect(nodeOf('web')).toBe('n')
})
test('a node that comes to take more volumes wakes who was refused for that', async () => {
  const takes = (count: number) =>
    CSINode.schema.parse({ metadata: { name: 'n' }, spec: { drivers: [{ name: 'x/y', nodeID: 'n', allocatable: { count } }] } })
  api.put(Node, node({ name: 'n' }))
  api.put(CSINode, takes(0))
  volume('v', '1Gi', { hostPath: undefined, csi: { driver: 'x/y', volumeHandle: 'one' } })
  claim('data', { volumeName: 'v' }, { annotations: bound })
  await place('web', mounting('data'))
  expect(nodeOf('web')).toBeUndefined()
  api.put(CSINode, takes(1))
  await clock.advance(5)
  expect(nodeOf('web')).toBe('n')
})
test('a pod refused for lack of storage is woken when there is more of it', async () => {
  const capacity = (amount: string) =>
    CSIStorageCapacity.schema.parse({
      metadata: { name: 'c', namespace: 'default' },
      storageClassName: 'made',
      capacity: amount,
      nodeTopology: {},
    })
  storageClass('made', 'x/y', 'WaitForFirstConsumer')
  api.put(CSIDriver, CSIDriver.schema.parse({ metadata: { name: 'x/y' }, spec: { storageCapacity: true } }))
  api.put(CSIStorageCapacity, capacity('500Mi'))
  api.put(Node, node({ name: 'n' }))
  claim('data', { storageClassName: 'made' })
  await place('web', mounting('data'))
  expect(messageOf('web')).toMatch('1 node(s) did not have enough free storage.')
  api.put(CSIStorageCapacity, capacity('2Gi'))
  await clock.advance(5)
  expect(api.get(PersistentVolumeClaim, 'default/data')?.metadata.annotations).toEqual({
    'volume.kubernetes.io/selected-node': 'n',
  })
})
