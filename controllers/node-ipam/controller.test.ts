import { expect, test } from 'vitest'
import { Node } from '../../api/core/node.ts'
import { ApiError } from '../../api/errors.ts'
import { eventsAbout } from '../node-lifecycle/testing.ts'
import { type TestCluster, testCluster } from '../testing.ts'
import { nodeIpam } from './controller.ts'

const range = (cidr: string, isFor: (node: Node) => boolean = () => true) => ({ cidr, nodeMaskSize: 24, isFor })
const join = ({ client }: TestCluster, ...names: string[]) =>
  Promise.all(names.map(name => client.create(Node, { metadata: { name } })))
const numbered = (count: number) => Array.from({ length: count }, (_, i) => `n${i}`)

async function blocks({ client }: TestCluster): Promise<Record<string, string | undefined>> {
  const { items } = await client.list(Node)
  return Object.fromEntries(items.map(({ metadata, spec }) => [metadata.name, spec.podCIDR]))
}

const all = (cluster: TestCluster) =>
  cluster.eventually(async () => expect(Object.values(await blocks(cluster))).not.toContain(undefined))

test('300 nodes get blocks of their own, and keep them through changes and a restart', async () => {
  await using cluster = await testCluster([nodeIpam([range('10.0.0.0/8')])])
  await join(cluster, ...numbered(300))
  await all(cluster)
  const given = await blocks(cluster)
  expect(new Set(Object.values(given)).size).toBe(300)
  const { spec } = await cluster.client.get(Node, { name: 'n7' })
  expect(spec.podCIDRs).toEqual([spec.podCIDR])
  await cluster.client.patch(Node, { name: 'n7' }, 'merge', { metadata: { labels: { touched: 'yes' } } })
  await cluster.restart()
  await join(cluster, 'late')
  await all(cluster)
  const { late, ...others } = await blocks(cluster)
  expect(others).toEqual(given)
  expect(Object.values(given)).not.toContain(late)
})

test('another process, taking over, gives out nothing twice', async () => {
  const first = nodeIpam([range('10.0.0.0/16')])
  const second = nodeIpam([range('10.0.0.0/16')])
  let isSecond = false
  const either = {
    ...first,
    watches: [...first.watches, ...second.watches],
    reconcile: (context: Parameters<typeof first.reconcile>[0], key: string) =>
      (isSecond ? second : first).reconcile(context, key),
  }
  await using cluster = await testCluster([either])
  await join(cluster, ...numbered(20))
  await all(cluster)
  await cluster.client.delete(Node, { name: 'n3' })
  const given = await blocks(cluster)
  isSecond = true
  await join(cluster, 'late', 'later')
  await all(cluster)
  const { late, later, ...others } = await blocks(cluster)
  expect(others).toEqual(given)
  expect([late, later]).toEqual(['10.0.20.0/24', '10.0.21.0/24'])
})

test('the block of a node that is gone is used again only after a round', async () => {
  await using cluster = await testCluster([nodeIpam([range('10.0.0.0/22')])])
  await join(cluster, 'n0')
  await all(cluster)
  await cluster.client.delete(Node, { name: 'n0' })
  for (const name of ['n1', 'n2', 'n3', 'n4']) {
    await join(cluster, name)
    await all(cluster)
  }
  expect(await blocks(cluster)).toEqual({ n1: '10.0.1.0/24', n2: '10.0.2.0/24', n3: '10.0.3.0/24', n4: '10.0.0.0/24' })
})

test('a node made anew under its name is another node, even when the news of both come at once', async () => {
  await using cluster = await testCluster([nodeIpam([range('10.0.0.0/22')])], { delayWatchOf: 'nodes' })
  await join(cluster, 'n0')
  await all(cluster)
  await cluster.advance(5_000)
  await join(cluster, 'other') // the news of what follows wait for this one's
  await cluster.advance(500)
  await cluster.client.delete(Node, { name: 'n0' })
  await join(cluster, 'n0')
  await all(cluster)
  expect(await blocks(cluster)).toEqual({ other: '10.0.1.0/24', n0: '10.0.2.0/24' })
})

test('when no block is left the node says so, and gets the first that comes free', async () => {
  await using cluster = await testCluster([nodeIpam([range('10.0.0.0/23')])])
  await join(cluster, 'n0')
  await all(cluster)
  await join(cluster, 'n1')
  await all(cluster)
  await join(cluster, 'n2')
  await cluster.advance(600_000)
  expect((await eventsAbout(cluster, 'n2'))[0]).toBe('CIDRNotAvailable Node n2 status is now: CIDRNotAvailable')
  await cluster.client.delete(Node, { name: 'n1' })
  await cluster.advance(100)
  expect(await blocks(cluster)).toEqual({ n0: '10.0.0.0/24', n2: '10.0.1.0/24' })
})

test('a write that fails is tried again with the same block', async () => {
  let failures = 3
  await using cluster = await testCluster([nodeIpam([range('10.0.0.0/16')])], {
    before: ({ verb, resource }) => {
      if (verb === 'patch' && resource === 'nodes' && failures-- > 0) throw new ApiError('InternalError', 'the disk is full')
    },
  })
  await join(cluster, 'n0')
  await all(cluster)
  expect([await blocks(cluster), failures]).toEqual([{ n0: '10.0.0.0/24' }, -1])
})

test('each node draws from the first range that is for it; one that brought its block keeps it', async () => {
  const isSimulated = (node: Node) => node.metadata.labels?.runtime === 'simulated'
  await using cluster = await testCluster([
    nodeIpam([range('10.0.0.0/16', node => !isSimulated(node)), range('100.64.0.0/10', isSimulated)]),
  ])
  await cluster.client.create(Node, { metadata: { name: 'own' }, spec: { podCIDR: '10.0.0.0/24', podCIDRs: ['10.0.0.0/24'] } })
  await cluster.client.create(Node, { metadata: { name: 'real' } })
  await cluster.client.create(Node, { metadata: { name: 'simulated', labels: { runtime: 'simulated' } } })
  await all(cluster)
  expect(await blocks(cluster)).toEqual({ own: '10.0.0.0/24', real: '10.0.1.0/24', simulated: '100.64.0.0/24' })
})
