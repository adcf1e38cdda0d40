import { expect, test } from 'vitest'
import { containerConfig, podIdentity, sandboxConfig } from '../pod-configs.ts'
import { type ContractSuite } from './suite.contract.ts'

/** What a sandbox is: its life, its address, its place beside others. */
export function sandboxContract(suite: ContractSuite): void {
  const { runPod, runContainer, outcome } = suite

  test('says what it is', async () => {
    const { name: engine, version } = await suite.runtime.version()
    expect([engine, version]).toEqual([expect.stringMatching(/./), expect.stringMatching(/^\d+\.\d+/)])
  })

  test('a sandbox lives, stops and goes, and doing so twice does no harm', async () => {
    const pod = podIdentity()
    const config = sandboxConfig({ pod, attempt: 2, annotations: { 'example.com/note': 'kept' } })
    const sandbox = await runPod(config)
    expect(sandbox).toMatchObject({ pod, attempt: 2, state: 'ready', annotations: { 'example.com/note': 'kept' } })
    expect(sandbox.labels.app).toBe('web')
    expect(sandbox.ip).toMatch(/^10\.213\.\d+\.\d+$/)
    expect(Math.abs(sandbox.createdAt - suite.given.now())).toBeLessThan(60_000)
    expect(await suite.runtime.inspectSandbox(sandbox.id)).toEqual(sandbox)
    expect((await suite.runtime.list()).sandboxes).toEqual([sandbox])

    await suite.runtime.stopSandbox(sandbox.id)
    await suite.runtime.stopSandbox(sandbox.id)
    expect(await suite.runtime.inspectSandbox(sandbox.id)).toEqual({ ...sandbox, state: 'notReady', ip: '' })
    await suite.runtime.removeSandbox(sandbox.id)
    await suite.runtime.removeSandbox(sandbox.id)
    expect(await suite.runtime.inspectSandbox(sandbox.id)).toBeUndefined()
    expect(await suite.runtime.list()).toEqual({ sandboxes: [], containers: [] })
  })

  test('two pods have two addresses; with host networking there is none', async () => {
    const [one, two, onHost] = await Promise.all([
      runPod({ hostNetwork: false }),
      runPod({ hostNetwork: false }),
      runPod({ hostNetwork: true }),
    ])
    expect(new Set([one?.ip, two?.ip]).size).toBe(2)
    expect(onHost?.ip).toBe('')
  })

  test('stopping a sandbox ends what runs in it; removing it removes that too', async () => {
    const sandbox = await runPod()
    const id = await runContainer(sandbox, suite.given.stubborn)
    await suite.runtime.stopSandbox(sandbox.id)
    expect(await outcome(id)).toEqual({ exitCode: 137, reason: 'Error' })
    await suite.runtime.removeSandbox(sandbox.id)
    expect(await suite.runtime.inspect(id)).toBeUndefined()
  })

  test('nodes and clusters do not see each other', async () => {
    const other = suite.given.runtime('node-b')
    const foreign = suite.given.runtime('node-a', 'other-cluster')
    const pod = podIdentity()
    const own = await runPod({ pod })
    const others = await runPod({ pod }, other)
    const foreigns = await runPod({ pod }, foreign)
    const seen = await Promise.all(
      [suite.runtime, other, foreign].map(async each => (await each.list()).sandboxes.map(({ id }) => id)),
    )
    expect(seen).toEqual([[own.id], [others.id], [foreigns.id]])
  })

  test('labels and annotations survive a restart of the kubelet', async () => {
    const sandbox = await runPod({ annotations: { 'example.com/a': '{"json": true}' } })
    const id = await runContainer(sandbox, {
      labels: { 'example.com/hash': 'f00' },
      annotations: { 'io.kubernetes.container.restartCount': '4' },
      attempt: 4,
    })
    const restarted = suite.given.runtime('node-a')
    const { sandboxes, containers } = await restarted.list()
    expect(sandboxes).toEqual([sandbox])
    expect(containers).toMatchObject([
      { id, attempt: 4, annotations: { 'io.kubernetes.container.restartCount': '4' }, state: 'running' },
    ])
    expect(containers[0]?.labels['example.com/hash']).toBe('f00')
    const second = await restarted.createContainer(
      sandbox.id,
      containerConfig({ pod: sandbox.pod, image: suite.given.image, name: 'second', ...suite.given.polite.config }),
    )
    await restarted.startContainer(second)
    expect((await restarted.inspect(second))?.sandboxId).toBe(sandbox.id)
  })

  test('a port of the node belongs to one sandbox at a time, and is free again with its end', async () => {
    const portMappings = [{ protocol: 'TCP' as const, containerPort: 80, hostPort: 18_457, hostIP: '127.0.0.1' }]
    const first = await runPod({ hostNetwork: false, portMappings })
    const second = suite.runtime.runSandbox(sandboxConfig({ portMappings }))
    await expect(second).rejects.toMatchObject({
      name: 'RuntimeError',
      kind: 'create',
      message: expect.stringContaining('18457'),
    })
    expect((await suite.runtime.list()).sandboxes.map(({ id }) => id)).toEqual([first.id])
    await suite.runtime.removeSandbox(first.id)
    expect((await runPod({ hostNetwork: false, portMappings })).state).toBe('ready')
  })

  test('namespaces of the host, kernel parameters and name servers are taken', async () => {
    const onHost = await runPod({ hostNetwork: true, hostPID: true, hostIPC: true })
    expect([onHost.state, onHost.hostNetwork]).toEqual(['ready', true])
    const dns = { servers: ['10.96.0.10'], searches: ['default.svc.cluster.local'], options: ['ndots:5'] }
    const own = await runPod({ hostNetwork: false, sysctls: { 'net.ipv4.ip_local_port_range': '20000 30000' }, dns })
    expect([own.state, own.hostNetwork]).toEqual(['ready', false])
  })

  test('a handler that nobody has configured is refused', async () => {
    await expect(runPod({ runtimeHandler: 'no-such-handler' })).rejects.toMatchObject({
      name: 'RuntimeError',
      kind: 'create',
      message: expect.stringContaining('no runtime for "no-such-handler" is configured'),
    })
    expect((await suite.runtime.list()).sandboxes).toEqual([])
    const features = await suite.runtime.features?.()
    expect(features?.handlers).toContain('runc')
  })
}
