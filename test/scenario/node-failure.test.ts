import { expect, test } from 'vitest'
import { Deployment } from '../../api/apps/deployment.ts'
import { Event } from '../../api/core/event.ts'
import { Node } from '../../api/core/node.ts'
import { virtualClock } from '../../lib/clock.ts'
import { isReady, testCluster } from '../support/cluster.ts'
import { deploymentNamed, podNamed } from '../support/objects.ts'

const seconds = 1000

test('a node falls silent: NotReady, tainted, its pods not ready, then evicted and replaced elsewhere', async () => {
  const clock = virtualClock()
  await using cluster = await testCluster({ simulated: 2, clock })
  const { client } = cluster
  const doomed = cluster.startNodes(['doomed'])
  const node = () => client.get(Node, { name: 'doomed' })
  await cluster.eventually(async () => expect(isReady(await node())).toBe(true))

  const hasty = {
    tolerations: [{ key: 'node.kubernetes.io/unreachable', operator: 'Exists', effect: 'NoExecute', tolerationSeconds: 2 }],
  }
  await cluster.apply(deploymentNamed('usual', 6))
  await cluster.apply(podNamed('hasty', { spec: { nodeName: 'doomed', ...hasty } }))
  const on = async (nodeName: string) => (await cluster.pods()).filter(pod => pod.spec.nodeName === nodeName)
  await cluster.eventually(async () => {
    expect((await cluster.pods()).filter(isReady)).toHaveLength(7)
    expect(await on('doomed')).toHaveLength(3)
  })

  const diedAt = clock.now()
  await doomed.stop()
  await cluster.eventually(async () => expect(isReady(await node())).toBe(false))
  const silentFor = (clock.now() - diedAt) / seconds
  // The grace is 50 s, looked at every 5 s; the last sign of life was up to 10 s old.
  expect(silentFor).toBeGreaterThan(39)
  expect(silentFor).toBeLessThan(60)
  const conditions = (await node()).status.conditions?.map(({ type, status }) => [type, status])
  expect(Object.fromEntries(conditions ?? [])).toEqual({
    ...{ Ready: 'Unknown', MemoryPressure: 'Unknown', DiskPressure: 'Unknown', PIDPressure: 'Unknown' },
  })
  await cluster.eventually(async () => {
    const taints = (await node()).spec.taints?.map(({ key, effect }) => `${key}:${effect}`).sort()
    expect(taints).toEqual(['node.kubernetes.io/unreachable:NoExecute', 'node.kubernetes.io/unreachable:NoSchedule'])
    expect((await on('doomed')).filter(isReady)).toEqual([])
  })
  const taintedAt = clock.now()

  const evicted = async (name: string) => expect((await cluster.pod(name)).metadata.deletionTimestamp).toBeDefined()
  await cluster.eventually(() => evicted('hasty'))
  expect((clock.now() - taintedAt) / seconds).toBeLessThan(10)
  const events = (await client.list(Event, { namespace: 'default' })).items.map(event => event.reason)
  expect(events).toContain('TaintManagerEviction')

  // Pods that say nothing about it stay for five minutes.
  const stranded = (await on('doomed')).filter(pod => pod.metadata.name !== 'hasty')
  expect(stranded.map(pod => pod.metadata.deletionTimestamp)).toEqual([undefined, undefined])
  await cluster.eventually(() => Promise.all(stranded.map(pod => evicted(pod.metadata.name))))
  const stayed = (clock.now() - taintedAt) / seconds
  expect(stayed).toBeGreaterThan(290)
  expect(stayed).toBeLessThan(310)
  await cluster.eventually(async () => {
    const { status } = await client.get(Deployment, { namespace: 'default', name: 'usual' })
    expect(status).toMatchObject({ readyReplicas: 6, availableReplicas: 6 })
  })

  // Nobody can say whether the containers have stopped, so the objects wait for the node.
  expect(await on('doomed')).toHaveLength(3)
  const back = cluster.startNodes(['doomed'])
  await cluster.eventually(async () => {
    expect(isReady(await node())).toBe(true)
    expect((await node()).spec.taints ?? []).toEqual([])
    expect(await on('doomed')).toEqual([])
  })
  await back.stop()
})

test('a node that is deleted takes its pods along', async () => {
  const clock = virtualClock()
  await using cluster = await testCluster({ simulated: 1, clock })
  const doomed = cluster.startNodes(['doomed'])
  await cluster.eventually(async () => expect(isReady(await cluster.client.get(Node, { name: 'doomed' }))).toBe(true))
  await cluster.apply(podNamed('there', { spec: { nodeName: 'doomed' } }))
  await cluster.eventually(async () => expect(isReady(await cluster.pod('there'))).toBe(true))
  await doomed.stop()
  await cluster.client.delete(Node, { name: 'doomed' })
  await cluster.eventually(async () => expect(await cluster.pods()).toEqual([]))
})
