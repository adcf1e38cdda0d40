import { expect, test } from 'vitest'
import type { Pod } from '../../api/core/pod.ts'
import { PriorityClass } from '../../api/scheduling/priority-class.ts'
import { samplePod } from '../samples.ts'
import { simulatedStory } from '../workers/testing.ts'
import { groupByPriority, plainGracePeriods } from './priority-groups.ts'

test.each<[number, number, [number, number][]]>([
  [
    30,
    10,
    [
      [0, 20],
      [2_000_000_000, 10],
    ],
  ],
  [
    30,
    0,
    [
      [0, 30],
      [2_000_000_000, 0],
    ],
  ],
  [0, 0, []],
  [10, 30, []],
])('%d s, of which %d for critical pods', (total, critical, expected) => {
  expect(plainGracePeriods(total, critical).map(({ priority, seconds }) => [priority, seconds])).toEqual(expected)
})

test('pods belong to the share at or below their priority; those below all to the lowest', () => {
  const periods = [
    { priority: 1000, seconds: 20 },
    { priority: 0, seconds: 60 },
    { priority: 10_000, seconds: 10 },
  ]
  const pods = [-5, 0, 999, 1000, 1001, 9999, 10_000, 2_000_000_000, undefined].map(priority =>
    samplePod({ priority }, { name: `p${priority}` }),
  )
  expect(groupByPriority(periods, pods).map(({ priority, pods }) => [priority, pods.map(pod => pod.metadata.name)])).toEqual([
    [0, ['p-5', 'p0', 'p999', 'pundefined']],
    [1000, ['p1000', 'p1001', 'p9999']],
    [10_000, ['p10000', 'p2000000000']],
  ])
})

const isRunning = (pod: Pod | undefined) => pod?.status.phase === 'Running'
const message = 'Pod was terminated in response to imminent node shutdown.'

test('a node that goes down ends its pods, the important ones last, each within its share; the node is not ready and takes no more', async () => {
  const shutdownGracePeriods = plainGracePeriods(30, 10)
  await using node = await simulatedStory({ config: { usesDisk: false, shutdownGracePeriods } })
  await node.client.create(PriorityClass, { metadata: { name: 'vital' }, value: 1_000_000_000 })
  const stopAfter = (text: string) => ({ annotations: { 'simulated.wherry.dev/stop-after': text } })
  await node.run('stubborn', { terminationGracePeriodSeconds: 300 }, stopAfter('100s'))
  await node.run('quick', { terminationGracePeriodSeconds: 5 }, stopAfter('1s'))
  await node.run('vital', { priorityClassName: 'vital' })
  const critical = { priorityClassName: 'system-node-critical' }
  await node.run('critical', critical, { ...stopAfter('3s'), namespace: 'default' })
  for (const name of ['stubborn', 'quick', 'vital', 'critical']) await node.until(name, isRunning)
  const begin = node.clock.now()
  let isOver = false
  void node.kubelet.shutDown().then(() => {
    isOver = true
  })
  const quick = await node.until('quick', pod => pod?.status.phase === 'Failed')
  expect(quick?.status).toMatchObject({ reason: 'Terminated', message })
  expect(quick?.status.conditions).toContainEqual(
    expect.objectContaining({ type: 'DisruptionTarget', status: 'True', reason: 'TerminationByKubelet', message }),
  )
  const ready = (await node.node()).status.conditions?.find(one => one.type === 'Ready')
  expect(ready).toMatchObject({ status: 'False', reason: 'KubeletNotReady', message: 'node is shutting down' })
  await node.run('late', {})
  const late = await node.until('late', pod => pod?.status.phase === 'Failed')
  expect(late?.status).toMatchObject({
    reason: 'NodeShutdown',
    message: 'Pod was rejected: Pod was rejected as the node is shutting down.',
  })
  expect((await node.pod('critical'))?.status.phase).toBe('Running')
  expect((await node.pod('stubborn'))?.status.phase).toBe('Running')
  await node.until('critical', pod => pod?.status.phase === 'Failed', 60)
  const tookInMs = node.clock.now() - begin
  expect(tookInMs).toBeGreaterThanOrEqual(22_900)
  expect(tookInMs).toBeLessThan(24_500)
  await node.clock.advance(1000)
  expect(isOver).toBe(true)
  expect(await node.events('node-a')).toContain('NodeShutdown: Shutdown manager detected shutdown event')
})

test('without a configuration nothing is ended', async () => {
  await using plain = await simulatedStory()
  await plain.run('web', {})
  await plain.until('web', isRunning)
  await plain.kubelet.shutDown()
  await plain.clock.advance(60_000)
  expect((await plain.pod('web'))?.status.phase).toBe('Running')
})
