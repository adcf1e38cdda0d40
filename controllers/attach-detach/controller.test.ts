import { expect, test } from 'vitest'
import { Node } from '../../api/core/node.ts'
import { PersistentVolume } from '../../api/core/persistent-volume.ts'
import { PersistentVolumeClaim } from '../../api/core/persistent-volume-claim.ts'
import { Pod } from '../../api/core/pod.ts'
import { attachmentName } from '../../api/storage/attachment-name.ts'
import { VolumeAttachment } from '../../api/storage/volume-attachment.ts'
import { eventsAbout } from '../node-lifecycle/testing.ts'
import { claimBinder } from '../persistent-volume/claim-controller.ts'
import { volumePhases } from '../persistent-volume/volume-controller.ts'
import { type TestCluster, testCluster } from '../testing.ts'
import { attachDetach } from './controller.ts'

const unique = 'kubernetes.io/csi/d^h'
const namespace = 'default'

/** A volume that one node at a time may have, two nodes, and what their kubelets and the driver would say. */
async function story(cluster: TestCluster) {
  const { client } = cluster
  const annotations = { 'volumes.kubernetes.io/controller-managed-attach-detach': 'true' }
  for (const name of ['n1', 'n2']) {
    await client.create(Node, { metadata: { name, annotations } })
    await client.patch(
      Node,
      { name },
      'merge',
      { status: { conditions: [{ type: 'Ready', status: 'True' }] } },
      { subresource: 'status' },
    )
  }
  const spec = {
    capacity: { storage: '1Gi' },
    accessModes: ['ReadWriteOnce'],
    storageClassName: 'c',
    csi: { driver: 'd', volumeHandle: 'h' },
  }
  await client.create(PersistentVolume, { metadata: { name: 'v' }, spec } as never)
  const wish = { accessModes: ['ReadWriteOnce'], storageClassName: 'c', resources: { requests: { storage: '1Gi' } } }
  await client.create(PersistentVolumeClaim, { metadata: { name: 'data', namespace }, spec: wish } as never)
  await cluster.eventually(async () => {
    expect((await client.get(PersistentVolumeClaim, { namespace, name: 'data' })).status.phase).toBe('Bound')
  })
  const told = (name: string, status: object) => client.patch(Node, { name }, 'merge', { status }, { subresource: 'status' })
  return {
    run: (name: string, nodeName: string) =>
      client.create(Pod, {
        metadata: { name, namespace },
        spec: {
          nodeName,
          containers: [{ name: 'c', image: 'i' }],
          volumes: [{ name: 'data', persistentVolumeClaim: { claimName: 'data' } }],
        },
      }),
    end: (name: string) => client.delete(Pod, { namespace, name }, { gracePeriodSeconds: 0 }),
    attachments: async () => (await client.list(VolumeAttachment)).items.map(({ spec }) => spec.nodeName),
    driverSays: (nodeName: string, status: object) =>
      client.patch(
        VolumeAttachment,
        { name: attachmentName('h', 'd', nodeName) },
        'merge',
        { status },
        { subresource: 'status' },
      ),
    uses: (name: string, isUsed: boolean) => told(name, { volumesInUse: isUsed ? [unique] : [] }),
    silence: (name: string) => told(name, { conditions: [{ type: 'Ready', status: 'Unknown' }] }),
    attached: async (name: string) => ((await client.get(Node, { name })).status.volumesAttached ?? []).map(one => one.name),
  }
}
const controllers = () => [claimBinder(), volumePhases, attachDetach()]

test('attached where a pod wants it, told to the node, refused elsewhere, and moved once the first node has let go', async () => {
  await using cluster = await testCluster(controllers())
  const { run, end, attachments, driverSays, uses, attached } = await story(cluster)
  await run('first', 'n1')
  await cluster.eventually(async () => expect(await attachments()).toEqual(['n1']))
  expect(await attached('n1')).toEqual([])
  await driverSays('n1', { attachError: { message: 'rpc error: code = Internal desc = busy' } })
  await driverSays('n1', { attached: true, attachError: null })
  await cluster.eventually(async () => expect(await attached('n1')).toEqual([unique]))
  await uses('n1', true)
  await run('second', 'n2')
  await cluster.advance(1000)
  expect(await attachments()).toEqual(['n1'])
  expect(await eventsAbout(cluster, 'second')).toEqual([
    'FailedAttachVolume Multi-Attach error for volume "v" Volume is already used by pod(s) first',
  ])
  expect(await eventsAbout(cluster, 'first')).toContain('SuccessfulAttachVolume AttachVolume.Attach succeeded for volume "v" ')
  await end('first')
  await cluster.advance(10 * 60_000)
  expect([await attachments(), await attached('n1')]).toEqual([['n1'], [unique]])
  await uses('n1', false)
  await cluster.eventually(async () => expect([await attachments(), await attached('n1')]).toEqual([['n2'], []]))
})

test('a driver that fails is told of on the pod', async () => {
  await using cluster = await testCluster(controllers())
  const { run, attachments, driverSays } = await story(cluster)
  await run('first', 'n1')
  await cluster.eventually(async () => expect(await attachments()).toEqual(['n1']))
  await driverSays('n1', { attachError: { message: 'rpc error: code = Internal desc = busy' } })
  await cluster.eventually(async () =>
    expect(await eventsAbout(cluster, 'first')).toContain(
      'FailedAttachVolume AttachVolume.Attach failed for volume "v" : rpc error: code = Internal desc = busy',
    ),
  )
})

test('a node that has fallen silent loses it after six minutes; one that is off for sure at once', async () => {
  await using cluster = await testCluster(controllers())
  const { run, end, attachments, driverSays, uses, silence, attached } = await story(cluster)
  await run('first', 'n1')
  await cluster.eventually(async () => expect(await attachments()).toEqual(['n1']))
  await driverSays('n1', { attached: true })
  await cluster.eventually(async () => expect(await attached('n1')).toEqual([unique]))
  await uses('n1', true)
  await silence('n1')
  await end('first')
  await run('second', 'n2')
  await cluster.advance(5.5 * 60_000)
  expect(await attachments()).toEqual(['n1'])
  await cluster.advance(60_000)
  await cluster.eventually(async () => expect(await attachments()).toEqual(['n2']))

  await driverSays('n2', { attached: true })
  await cluster.eventually(async () => expect(await attached('n2')).toEqual([unique]))
  await uses('n2', true)
  await end('second')
  await cluster.advance(1000)
  expect(await attachments()).toEqual(['n2'])
  const taints = [{ key: 'node.kubernetes.io/out-of-service', value: 'nodeshutdown', effect: 'NoExecute' }]
  await cluster.client.patch(Node, { name: 'n2' }, 'merge', { spec: { taints } })
  await cluster.eventually(async () => expect(await attachments()).toEqual([]))
})
