import { expect, test } from 'vitest'
import { ControllerRevision } from '../../api/apps/controller-revision.ts'
import { DaemonSet } from '../../api/apps/daemon-set.ts'
import { Node } from '../../api/core/node.ts'
import { Pod } from '../../api/core/pod.ts'
import { ApiError, ignore } from '../../api/errors.ts'
import { kinds } from '../../api/kinds.ts'
import { seededRandom } from '../../lib/random.ts'
import { garbageCollector } from '../garbage-collector/controller.ts'
import { testCluster } from '../testing.ts'
import { daemonSet } from './controller.ts'
import { targetNode } from './placement.ts'

const agent = { namespace: 'default', name: 'agent' }
const names = ['a', 'b', 'c', 'd', 'e']

test.each([1, 2, 3])('whatever happens, it comes to what is wanted (seed %i)', async seed => {
  const random = seededRandom(seed)
  let isTroubled = false
  await using cluster = await testCluster([daemonSet(), garbageCollector(kinds)], {
    before: ({ verb }) => {
      const isWrite = verb === 'create' || verb === 'update' || verb === 'delete' || verb === 'patch'
      if (isTroubled && isWrite && random.below(12) === 0) throw new ApiError('InternalError', 'no luck')
    },
  })
  const { client } = cluster
  const ours = async (act: () => Promise<unknown>) => {
    await act().catch(ignore('NotFound', 'Conflict', 'InternalError', 'AlreadyExists'))
  }
  const rollingUpdate = seed % 2 ? { maxSurge: 2, maxUnavailable: 0 } : { maxUnavailable: '40%' }
  const template = (image: string) => ({
    metadata: { labels: { app: 'agent' } },
    spec: { nodeSelector: { fits: 'yes' }, containers: [{ name: 'main', image }] },
  })
  let image = 'agent:0'
  await client.create(DaemonSet, {
    metadata: agent,
    spec: {
      selector: { matchLabels: { app: 'agent' } },
      template: template(image),
      updateStrategy: { type: 'RollingUpdate', rollingUpdate },
      revisionHistoryLimit: 2,
    },
  })
  isTroubled = true
  const wear = () => ({
    labels: { fits: random.below(4) ? 'yes' : 'no' },
    taints: random.below(4) ? [] : [{ key: 'k', effect: random.below(2) ? 'NoSchedule' : 'NoExecute' }],
  })
  for (let i = 0; i < 60; i++) {
    const name = names[random.below(names.length)] ?? 'a'
    const pods = await cluster.pods()
    const pod = pods[random.below(pods.length + 1)]
    const what = random.below(8)
    const { labels, taints } = wear()
    if (what === 0 && pod) await ours(() => client.delete(Pod, pod.metadata))
    if (what === 1 && pod) {
      const phase = random.below(2) ? ('Failed' as const) : ('Succeeded' as const)
      await ours(() => client.updateStatus(Pod, { ...pod, status: { ...pod.status, phase } }))
    }
    if (what === 2) await ours(() => client.create(Node, { metadata: { name, labels }, spec: { taints } } as never))
    if (what === 3) await ours(() => client.patch(Node, { name }, 'merge', { metadata: { labels }, spec: { taints } }))
    if (what === 4) await ours(() => client.delete(Node, { name }))
    if (what === 5) image = `agent:${random.below(4)}`
    if (what === 6) await cluster.restart()
    if (what === 7) await ours(() => cluster.ready())
    await ours(() => client.patch(DaemonSet, agent, 'strategic', { spec: { template: template(image) } }))
    await cluster.advance(random.below(3) * random.below(100))
  }
  isTroubled = false
  await client.patch(DaemonSet, agent, 'strategic', { spec: { template: template(image) } })
  // Failed pods of a node may have to wait.
  await cluster.advance(60_000)
  await cluster.eventually(async () => {
    await cluster.ready()
    const nodes = (await client.list(Node)).items
    const isTainted = (node: Node, effect: string) => node.spec.taints?.some(taint => taint.effect === effect) ?? false
    const fitting = nodes.filter(node => node.metadata.labels?.fits === 'yes' && !isTainted(node, 'NoExecute'))
    const wanted = fitting.filter(node => !isTainted(node, 'NoSchedule')).map(({ metadata }) => metadata.name)
    const tolerated = new Set(fitting.filter(node => isTainted(node, 'NoSchedule')).map(({ metadata }) => metadata.name))
    const pods = (await cluster.pods()).map(pod => [targetNode(pod) ?? '', pod.spec.containers[0]?.image] as const)
    const serving = pods.filter(([node]) => !tolerated.has(node))
    expect(serving.sort(([a], [b]) => (a < b ? -1 : 1))).toEqual(wanted.sort().map(node => [node, image]))
    const { status, metadata } = await client.get(DaemonSet, agent)
    expect(status).toMatchObject({
      observedGeneration: metadata.generation,
      desiredNumberScheduled: wanted.length,
      currentNumberScheduled: wanted.length,
      numberReady: wanted.length,
      numberMisscheduled: new Set(pods.filter(([node]) => tolerated.has(node)).map(([node]) => node)).size,
    })
    const revisions = (await client.list(ControllerRevision)).items
    expect(new Set(revisions.map(({ revision }) => revision)).size).toBe(revisions.length)
    expect(revisions.length).toBeLessThanOrEqual(4)
  })
})
