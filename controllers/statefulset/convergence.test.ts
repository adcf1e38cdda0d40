import { expect, test } from 'vitest'
import { ControllerRevision } from '../../api/apps/controller-revision.ts'
import { StatefulSet } from '../../api/apps/stateful-set.ts'
import { PersistentVolumeClaim } from '../../api/core/persistent-volume-claim.ts'
import { Pod } from '../../api/core/pod.ts'
import { ApiError, ignore } from '../../api/errors.ts'
import { kinds } from '../../api/kinds.ts'
import { seededRandom } from '../../lib/random.ts'
import { garbageCollector } from '../garbage-collector/controller.ts'
import { testCluster } from '../testing.ts'
import { statefulSet } from './controller.ts'
import { bind, claimTemplate, letGo, picture, statefulSetInput } from './testing.ts'

const web = { namespace: 'default', name: 'web' }

test.each([1, 2, 3])('whatever happens, it comes to what is wanted (seed %i)', async seed => {
  const random = seededRandom(seed)
  let isTroubled = true
  await using cluster = await testCluster([statefulSet, garbageCollector(kinds)], {
    before: ({ verb }) => {
      const isWrite = verb === 'create' || verb === 'update' || verb === 'delete' || verb === 'patch'
      if (isTroubled && isWrite && random.below(12) === 0) throw new ApiError('InternalError', 'no luck')
    },
  })
  const { client } = cluster
  const wanted = { replicas: 3, image: 'web:0', start: 0 }
  const ours = async (act: () => Promise<unknown>) => {
    await act().catch(ignore('NotFound', 'Conflict', 'InternalError', 'AlreadyExists'))
  }
  isTroubled = false
  await client.create(
    StatefulSet,
    statefulSetInput({
      image: 'web:0',
      podManagementPolicy: seed % 2 ? 'OrderedReady' : 'Parallel',
      volumeClaimTemplates: [claimTemplate('data')],
      persistentVolumeClaimRetentionPolicy: { whenDeleted: 'Delete', whenScaled: 'Retain' },
      revisionHistoryLimit: 2,
    }),
  )
  isTroubled = true
  for (let i = 0; i < 60; i++) {
    const pods = (await client.list(Pod)).items
    const pod = pods[random.below(pods.length + 1)]
    const what = random.below(9)
    if (what === 0 && pod) await ours(() => client.delete(Pod, pod.metadata))
    if (what === 1 && pod) await ours(() => letGo(cluster, pod.metadata.name))
    if (what === 2 && pod) await ours(() => bind(cluster, pod.metadata.name))
    if (what === 3 && pod) {
      await ours(() => client.updateStatus(Pod, { ...pod, status: { ...pod.status, phase: 'Failed' } }))
    }
    if (what === 4) wanted.replicas = random.below(5)
    if (what === 5) wanted.image = `web:${random.below(4)}`
    if (what === 6) wanted.start = random.below(3)
    if (what === 7) await cluster.restart()
    if (what === 8) await ours(() => cluster.ready())
    const { replicas, image, start } = wanted
    const template = { spec: { containers: [{ name: 'main', image }] } }
    await ours(() => client.patch(StatefulSet, web, 'strategic', { spec: { replicas, ordinals: { start }, template } }))
    await cluster.advance(random.below(3) * random.below(100))
  }
  isTroubled = false
  const { replicas, image, start } = wanted
  const template = { spec: { containers: [{ name: 'main', image }] } }
  await client.patch(StatefulSet, web, 'strategic', { spec: { replicas, ordinals: { start }, template } })
  await cluster.eventually(async () => {
    for (const { metadata } of (await client.list(Pod)).items) if (metadata.deletionTimestamp) await letGo(cluster, metadata.name)
    await cluster.ready()
    const names = Array.from({ length: replicas }, (_, index) => `web-${start + index}`)
    expect(await picture(cluster)).toEqual(names.map(name => `${name} ${image}`))
    const { status, metadata } = await client.get(StatefulSet, web)
    expect(status).toMatchObject({ observedGeneration: metadata.generation, replicas, availableReplicas: replicas })
    expect([status.readyReplicas ?? 0, status.updatedReplicas ?? 0]).toEqual([replicas, replicas])
    expect(status.currentRevision).toBe(status.updateRevision)
    const revisions = (await client.list(ControllerRevision)).items
    expect(revisions.length).toBeLessThanOrEqual(3)
    const newest = revisions.reduce((a, b) => (a.revision > b.revision ? a : b))
    expect(newest.metadata.name).toBe(status.updateRevision)
    expect(new Set(revisions.map(({ revision }) => revision)).size).toBe(revisions.length)
    const claims = new Set((await client.list(PersistentVolumeClaim)).items.map(({ metadata }) => metadata.name))
    for (const name of names) expect(claims).toContain(`data-${name}`)
  })
})
