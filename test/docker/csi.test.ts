import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { Node } from '../../api/core/node.ts'
import { PersistentVolume } from '../../api/core/persistent-volume.ts'
import { PersistentVolumeClaim } from '../../api/core/persistent-volume-claim.ts'
import { CSINode } from '../../api/storage/csi-node.ts'
import { VolumeAttachment } from '../../api/storage/volume-attachment.ts'
import type { TestCluster } from '../support/cluster.ts'
import { type TestDriver, testCsiDriver } from '../support/csi-driver.ts'
import { eventually } from '../support/eventually.ts'
import { type RealPods, realCluster, realPods } from '../support/real-pods.ts'

let cluster: TestCluster
let driver: TestDriver
let pods: RealPods

beforeAll(async () => {
  cluster = await realCluster()
  driver = await testCsiDriver({ nodes: [{ name: 'node-1', rootDir: join(cluster.nodesDir, 'node-1') }], isFine: true })
  await driver.start()
  pods = await realPods(cluster, 'csi')
  await cluster.apply([
    {
      apiVersion: 'storage.k8s.io/v1',
      kind: 'CSIDriver',
      metadata: { name: driver.name },
      spec: {
        attachRequired: true,
        podInfoOnMount: true,
        volumeLifecycleModes: ['Persistent', 'Ephemeral'],
        tokenRequests: [{ audience: 'vault', expirationSeconds: 3600 }],
      },
    },
    {
      apiVersion: 'storage.k8s.io/v1',
      kind: 'StorageClass',
      metadata: { name: 'fast' },
      provisioner: driver.name,
      allowVolumeExpansion: true,
      volumeBindingMode: 'WaitForFirstConsumer',
    },
    {
      apiVersion: 'storage.k8s.io/v1',
      kind: 'StorageClass',
      metadata: { name: 'eager' },
      provisioner: driver.name,
      allowVolumeExpansion: true,
    },
  ])
  await eventually(() => expect(driver.calls).toContain('registered'))
}, 60_000)

afterAll(async () => {
  await cluster?.stop()
  await driver?.[Symbol.asyncDispose]()
}, 60_000)

const claim = (name: string, spec: object = {}) => ({
  apiVersion: 'v1',
  kind: 'PersistentVolumeClaim',
  metadata: { name },
  spec: { storageClassName: 'eager', accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Mi' } }, ...spec },
})
const mounting = (claimName: string, command: string[] = ['sleep', '3600']) => ({
  container: { command, volumeMounts: [{ name: 'data', mountPath: '/data' }] },
  volumes: [{ name: 'data', persistentVolumeClaim: { claimName } }],
})
const attachments = async () => (await cluster.client.list(VolumeAttachment)).items
const removeClaim = async (name: string) => {
  await cluster.client.delete(PersistentVolumeClaim, { namespace: pods.namespace, name })
}
const nothingLeft = () =>
  eventually(
    async () => {
      expect([...driver.volumes.keys()]).toEqual([])
      expect((await cluster.client.list(PersistentVolume)).items.map(({ metadata }) => metadata.name)).toEqual([])
      expect(await attachments()).toEqual([])
      expect(await driver.mounts()).toEqual([])
      expect((await cluster.client.get(Node, { name: 'node-1' })).status.volumesInUse ?? []).toEqual([])
    },
    { timeoutInMs: 60_000 },
  )
const callsSince = (from: number) =>
  driver.calls
    .slice(from)
    .map(call => call.split(' ')[0] ?? '')
    .filter(call => !/Capabilities|Info|registered|Probe/.test(call))

test('a driver that registers is told of in CSINode, and in the node', async () => {
  const { spec, metadata } = await cluster.client.get(CSINode, { name: 'node-1' })
  expect(spec.drivers).toEqual([{ name: driver.name, nodeID: 'node-1' }])
  const node = await cluster.client.get(Node, { name: 'node-1' })
  expect(metadata.ownerReferences?.[0]).toMatchObject({ kind: 'Node', uid: node.metadata.uid })
  expect(JSON.parse(node.metadata.annotations?.['csi.volume.kubernetes.io/nodeid'] ?? '')).toEqual({ [driver.name]: 'node-1' })
})

test('a claim is provisioned when its pod comes; what one pod writes the next one reads; deletion leaves nothing', async () => {
  const from = driver.calls.length
  await pods.create(claim('notes', { storageClassName: 'fast' }))
  await pods.pod('writer', mounting('notes', ['sh', '-c', 'echo kept > /data/note; sleep 3600']))
  await pods.ready('writer')
  expect(callsSince(from)).toEqual(['CreateVolume', 'ControllerPublishVolume', 'NodeStageVolume', 'NodePublishVolume'])
  expect(await pods.events('writer')).toContainEqual(
    expect.stringMatching(/^SuccessfulAttachVolume: AttachVolume.Attach succeeded for volume "pvc-[-0-9a-f]+" $/),
  )
  await eventually(async () => expect((await pods.exec('writer', 'cat /data/note')).stdout).toBe('kept\n'))
  const bound = await cluster.client.get(PersistentVolumeClaim, { namespace: pods.namespace, name: 'notes' })
  expect(bound.metadata.annotations?.['volume.kubernetes.io/selected-node']).toBe('node-1')
  const volume = await cluster.client.get(PersistentVolume, { name: bound.spec.volumeName ?? '' })
  expect(volume.metadata.finalizers).toEqual(
    expect.arrayContaining([
      'external-provisioner.volume.kubernetes.io/finalizer',
      `external-attacher/${driver.name.replaceAll('.', '-')}`,
      'kubernetes.io/pv-protection',
    ]),
  )
  expect(volume.spec.csi).toMatchObject({ driver: driver.name, volumeAttributes: { made: 'here' } })

  const between = driver.calls.length
  await pods.remove('writer')
  await eventually(async () => expect(await attachments()).toEqual([]), { timeoutInMs: 30_000 })
  expect(callsSince(between)).toEqual(['NodeUnpublishVolume', 'NodeUnstageVolume', 'ControllerUnpublishVolume'])
  expect(await pods.output('reader', mounting('notes', ['cat', '/data/note']))).toBe('kept\n')
  await pods.remove('reader')
  await removeClaim('notes')
  await nothingLeft()
}, 120_000)

test('an inline volume lives and dies with its pod, and hears whose it is', async () => {
  await pods.pod('inline', {
    container: { command: ['sleep', '3600'], volumeMounts: [{ name: 'scratch', mountPath: '/data' }] },
    volumes: [{ name: 'scratch', csi: { driver: driver.name, volumeAttributes: { size: 'small' } } }],
  })
  const pod = await pods.ready('inline')
  const context = JSON.parse((await pods.exec('inline', 'cat /data/context.json')).stdout) as Record<string, string>
  expect(context).toMatchObject({
    size: 'small',
    'csi.storage.k8s.io/pod.name': 'inline',
    'csi.storage.k8s.io/pod.namespace': pods.namespace,
    'csi.storage.k8s.io/pod.uid': pod.metadata.uid,
    'csi.storage.k8s.io/serviceAccount.name': 'default',
    'csi.storage.k8s.io/ephemeral': 'true',
  })
  const tokens = JSON.parse(context['csi.storage.k8s.io/serviceAccount.tokens'] ?? '{}') as Record<string, { token: string }>
  expect(tokens.vault?.token.split('.')).toHaveLength(3)
  await pods.remove('inline')
  await nothingLeft()
}, 60_000)

test('a block volume is a device in the container', async () => {
  await pods.create(claim('raw', { volumeMode: 'Block' }))
  await pods.pod('disk', {
    container: {
      command: ['sh', '-c', 'printf marked | dd of=/dev/xvda bs=512 conv=notrunc 2>/dev/null; sync; sleep 3600'],
      volumeDevices: [{ name: 'data', devicePath: '/dev/xvda' }],
    },
    volumes: [{ name: 'data', persistentVolumeClaim: { claimName: 'raw' } }],
  })
  await pods.ready('disk')
  await eventually(async () =>
    expect((await pods.exec('disk', 'test -b /dev/xvda && dd if=/dev/xvda bs=6 count=1 2>/dev/null')).stdout).toBe('marked'),
  )
  await pods.remove('disk')
  await removeClaim('raw')
  await nothingLeft()
}, 60_000)

test("a failed publish is told with the driver's words, and tried again", async () => {
  driver.fail('NodePublishVolume', { code: 'Internal', message: 'the disk is on fire' })
  driver.fail('NodeStageVolume', { code: 'Internal', message: 'out of order' })
  driver.fail('ControllerPublishVolume', { code: 'Internal', message: 'no hands free' })
  driver.fail('CreateVolume', { code: 'Internal', message: 'no clay' })
  await pods.create(claim('unlucky'))
  await pods.pod('patient', mounting('unlucky'))
  await pods.ready('patient')
  const events = await pods.events('patient')
  const told = (pattern: RegExp) => expect(events).toContainEqual(expect.stringMatching(pattern))
  told(/^FailedMount: MountVolume.SetUp failed for volume "pvc-.*" : rpc error: code = Internal desc = the disk is on fire$/)
  told(/^FailedMount: MountVolume.MountDevice failed for volume "pvc-.*" : rpc error: code = Internal desc = out of order$/)
  told(/^FailedAttachVolume: AttachVolume.Attach failed for volume "pvc-.*" : rpc error: code = Internal desc = no hands free$/)
  expect(await pods.events('unlucky')).toContain(
    'ProvisioningFailed: failed to provision volume with StorageClass "eager": rpc error: code = Internal desc = no clay',
  )
  await pods.remove('patient')
  await removeClaim('unlucky')
  await nothingLeft()
}, 90_000)

test('what may have been mounted is unmounted, also when the pod goes before anybody knows', async () => {
  driver.fail('NodePublishVolume', { code: 'DeadlineExceeded', isLate: true, times: 100 })
  await pods.create(claim('unsure'))
  await pods.pod('hasty', mounting('unsure'))
  await eventually(async () => expect(await pods.events('hasty')).toContainEqual(expect.stringMatching(/DeadlineExceeded/)), {
    timeoutInMs: 30_000,
  })
  expect((await driver.mounts()).some(place => place.endsWith('/mount'))).toBe(true)
  await pods.remove('hasty')
  driver.heal()
  await removeClaim('unsure')
  await nothingLeft()
}, 90_000)

test('a claim grows under a running pod', async () => {
  await pods.create(claim('growing'))
  await pods.pod('grower', mounting('growing'))
  await pods.ready('grower')
  const ref = { namespace: pods.namespace, name: 'growing' }
  await cluster.client.patch(PersistentVolumeClaim, ref, 'merge', { spec: { resources: { requests: { storage: '3Mi' } } } })
  await eventually(
    async () => {
      const { status } = await cluster.client.get(PersistentVolumeClaim, ref)
      expect(status.allocatedResources?.storage).toBe('3Mi')
      expect(status.conditions?.map(({ type }) => type) ?? []).toEqual(['FileSystemResizePending'])
      expect(status.allocatedResourceStatuses?.storage).toBe('NodeResizePending')
    },
    { timeoutInMs: 20_000 },
  )
  await eventually(
    async () => {
      const { status } = await cluster.client.get(PersistentVolumeClaim, ref)
      expect(status.capacity?.storage).toBe('3Mi')
      expect(status.conditions ?? []).toEqual([])
    },
    { timeoutInMs: 120_000 },
  )
  expect(driver.last('NodeExpandVolume')).toMatchObject({
    volumePath: expect.stringMatching(/kubernetes\.io~csi\/pvc-.*\/mount$/),
  })
  await pods.remove('grower')
  await removeClaim('growing')
  await nothingLeft()
}, 180_000)

test('ReadWriteOncePod lets one pod in', async () => {
  await pods.create(claim('alone', { accessModes: ['ReadWriteOncePod'] }))
  await pods.pod('first', mounting('alone'))
  await pods.ready('first')
  expect(driver.last('NodePublishVolume')).toMatchObject({
    volumeCapability: { accessMode: { mode: 'SINGLE_NODE_SINGLE_WRITER' } },
  })
  await pods.pod('second', mounting('alone'))
  await eventually(async () =>
    expect((await pods.events('second')).join()).toMatch(/ReadWriteOncePod access mode already in-use/),
  )
  await pods.pod('forced', { ...mounting('alone'), nodeName: 'node-1' })
  await eventually(
    async () =>
      expect((await pods.events('forced')).join()).toMatch(
        /volume uses the ReadWriteOncePod access mode and is already in use by another pod|UnexpectedAdmissionError|ReadWriteOncePod/,
      ),
    { timeoutInMs: 30_000 },
  )
  for (const name of ['second', 'forced', 'first']) await pods.remove(name)
  await removeClaim('alone')
  await nothingLeft()
}, 90_000)

test('a driver that goes is missed, and one that comes back goes on', async () => {
  await pods.create(claim('steady'))
  await pods.pod('before', mounting('steady'))
  await pods.ready('before')
  await driver.stop()
  await eventually(async () => expect((await cluster.client.get(CSINode, { name: 'node-1' })).spec.drivers).toEqual([]))
  await pods.pod('meanwhile', { ...mounting('steady'), nodeName: 'node-1' })
  await eventually(
    async () =>
      expect((await pods.events('meanwhile')).join()).toContain(
        `kubernetes.io/csi: mounter.SetUpAt failed to get CSI client: driver name ${driver.name} not found in the list of registered CSI drivers`,
      ),
    { timeoutInMs: 30_000 },
  )
  await driver.start()
  await pods.ready('meanwhile')
  for (const name of ['before', 'meanwhile']) await pods.remove(name)
  await removeClaim('steady')
  await nothingLeft()
}, 120_000)

test('clones and snapshots are refused with a reason', async () => {
  await pods.create(claim('copy', { dataSource: { kind: 'PersistentVolumeClaim', name: 'other' } }))
  await eventually(async () => expect((await pods.events('copy')).join()).toContain('cloning of claim other is not supported'))
  await removeClaim('copy')
}, 30_000)

test('claims grow only where their class allows it, and only once they are bound', async () => {
  await pods.create(claim('unbound', { storageClassName: 'fast' }))
  const grow = cluster.client.patch(PersistentVolumeClaim, { namespace: pods.namespace, name: 'unbound' }, 'merge', {
    spec: { resources: { requests: { storage: '2Mi' } } },
  })
  await expect(grow).rejects.toThrow(/Only bound persistent volume claims can be expanded|spec is immutable/)
  await removeClaim('unbound')
}, 30_000)

test('a generic ephemeral volume is a claim that goes with its pod', async () => {
  await pods.pod('owner', {
    container: { command: ['sleep', '3600'], volumeMounts: [{ name: 'own', mountPath: '/data' }] },
    volumes: [
      {
        name: 'own',
        ephemeral: {
          volumeClaimTemplate: {
            spec: { storageClassName: 'fast', accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Mi' } } },
          },
        },
      },
    ],
  })
  await pods.ready('owner')
  expect((await pods.exec('owner', 'echo x > /data/x && cat /data/x')).stdout).toBe('x\n')
  await pods.remove('owner')
  await nothingLeft()
}, 90_000)
