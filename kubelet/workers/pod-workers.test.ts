import { expect, test } from 'vitest'
import { Pod } from '../../api/core/pod.ts'
import { simulatedStory } from './testing.ts'

const image = 'registry/app:1'
const isRunning = (pod: Pod | undefined) => pod?.status.phase === 'Running'
const isReady = (pod: Pod | undefined) => pod?.status.conditions?.some(one => one.type === 'Ready' && one.status === 'True')
const web = { namespace: 'default', name: 'web' }
const simulated = (settings: Record<string, string>) => ({
  annotations: Object.fromEntries(Object.entries(settings).map(([key, value]) => [`simulated.wherry.dev/${key}`, value])),
})

test('in a new sandbox every init container runs again, one after the other, before the others do', async () => {
  await using node = await simulatedStory()
  const initContainers = [
    { name: 'first', image },
    { name: 'second', image },
  ]
  await node.run('web', { initContainers }, simulated({ 'run-for.first': '2s', 'run-for.second': '2s' }))
  await node.until('web', isRunning, 30)
  const [sandbox] = (await node.runtime.list()).sandboxes
  await node.runtime.stopSandbox(sandbox?.id ?? '')
  const begun = new Map<string, number>()
  for (let i = 0; i < 500; i++) {
    await node.clock.advance(20)
    const { sandboxes, containers } = await node.runtime.list()
    const current = sandboxes.find(one => one.state === 'ready')
    for (const one of containers)
      if (one.sandboxId === current?.id && one.state === 'running' && !begun.has(one.name)) begun.set(one.name, one.startedAt)
  }
  expect([...begun.keys()]).toEqual(['first', 'second', 'app'])
  expect((begun.get('second') ?? 0) - (begun.get('first') ?? 0)).toBeGreaterThanOrEqual(2000)
  expect((begun.get('app') ?? 0) - (begun.get('second') ?? 0)).toBeGreaterThanOrEqual(2000)
  const pod = await node.until('web', isReady)
  expect(pod?.status.initContainerStatuses?.map(({ name, restartCount }) => [name, restartCount])).toEqual([
    ['first', 1],
    ['second', 1],
  ])
})

test('nobody is told that a pod has finished while its containers still run', async () => {
  await using node = await simulatedStory()
  await node.run('web', { activeDeadlineSeconds: 5 }, simulated({ 'stop-after': '10s' }))
  await node.until('web', isRunning)
  await node.clock.advance(9000)
  const pod = await node.pod('web')
  expect(pod?.status).toMatchObject({ phase: 'Running', containerStatuses: [{ state: { running: {} } }] })
  expect(pod?.status.reason).toBeUndefined()
  const ended = await node.until('web', pod => pod?.status.phase === 'Failed', 20)
  expect(ended?.status).toMatchObject({
    reason: 'DeadlineExceeded',
    message: 'Pod was active on the node longer than the specified deadline',
    containerStatuses: [{ state: { terminated: {} } }],
  })
})

test('a deadline that is brought forward counts from the start', async () => {
  await using node = await simulatedStory()
  await node.run('web', { activeDeadlineSeconds: 3600 })
  await node.until('web', isRunning)
  await node.clock.advance(20_000)
  await node.client.patch(Pod, web, 'merge', { spec: { activeDeadlineSeconds: 30 } })
  await node.clock.advance(5000)
  expect((await node.pod('web'))?.status.phase).toBe('Running')
  await node.until('web', pod => pod?.status.reason === 'DeadlineExceeded', 6)
})

test('status and conditions say which generation they are about', async () => {
  await using node = await simulatedStory()
  await node.run('web', {})
  const first = await node.until('web', isReady)
  const told = (pod: Pod | undefined) =>
    new Set([pod?.status.observedGeneration, ...(pod?.status.conditions ?? []).map(one => one.observedGeneration)])
  expect([...told(first)]).toEqual([1])
  await node.client.patch(Pod, web, 'merge', { spec: { tolerations: [{ key: 'a', operator: 'Exists' }] } })
  const second = await node.until('web', pod => pod?.status.observedGeneration === 2)
  expect([...told(second)]).toEqual([2])
})

test('a status is written when it changes, once, and never otherwise', async () => {
  await using node = await simulatedStory()
  const writes = () => node.calls.filter(call => call.verb === 'patch' && call.subresource === 'status' && call.name === 'web')
  await node.run('web', {})
  await node.until('web', isReady)
  await node.clock.advance(5000)
  const afterStart = writes().length
  expect(afterStart).toBeLessThanOrEqual(3)
  await node.clock.advance(600_000)
  expect(writes()).toHaveLength(afterStart)
  await node.client.patch(Pod, web, 'merge', { metadata: { labels: { a: 'b' } } })
  await node.clock.advance(5000)
  expect(writes()).toHaveLength(afterStart)
})

test('a status that somebody else has written over is put right', async () => {
  await using node = await simulatedStory()
  await node.run('web', {})
  await node.until('web', isReady)
  const conditions = [{ type: 'Ready', status: 'False' }]
  await node.client.patch(Pod, web, 'strategic', { status: { podIP: '1.2.3.4', conditions } }, { subresource: 'status' })
  const pod = await node.until('web', isReady)
  expect(pod?.status.podIP).toBe('10.244.0.2')
})

test('a pod that somebody else has declared failed is ended, and stays failed', async () => {
  await using node = await simulatedStory()
  await node.run('web', {})
  await node.until('web', isReady)
  await node.client.patch(Pod, web, 'merge', { status: { phase: 'Failed', reason: 'Lost' } }, { subresource: 'status' })
  const pod = await node.until('web', pod => pod?.status.containerStatuses?.[0]?.state.terminated, 60)
  expect(pod?.status).toMatchObject({ phase: 'Failed', reason: 'Lost' })
  await node.clock.advance(100_000)
  expect((await node.pod('web'))?.status.phase).toBe('Failed')
  expect((await node.runtime.list()).containers.filter(one => one.state === 'running')).toEqual([])
})

test('a container that is being ended slowly for another reason hurries up when its pod is deleted', async () => {
  await using node = await simulatedStory()
  await node.run('web', { terminationGracePeriodSeconds: 300 }, simulated({ 'stop-after': '200s' }))
  await node.until('web', isReady)
  await node.client.patch(Pod, web, 'strategic', { spec: { containers: [{ name: 'app', image: 'registry/app:2' }] } })
  await node.clock.advance(5000)
  await node.client.delete(Pod, web, { gracePeriodSeconds: 3 })
  await node.until('web', pod => pod === undefined, 6)
})

test('a pod that takes the place of one deleted by force runs at once; the containers of both never mix', async () => {
  await using node = await simulatedStory()
  const before = await node.run('web', {}, simulated({ 'stop-after': '60s' }))
  await node.until('web', isRunning)
  await node.client.delete(Pod, web, { gracePeriodSeconds: 0 })
  const after = await node.run('web', {})
  await node.until('web', isReady)
  await node.clock.advance(5000)
  const { containers } = await node.runtime.list()
  expect(containers.map(one => [one.pod.uid, one.state])).toEqual([[after.metadata.uid, 'running']])
  expect(after.metadata.uid).not.toBe(before.metadata.uid)
})

test('a kubelet that ends while it starts a container leaves nothing double, whatever the moment', async () => {
  for (const moment of [1, 100, 900, 1100, 2100]) {
    await using node = await simulatedStory()
    await node.run('web', {}, simulated({ 'start-after': '1s' }))
    await node.clock.advance(moment)
    await node.restart()
    await node.until('web', isReady, 60)
    await node.clock.advance(70_000)
    const { containers, sandboxes } = await node.runtime.list()
    expect([moment, containers.filter(one => one.state === 'running').length]).toEqual([moment, 1])
    expect(sandboxes.filter(one => one.state === 'ready')).toHaveLength(1)
  }
})

test('what finished while the kubelet was away is neither run again nor forgotten', async () => {
  await using node = await simulatedStory()
  await node.run('web', { restartPolicy: 'Never' }, simulated({ 'run-for': '3s' }))
  await node.until('web', isRunning)
  node.setApiReachable(false)
  await node.clock.advance(10_000)
  await node.restart()
  node.setApiReachable(true)
  const pod = await node.until('web', pod => pod?.status.phase === 'Succeeded', 60)
  expect(pod?.status.containerStatuses).toMatchObject([{ restartCount: 0, state: { terminated: { exitCode: 0 } } }])
  await node.client.delete(Pod, web)
  await node.clock.advance(5000)
  expect(await node.runtime.list()).toEqual({ sandboxes: [], containers: [] })
})

test('a status that could not be written is, once the API is back', async () => {
  await using node = await simulatedStory()
  await node.run('web', {}, simulated({ 'run-for': '20s' }))
  await node.until('web', isReady)
  node.setApiReachable(false)
  await node.clock.advance(30_000)
  node.setApiReachable(true)
  const pod = await node.until('web', pod => pod?.status.containerStatuses?.[0]?.restartCount === 1, 30)
  expect(pod?.status.containerStatuses?.[0]).toMatchObject({ lastState: { terminated: { exitCode: 0 } } })
})

test('mounts of volumes are told, read-only ones as far down as the engine can make them so', async () => {
  await using node = await simulatedStory()
  const volumes = [{ name: 'data', emptyDir: {} }]
  const volumeMounts = [
    { name: 'data', mountPath: '/data' },
    { name: 'data', mountPath: '/look', readOnly: true },
  ]
  await node.run('web', { volumes, containers: [{ name: 'app', image, volumeMounts }] })
  const pod = await node.until('web', isRunning)
  expect(pod?.status.containerStatuses?.[0]?.volumeMounts).toEqual([
    { name: 'data', mountPath: '/data' },
    { name: 'data', mountPath: '/look', readOnly: true, recursiveReadOnly: 'Disabled' },
  ])
})

test.each([
  ['42', { phase: 'Running', containerStatuses: [{ restartCount: 2 }] }],
  ['1', { phase: 'Failed', containerStatuses: [{ restartCount: 0, state: { terminated: { exitCode: 1 } } }] }],
])("exit code %s under a container's own rule, in a pod that is never restarted", async (code, expected) => {
  await using node = await simulatedStory()
  const restartPolicyRules = [{ action: 'Restart' as const, exitCodes: { operator: 'In' as const, values: [42] } }]
  const app = { name: 'app', image, restartPolicy: 'Never' as const, restartPolicyRules }
  await node.run('web', { restartPolicy: 'Never', containers: [app] }, simulated({ 'exit-code': code }))
  await node.clock.advance(15_000)
  expect((await node.pod('web'))?.status).toMatchObject(expected)
})
