import { expect, test } from 'vitest'
import { Node } from '../api/core/node.ts'
import { Pod } from '../api/core/pod.ts'
import { PriorityClass } from '../api/scheduling/priority-class.ts'
import { users } from '../api/user.ts'
import { testServer } from '../apiserver/testing.ts'
import { createClient } from '../client/typed-client.ts'
import { virtualClock } from '../lib/clock.ts'
import { seededRandom } from '../lib/random.ts'
import { whatIf } from './what-if.ts'

const containers = (cpu: string) => [{ name: 'main', image: 'web:1', resources: { requests: { cpu } } }]

async function cluster() {
  const server = await testServer()
  const transport = server.transport(users.admin)
  const client = createClient(transport)
  const addNode = async (name: string) => {
    const node = await client.create(Node, { metadata: { name } })
    const allocatable = { cpu: '2', memory: '4Gi', pods: '110' }
    await client.updateStatus(Node, { ...node, status: { ...node.status, allocatable, capacity: allocatable } })
  }
  const create = (name: string, cpu: string, more: object = {}, dryRun = false) =>
    client.create(
      Pod,
      { metadata: { name, namespace: 'default' }, spec: { containers: containers(cpu), ...more } },
      dryRun ? { dryRun } : {},
    )
  const ask = (...pods: Pod[]) => whatIf({ transport, clock: virtualClock(), random: seededRandom(1) }, pods)
  return { server, client, addNode, create, ask }
}

test('a pod is told its node with scores and runner-up, and the next one sees it there', async () => {
  const { server, client, addNode, create, ask } = await cluster()
  await using _ = server
  await addNode('a')
  await addNode('b')
  const pods = [await create('one', '1500m', {}, true), await create('two', '1500m', {}, true)]
  const [first, second] = await ask(...pods)
  expect(first).toMatchObject({ totalNodes: 2, feasible: 2, text: '', nodes: [], fits: [] })
  expect(first?.ranked.map(({ nodeName }) => nodeName).sort()).toEqual(['a', 'b'])
  expect(first?.plugins).toEqual(['NodeResourcesFit', 'NodeResourcesBalancedAllocation', 'TaintToleration'])
  for (const { score, points = [] } of first?.ranked ?? []) expect(points.reduce((sum, each) => sum + each)).toBe(score)
  const taken = first?.nodeName ?? ''
  expect(second).toMatchObject({
    nodeName: taken === 'a' ? 'b' : 'a',
    feasible: 1,
    nodes: [{ count: 1, nodes: [taken], reason: 'Insufficient cpu', plugin: 'NodeResourcesFit' }],
  })
  expect((await client.list(Pod)).items).toEqual([])
})

test('a pod that fits nowhere is told why, what would help, and whom preemption would choose; nobody is evicted', async () => {
  const { server, client, addNode, create, ask } = await cluster()
  await using _ = server
  await addNode('a')
  await client.create(PriorityClass, { metadata: { name: 'urgent' }, value: 1000 })
  await create('low', '1500m', { nodeName: 'a' })
  const before = await client.get(Pod, { namespace: 'default', name: 'low' })
  const plain = await create('plain', '1', {}, true)
  const urgent = await create('urgent', '1', { priorityClassName: 'urgent' }, true)
  const [refused, preempting] = await ask(plain, urgent)
  expect(refused).toMatchObject({
    feasible: 0,
    text: '0/1 nodes are available: 1 Insufficient cpu. preemption: 0/1 nodes are available: 1 No preemption victims found for incoming pod.',
    nodes: [{ count: 1, nodes: ['a'], reason: 'Insufficient cpu', plugin: 'NodeResourcesFit' }],
    fits: ['500m cpu more on a'],
  })
  expect(preempting).toMatchObject({ preemption: { node: 'a', victims: ['default/low'] } })
  expect((await client.list(Pod)).items).toEqual([before])
})
