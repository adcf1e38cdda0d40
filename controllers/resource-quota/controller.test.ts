import { expect, test } from 'vitest'
import { clientKinds } from '../../api/apiextensions/client-kinds.ts'
import { CustomResourceDefinition } from '../../api/apiextensions/custom-resource-definition.ts'
import type { Definition } from '../../api/apiextensions/definition.ts'
import { ConfigMap } from '../../api/core/config-map.ts'
import { Pod } from '../../api/core/pod.ts'
import { ResourceQuota } from '../../api/core/resource-quota.ts'
import { kinds } from '../../api/kinds.ts'
import { testCluster } from '../testing.ts'
import { resourceQuota } from './controller.ts'
import { statusOf } from './plan.ts'

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

test('kinds that come later are counted, and what is deleted of them is given back', async () => {
  await using cluster = await testCluster([resourceQuota(kinds)])
  const { client } = cluster
  const used = async () => (await client.get(ResourceQuota, { namespace, name: 'q' })).status.used
  const boats = 'count/boats.harbour.test'
  await client.create(ResourceQuota, quota({ [boats]: '2' }))
  const schema = { openAPIV3Schema: { type: 'object' } }
  await client.create(CustomResourceDefinition, {
    metadata: { name: 'boats.harbour.test' },
    spec: {
      group: 'harbour.test',
      scope: 'Namespaced',
      names: { plural: 'boats', kind: 'Boat' },
      versions: [{ name: 'v1', served: true, storage: true, schema }],
    },
  })
  const Boat = await (async () => {
    for (;;) {
      const { items } = await client.list(CustomResourceDefinition)
      const [kind] = clientKinds(items as unknown as Definition[])
      if (kind) return kind
      await cluster.advance(10)
    }
  })()
  await cluster.eventually(async () => expect(await used()).toEqual({ [boats]: '0' }))
  await client.create(Boat, map('a'))
  await client.create(Boat, map('b'))
  await expect(client.create(Boat, map('c'))).rejects.toThrow('exceeded quota')
  await client.delete(Boat, { namespace, name: 'a' })
  await cluster.eventually(async () => expect(await used()).toEqual({ [boats]: '1' }))
})

test('what cannot be looked at keeps what was charged for it', () => {
  const spec = { hard: { configmaps: '3', pods: '3' } }
  const status = { hard: spec.hard, used: { configmaps: '2', pods: '2' } }
  const now = statusOf({ spec, status }, [ConfigMap, Pod], kind => (kind === Pod ? [] : undefined), 0)
  expect(now).toEqual({ hard: spec.hard, used: { configmaps: '2', pods: '0' } })
})
