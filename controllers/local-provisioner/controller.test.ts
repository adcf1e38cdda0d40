import { expect, test } from 'vitest'
import { Node } from '../../api/core/node.ts'
import { PersistentVolume } from '../../api/core/persistent-volume.ts'
import { PersistentVolumeClaim } from '../../api/core/persistent-volume-claim.ts'
import { eventsAbout, fleet } from '../node-lifecycle/testing.ts'
import { claimBinder } from '../persistent-volume/claim-controller.ts'
import { claimProtector, volumeProtector } from '../persistent-volume/protection.ts'
import { storage } from '../persistent-volume/testing.ts'
import { volumePhases } from '../persistent-volume/volume-controller.ts'
import { type TestCluster, testCluster } from '../testing.ts'
import { localProvisioner } from './controller.ts'

/** Folders that exist in a set. */
function fakeFolders() {
  const present = new Set<string>()
  const broken = { create: false, remove: false }
  return {
    present,
    broken,
    async create(volume: string) {
      if (broken.create) throw new Error('no space left on device')
      present.add(volume)
      return `/volumes/${volume}`
    },
    async remove(volume: string) {
      if (broken.remove) throw new Error('device is busy')
      present.delete(volume)
    },
  }
}

const data = { namespace: 'default', name: 'data' }
const lazy = { volumeBindingMode: 'WaitForFirstConsumer' as const }
const everything = (folders: ReturnType<typeof fakeFolders>) => [
  ...[claimBinder(), volumePhases, claimProtector, volumeProtector],
  localProvisioner(folders),
]
/** What the scheduler does when it has placed a pod that uses the claim. */
const select = ({ client }: TestCluster, node: string) =>
  client.patch(PersistentVolumeClaim, data, 'merge', {
    metadata: { annotations: { 'volume.kubernetes.io/selected-node': node } },
  })

test('a claim that waits for its consumer gets a folder on the node that the scheduler chose, and the folder goes with the claim', async () => {
  const folders = fakeFolders()
  await using cluster = await testCluster(everything(folders))
  const { claim, claimState, volumeState, storageClass, readVolume } = storage(cluster)
  await fleet(cluster).join('a', 'n1', 'n2')
  await storageClass('standard', lazy)
  const { metadata } = await claim('data', '1Gi', { storageClassName: 'standard' })
  const name = `pvc-${metadata.uid}`
  await cluster.advance(1_000)
  expect([await claimState('data'), folders.present.size]).toEqual(['Pending', 0])
  await select(cluster, 'n2')
  await cluster.eventually(async () => expect(await claimState('data')).toBe(`Bound ${name}`))
  expect([...folders.present]).toEqual([name])
  expect(await readVolume(name)).toMatchObject({
    metadata: {
      annotations: { 'pv.kubernetes.io/provisioned-by': 'wherry.dev/local' },
      finalizers: ['external-provisioner.volume.kubernetes.io/finalizer', 'kubernetes.io/pv-protection'],
    },
    spec: {
      capacity: { storage: '1Gi' },
      accessModes: ['ReadWriteOnce'],
      storageClassName: 'standard',
      persistentVolumeReclaimPolicy: 'Delete',
      local: { path: `/volumes/${name}` },
      claimRef: { ...data, uid: metadata.uid },
      nodeAffinity: {
        required: {
          nodeSelectorTerms: [{ matchExpressions: [{ key: 'kubernetes.io/hostname', operator: 'In', values: ['n2'] }] }],
        },
      },
    },
    status: { phase: 'Bound' },
  })
  const told = new Set((await eventsAbout(cluster, 'data')).map(text => text.split(' ')[0]))
  expect([...told].sort()).toEqual(['ExternalProvisioning', 'Provisioning', 'ProvisioningSucceeded', 'WaitForFirstConsumer'])

  await cluster.client.delete(PersistentVolumeClaim, data)
  await cluster.eventually(async () => {
    expect([await claimState('data'), await volumeState(name), folders.present.size]).toEqual(['gone', 'gone', 0])
  })
})

test('a class that binds at once gets a folder on a node that is ready', async () => {
  const folders = fakeFolders()
  await using cluster = await testCluster(everything(folders))
  const { claim, claimState, storageClass, readVolume } = storage(cluster)
  const nodes = fleet(cluster)
  await storageClass('eager')
  const { metadata } = await claim('data', '1Gi', { storageClassName: 'eager' })
  await cluster.advance(1_000)
  expect(await eventsAbout(cluster, 'data')).toContain(
    'ProvisioningFailed failed to provision volume with StorageClass "eager": no node is ready for it',
  )
  await nodes.join('a', 'n1', 'n2', 'n3')
  await nodes.report('False', 'n1', 'n3')
  await cluster.advance(15_000)
  await cluster.eventually(async () => expect(await claimState('data')).toBe(`Bound pvc-${metadata.uid}`))
  const { nodeAffinity } = (await readVolume(`pvc-${metadata.uid}`)).spec
  expect(nodeAffinity?.required?.nodeSelectorTerms[0]?.matchExpressions?.[0]?.values).toEqual(['n2'])
})

test('a folder that cannot be made is tried again, and the claim says why it waits', async () => {
  const folders = fakeFolders()
  folders.broken.create = true
  await using cluster = await testCluster(everything(folders))
  const { claim, claimState, storageClass } = storage(cluster)
  await fleet(cluster).join('a', 'n1')
  await storageClass('eager')
  const { metadata } = await claim('data', '1Gi', { storageClassName: 'eager' })
  await cluster.advance(1_000)
  expect(await eventsAbout(cluster, 'data')).toContain(
    'ProvisioningFailed failed to provision volume with StorageClass "eager": no space left on device',
  )
  folders.broken.create = false
  await cluster.advance(10_000)
  expect(await claimState('data')).toBe(`Bound pvc-${metadata.uid}`)
})

test('a folder that cannot be removed makes its volume Failed, until it can', async () => {
  const folders = fakeFolders()
  await using cluster = await testCluster(everything(folders))
  const { claim, claimState, volumeState, storageClass, readVolume } = storage(cluster)
  await fleet(cluster).join('a', 'n1')
  await storageClass('eager')
  const { metadata } = await claim('data', '1Gi', { storageClassName: 'eager' })
  const name = `pvc-${metadata.uid}`
  await cluster.eventually(async () => expect(await claimState('data')).toBe(`Bound ${name}`))
  folders.broken.remove = true
  await cluster.client.delete(PersistentVolumeClaim, data)
  await cluster.advance(1_000)
  expect((await readVolume(name)).status).toMatchObject({ phase: 'Failed', message: 'device is busy' })
  expect(new Set(await eventsAbout(cluster, name))).toEqual(new Set(['VolumeFailedDelete device is busy']))
  folders.broken.remove = false
  await cluster.advance(10_000)
  expect([await volumeState(name), folders.present.size]).toEqual(['gone', 0])
})

test('a retained volume keeps its folder', async () => {
  const folders = fakeFolders()
  await using cluster = await testCluster(everything(folders))
  const { claim, claimState, volumeState, storageClass } = storage(cluster)
  await fleet(cluster).join('a', 'n1')
  await storageClass('careful', { reclaimPolicy: 'Retain' })
  const { metadata } = await claim('data', '1Gi', { storageClassName: 'careful' })
  const name = `pvc-${metadata.uid}`
  await cluster.eventually(async () => expect(await claimState('data')).toBe(`Bound ${name}`))
  await cluster.client.delete(PersistentVolumeClaim, data)
  await cluster.advance(10_000)
  expect([await volumeState(name), [...folders.present]]).toEqual(['Released data', [name]])
  await cluster.client.delete(PersistentVolume, { name })
  await cluster.eventually(async () => expect(await volumeState(name)).toBe('gone'))
  expect([...folders.present]).toEqual([name])
})

test('a volume deleted before its claim leaves no folder behind', async () => {
  const folders = fakeFolders()
  await using cluster = await testCluster(everything(folders))
  const { claim, claimState, volumeState, storageClass } = storage(cluster)
  await fleet(cluster).join('a', 'n1')
  await storageClass('eager')
  const { metadata } = await claim('data', '1Gi', { storageClassName: 'eager' })
  const name = `pvc-${metadata.uid}`
  await cluster.eventually(async () => expect(await claimState('data')).toBe(`Bound ${name}`))
  await cluster.client.delete(PersistentVolume, { name })
  await cluster.advance(1_000)
  expect([await volumeState(name), folders.present.size]).toEqual(['Bound data', 1])
  await cluster.client.delete(PersistentVolumeClaim, data)
  await cluster.eventually(async () => expect([await volumeState(name), folders.present.size]).toEqual(['gone', 0]))
})

test('when the chosen node is gone the scheduler may choose another', async () => {
  const folders = fakeFolders()
  await using cluster = await testCluster(everything(folders))
  const { claim, claimState, storageClass, readClaim } = storage(cluster)
  await fleet(cluster).join('a', 'n1', 'n2')
  await storageClass('standard', lazy)
  const { metadata } = await claim('data', '1Gi', { storageClassName: 'standard' })
  await cluster.client.delete(Node, { name: 'n1' })
  await select(cluster, 'n1')
  await cluster.eventually(async () => {
    const { annotations } = (await readClaim('data')).metadata
    expect(annotations).toHaveProperty(['volume.kubernetes.io/storage-provisioner'])
    expect(annotations).not.toHaveProperty(['volume.kubernetes.io/selected-node'])
  })
  expect(await eventsAbout(cluster, 'data')).toContain(
    'ProvisioningFailed failed to provision volume with StorageClass "standard": failed to get target node: nodes "n1" not found',
  )
  await select(cluster, 'n2')
  await cluster.eventually(async () => expect(await claimState('data')).toBe(`Bound pvc-${metadata.uid}`))
})

test('what folders cannot do is refused', async () => {
  const folders = fakeFolders()
  await using cluster = await testCluster(everything(folders))
  const { claim, storageClass } = storage(cluster)
  await fleet(cluster).join('a', 'n1')
  await storageClass('eager')
  await claim('raw', '1Gi', { storageClassName: 'eager', volumeMode: 'Block' })
  await claim('picky', '1Gi', { storageClassName: 'eager', selector: { matchLabels: { a: 'b' } } })
  await cluster.advance(1_000)
  const failed = async (name: string) =>
    (await eventsAbout(cluster, name)).filter(text => text.startsWith('ProvisioningFailed'))[0]
  const prefix = 'ProvisioningFailed failed to provision volume with StorageClass "eager":'
  expect([await failed('raw'), await failed('picky'), folders.present.size]).toEqual([
    `${prefix} folders cannot be block volumes`,
    `${prefix} claim Selector is not supported`,
    0,
  ])
})
