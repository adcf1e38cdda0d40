import { expect, test } from 'vitest'
import { Node } from '../../api/core/node.ts'
import { Pod } from '../../api/core/pod.ts'
import { ApiError } from '../../api/errors.ts'
import { testCluster } from '../testing.ts'
import { nodeLifecycle } from './controller.ts'
import { nodeTaints } from './node-taints.ts'
import { eventsAbout, fleet, runPod } from './testing.ts'

const controllers = () => [nodeLifecycle(), nodeTaints]
const podReadiness = async (pod: Pod) => (pod.status.conditions ?? []).find(({ type }) => type === 'Ready')?.status

test('a node silent for 50 s becomes Unknown, with its NoSchedule taint at once and NoExecute a moment later; its pods are not ready', async () => {
  await using cluster = await testCluster(controllers())
  const nodes = fleet(cluster)
  await nodes.join('a', 'n1', 'n2')
  await runPod(cluster, 'n1', 'web')
  await runPod(cluster, 'n2', 'other')
  await nodes.pass(30)
  nodes.silence('n1')

  await nodes.pass(50)
  expect((await nodes.readiness('n1'))?.status).toBe('True')
  await nodes.pass(5)
  expect(await nodes.readiness('n1')).toMatchObject({
    status: 'Unknown',
    reason: 'NodeStatusUnknown',
    message: 'Kubelet stopped posting node status.',
    lastHeartbeatTime: '2026-01-01T00:00:00Z',
  })
  const { status } = await cluster.client.get(Node, { name: 'n1' })
  expect(status.conditions?.map(({ type, reason }) => `${type} ${reason}`)).toEqual([
    'Ready NodeStatusUnknown',
    'MemoryPressure NodeStatusNeverUpdated',
    'DiskPressure NodeStatusNeverUpdated',
    'PIDPressure NodeStatusNeverUpdated',
  ])
  expect(await nodes.taints('n1')).toEqual(['unreachable:NoSchedule'])
  await nodes.pass(5)
  expect(await nodes.taints('n1')).toEqual(['unreachable:NoExecute', 'unreachable:NoSchedule'])

  const [web, other] = await Promise.all(['web', 'other'].map(name => cluster.client.get(Pod, { namespace: 'default', name })))
  expect([web?.status.phase, await podReadiness(web as Pod), await podReadiness(other as Pod)]).toEqual([
    'Running',
    'False',
    'True',
  ])
  expect(await nodes.taints('n2')).toEqual([])
  await nodes.pass(60)
  expect(await eventsAbout(cluster, 'n1')).toEqual([
    'RegisteredNode Node n1 event: Registered Node n1 in Controller',
    'NodeNotReady Node n1 status is now: NodeNotReady',
  ])
  expect(await eventsAbout(cluster, 'web')).toEqual(['NodeNotReady Node is not ready'])
})

test('when a node returns, all its taints go', async () => {
  await using cluster = await testCluster(controllers())
  const nodes = fleet(cluster)
  await nodes.join('a', 'n1', 'n2')
  nodes.silence('n1')
  await nodes.pass(70)
  expect(await nodes.taints('n1')).toEqual(['unreachable:NoExecute', 'unreachable:NoSchedule'])
  await nodes.report('True', 'n1')
  await nodes.pass(5)
  expect(await nodes.taints('n1')).toEqual([])
})

test('a node that is heard again but not ready has its taint swapped at once, whatever the rate, and its pods are left to its kubelet', async () => {
  await using cluster = await testCluster(controllers())
  const nodes = fleet(cluster)
  await nodes.join('a', 'n1', 'n2', 'n3', 'n4')
  nodes.silence('n1', 'n2')
  await nodes.pass(75)
  expect([await nodes.taints('n1'), await nodes.taints('n2')].flat().filter(taint => taint.endsWith('NoExecute'))).toHaveLength(2)
  await nodes.report('False', 'n1', 'n2', 'n3')
  await runPod(cluster, 'n3', 'web')
  await nodes.pass(5)
  for (const name of ['n1', 'n2']) expect(await nodes.taints(name)).toEqual(['not-ready:NoExecute', 'not-ready:NoSchedule'])
  expect(await nodes.taints('n3')).toEqual(['not-ready:NoSchedule'])
  const pod = await cluster.client.get(Pod, { namespace: 'default', name: 'web' })
  expect(await podReadiness(pod)).toBe('True')
})

test('leases alone keep a node ready', async () => {
  await using cluster = await testCluster(controllers())
  const nodes = fleet(cluster)
  await nodes.join('a', 'n1')
  await nodes.pass(300)
  expect(await nodes.readiness('n1')).toMatchObject({ status: 'True', lastHeartbeatTime: '2026-01-01T00:00:00Z' })
})

test('a node that never reports has 60 s from its creation, also when the controllers come later', async () => {
  await using cluster = await testCluster(controllers())
  const nodes = fleet(cluster)
  await nodes.join('a', 'n1')
  await cluster.client.create(Node, { metadata: { name: 'mute' } })
  await nodes.pass(60)
  expect(await nodes.readiness('mute')).toBeUndefined()
  await nodes.pass(5)
  expect(await nodes.readiness('mute')).toMatchObject({ status: 'Unknown', reason: 'NodeStatusNeverUpdated' })
})

test('nodes of a zone are tainted one per 10 s; another zone has its own turn', async () => {
  await using cluster = await testCluster(controllers())
  const nodes = fleet(cluster)
  await nodes.join('a', 'a1', 'a2', 'a3', 'a4', 'a5', 'a6')
  await nodes.join('b', 'b1', 'b2', 'b3')
  await nodes.pass(10)
  nodes.silence('a1', 'a2', 'a3', 'b1')
  await nodes.pass(55)
  expect(await nodes.tainted()).toBe(0)
  await nodes.pass(5)
  expect(await nodes.tainted()).toBe(2)
  await nodes.pass(5)
  expect(await nodes.tainted()).toBe(2)
  await nodes.pass(5)
  expect(await nodes.tainted()).toBe(3)
  await nodes.pass(10)
  expect(await nodes.tainted()).toBe(4)
})

test('a small zone of which more than half is down taints nobody, until enough are back', async () => {
  await using cluster = await testCluster(controllers())
  const nodes = fleet(cluster)
  await nodes.join('a', 'a1', 'a2', 'a3', 'a4', 'a5')
  await nodes.join('b', 'b1')
  nodes.silence('a1', 'a2', 'a3')
  await nodes.pass(180)
  expect(await nodes.tainted()).toBe(0)
  await nodes.report('True', 'a1')
  await nodes.pass(25)
  expect([await nodes.taints('a1'), await nodes.tainted()]).toEqual([[], 2])
})

test('nodes that are excluded say nothing about their zone', async () => {
  await using cluster = await testCluster(controllers())
  const nodes = fleet(cluster)
  await nodes.join('a', 'a1', 'a2', 'a3', 'a4', 'a5')
  const labels = { 'node.kubernetes.io/exclude-disruption': '' }
  for (const name of ['a1', 'a2']) await cluster.client.patch(Node, { name }, 'merge', { metadata: { labels } })
  nodes.silence('a1', 'a2', 'a3')
  await nodes.pass(100)
  expect(await nodes.tainted()).toBe(3)
})

test('a zone that is down altogether is tainted at the usual rate while another one lives', async () => {
  await using cluster = await testCluster(controllers())
  const nodes = fleet(cluster)
  await nodes.join('a', 'a1', 'a2', 'a3')
  await nodes.join('b', 'b1')
  nodes.silence('a1', 'a2', 'a3')
  await nodes.pass(85)
  expect(await nodes.tainted()).toBe(3)
})

test('with every zone down the taints go and nobody is evicted; when one is back, the others are tainted at the usual rate', async () => {
  await using cluster = await testCluster(controllers())
  const nodes = fleet(cluster)
  await nodes.join('a', 'a1', 'a2')
  await nodes.join('b', 'b1', 'b2')
  nodes.silence('a1')
  await nodes.pass(70)
  expect(await nodes.tainted()).toBe(1)
  nodes.silence('a2', 'b1', 'b2')
  await nodes.pass(60)
  expect(await nodes.tainted()).toBe(0)
  await nodes.pass(300)
  expect(await nodes.tainted()).toBe(0)
  expect(await nodes.taints('a2')).toEqual(['unreachable:NoSchedule'])

  await nodes.report('True', 'b1', 'b2')
  await nodes.pass(5)
  expect(await nodes.tainted()).toBe(0)
  await nodes.pass(10)
  expect(await nodes.tainted()).toBe(1)
  await nodes.pass(10)
  expect(await nodes.tainted()).toBe(2)
})

test('when not every zone is down any more, those that were quiet meanwhile get their grace anew', async () => {
  await using cluster = await testCluster(controllers())
  const nodes = fleet(cluster)
  await nodes.join('a', 'a1')
  await nodes.join('b', 'b1')
  await nodes.report('False', 'a1', 'b1')
  const left = await runPod(cluster, 'a1', 'left')
  nodes.silence('a1')
  await nodes.pass(40)
  await nodes.report('True', 'b1')
  await nodes.pass(50)
  expect((await nodes.readiness('a1'))?.status).toBe('False')
  await nodes.pass(10)
  expect((await nodes.readiness('a1'))?.status).toBe('Unknown')
  // It was not ready before: that is no news, and its pods are as its kubelet left them.
  expect(await eventsAbout(cluster, 'a1')).toEqual(['RegisteredNode Node a1 event: Registered Node a1 in Controller'])
  expect(await podReadiness(await cluster.client.get(Pod, left.metadata))).toBe('True')
})

test('a sign of life that arrives while a node is being given up wins', async () => {
  let report: (() => Promise<void>) | undefined
  await using cluster = await testCluster(controllers(), {
    before: ({ verb, resource, subresource }) => {
      if (verb !== 'update' || resource !== 'nodes' || subresource !== 'status') return
      void report?.()
      report = undefined
    },
  })
  const nodes = fleet(cluster)
  await nodes.join('a', 'n1', 'n2')
  nodes.silence('n1')
  report = () => nodes.report('True', 'n1')
  await nodes.pass(80)
  expect(report).toBeUndefined()
  expect(await nodes.readiness('n1')).toMatchObject({ status: 'True', lastHeartbeatTime: '2026-01-01T00:01:00Z' })
  expect(await eventsAbout(cluster, 'n1')).toHaveLength(1)
})

test('pods that are not ready, or gone, are not spoken of', async () => {
  await using cluster = await testCluster(controllers(), {
    before: ({ verb, resource, name }) => {
      if (verb === 'patch' && resource === 'pods' && name === 'gone') throw new ApiError('NotFound', 'it is gone')
    },
  })
  const nodes = fleet(cluster)
  await nodes.join('a', 'n1', 'n2')
  await runPod(cluster, 'n1', 'gone')
  const failing = await runPod(cluster, 'n1', 'failing')
  const conditions = [{ type: 'Ready', status: 'False' as const }]
  await cluster.client.patch(Pod, failing.metadata, 'strategic', { status: { conditions } }, { subresource: 'status' })
  nodes.silence('n1')
  await nodes.pass(70)
  expect((await nodes.readiness('n1'))?.status).toBe('Unknown')
  expect([await eventsAbout(cluster, 'gone'), await eventsAbout(cluster, 'failing')]).toEqual([[], []])
})

test('pods that could not be marked are marked in the next round', async () => {
  let isBroken = true
  await using cluster = await testCluster(controllers(), {
    before: ({ verb, resource }) => {
      if (isBroken && verb === 'patch' && resource === 'pods') throw new ApiError('InternalError', 'the disk is full')
    },
  })
  const nodes = fleet(cluster)
  await nodes.join('a', 'n1', 'n2')
  await runPod(cluster, 'n1', 'web')
  nodes.silence('n1')
  await nodes.pass(60)
  const web = () => cluster.client.get(Pod, { namespace: 'default', name: 'web' })
  expect([(await nodes.readiness('n1'))?.status, await podReadiness(await web())]).toEqual(['Unknown', 'True'])
  isBroken = false
  await nodes.pass(5)
  expect(await podReadiness(await web())).toBe('False')
})

test('a taint is set although the kubelet writes the node at the same moment', async () => {
  let races = 2
  await using cluster = await testCluster(controllers(), {
    before: call => {
      const isTaint = call.verb === 'update' && call.resource === 'nodes' && JSON.stringify(call.body).includes('"NoExecute"')
      if (isTaint && races-- > 0) throw new ApiError('Conflict', 'somebody was faster')
    },
  })
  const nodes = fleet(cluster)
  await nodes.join('a', 'n1', 'n2')
  nodes.silence('n1')
  await nodes.pass(65)
  expect(races).toBe(-1)
  expect(await nodes.taints('n1')).toEqual(['unreachable:NoExecute', 'unreachable:NoSchedule'])
})

test('conditions and cordons put NoSchedule taints on and take them off, at once', async () => {
  await using cluster = await testCluster([nodeTaints])
  const nodes = fleet(cluster)
  await nodes.join('a', 'n1')
  await cluster.client.patch(Node, { name: 'n1' }, 'merge', { spec: { unschedulable: true } })
  const pressure = { status: { conditions: [{ type: 'DiskPressure', status: 'True' }] } }
  await cluster.client.patch(Node, { name: 'n1' }, 'strategic', pressure, { subresource: 'status' })
  await cluster.eventually(async () =>
    expect(await nodes.taints('n1')).toEqual(['disk-pressure:NoSchedule', 'unschedulable:NoSchedule']),
  )
  await cluster.client.patch(Node, { name: 'n1' }, 'merge', { spec: { unschedulable: false } })
  await cluster.eventually(async () => expect(await nodes.taints('n1')).toEqual(['disk-pressure:NoSchedule']))
})
