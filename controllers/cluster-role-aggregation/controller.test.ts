import { expect, test } from 'vitest'
import { ClusterRole } from '../../api/rbac/cluster-role.ts'
import { defaultClusterRoles } from '../../apiserver/auth/default-roles.ts'
import { testCluster } from '../testing.ts'
import { clusterRoleAggregation, plan } from './controller.ts'

const rule = (verb: string) => ({ verbs: [verb], apiGroups: [''], resources: ['pods'] })
const part = (name: string, verb: string, to = 'monitoring') => ({
  metadata: { name, labels: { [`example.com/aggregate-to-${to}`]: 'true' } },
  rules: [rule(verb)],
})
const sum = (name: string, of: string, labels = {}) => ({
  metadata: { name, labels },
  rules: [rule('delete')],
  aggregationRule: { clusterRoleSelectors: [{ matchLabels: { [`example.com/aggregate-to-${of}`]: 'true' } }] },
})

test('a sum shows the rules of its parts, and follows them', async () => {
  await using cluster = await testCluster([clusterRoleAggregation])
  const { client } = cluster
  const verbs = async (name: string) => (await client.get(ClusterRole, { name })).rules.flatMap(({ verbs }) => verbs)
  await client.create(ClusterRole, part('b', 'list'))
  await client.create(ClusterRole, part('a', 'get'))
  await client.create(ClusterRole, sum('all', 'monitoring', { 'example.com/aggregate-to-top': 'true' }))
  await client.create(ClusterRole, sum('top', 'top'))
  await cluster.eventually(async () => expect(await verbs('all')).toEqual(['get', 'list']))
  await cluster.eventually(async () => expect(await verbs('top')).toEqual(['get', 'list']))

  await client.create(ClusterRole, part('c', 'watch'))
  await client.create(ClusterRole, part('d', 'get'))
  await cluster.eventually(async () => expect(await verbs('top')).toEqual(['get', 'list', 'watch']))
  await client.delete(ClusterRole, { name: 'c' })
  await client.patch(ClusterRole, { name: 'b' }, 'merge', { metadata: { labels: null } })
  await cluster.eventually(async () => expect(await verbs('top')).toEqual(['get']))

  const before = (await client.get(ClusterRole, { name: 'top' })).metadata.resourceVersion
  await cluster.advance(60_000)
  expect((await client.get(ClusterRole, { name: 'top' })).metadata.resourceVersion).toBe(before)
  expect(await verbs('a')).toEqual(['get'])
})

test('the default sums are what gathering makes of them: a start writes nothing', () => {
  const roles = defaultClusterRoles as unknown as readonly ClusterRole[]
  const sums = roles.filter(({ aggregationRule }) => aggregationRule)
  expect(sums.map(({ metadata }) => metadata.name)).toEqual(['admin', 'edit', 'view'])
  for (const role of sums) expect(plan(role, roles)).toEqual(role.rules)
  const view = sums.find(({ metadata }) => metadata.name === 'view')
  expect(view?.rules).toContainEqual(expect.objectContaining({ apiGroups: ['metrics.k8s.io'], resources: ['nodes', 'pods'] }))
})
