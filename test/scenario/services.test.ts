import { expect, test } from 'vitest'
import { Deployment } from '../../api/apps/deployment.ts'
import { Endpoints } from '../../api/core/endpoints.ts'
import { Namespace } from '../../api/core/namespace.ts'
import { Pod } from '../../api/core/pod.ts'
import { ReplicationController } from '../../api/core/replication-controller.ts'
import { Service } from '../../api/core/service.ts'
import { EndpointSlice } from '../../api/discovery/endpoint-slice.ts'
import { isReason } from '../../api/errors.ts'
import { PodDisruptionBudget } from '../../api/policy/pod-disruption-budget.ts'
import { virtualClock } from '../../lib/clock.ts'
import { isReady, type TestCluster, testCluster } from '../support/cluster.ts'
import { deploymentNamed } from '../support/objects.ts'

const web = { namespace: 'default', name: 'web' }

async function addresses({ client }: TestCluster) {
  const { subsets = [] } = await client.get(Endpoints, web)
  const { items } = await client.list(EndpointSlice, { namespace: 'default', labelSelector: 'kubernetes.io/service-name=web' })
  return {
    endpoints: subsets.flatMap(({ addresses: ready = [] }) => ready.map(({ ip }) => ip)).sort(),
    slices: items
      .flatMap(({ endpoints }) => endpoints.filter(({ conditions }) => conditions.ready).flatMap(each => each.addresses))
      .sort(),
  }
}

test('a service finds the pods of a deployment, wherever they run; a budget says how many may be evicted', async () => {
  const clock = virtualClock()
  await using cluster = await testCluster({ simulated: 2, clock })
  const { client } = cluster
  await cluster.apply(deploymentNamed('web', 4))
  const { selector } = (await client.get(Deployment, web)).spec
  const matchLabels = selector?.matchLabels ?? {}
  await client.create(Service, { metadata: web, spec: { selector: matchLabels, ports: [{ port: 80 }] } })
  await client.create(PodDisruptionBudget, { metadata: web, spec: { maxUnavailable: 1, selector: { matchLabels } } })
  const serving = async () => (await cluster.pods()).filter(isReady).map(({ status }) => status.podIP)
  await cluster.eventually(async () => {
    const ips = (await serving()).sort()
    expect(ips).toHaveLength(4)
    expect(await addresses(cluster)).toEqual({ endpoints: ips, slices: ips })
    expect((await client.get(PodDisruptionBudget, web)).status).toMatchObject({ disruptionsAllowed: 1, currentHealthy: 4 })
  })
  const evict = ({ metadata }: Pod) =>
    client.createSubresource(Pod, metadata, 'eviction', { apiVersion: 'policy/v1', kind: 'Eviction', metadata })
  const [first, second] = (await cluster.pods()) as [Pod, Pod]
  await evict(first)
  await expect(evict(second)).rejects.toThrow("Cannot evict pod as it would violate the pod's disruption budget.")
  await cluster.eventually(async () => {
    const ips = (await serving()).sort()
    expect(ips).toHaveLength(4)
    expect(ips).not.toContain(first.status.podIP)
    expect(await addresses(cluster)).toEqual({ endpoints: ips, slices: ips })
    expect((await client.get(PodDisruptionBudget, web)).status.disruptionsAllowed).toBe(1)
  })
})

test('a replication controller runs its pods, and a namespace that is deleted takes all of it along', async () => {
  const clock = virtualClock()
  await using cluster = await testCluster({ simulated: 2, clock })
  const { client } = cluster
  await client.create(Namespace, { metadata: { name: 'team' } })
  const template = { metadata: { labels: { app: 'old' } }, spec: { containers: [{ name: 'main', image: 'busybox:1.36' }] } }
  const old = { namespace: 'team', name: 'old' }
  await cluster.eventually(async () => {
    await client.create(ReplicationController, { metadata: old, spec: { replicas: 3, template } })
  })
  await client.create(Service, { metadata: old, spec: { selector: { app: 'old' }, ports: [{ port: 80 }] } })
  await cluster.eventually(async () => {
    expect((await client.get(ReplicationController, old)).status).toMatchObject({ replicas: 3, readyReplicas: 3 })
    expect((await client.get(Endpoints, old)).subsets?.[0]?.addresses).toHaveLength(3)
  })
  const deletedAt = clock.now()
  await client.delete(Namespace, { name: 'team' })
  await cluster.eventually(async () => {
    const isGone = await client.get(Namespace, { name: 'team' }).then(
      () => false,
      error => isReason(error, 'NotFound'),
    )
    expect(isGone).toBe(true)
  })
  expect((clock.now() - deletedAt) / 1000).toBeLessThan(15)
  expect((await client.list(EndpointSlice, { namespace: 'team' })).items).toEqual([])
})
