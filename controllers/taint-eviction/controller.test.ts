import { expect, test } from 'vitest'
import { Node } from '../../api/core/node.ts'
import { Pod } from '../../api/core/pod.ts'
import { ignore } from '../../api/errors.ts'
import { nodeLifecycle } from '../node-lifecycle/controller.ts'
import { nodeTaints } from '../node-lifecycle/node-taints.ts'
import { eventsAbout, fleet, runPod } from '../node-lifecycle/testing.ts'
import { type TestCluster, testCluster } from '../testing.ts'
import { taintEviction } from './controller.ts'

const unreachable = { key: 'node.kubernetes.io/unreachable', operator: 'Exists', effect: 'NoExecute' } as const
const tolerating = (key: string, tolerationSeconds?: number) => [
  {
    key,
    operator: 'Exists' as const,
    effect: 'NoExecute' as const,
    ...(tolerationSeconds !== undefined && { tolerationSeconds }),
  },
]
const marking = (name: string) => `TaintManagerEviction Marking for deletion Pod default/${name}`
const cancelling = (name: string) => `TaintManagerEviction Cancelling deletion of Pod default/${name}`

async function isEvicted({ client }: TestCluster, name: string): Promise<boolean> {
  const pod = await client.get(Pod, { namespace: 'default', name }).catch(ignore('NotFound'))
  return pod === undefined || pod.metadata.deletionTimestamp !== undefined
}

async function taint({ client, advance }: TestCluster, ...keys: string[]): Promise<void> {
  const taints = keys.map(key => ({ key, effect: 'NoExecute' as const }))
  await client.patch(Node, { name: 'n1' }, 'merge', { spec: { taints } })
  await advance(0)
}

test('pods leave a dead node 300 s after it was tainted, unless they tolerate it for longer or for ever', async () => {
  await using cluster = await testCluster([nodeLifecycle(), nodeTaints, taintEviction()])
  const nodes = fleet(cluster)
  await nodes.join('a', 'n1', 'n2')
  await runPod(cluster, 'n1', 'usual')
  await runPod(cluster, 'n1', 'hasty', [{ ...unreachable, tolerationSeconds: 30 }])
  await runPod(cluster, 'n1', 'patient', [{ ...unreachable, tolerationSeconds: 600 }])
  await runPod(cluster, 'n1', 'forever', [unreachable])
  await runPod(cluster, 'n1', 'never', [{ ...unreachable, tolerationSeconds: 0 }])
  await runPod(cluster, 'n2', 'elsewhere')
  nodes.silence('n1')
  await nodes.pass(65)
  expect(await nodes.taints('n1')).toContain('unreachable:NoExecute')
  const evicted = async () => {
    const names = ['usual', 'hasty', 'patient', 'forever', 'never', 'elsewhere']
    const gone = await Promise.all(names.map(name => isEvicted(cluster, name)))
    return names.filter((_, i) => gone[i])
  }
  expect(await evicted()).toEqual(['never'])
  await nodes.pass(29)
  expect(await evicted()).toEqual(['never'])
  await nodes.pass(1)
  expect(await evicted()).toEqual(['hasty', 'never'])
  await nodes.pass(269)
  expect(await evicted()).toEqual(['hasty', 'never'])
  await nodes.pass(1)
  expect(await evicted()).toEqual(['usual', 'hasty', 'never'])
  await nodes.pass(300)
  expect(await evicted()).toEqual(['usual', 'hasty', 'patient', 'never'])
  expect(await eventsAbout(cluster, 'usual')).toEqual(['NodeNotReady Node is not ready', marking('usual')])
})

test('a node that returns in time keeps its pods', async () => {
  await using cluster = await testCluster([nodeLifecycle(), nodeTaints, taintEviction()])
  const nodes = fleet(cluster)
  await nodes.join('a', 'n1', 'n2')
  await runPod(cluster, 'n1', 'web')
  nodes.silence('n1')
  await nodes.pass(300)
  await nodes.report('True', 'n1')
  await nodes.pass(600)
  expect(await isEvicted(cluster, 'web')).toBe(false)
  expect(await eventsAbout(cluster, 'web')).toEqual(['NodeNotReady Node is not ready', cancelling('web')])
})

test('the stay is counted through a swap of the taint, and from the beginning of a pending eviction when the pod changes', async () => {
  await using cluster = await testCluster([nodeLifecycle(), nodeTaints, taintEviction()])
  const nodes = fleet(cluster)
  await nodes.join('a', 'n1', 'n2')
  await runPod(cluster, 'n1', 'web')
  nodes.silence('n1')
  await nodes.pass(65)
  await nodes.pass(200)
  await nodes.report('False', 'n1')
  await cluster.client.patch(Pod, { namespace: 'default', name: 'web' }, 'merge', { metadata: { labels: { touched: 'yes' } } })
  await nodes.pass(99)
  expect([await nodes.taints('n1'), await isEvicted(cluster, 'web')]).toEqual([
    ['not-ready:NoExecute', 'not-ready:NoSchedule'],
    false,
  ])
  await nodes.pass(1)
  expect(await isEvicted(cluster, 'web')).toBe(true)
})

test('a taint that is not tolerated evicts at once, and says why on the pod', async () => {
  const patches: unknown[] = []
  await using cluster = await testCluster([taintEviction()], {
    before: ({ verb, resource, body }) => {
      if (verb === 'patch' && resource === 'pods') patches.push(body)
    },
  })
  await fleet(cluster).join('a', 'n1')
  await runPod(cluster, 'n1', 'web')
  await runPod(cluster, 'n1', 'tolerant', tolerating('maintenance'))
  await taint(cluster, 'maintenance')
  await cluster.eventually(async () => expect(await isEvicted(cluster, 'web')).toBe(true))
  expect(await isEvicted(cluster, 'tolerant')).toBe(false)
  expect(patches).toMatchObject([
    {
      status: {
        conditions: [
          {
            type: 'DisruptionTarget',
            status: 'True',
            reason: 'DeletionByTaintManager',
            message: 'Taint manager: deleting due to NoExecute taint',
          },
        ],
      },
    },
  ])
})

test('NoSchedule and PreferNoSchedule taints evict nobody, NoExecute does', async () => {
  await using cluster = await testCluster([taintEviction()])
  const { client, advance } = cluster
  await fleet(cluster).join('a', 'n1')
  await runPod(cluster, 'n1', 'web')
  for (const effect of ['NoSchedule', 'PreferNoSchedule'] as const) {
    await client.patch(Node, { name: 'n1' }, 'merge', { spec: { taints: [{ key: 'disk', effect }] } })
    await advance(600_000)
    expect(await isEvicted(cluster, 'web')).toBe(false)
  }
  await taint(cluster, 'disk')
  await cluster.eventually(async () => expect(await isEvicted(cluster, 'web')).toBe(true))
})

test('of several taints the shortest stay counts; when that one goes, the rest does', async () => {
  await using cluster = await testCluster([taintEviction()])
  await fleet(cluster).join('a', 'n1')
  await runPod(cluster, 'n1', 'web', [...tolerating('slow', 100), ...tolerating('fast', 20)])
  await taint(cluster, 'slow', 'fast')
  await cluster.advance(19_000)
  await taint(cluster, 'slow')
  await cluster.advance(80_000)
  expect(await isEvicted(cluster, 'web')).toBe(false)
  await cluster.advance(1_000)
  expect(await isEvicted(cluster, 'web')).toBe(true)
})

test('a pod that comes to a tainted node is judged, and one that takes its name starts anew, even when the news of both come at once', async () => {
  await using cluster = await testCluster([taintEviction()], { delayWatchOf: 'pods' })
  await fleet(cluster).join('a', 'n1')
  await taint(cluster, 'slow')
  await runPod(cluster, 'n1', 'web', tolerating('slow', 60))
  await cluster.advance(40_000)
  await runPod(cluster, 'n1', 'other') // the news of what follows wait for this one's
  await cluster.advance(500)
  await cluster.client.delete(Pod, { namespace: 'default', name: 'web' }, { gracePeriodSeconds: 0 })
  await runPod(cluster, 'n1', 'web', tolerating('slow', 60))
  await cluster.advance(59_000)
  expect(await isEvicted(cluster, 'web')).toBe(false)
  await cluster.advance(4_000)
  expect(await isEvicted(cluster, 'web')).toBe(true)
})

test('nobody is evicted from a node that is gone: that is for the pod garbage collector', async () => {
  await using cluster = await testCluster([taintEviction()])
  await fleet(cluster).join('a', 'n1')
  await runPod(cluster, 'n1', 'web', tolerating('slow', 60))
  await taint(cluster, 'slow')
  await cluster.client.delete(Node, { name: 'n1' })
  await cluster.advance(120_000)
  expect([await isEvicted(cluster, 'web'), await eventsAbout(cluster, 'web')]).toEqual([false, []])
})
