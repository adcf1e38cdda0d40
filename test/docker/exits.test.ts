import { afterAll, expect, test } from 'vitest'
import { dockerEngine } from '../../kubelet/runtime/docker/engine.ts'
import { dockerRuntime } from '../../kubelet/runtime/docker/runtime.ts'
import { containerConfig, sandboxConfig } from '../../kubelet/runtime/pod-configs.ts'
import { runtimeView } from '../../kubelet/workers/relist.ts'
import { systemClock } from '../../lib/clock.ts'
import { silentLog } from '../../lib/log.ts'
import { engineSocket } from '../support/engine.ts'

const clock = systemClock
const log = silentLog
const engine = dockerEngine({ clock, log, socketPath: engineSocket })
const owner = { cluster: `exits-${process.pid}`, node: 'node-a' }
const runtime = dockerRuntime({ engine, ...owner, podCIDR: () => '10.213.21.0/24', clock, log })
const config = sandboxConfig()
let sandboxId = ''

afterAll(async () => {
  if (sandboxId) await runtime.removeSandbox(sandboxId)
  await runtime.cleanUp()
})

/** By events alone: a relist that comes by the clock would be an hour away. */
const hour = 3_600_000

test('of two hundred containers that end at once every end is noticed, by events alone', { timeout: 300_000 }, async () => {
  const count = 200
  sandboxId = (await runtime.runSandbox(config)).id
  const noticed = new Map<string, number>()
  const view = runtimeView({
    ...{ runtime, clock, log },
    onChange: () => {
      for (const { id, state } of view.get(config.pod.uid).containers)
        if (state === 'exited' && !noticed.has(id)) noticed.set(id, clock.now())
    },
    isActive: () => true,
    activeEveryMs: hour,
    idleEveryMs: hour,
  })
  const stop = new AbortController()
  const watching = view.run(stop.signal)
  const ended = new Map<string, number>()
  let next = 0
  const runSome = async () => {
    for (let i = next++; i < count; i = next++) {
      const command = ['sh', '-c', `exit ${i % 5}`]
      const one = containerConfig({ pod: config.pod, image: 'busybox:1.36', name: `short-${i}`, command })
      const id = await runtime.createContainer(sandboxId, one)
      await runtime.startContainer(id)
      await engine.open(docker => docker.getContainer(id).wait())
      await runtime.inspect(id)
      ended.set(id, clock.now()) // which Docker's list shows from now on
    }
  }
  await Promise.all([runSome(), runSome()])
  await expect.poll(() => noticed.size, { timeout: 10_000 }).toBe(count)
  stop.abort()
  await watching
  const late = [...ended].map(([id, at]) => (noticed.get(id) ?? Number.NaN) - at).sort((a, b) => a - b)
  // On a machine that others keep busy, single ones take longer.
  expect(late[Math.floor(count * 0.95)]).toBeLessThan(1000)
  expect(late.at(-1)).toBeLessThan(5000)
})

test('what was stopped is listed as ended when the call returns', { timeout: 60_000 }, async () => {
  const { id } = await runtime.runSandbox(sandboxConfig({ pod: { ...config.pod, uid: 'stopped', name: 'stopped' } }))
  for (let round = 0; round < 10; round++) {
    const command = ['sh', '-c', 'trap "exit 3" TERM; while :; do sleep 0.02; done']
    const one = containerConfig({
      pod: { ...config.pod, uid: 'stopped', name: 'stopped' },
      image: 'busybox:1.36',
      name: `c${round}`,
      command,
    })
    const container = await runtime.createContainer(id, one)
    await runtime.startContainer(container)
    await runtime.stopContainer(container, round % 2 === 0 ? 5 : 0)
    const listed = (await runtime.list()).containers.find(each => each.id === container)
    expect(listed?.state).toBe('exited')
  }
  await runtime.stopSandbox(id)
  expect((await runtime.list()).sandboxes.find(each => each.id === id)?.state).toBe('notReady')
  await runtime.removeSandbox(id)
})
