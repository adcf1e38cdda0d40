import { afterAll, beforeAll, expect, test } from 'vitest'
import { Event } from '../../api/core/event.ts'
import { Pod } from '../../api/core/pod.ts'
import { isReady } from '../support/cluster.ts'
import { engineCall } from '../support/engine.ts'
import { eventually } from '../support/eventually.ts'
import { type Program, program } from '../support/program.ts'

/** The story of one node on a real engine, told through the program that people run. */
let cluster: Program
beforeAll(async () => {
  cluster = await program()
  await cluster.up()
})
afterAll(() => cluster?.[Symbol.asyncDispose]())

const containerOf = (pod: Pod, index = 0) => pod.status.containerStatuses?.[index]?.containerID?.replace('docker://', '') ?? ''
const readyPods = async (selector: string, count: number) => {
  const pods = await cluster.pods(selector)
  expect(pods).toHaveLength(count)
  expect(pods.filter(isReady)).toHaveLength(count)
  return pods
}
const page = (pod: string) => cluster.ok('exec', pod, '--', 'wget', '-qO-', 'http://127.0.0.1:8080/')
const podIsReady = (name: string) => eventually(async () => expect(isReady(await cluster.pod(name))).toBe(true))

test('web: three pods are containers that the engine knows, and each serves its page', async () => {
  expect(await cluster.apply('web.yaml')).toBe('deployment.apps/web created\nservice/web created\n')
  expect(await cluster.ok('rollout', 'status', 'deployment/web', '--timeout=60s')).toContain('successfully rolled out')
  const pods = await readyPods('app=web', 3)
  const running = await cluster.containers()
  for (const pod of pods) {
    expect(running.find(({ Id }) => Id === containerOf(pod))).toMatchObject({
      State: 'running',
      Labels: {
        'io.kubernetes.pod.name': pod.metadata.name,
        'io.kubernetes.pod.uid': pod.metadata.uid,
        'io.kubernetes.container.name': 'web',
      },
    })
    expect(await page(pod.metadata.name)).toBe(`web v1 on ${pod.metadata.name}\n`)
  }
  expect(new Set(pods.map(pod => pod.status.podIP)).size).toBe(3)
  const { HostConfig } = await engineCall<{ HostConfig: { Memory: number } }>('GET', `/containers/${containerOf(pods[0]!)}/json`)
  expect(HostConfig.Memory).toBe(32 * 2 ** 20)
})

test('web-v2: the rolling update keeps three pods serving and leaves only version 2', async () => {
  const before = new Set((await cluster.pods('app=web')).map(pod => pod.metadata.uid))
  let fewest = 3
  await cluster.apply('web-v2.yaml')
  const pods = await eventually(async () => {
    const now = await cluster.pods('app=web')
    fewest = Math.min(fewest, now.filter(isReady).length)
    expect(now.filter(pod => before.has(pod.metadata.uid))).toEqual([])
    return readyPods('app=web', 3)
  })
  expect(fewest).toBe(3)
  for (const pod of pods) expect(await page(pod.metadata.name)).toBe(`web v2 on ${pod.metadata.name}\n`)
  expect(await cluster.ok('rollout', 'history', 'deployment/web')).toMatch(/^1 [^]*^2 /m)
})

test('a container that is killed comes back in the same pod, at the same address', async () => {
  const [pod] = await cluster.pods('app=web')
  const id = containerOf(pod!)
  await engineCall('POST', `/containers/${id}/kill`)
  const after = await eventually(async () => {
    const now = await cluster.pod(pod!.metadata.name)
    expect(now.status.containerStatuses?.[0]).toMatchObject({ restartCount: 1, ready: true, state: { running: {} } })
    return now
  })
  expect([after.metadata.uid, after.status.podIP]).toEqual([pod!.metadata.uid, pod!.status.podIP])
  expect(containerOf(after)).not.toBe(id)
  expect(after.status.containerStatuses?.[0]?.lastState).toMatchObject({ terminated: { exitCode: 137, reason: 'Error' } })
  expect(await page(after.metadata.name)).toContain('web v2')
})

test('a pod that is deleted is replaced, and its containers are gone from the engine', async () => {
  const [pod] = await cluster.pods('app=web')
  expect(await cluster.ok('delete', 'pod', pod!.metadata.name)).toContain(`pod "${pod!.metadata.name}" deleted`)
  const pods = await eventually(() => readyPods('app=web', 3))
  expect(pods.map(({ metadata }) => metadata.uid)).not.toContain(pod!.metadata.uid)
  await eventually(async () => {
    const uids = (await cluster.containers()).map(({ Labels }) => Labels['io.kubernetes.pod.uid'])
    expect(uids).not.toContain(pod!.metadata.uid)
  })
})

test('scaling to zero and deleting the Deployment leaves nothing of it on the engine', async () => {
  await cluster.ok('scale', 'deployment/web', '--replicas=0')
  await eventually(async () => expect(await cluster.pods('app=web')).toEqual([]))
  await cluster.ok('delete', 'deployment/web', 'service/web')
  await eventually(async () => expect(await cluster.containers()).toEqual([]))
})

test('data: what a pod wrote on its volume is there for the next pod of the claim', async () => {
  await cluster.apply('data.yaml')
  await podIsReady('counter')
  expect(await cluster.ok('logs', 'counter')).toBe('this is start number 1\n')
  await cluster.ok('delete', 'pod', 'counter')
  await cluster.apply('data.yaml')
  await podIsReady('counter')
  expect(await cluster.ok('logs', 'counter')).toBe('this is start number 2\n')
  expect(await cluster.ok('get', 'pvc', 'data', '-o', 'jsonpath={.status.phase}')).toBe('Bound')

  await cluster.ok('delete', 'pod', 'counter')
  await cluster.ok('delete', 'pvc', 'data')
  await eventually(async () => expect((await cluster.wherry('get', 'pv', '-o', 'name')).out).toBe(''))
})

test('config: environment and files from a ConfigMap, a Secret and an init container', async () => {
  await cluster.apply('config.yaml')
  await eventually(async () => expect((await cluster.pod('config')).status.phase).toBe('Succeeded'))
  expect(await cluster.ok('logs', 'config')).toBe(
    'hello from config, prepared\nReconciliation is endless and unconditional.\nnot-a-secret',
  )
  expect((await cluster.pod('config')).status.containerStatuses?.[0]?.state).toMatchObject({
    terminated: { exitCode: 0, reason: 'Completed' },
  })
})

test('exec: input goes in, output and the exit code come back', async () => {
  await cluster.apply('failing-probe.yaml')
  await podIsReady('failing-probe')
  expect(await cluster.ok('exec', 'failing-probe', '--', 'hostname')).toBe('failing-probe\n')
  expect(await cluster.wherry('exec', 'failing-probe', '--', 'sh', '-c', 'echo out; echo err >&2; exit 7')).toMatchObject({
    code: 7,
    out: 'out\n',
    err: expect.stringContaining('err\n'),
  })
})

test('failing-probe: the container is restarted when its liveness probe fails, and is not ready meanwhile', async () => {
  const { uid } = (await cluster.pod('failing-probe')).metadata
  await eventually(
    async () => {
      const { metadata, status } = await cluster.pod('failing-probe')
      expect(metadata.uid).toBe(uid)
      expect(status.containerStatuses?.[0]?.restartCount).toBeGreaterThan(0)
    },
    { timeoutInMs: 30_000 },
  )
  const events = (await cluster.client.list(Event, { namespace: 'default', fieldSelector: 'involvedObject.name=failing-probe' }))
    .items
  const messages = events.map(event => `${event.reason}: ${event.message}`).join('\n')
  expect(messages).toMatch(/Unhealthy: Liveness probe failed/)
  expect(messages).toMatch(/Unhealthy: Readiness probe failed/)
  expect(messages).toMatch(/Killing: Container app failed liveness probe, will be restarted/)
  await cluster.client.delete(Pod, { namespace: 'default', name: 'failing-probe' }, { gracePeriodSeconds: 0 })
})

test('broken-image: ErrImagePull, then ImagePullBackOff', async () => {
  await cluster.apply('broken-image.yaml')
  const reasons = new Set<string>()
  await eventually(async () => {
    const { status } = await cluster.pod('broken-image')
    reasons.add(status.containerStatuses?.[0]?.state?.waiting?.reason ?? '')
    expect(status.phase).toBe('Pending')
    expect(reasons).toContain('ImagePullBackOff')
  })
  expect(reasons).toContain('ErrImagePull')
  expect(await cluster.ok('get', 'pod', 'broken-image')).toMatch(/0\/1 +(ErrImagePull|ImagePullBackOff) +0/)
  await cluster.ok('delete', 'pod', 'broken-image')
})
