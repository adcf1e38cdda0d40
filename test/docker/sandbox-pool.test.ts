import { afterAll, afterEach, describe, expect, test } from 'vitest'
import { dockerEngine } from '../../kubelet/runtime/docker/engine.ts'
import { dockerRuntime } from '../../kubelet/runtime/docker/runtime.ts'
import { containerConfig, podIdentity, sandboxConfig } from '../../kubelet/runtime/pod-configs.ts'
import type { ContainerRuntime, Sandbox, SandboxConfig } from '../../kubelet/runtime/runtime.ts'
import { systemClock } from '../../lib/clock.ts'
import { silentLog } from '../../lib/log.ts'
import { containersOf, engineCall, engineSocket } from '../support/engine.ts'

const image = 'busybox:1.36'
const clock = systemClock
const log = silentLog
const engine = dockerEngine({ clock, log, socketPath: engineSocket })
const cluster = `pool-${process.pid}`
const kept: { stop: AbortController; ended: Promise<void> | undefined }[] = []

/** A runtime as a kubelet has it, with so many sandboxes in its pool. */
function runtimeWith(size: number): ContainerRuntime {
  const sandboxPool = { size, hostname: 'warm' }
  const runtime = dockerRuntime({ engine, cluster, node: 'node-a', podCIDR: () => '10.213.22.0/24', clock, log, sandboxPool })
  const stop = new AbortController()
  kept.push({ stop, ended: runtime.keepWarm?.(stop.signal) })
  return runtime
}

/** The kubelet is gone, as with kill -9: what it had made stays. */
const killAll = async () => {
  const all = kept.splice(0)
  for (const { stop } of all) stop.abort()
  for (const { ended } of all) await ended
}

const isWaiting = ({ Names }: { Names: string[] }) => Names.some(name => name.startsWith('/k8s_WARM_'))
const waiting = async () =>
  ((await containersOf(cluster)) as unknown as { Id: string; Names: string[]; State: string }[]).filter(isWaiting)
const poolIsFull = (size: number) =>
  expect
    .poll(async () => (await waiting()).filter(({ State }) => State === 'running').length, { timeout: 30_000, interval: 100 })
    .toBe(size)

const made: { runtime: ContainerRuntime; sandbox: Sandbox }[] = []
const run = async (runtime: ContainerRuntime, overrides: Partial<SandboxConfig> = {}) => {
  const sandbox = await runtime.runSandbox(sandboxConfig({ hostname: 'warm', ...overrides }))
  made.push({ runtime, sandbox })
  return sandbox
}

describe('warm sandboxes', { timeout: 90_000 }, () => {
  afterEach(async () => {
    await killAll()
    await Promise.all(made.splice(0).map(({ runtime, sandbox }) => runtime.removeSandbox(sandbox.id)))
    for (const { Id } of await containersOf(cluster))
      await engineCall('DELETE', `/containers/${Id}?force=1`).catch(() => undefined)
  })
  afterAll(() => runtimeWith(0).cleanUp())

  test('a pod that asks for no more than there is gets one; it is like any other from then on, also after a restart', async () => {
    const runtime = runtimeWith(1)
    await poolIsFull(1)
    const [member] = await waiting()
    expect((await runtime.list()).sandboxes).toEqual([])
    const pod = podIdentity()
    const dns = { servers: ['10.96.0.10'], searches: ['a.b'], options: ['ndots:5'] }
    const sandbox = await run(runtime, { pod, attempt: 3, annotations: { 'example.com/a': 'kept' }, dns })
    expect(sandbox).toMatchObject({ id: member?.Id, pod, attempt: 3, state: 'ready', isWarm: true })
    expect(sandbox.ip).toMatch(/^10\.213\.22\.\d+$/)
    expect(Math.abs(sandbox.createdAt - clock.now())).toBeLessThan(10_000)
    const restarted = runtimeWith(0)
    for (const each of [runtime, restarted]) {
      expect((await each.list()).sandboxes).toEqual([sandbox])
      expect(await each.inspectSandbox(sandbox.id)).toEqual(sandbox)
    }
    const id = await restarted.createContainer(sandbox.id, containerConfig({ pod, image }))
    await restarted.startContainer(id)
    const { output } = await restarted.execSync(id, ['sh', '-c', 'hostname; cat /etc/resolv.conf'], 20_000)
    expect(output).toBe('warm\nnameserver 10.96.0.10\nsearch a.b\noptions ndots:5\n')
    await restarted.removeSandbox(sandbox.id)
    expect(await restarted.list()).toEqual({ sandboxes: [], containers: [] })
  })

  test.each<[string, Partial<SandboxConfig>]>([
    ['another host name', { hostname: 'web' }],
    ['a port of the node', { portMappings: [{ protocol: 'TCP', containerPort: 80, hostPort: 18_499, hostIP: '127.0.0.1' }] }],
    ['kernel parameters', { sysctls: { 'net.ipv4.ip_local_port_range': '20000 30000' } }],
    ["the host's IPC", { hostIPC: true }],
    ["the host's network", { hostNetwork: true }],
  ])('a pod that asks for %s gets one of its own', async (_what, overrides) => {
    const runtime = runtimeWith(1)
    await poolIsFull(1)
    expect((await run(runtime, overrides)).isWarm).toBeUndefined()
    expect(await waiting()).toHaveLength(1)
  })

  test('as many pods as come get a sandbox each, and never the same', async () => {
    const runtime = runtimeWith(2)
    await poolIsFull(2)
    const sandboxes = await Promise.all([1, 2, 3, 4].map(() => run(runtime)))
    expect(new Set(sandboxes.map(({ id }) => id)).size).toBe(4)
    expect(new Set(sandboxes.map(({ ip }) => ip)).size).toBe(4)
    expect(sandboxes.filter(({ isWarm }) => isWarm)).toHaveLength(2)
    await poolIsFull(2)
  })

  test('what a kubelet that was killed had waiting goes, with and without a pool of its own; what was taken stays', async () => {
    const first = runtimeWith(2)
    await poolIsFull(2)
    const sandbox = await run(first)
    await poolIsFull(2)
    const left = (await waiting()).map(({ Id }) => Id)
    await killAll()
    const next = runtimeWith(0)
    expect((await next.list()).sandboxes.map(({ id }) => id)).toEqual([sandbox.id])
    await expect.poll(async () => (await waiting()).filter(({ Id }) => left.includes(Id)), { timeout: 20_000 }).toEqual([])
    expect((await next.inspectSandbox(sandbox.id))?.state).toBe('ready')
  })

  test('one that has died is not handed out, and is replaced', async () => {
    const runtime = runtimeWith(1)
    await poolIsFull(1)
    const [member] = await waiting()
    await engineCall('POST', `/containers/${member?.Id}/kill`)
    const sandbox = await run(runtime)
    expect([sandbox.state, sandbox.isWarm]).toEqual(['ready', undefined])
    await runtime.list()
    await poolIsFull(1)
    expect((await waiting())[0]?.Id).not.toBe(member?.Id)
  })

  test('a pod that has a sandbox is given no second one of the same name', async () => {
    const runtime = runtimeWith(1)
    await poolIsFull(1)
    const pod = podIdentity()
    const own = await run(runtime, { pod })
    await poolIsFull(1)
    await expect(runtime.runSandbox(sandboxConfig({ pod, hostname: 'warm' }))).rejects.toMatchObject({ kind: 'create' })
    expect((await runtime.list()).sandboxes.map(({ id }) => id)).toEqual([own.id])
  })
})
