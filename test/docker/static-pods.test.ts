import { mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { Pod } from '../../api/core/pod.ts'
import { ignore } from '../../api/errors.ts'
import { isReady } from '../support/cluster.ts'
import { containersOf, engineCall } from '../support/engine.ts'
import { eventually } from '../support/eventually.ts'
import { applyObjects } from '../support/manifests.ts'
import { podNamed } from '../support/objects.ts'
import { type Program, program } from '../support/program.ts'

/** Pods from files, a kubelet that is killed, and a machine that goes down, on a real engine. */
let cluster: Program
let dir: string
beforeAll(async () => {
  cluster = await program()
  dir = join(cluster.folder, 'static')
  await mkdir(dir)
  await cluster.up('--static-pod-path', dir)
})
afterAll(() => cluster?.[Symbol.asyncDispose]())

const write = (script: string, grace = 2, stopSignal = '') =>
  writeFile(
    join(dir, 'guard.yaml'),
    `apiVersion: v1
kind: Pod
metadata: {name: guard, labels: {app: guard}}
spec:
  os: {name: linux}
  terminationGracePeriodSeconds: ${grace}
  containers:
  - name: app
    image: busybox:1.36
    command: [sh, -c, ${JSON.stringify(script)}]
    ${stopSignal && `lifecycle: {stopSignal: ${stopSignal}}`}
    securityContext: {runAsUser: 1000, runAsGroup: 2000}
`,
  )
const find = async () => (await cluster.pods('app=guard'))[0]
const guardIsReady = (isIt: (pod: Pod) => boolean = () => true) =>
  eventually(
    async () => {
      const pod = await find()
      expect(pod && isReady(pod) && isIt(pod)).toBe(true)
      return pod!
    },
    { timeoutInMs: 60_000 },
  )
const containerIds = async () => (await cluster.containers()).filter(one => one.State === 'running').map(one => one.Id)
const forever = 'echo here; trap "echo bye; exit 0" TERM USR1; while :; do sleep 0.1; done'

test('a file is a pod on the engine, and its mirror shows it; logs and exec reach it through the mirror', async () => {
  await write(forever)
  const pod = await guardIsReady()
  const uid = pod.metadata.annotations?.['kubernetes.io/config.hash']
  const running = await cluster.containers()
  expect(running.map(one => one.Labels['io.kubernetes.pod.uid'])).toEqual([uid])
  expect(pod.metadata.ownerReferences).toMatchObject([{ kind: 'Node', controller: true }])
  expect(pod.status.containerStatuses?.[0]?.user?.linux).toMatchObject({ uid: 1000, gid: 2000, supplementalGroups: [2000] })
  expect(await cluster.ok('logs', pod.metadata.name)).toBe('here\n')
  expect(await cluster.ok('exec', pod.metadata.name, '--', 'id', '-u')).toBe('1000\n')
})

test('a mirror that is deleted comes back, and the container never notices', async () => {
  const before = await guardIsReady()
  const ids = await containerIds()
  await cluster.ok('delete', 'pod', before.metadata.name, '--wait=false')
  await guardIsReady(pod => pod.metadata.uid !== before.metadata.uid)
  expect(await containerIds()).toEqual(ids)
})

test('killed and started again, the agent adopts it; what died in between is started again, once', async () => {
  const before = await guardIsReady()
  const ids = await containerIds()
  await cluster.kill('SIGKILL')
  await cluster.up('--static-pod-path', dir)
  const after = await guardIsReady()
  expect(after.metadata.uid).toBe(before.metadata.uid)
  expect(await containerIds()).toEqual(ids)
  await cluster.kill('SIGKILL')
  await engineCall('POST', `/containers/${ids[0]}/kill`)
  await cluster.up('--static-pod-path', dir)
  const again = await guardIsReady(pod => pod.status.containerStatuses?.[0]?.restartCount === 1)
  expect(again.status.containerStatuses?.[0]?.lastState.terminated?.exitCode).toBe(137)
  expect(await containerIds()).toHaveLength(1)
})

test('a changed file replaces the pod after the old one has had its grace; its own stop signal ends it', async () => {
  const before = await guardIsReady()
  await write('trap "" TERM; trap "exit 0" USR1; while :; do sleep 0.1; done', 20, 'SIGUSR1')
  const after = await guardIsReady(pod => pod.metadata.uid !== before.metadata.uid)
  expect(after.status.containerStatuses?.[0]?.stopSignal).toBe('SIGUSR1')
  const begin = performance.now()
  await rm(join(dir, 'guard.yaml'))
  await eventually(async () => expect(await find()).toBeUndefined(), { timeoutInMs: 30_000 })
  await eventually(async () => expect(await containerIds()).toEqual([]))
  expect(performance.now() - begin).toBeLessThan(15_000)
})

test('a machine that goes down ends its pods in order; the next start finds them failed and runs the static one again', async () => {
  await cluster.kill('SIGINT')
  const flags = ['--static-pod-path', dir, '--shutdown-grace-period', '20s', '--shutdown-grace-period-critical-pods', '10s']
  await cluster.up(...flags)
  await write(forever)
  await applyObjects(cluster.client, [podNamed('web')])
  await guardIsReady()
  await eventually(async () => expect(isReady(await cluster.pod('web'))).toBe(true), { timeoutInMs: 60_000 })
  expect(await cluster.kill('SIGTERM')).toBe(0)
  const left = (await containersOf(await cluster.clusterId())).filter(({ State }) => State === 'running')
  expect(left).toEqual([])
  await cluster.up(...flags)
  const web = await cluster.client.get(Pod, { namespace: 'default', name: 'web' }).catch(ignore('NotFound'))
  expect(web?.status).toMatchObject({
    phase: 'Failed',
    reason: 'Terminated',
    message: 'Pod was terminated in response to imminent node shutdown.',
  })
})
