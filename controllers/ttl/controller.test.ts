import { expect, test } from 'vitest'
import { Node } from '../../api/core/node.ts'
import { testCluster } from '../testing.ts'
import { secondsAt, stepFor, ttl } from './controller.ts'

test('the seconds for a cluster that grows and shrinks, a step at a time, without flapping at the bounds', () => {
  let step = 0
  const after = (nodes: number) => {
    step = stepFor(step, nodes)
    return secondsAt(step)
  }
  const sizes = [0, 100, 101, 90, 89, 500, 501, 450, 449, 1000, 1001, 900, 899, 2000, 2001, 1800, 1799, 5000, 10]
  const seconds = [0, 0, 15, 15, 0, 15, 30, 30, 15, 30, 60, 60, 30, 60, 300, 300, 60, 300, 0]
  expect(sizes.map(after)).toEqual(seconds)
})

test('each node is told, whatever it said before', async () => {
  await using cluster = await testCluster([ttl()])
  const { client } = cluster
  const annotation = 'node.alpha.kubernetes.io/ttl'
  await client.create(Node, { metadata: { name: 'n0' } })
  await client.create(Node, { metadata: { name: 'n1', annotations: { [annotation]: 'soon', other: 'x' } } })
  const told = async () =>
    Object.fromEntries((await client.list(Node)).items.map(({ metadata }) => [metadata.name, metadata.annotations]))
  await cluster.eventually(async () => {
    expect(await told()).toEqual({ n0: { [annotation]: '0' }, n1: { [annotation]: '0', other: 'x' } })
  })
  for (let i = 2; i < 101; i++) await client.create(Node, { metadata: { name: `n${i}` } })
  // Those that were there before hear of it with their next change.
  await client.patch(Node, { name: 'n0' }, 'merge', { metadata: { labels: { a: 'b' } } })
  await cluster.eventually(async () => {
    const all = await told()
    expect([all.n0, all.n1?.[annotation], all.n100]).toEqual([{ [annotation]: '15' }, '0', { [annotation]: '15' }])
  })
})
