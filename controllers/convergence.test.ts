import { expect, test } from 'vitest'
import { Deployment } from '../api/apps/deployment.ts'
import { ReplicaSet } from '../api/apps/replica-set.ts'
import { Pod } from '../api/core/pod.ts'
import { ignore } from '../api/errors.ts'
import { kinds } from '../api/kinds.ts'
import { type Random, seededRandom } from '../lib/random.ts'
import { deployment } from './deployment/controller.ts'
import { garbageCollector } from './garbage-collector/controller.ts'
import { replicaSet } from './replicaset/controller.ts'
import { deploymentInput, type TestCluster, testCluster } from './testing.ts'

const web = { namespace: 'default', name: 'web' }

/** One thing that may happen to a deployment. */
async function disturb(cluster: TestCluster, random: Random, wanted: { replicas: number; image: string }): Promise<void> {
  const { client } = cluster
  const [pod] = (await cluster.pods()).slice(random.below(8))
  const what = random.below(6)
  if (what === 0 && pod) await client.delete(Pod, pod.metadata, { gracePeriodSeconds: 0 }).catch(ignore('NotFound'))
  if (what === 1 && pod) {
    await client.updateStatus(Pod, { ...pod, status: { ...pod.status, phase: 'Failed' } }).catch(ignore('NotFound', 'Conflict'))
  }
  if (what === 2) wanted.replicas = random.below(12)
  if (what === 3) wanted.image = `web:${random.below(4)}`
  if (what === 4) await cluster.restart()
  if (what === 5) await cluster.ready()
  const containers = [{ name: 'main', image: wanted.image }]
  await client.patch(Deployment, web, 'strategic', { spec: { replicas: wanted.replicas, template: { spec: { containers } } } })
  await cluster.advance(random.below(3) * random.below(100))
}

test.each([1, 2])('whatever happens, it comes to what is wanted (seed %i)', async seed => {
  const random = seededRandom(seed)
  await using cluster = await testCluster([deployment, replicaSet, garbageCollector(kinds)])
  await cluster.client.create(Deployment, deploymentInput({ replicas: 4, image: 'web:0' }))
  const wanted = { replicas: 4, image: 'web:0' }
  for (let i = 0; i < 40; i++) await disturb(cluster, random, wanted)

  await cluster.eventually(async () => {
    await cluster.ready()
    const alive = (await cluster.pods()).filter(pod => pod.status.phase === 'Running')
    expect(alive.map(pod => pod.spec.containers[0]?.image)).toEqual(Array(wanted.replicas).fill(wanted.image))
    const { status, metadata } = await cluster.client.get(Deployment, web)
    expect(status).toMatchObject({ observedGeneration: metadata.generation, terminatingReplicas: 0 })
    expect([status.replicas ?? 0, status.updatedReplicas ?? 0, status.availableReplicas ?? 0]).toEqual(
      Array(3).fill(wanted.replicas),
    )
  })
  await cluster.client.delete(Deployment, web, { propagationPolicy: 'Foreground' })
  await cluster.eventually(async () => {
    const left = await Promise.all([Deployment, ReplicaSet, Pod].map(kind => cluster.client.list(kind)))
    expect(left.map(({ items }) => items.length)).toEqual([0, 0, 0])
  })
})
