import { expect, test } from 'vitest'
import { Pod } from '../api/core/pod.ts'
import { testServer } from '../apiserver/testing.ts'
import { createInformers } from '../client/informers.ts'
import { createClient } from '../client/typed-client.ts'
import { virtualClock } from '../lib/clock.ts'
import { silentLog } from '../lib/log.ts'
import { seededRandom } from '../lib/random.ts'
import { ownSources, sharedSources } from './sources.ts'

test.each(['own', 'shared'])('%s sources tell each node of its own pods, old and new', async kind => {
  const clock = virtualClock()
  await using server = await testServer({ clock, random: seededRandom(1) })
  const client = createClient(server.transport())
  const create = (name: string, nodeName: string) =>
    client.create(Pod, {
      metadata: { name, namespace: 'default' },
      spec: { nodeName, containers: [{ name: 'app', image: 'app:1' }] },
    })
  await create('old', 'node-a')
  await create('elsewhere', 'node-b')
  const informers = createInformers({ client, clock, log: silentLog })
  const shared = sharedSources(informers)
  const of = (nodeName: string) => (kind === 'shared' ? shared(nodeName) : ownSources(informers, nodeName))
  const nodes = ['node-a', 'node-b'].map(name => ({ name, sources: of(name), told: new Set<string>(), listed: [] as string[] }))
  const stop = new AbortController()
  const running = informers.run(stop.signal)
  await clock.advance(10)
  for (const node of nodes) {
    await node.sources.synced(stop.signal)
    node.sources.pods.subscribe(changes =>
      changes.forEach(change => node.told.add(`${change.type} ${change.object.metadata.name}`)),
    )
  }
  await create('new', 'node-a')
  await client.delete(Pod, { namespace: 'default', name: 'elsewhere' }, { gracePeriodSeconds: 0 })
  await clock.advance(10)
  for (const node of nodes)
    node.listed = node.sources.pods
      .list()
      .map(pod => pod.metadata.name)
      .sort()
  expect(nodes.map(({ name, told, listed }) => ({ name, told: [...told].sort(), listed }))).toEqual([
    { name: 'node-a', told: ['added new', 'added old'], listed: ['new', 'old'] },
    { name: 'node-b', told: ['added elsewhere', 'deleted elsewhere'], listed: [] },
  ])
  stop.abort()
  await running
})
