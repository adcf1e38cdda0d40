import { expect, test } from 'vitest'
import { ConfigMap } from '../../api/core/config-map.ts'
import { Pod } from '../../api/core/pod.ts'
import { ResourceQuota } from '../../api/core/resource-quota.ts'
import { kinds } from '../../api/kinds.ts'
import { testCluster } from '../testing.ts'
import { resourceQuota } from './controller.ts'

const namespace = 'default'
const quota = (hard: Record<string, string>, spec: object = {}) => ({
  metadata: { namespace, name: 'q' },
  spec: { hard, ...spec },
})
const pod = (name: string, more: object = {}) => ({
  metadata: { namespace, name },
  spec: { containers: [{ name: 'c', image: 'x', resources: { requests: { cpu: '100m' } } }], ...more },
})
const map = (name: string) => ({ metadata: { namespace, name } })

test('a new quota is told what there is', async () => {
  await using cluster = await testCluster([resourceQuota(kinds)])
  const { client } = cluster
  await client.create(Pod, pod('a'))
  await client.create(Pod, pod('b', { activeDeadlineSeconds: 5 }))
  await client.create(ResourceQuota, quota({ pods: '9', 'requests.cpu': '1' }, { scopes: ['NotTerminating'] }))
  await cluster.eventually(async () => {
    const { status } = await client.get(ResourceQuota, { namespace, name: 'q' })
    expect(status).toEqual({ hard: { pods: '9', 'requests.cpu': '1' }, used: { pods: '1', 'requests.cpu': '100m' } })
  })
})

test('what is deleted or has ended can be used again', async () => {
  await using cluster = await testCluster([resourceQuota(kinds)])
  const { client } = cluster
  const used = async () => (await client.get(ResourceQuota, { namespace, name: 'q' })).status.used
  await client.create(ResourceQuota, quota({ pods: '2', configmaps: '1' }))
  await cluster.eventually(async () => expect(await used()).toEqual({ pods: '0', configmaps: '0' }))
  await client.create(ConfigMap, map('a'))
  await client.create(Pod, pod('a'))
  const ended = await client.create(Pod, pod('b'))
  await expect(client.create(Pod, pod('c'))).rejects.toThrow('exceeded quota')
  await client.updateStatus(Pod, { ...ended, status: { ...ended.status, phase: 'Succeeded' } })
  await client.delete(ConfigMap, { namespace, name: 'a' })
  await cluster.eventually(async () => expect(await used()).toEqual({ pods: '1', configmaps: '0' }))
  await client.create(Pod, pod('c'))
  await client.create(ConfigMap, map('b'))
  await expect(client.create(ConfigMap, map('c'))).rejects.toThrow('exceeded quota')
})

test('a quota that changes is enforced as it is now', async () => {
  await using cluster = await testCluster([resourceQuota(kinds)])
  const { client } = cluster
  const created = await client.create(ResourceQuota, quota({ configmaps: '1' }))
  await client.create(ConfigMap, map('a'))
  const hard = { configmaps: '5', 'count/pods': '1' }
  await client.update(ResourceQuota, { ...created, metadata: { ...created.metadata, resourceVersion: '' }, spec: { hard } })
  await cluster.eventually(async () => {
    const { status } = await client.get(ResourceQuota, { namespace, name: 'q' })
    expect(status).toEqual({ hard, used: { configmaps: '1', 'count/pods': '0' } })
  })
})

test('a charge whose object is still on its way is not taken back at once', async () => {
  await using cluster = await testCluster([resourceQuota(kinds)])
  const { client } = cluster
  const read = () => client.get(ResourceQuota, { namespace, name: 'q' })
  await client.create(ResourceQuota, quota({ configmaps: '5' }))
  await cluster.eventually(async () => expect((await read()).status.used).toEqual({ configmaps: '0' }))
  const now = await read()
  await client.updateStatus(ResourceQuota, { ...now, status: { ...now.status, used: { configmaps: '3' } } })
  await cluster.advance(300)
  expect((await read()).status.used).toEqual({ configmaps: '3' })
  await cluster.advance(1_000)
  expect((await read()).status.used).toEqual({ configmaps: '0' })
})
