import { describe, expect, test } from 'vitest'
import { breather } from '../lib/breather.ts'
import { systemClock } from '../lib/clock.ts'
import { seededRandom } from '../lib/random.ts'
import { type Plugin, unschedulable } from './framework.ts'
import { roundRobinOverZones } from './node-order.ts'
import { nominator } from './nominator.ts'
import { enoughCandidates } from './plugins/default-preemption.ts'
import { nodeResourcesFit } from './plugins/node-resources-fit.ts'
import { podInfo } from './pod-info.ts'
import { enoughNodes, search } from './search.ts'
import { node, pod, world } from './testing.ts'

test.each([
  [50, 50],
  [100, 100],
  [125, 100],
  [250, 120],
  [500, 230],
  [1000, 420],
  [2000, 680],
  [5000, 500],
  [6000, 300],
])('of %d nodes %d feasible ones are enough', (nodes, enough) => expect(enoughNodes(nodes)).toBe(enough))

test.each([
  [50, 50],
  [500, 100],
  [2000, 200],
])('of %d nodes %d are tried for preemption', (nodes, enough) => expect(enoughCandidates(nodes)).toBe(enough))

test('nodes are dealt out zone by zone', () => {
  const inZone = (name: string, zone: string) => node({ name, labels: { 'topology.kubernetes.io/zone': zone } })
  const nodes = [
    inZone('a1', 'a'),
    inZone('a2', 'a'),
    inZone('a3', 'a'),
    inZone('b1', 'b'),
    node({ name: 'none' }),
    inZone('b2', 'b'),
  ]
  const infos = nodes.map(({ metadata }) => ({ name: metadata.name, labels: metadata.labels ?? {} }))
  expect(roundRobinOverZones(infos).map(({ name }) => name)).toEqual(['a1', 'b1', 'none', 'a2', 'b2', 'a3'])
})

function searchWith(plugins: Plugin[]) {
  const nominated = nominator()
  const weighted = plugins.map(plugin => ({ plugin }))
  const made = search({ plugins: weighted, nominator: nominated, random: seededRandom(1), breather: breather(systemClock) })
  return { ...made, nominated }
}
const many = Array.from({ length: 300 }, (_, i) => node({ name: `node-${i}` }))

describe('the search', () => {
  test('looks at a part of a large cluster and goes on from there the next time', async () => {
    const asked: string[] = []
    const witness: Plugin = {
      name: 'Witness',
      filter: (_, { name }) => {
        asked.push(name)
        return undefined
      },
      score: () => 0,
    }
    const { run } = searchWith([witness])
    const here = world(many)
    await run(here.cycleOf(pod()))
    await run(here.cycleOf(pod()))
    expect(asked).toHaveLength(2 * enoughNodes(300))
    expect([asked[0], asked[enoughNodes(300)]]).toEqual(['node-0', `node-${enoughNodes(300)}`])
  })
  test('stops at the first refusal of a node and tells which plugin it was', async () => {
    const first: Plugin = { name: 'First', filter: (_, { name }) => (name === 'a' ? unschedulable('First', 'no a') : undefined) }
    const second: Plugin = { name: 'Second', filter: () => unschedulable('Second', 'nobody') }
    const found = await searchWith([first, second]).run(world([node({ name: 'a' }), node({ name: 'b' })]).cycleOf(pod()))
    if (!('diagnosis' in found)) throw new Error('found a node')
    expect([...found.diagnosis.refusals].map(([{ reasons }, names]) => [reasons, names])).toEqual([
      [['no a'], ['a']],
      [['nobody'], ['b']],
    ])
    expect([...found.diagnosis.plugins]).toEqual(['First', 'Second'])
  })
  test('takes the best score and names the next ones; equals are drawn by lot', async () => {
    const points: Plugin = { name: 'Points', score: (_, { name }) => ({ a: 10, b: 90, c: 50, d: 90 })[name] ?? 0 }
    const here = world(['a', 'b', 'c', 'd'].map(name => node({ name })))
    const { run } = searchWith([points])
    const winners = new Set<string>()
    for (let i = 0; i < 20; i++) {
      const found = await run(here.cycleOf(pod()))
      if ('diagnosis' in found) throw new Error('found no node')
      winners.add(found.nodeName)
      expect(found.ranked.map(({ score }) => score)).toEqual([90, 90, 50])
    }
    expect([...winners].sort()).toEqual(['b', 'd'])
  })
  test('does not score a lone node, and prefers the nominated one without asking further', async () => {
    const scored: string[] = []
    const scorer: Plugin = { name: 'Scorer', score: (_, { name }) => scored.push(name) }
    const { run } = searchWith([scorer])
    expect(await run(world([node({ name: 'only' })]).cycleOf(pod()))).toMatchObject({ nodeName: 'only', ranked: [] })
    const nominated = pod({ status: { nominatedNodeName: 'node-7' } })
    expect(await run(world(many).cycleOf(nominated))).toMatchObject({ nodeName: 'node-7', feasible: 1 })
    expect(scored).toEqual([])
  })
  test('leaves the room that more important pods were promised', async () => {
    const { run, nominated } = searchWith([nodeResourcesFit()])
    const here = world([node({ name: 'promised', cpu: '2' })])
    nominated.add(podInfo(pod({ cpu: '1500m', priority: 10 })), 'promised')
    expect(await run(here.cycleOf(pod({ cpu: '1', priority: 1 })))).toHaveProperty('diagnosis')
    expect(await run(here.cycleOf(pod({ cpu: '1', priority: 20 })))).toMatchObject({ nodeName: 'promised' })
  })
  test('knows no nodes: whatever comes may help', async () => {
    const found = await searchWith([nodeResourcesFit()]).run(world([]).cycleOf(pod()))
    expect(found).toMatchObject({ diagnosis: { totalNodes: 0, plugins: new Set(['NodeResourcesFit']) } })
  })
})
