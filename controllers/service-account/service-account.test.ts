import { expect, test } from 'vitest'
import { ConfigMap } from '../../api/core/config-map.ts'
import { Namespace } from '../../api/core/namespace.ts'
import { ServiceAccount } from '../../api/core/service-account.ts'
import { testCluster } from '../testing.ts'
import { rootCaPublisher } from './root-ca-publisher.ts'
import { serviceAccount } from './service-account.ts'

const account = { namespace: 'team', name: 'default' }
const rootCa = { namespace: 'team', name: 'kube-root-ca.crt' }

test('every namespace gets a default service account, and gets it back', async () => {
  await using cluster = await testCluster([serviceAccount])
  await cluster.client.create(Namespace, { metadata: { name: 'team' } })
  await cluster.eventually(async () => expect((await cluster.client.get(ServiceAccount, account)).metadata.name).toBe('default'))
  const { metadata } = await cluster.client.get(ServiceAccount, account)
  await cluster.client.delete(ServiceAccount, account)
  await cluster.eventually(async () => {
    expect((await cluster.client.get(ServiceAccount, account)).metadata.uid).not.toBe(metadata.uid)
  })
  await cluster.eventually(async () => {
    const { items } = await cluster.client.list(ServiceAccount)
    expect(items.map(each => each.metadata.namespace)).toEqual(expect.arrayContaining(['default', 'kube-system', 'team']))
  })
})

test('every namespace gets the certificate authority, and keeps it as it is', async () => {
  await using cluster = await testCluster([rootCaPublisher('PEM')])
  await cluster.client.create(Namespace, { metadata: { name: 'team' } })
  await cluster.eventually(async () => expect((await cluster.client.get(ConfigMap, rootCa)).data).toEqual({ 'ca.crt': 'PEM' }))
  await cluster.client.patch(ConfigMap, rootCa, 'merge', { data: { 'ca.crt': 'forged', more: 'x' } })
  await cluster.eventually(async () => expect((await cluster.client.get(ConfigMap, rootCa)).data).toEqual({ 'ca.crt': 'PEM' }))
})

test('a namespace on its way out gets neither', async () => {
  const created: string[] = []
  await using cluster = await testCluster([serviceAccount, rootCaPublisher('PEM')], {
    before: call => {
      if (call.verb === 'create' && call.namespace === 'team') created.push(call.resource)
    },
  })
  await cluster.client.create(Namespace, { metadata: { name: 'team' } })
  await cluster.eventually(async () => expect(created).toHaveLength(2))
  await cluster.client.delete(Namespace, { name: 'team' })
  await cluster.client.delete(ServiceAccount, account)
  await cluster.client.delete(ConfigMap, rootCa)
  await cluster.advance(10_000)
  expect(created).toHaveLength(2)
})
