import { existsSync } from 'node:fs'
import { readFile, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { Deployment } from '../../api/apps/deployment.ts'
import type { Pod } from '../../api/core/pod.ts'
import { isReady } from '../support/cluster.ts'
import { containersOf, type EngineContainer, engineCall, networksOf } from '../support/engine.ts'
import { eventually } from '../support/eventually.ts'
import { applyObjects, manifest } from '../support/manifests.ts'
import { deploymentNamed, podNamed } from '../support/objects.ts'
import { type Program, program } from '../support/program.ts'

const idsOf = (pods: readonly Pod[]) =>
  Object.fromEntries(pods.map(pod => [pod.metadata.uid, pod.status.containerStatuses?.[0]?.containerID]))
const allReady = (cluster: Program, selector: string, count: number) =>
  eventually(
    async () => {
      const pods = await cluster.pods(selector)
      expect(pods.map(isReady)).toEqual(Array.from({ length: count }, () => true))
      return pods
    },
    { timeoutInMs: 60_000 },
  )
/** Every container belongs to a pod that is there, and every pod has one that runs. */
const inOrder = async (cluster: Program) => {
  const pods = (await cluster.pods()).map(pod => pod.metadata.uid).sort()
  const containers = (await cluster.containers()).filter(({ State }) => State === 'running')
  expect(containers.map(({ Labels }) => Labels['io.kubernetes.pod.uid']).sort()).toEqual(pods)
}

test('killed in the middle of a rolling update: the next start adopts the containers and finishes the update', async () => {
  await using cluster = await program()
  await cluster.up()
  await applyObjects(cluster.client, [podNamed('bystander'), ...(await manifest('web.yaml'))])
  await allReady(cluster, 'app=web', 3)
  await allReady(cluster, 'app=bystander', 1)

  await applyObjects(cluster.client, await manifest('web-v2.yaml'))
  const isNew = (pod: Pod) => pod.spec.containers[0]?.command?.at(-1)?.includes('web v2') ?? false
  const before = await eventually(
    async () => {
      const pods = await cluster.pods()
      expect(pods.filter(pod => isNew(pod) && isReady(pod)).length).toBeGreaterThan(0)
      return pods
    },
    { everyMs: 5 },
  )
  expect(await cluster.kill('SIGKILL')).toBe(-1)
  expect(before.some(pod => pod.metadata.labels?.app === 'web' && !isNew(pod))).toBe(true)
  const survivors = before.filter(pod => isReady(pod) && (isNew(pod) || pod.metadata.name === 'bystander'))
  expect((await cluster.wherry('status', '--data-dir', cluster.dataDir)).code).toBe(3)

  await cluster.up()
  await eventually(
    async () => {
      const { status, metadata } = await cluster.client.get(Deployment, { namespace: 'default', name: 'web' })
      expect(status).toMatchObject({
        observedGeneration: metadata.generation,
        replicas: 3,
        updatedReplicas: 3,
        availableReplicas: 3,
      })
    },
    { timeoutInMs: 60_000 },
  )
  const after = await cluster.pods()
  expect(after.filter(pod => pod.metadata.labels?.app === 'web' && !pod.metadata.deletionTimestamp).every(isNew)).toBe(true)
  expect(idsOf(after)).toMatchObject(idsOf(survivors))
  for (const pod of after) expect(pod.status.containerStatuses?.[0]?.restartCount).toBe(0)
  await eventually(() => inOrder(cluster))
})

test('killed at the worst moments of a pod, it goes on from each of them, and in the end nothing is there twice', async () => {
  await using cluster = await program()
  await cluster.up()
  await applyObjects(cluster.client, [deploymentNamed('web', 2)])
  await allReady(cluster, 'app=web', 2)
  const clusterId = await cluster.clusterId()
  const moments = {
    'a sandbox without its container': (all: readonly EngineContainer[]) => {
      const started = new Set(all.map(({ Labels }) => Labels['wherry.dev/sandbox']))
      return all.some(
        ({ Id, State, Labels }) => State === 'running' && Labels['wherry.dev/type'] === 'sandbox' && !started.has(Id),
      )
    },
    'a container that is not started': (all: readonly EngineContainer[]) => all.some(({ State }) => State === 'created'),
    'a container that has ended': (all: readonly EngineContainer[]) => all.some(({ State }) => State === 'exited'),
  }
  for (const [moment, isNow] of Object.entries(moments)) {
    const annotations = { restartedFor: moment }
    const template = { template: { metadata: { annotations } } }
    await cluster.client.patch(Deployment, { namespace: 'default', name: 'web' }, 'merge', { spec: template })
    await eventually(async () => expect(isNow(await containersOf(clusterId))).toBe(true), { everyMs: 1 })
    await cluster.kill('SIGKILL')
    await cluster.up()
    const pods = await eventually(
      async () => {
        const now = await cluster.pods('app=web')
        expect(now.map(pod => [pod.metadata.annotations?.restartedFor, isReady(pod)])).toEqual([
          [moment, true],
          [moment, true],
        ])
        return now
      },
      { timeoutInMs: 60_000 },
    )
    // One that had been made but not started counts as a first attempt.
    for (const pod of pods) expect(pod.status.containerStatuses?.[0]?.restartCount).toBeLessThan(2)
  }
  await eventually(() => inOrder(cluster))
  await eventually(async () => {
    const sandboxes = (await containersOf(clusterId)).filter(({ Labels }) => Labels['wherry.dev/type'] === 'sandbox')
    expect(sandboxes.map(({ State }) => State)).toEqual(['running', 'running'])
  })
})

test('Ctrl-C leaves the pods running, and the next start takes them over; what ended meanwhile is started again', async () => {
  await using cluster = await program()
  await cluster.up()
  await applyObjects(cluster.client, [podNamed('stays'), podNamed('dies')])
  const before = await allReady(cluster, '', 2)
  expect(await cluster.kill('SIGINT')).toBe(0)
  const left = await cluster.containers()
  expect(left.map(({ State }) => State)).toEqual(['running', 'running'])
  const doomed = left.find(({ Labels }) => Labels['io.kubernetes.pod.name'] === 'dies')
  await engineCall('POST', `/containers/${doomed?.Id}/kill`)

  await cluster.up()
  const after = await eventually(async () => {
    const pods = await cluster.pods()
    const [dies, stays] = pods
    expect([dies?.metadata.name, stays?.metadata.name]).toEqual(['dies', 'stays'])
    expect(dies?.status.containerStatuses?.[0]).toMatchObject({ restartCount: 1, ready: true })
    return pods
  })
  expect(after.map(pod => [pod.metadata.uid, pod.status.podIP])).toEqual(before.map(pod => [pod.metadata.uid, pod.status.podIP]))
  expect(after[1]?.status.containerStatuses?.[0]).toMatchObject({
    restartCount: 0,
    containerID: before[1]?.status.containerStatuses?.[0]?.containerID,
  })
})

test('two clusters side by side never touch each other; deleting one leaves no container, network, mount or file of it', async () => {
  await using one = await program()
  await using two = await program()
  await Promise.all([one.up(), two.up()])
  const inMemory = {
    spec: {
      volumes: [{ name: 'scratch', emptyDir: { medium: 'Memory' } }],
      containers: [
        {
          name: 'app',
          image: 'busybox:1.36',
          command: ['sleep', '1000000'],
          volumeMounts: [{ name: 'scratch', mountPath: '/scratch' }],
        },
      ],
    },
  }
  for (const cluster of [one, two]) await applyObjects(cluster.client, [podNamed('same-name', inMemory)])
  const [[first], [second]] = await Promise.all([allReady(one, '', 1), allReady(two, '', 1)])
  expect(first?.status.podIP).not.toBe(second?.status.podIP)
  expect(await two.ok('exec', 'same-name', '--', 'grep', '-c', ' /scratch tmpfs ', '/proc/mounts')).toBe('1\n')
  const ids = { one: await one.clusterId(), two: await two.clusterId() }
  const ofTwo = await two.containers()
  expect(ofTwo).toHaveLength(1)

  const { out } = await one.wherry('down', '--delete-data', '--data-dir', one.dataDir)
  expect(out).toMatch(/^Deleted 2 containers, 1 networks and /)
  expect(await containersOf(ids.one)).toEqual([])
  expect(await networksOf(ids.one)).toEqual([])
  expect(existsSync(one.dataDir)).toBe(false)
  expect(await readFile('/proc/self/mounts', 'utf8')).not.toContain(one.dataDir)

  expect((await two.containers()).map(({ Id, State }) => [Id, State])).toEqual([[ofTwo[0]?.Id, 'running']])
  expect((await two.pod('same-name')).status).toMatchObject({ phase: 'Running', containerStatuses: [{ restartCount: 0 }] })
  expect(await two.kill('SIGTERM')).toBe(0)
})

test('what stands in the way of a start is told in one line, with what to do about it', async () => {
  await using cluster = await program({ flags: ['--runtime', 'simulated', '--nodes', '1'] })
  const up = (...flags: string[]) => cluster.wherry('up', '--data-dir', cluster.dataDir, ...flags)
  expect(await up('--port', 'x')).toMatchObject({
    code: 1,
    err: `error: --port must be a whole number from 0 to 65535, not "x"\nRun 'wherry up --help' for the flags.\n`,
  })

  await using taken = await new Promise<{ port: number } & AsyncDisposable>(resolve => {
    const server = createServer().listen(0, '127.0.0.1', () =>
      resolve({
        port: (server.address() as { port: number }).port,
        [Symbol.asyncDispose]: () => new Promise(done => void server.close(() => done())),
      }),
    )
  })
  expect(await up('--port', String(taken.port))).toMatchObject({
    code: 1,
    err: `error: port ${taken.port} is in use; choose another with --port, or --port 0\n`,
  })

  await cluster.up()
  const { code, err } = await up('--port', '0')
  expect(code).toBe(1)
  expect(err).toMatch(/^error: the data dir .* is in use by process \d+ \(port \d+\); choose another with --data-dir\n/)
  expect(await cluster.ok('status', '--data-dir', cluster.dataDir)).toContain(cluster.dataDir)
  expect(await cluster.kill('SIGTERM')).toBe(0)

  const identity = join(cluster.dataDir, 'cluster.json')
  const whole = await readFile(identity, 'utf8')
  await writeFile(identity, whole.slice(0, 10))
  for (const words of [['up'], ['down', '--delete-data']]) {
    const said = await cluster.wherry(...words, '--data-dir', cluster.dataDir)
    expect(said).toMatchObject({ code: 1, err: expect.stringMatching(/^error: .*cluster\.json is damaged: .*\n$/) })
  }
  await writeFile(identity, whole)
  await cluster.up()
})

test('a simulated cluster ends at once though its pods would run for ever, and needs no engine to be deleted', async () => {
  await using cluster = await program({
    flags: ['--runtime', 'simulated'],
    env: { DOCKER_HOST: 'unix:///nowhere/docker.sock' },
  })
  await cluster.up()
  await applyObjects(cluster.client, [podNamed('for-ever')])
  await allReady(cluster, '', 1)
  const askedAt = performance.now()
  expect(await cluster.kill('SIGTERM')).toBe(0)
  expect(performance.now() - askedAt).toBeLessThan(2000)
  expect(await cluster.ok('down', '--delete-data', '--data-dir', cluster.dataDir)).toContain('Deleted 0 containers')
  expect(existsSync(cluster.dataDir)).toBe(false)
})
