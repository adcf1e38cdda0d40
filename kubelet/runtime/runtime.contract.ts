import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import type { ExecSession } from '../../api/node-agent.ts'
import { containerConfig, podIdentity, sandboxConfig } from './pod-configs.ts'
import type { ContainerConfig, ContainerRuntime, Sandbox, SandboxConfig } from './runtime.ts'

/** One kind of runtime as the suite needs it. */
export interface RuntimeUnderTest {
  /** A runtime of this node; given twice for the same node, the second is what a restarted kubelet gets. */
  runtime(node: string, cluster?: string): ContainerRuntime
  image: string
  missingImage: string
  /** Lets time pass: really, or on a virtual clock. */
  passTime(ms: number): Promise<void>
  now(): number
  /** Runs until it is stopped, and then ends politely with the exit code. */
  polite: { config: Partial<ContainerConfig>; exitCode: number }
  /** Takes no notice of the stop signal. */
  stubborn: Partial<ContainerConfig>
  /** Cannot be started. */
  unstartable: Partial<ContainerConfig>
  /** Uses more than 16 MiB of memory. */
  greedy: Partial<ContainerConfig>
}

/** Everything that a stream carries, as text. */
export async function textOf(source: AsyncIterable<Uint8Array>): Promise<string> {
  const chunks: Uint8Array[] = []
  for await (const chunk of source) chunks.push(chunk)
  return Buffer.concat(chunks).toString()
}

/** Everything a session printed, and how it ended. */
export async function finished(session: ExecSession) {
  const [stdout, stderr, end] = await Promise.all([textOf(session.stdout), textOf(session.stderr), session.done])
  return { stdout, stderr, ...end }
}

/** What every runtime must do, whatever its containers are made of. */
export function runtimeContract(name: string, make: () => Promise<RuntimeUnderTest>): void {
  describe(`${name} runtime`, () => {
    let given: RuntimeUnderTest
    let runtime: ContainerRuntime
    let made: { runtime: ContainerRuntime; id: string }[] = []
    beforeAll(async () => {
      given = await make()
      runtime = given.runtime('node-a')
    })
    afterEach(async () => {
      await Promise.all(made.map(each => each.runtime.removeSandbox(each.id)))
      made = []
    })
    afterAll(async () => {
      await runtime.cleanUp()
    })

    const runPod = async (overrides: Partial<SandboxConfig> = {}, on = runtime): Promise<Sandbox> => {
      const sandbox = await on.runSandbox(sandboxConfig({ hostNetwork: true, ...overrides })) // quicker to make
      made.push({ runtime: on, id: sandbox.id })
      return sandbox
    }
    const create = (sandbox: Sandbox, overrides: Partial<ContainerConfig> = {}) =>
      runtime.createContainer(sandbox.id, containerConfig({ pod: sandbox.pod, image: given.image, ...overrides }))
    const runContainer = async (sandbox: Sandbox, overrides: Partial<ContainerConfig> = {}) => {
      const id = await create(sandbox, overrides)
      await runtime.startContainer(id)
      return id
    }
    const whenExited = async (id: string) => {
      for (let tries = 0; tries < 400; tries++) {
        const container = await runtime.inspect(id)
        if (container?.state === 'exited') return container
        await given.passTime(25)
      }
      throw new Error(`container ${id} did not end`)
    }
    const shell = (script: string): Partial<ContainerConfig> => ({ command: ['sh', '-c', script] })
    const outcome = async (id: string) => {
      const { exitCode, reason } = await whenExited(id)
      return { exitCode, reason }
    }
    /** Drives something that takes time, while letting time pass. */
    const during = async <T>(work: Promise<T>): Promise<T> => {
      let isDone = false
      const settled = work.finally(() => {
        isDone = true
      })
      settled.catch(() => undefined)
      while (!isDone) await given.passTime(25)
      return settled
    }

    test('says what it is', async () => {
      const { name: engine, version } = await runtime.version()
      expect([engine, version]).toEqual([expect.stringMatching(/./), expect.stringMatching(/^\d+\.\d+/)])
    })

    test('a sandbox lives, stops and goes, and doing so twice does no harm', async () => {
      const pod = podIdentity()
      const config = sandboxConfig({ pod, attempt: 2, annotations: { 'example.com/note': 'kept' } })
      const sandbox = await runPod(config)
      expect(sandbox).toMatchObject({ pod, attempt: 2, state: 'ready', annotations: { 'example.com/note': 'kept' } })
      expect(sandbox.labels.app).toBe('web')
      expect(sandbox.ip).toMatch(/^10\.213\.\d+\.\d+$/)
      expect(Math.abs(sandbox.createdAt - given.now())).toBeLessThan(60_000)
      expect(await runtime.inspectSandbox(sandbox.id)).toEqual(sandbox)
      expect((await runtime.list()).sandboxes).toEqual([sandbox])

      await runtime.stopSandbox(sandbox.id)
      await runtime.stopSandbox(sandbox.id)
      expect(await runtime.inspectSandbox(sandbox.id)).toEqual({ ...sandbox, state: 'notReady', ip: '' })
      await runtime.removeSandbox(sandbox.id)
      await runtime.removeSandbox(sandbox.id)
      expect(await runtime.inspectSandbox(sandbox.id)).toBeUndefined()
      expect(await runtime.list()).toEqual({ sandboxes: [], containers: [] })
    })

    test('two pods have two addresses; with host networking there is none', async () => {
      const [one, two, onHost] = await Promise.all([runPod({ hostNetwork: false }), runPod({ hostNetwork: false }), runPod()])
      expect(new Set([one?.ip, two?.ip]).size).toBe(2)
      expect(onHost?.ip).toBe('')
    })

    test('a container is created, started, stopped and removed', async () => {
      const sandbox = await runPod()
      const id = await create(sandbox, {
        ...given.polite.config,
        name: 'web',
        role: 'sidecar',
        attempt: 3,
        labels: { tier: 'front' },
      })
      const identity = {
        id,
        sandboxId: sandbox.id,
        pod: sandbox.pod,
        name: 'web',
        role: 'sidecar',
        attempt: 3,
        image: given.image,
      }
      expect(await runtime.inspect(id)).toMatchObject({ ...identity, state: 'created', startedAt: 0, finishedAt: 0, exitCode: 0 })

      await runtime.startContainer(id)
      const running = await runtime.inspect(id)
      expect(running).toMatchObject({ ...identity, state: 'running', finishedAt: 0, reason: '' })
      expect(running?.startedAt).toBeGreaterThan(0)
      expect(running?.labels.tier).toBe('front')
      expect((await runtime.list()).containers).toEqual([expect.objectContaining({ ...identity, state: 'running' })])

      await given.passTime(200)
      await during(runtime.stopContainer(id, 30))
      const { exitCode } = given.polite
      expect(await runtime.inspect(id)).toMatchObject({
        ...identity,
        state: 'exited',
        exitCode,
        reason: exitCode === 0 ? 'Completed' : 'Error',
      })
      await runtime.stopContainer(id, 30)
      await runtime.removeContainer(id)
      await runtime.removeContainer(id)
      await runtime.stopContainer(id, 30)
      expect(await runtime.inspect(id)).toBeUndefined()
    })

    test.each([
      ['exit 0', { exitCode: 0, reason: 'Completed' }],
      ['exit 3', { exitCode: 3, reason: 'Error' }],
      ['sleep 0.2; false', { exitCode: 1, reason: 'Error' }],
    ])('a container that runs "%s" ends so', async (script, expected) => {
      const id = await runContainer(await runPod(), shell(script))
      expect(await outcome(id)).toEqual(expected)
      const { startedAt, finishedAt } = await whenExited(id)
      expect(finishedAt).toBeGreaterThanOrEqual(startedAt)
      expect((await runtime.list()).containers).toMatchObject([{ id, state: 'exited', exitCode: expected.exitCode }])
    })

    test('too much memory ends a container as OOMKilled', async () => {
      const id = await runContainer(await runPod(), { ...given.greedy, resources: { memoryLimitInBytes: 16 * 1024 * 1024 } })
      expect(await outcome(id)).toEqual({ exitCode: 137, reason: 'OOMKilled' })
    })

    test('a container that cannot start says why, also in the list', async () => {
      const id = await create(await runPod(), given.unstartable)
      await expect(runtime.startContainer(id)).rejects.toMatchObject({ name: 'RuntimeError', kind: 'start' })
      const container = await runtime.inspect(id)
      expect(container).toMatchObject({ state: 'exited', reason: 'ContainerCannotRun', message: expect.stringMatching(/./) })
      expect(container?.exitCode).not.toBe(0)
      expect([container?.startedAt, container?.finishedAt]).toEqual([container?.createdAt, container?.createdAt])
      expect((await runtime.list()).containers).toMatchObject([{ id, state: 'exited', reason: 'ContainerCannotRun' }])
    })

    test('a stubborn container is killed when its grace is over, one without grace at once', async () => {
      const sandbox = await runPod()
      const [graced, killed] = await Promise.all([
        runContainer(sandbox, { ...given.stubborn, name: 'graced' }),
        runContainer(sandbox, { ...given.stubborn, name: 'killed' }),
      ])
      await given.passTime(200)
      const begin = given.now()
      await during(runtime.stopContainer(killed, 0))
      expect(given.now() - begin).toBeLessThan(900)
      const middle = given.now()
      await during(runtime.stopContainer(graced, 1))
      expect(given.now() - middle).toBeGreaterThanOrEqual(950)
      expect([await outcome(graced), await outcome(killed)]).toEqual([
        { exitCode: 137, reason: 'Error' },
        { exitCode: 137, reason: 'Error' },
      ])
    })

    test('stopping a sandbox ends what runs in it; removing it removes that too', async () => {
      const sandbox = await runPod()
      const id = await runContainer(sandbox, given.stubborn)
      await runtime.stopSandbox(sandbox.id)
      expect(await outcome(id)).toEqual({ exitCode: 137, reason: 'Error' })
      await runtime.removeSandbox(sandbox.id)
      expect(await runtime.inspect(id)).toBeUndefined()
    })

    test('unknown ids are answered, not stumbled over', async () => {
      const id = 'f'.repeat(32)
      expect([await runtime.inspect(id), await runtime.inspectSandbox(id)]).toEqual([undefined, undefined])
      await Promise.all([
        runtime.stopSandbox(id),
        runtime.removeSandbox(id),
        runtime.stopContainer(id, 1),
        runtime.removeContainer(id),
      ])
      const missing = { name: 'RuntimeError', kind: 'notFound' }
      await expect(runtime.startContainer(id)).rejects.toMatchObject(missing)
      await expect(textOf(runtime.logs(id, {}, new AbortController().signal))).rejects.toMatchObject(missing)
      await expect(runtime.execSync(id, ['true'], 1000)).rejects.toMatchObject(missing)
    })

    test('labels and annotations survive a restart of the kubelet', async () => {
      const sandbox = await runPod({ annotations: { 'example.com/a': '{"json": true}' } })
      const id = await runContainer(sandbox, {
        labels: { 'example.com/hash': 'f00' },
        annotations: { 'io.kubernetes.container.restartCount': '4' },
        attempt: 4,
      })
      const restarted = given.runtime('node-a')
      const { sandboxes, containers } = await restarted.list()
      expect(sandboxes).toEqual([sandbox])
      expect(containers).toMatchObject([
        { id, attempt: 4, annotations: { 'io.kubernetes.container.restartCount': '4' }, state: 'running' },
      ])
      expect(containers[0]?.labels['example.com/hash']).toBe('f00')
      const second = await restarted.createContainer(
        sandbox.id,
        containerConfig({ pod: sandbox.pod, image: given.image, name: 'second', ...given.polite.config }),
      )
      await restarted.startContainer(second)
      expect((await restarted.inspect(second))?.sandboxId).toBe(sandbox.id)
    })

    test('nodes and clusters do not see each other', async () => {
      const other = given.runtime('node-b')
      const foreign = given.runtime('node-a', 'other-cluster')
      const pod = podIdentity()
      const own = await runPod({ pod })
      const others = await runPod({ pod }, other)
      const foreigns = await runPod({ pod }, foreign)
      const seen = await Promise.all(
        [runtime, other, foreign].map(async each => (await each.list()).sandboxes.map(({ id }) => id)),
      )
      expect(seen).toEqual([[own.id], [others.id], [foreigns.id]])
    })

    test('events wake whoever listens, and only for their own pods', async () => {
      const woken: (string | undefined)[] = []
      const stop = new AbortController()
      const listening = runtime.watchEvents(uid => woken.push(uid))(stop.signal)
      await given.passTime(300)
      const sandbox = await runPod()
      await runPod({}, given.runtime('node-b'))
      const id = await runContainer(sandbox, shell('exit 0'))
      await whenExited(id)
      await given.passTime(300)
      stop.abort()
      await listening
      expect(woken.length).toBeGreaterThanOrEqual(3)
      expect(new Set(woken)).toEqual(new Set([sandbox.pod.uid]))
    })

    test('logs: all, the tail, a limit, times, since', async () => {
      const id = await runContainer(await runPod(), shell('echo one; echo two >&2; echo three'))
      await whenExited(id)
      const log = (options: Parameters<ContainerRuntime['logs']>[1]) =>
        textOf(runtime.logs(id, options, new AbortController().signal))
      expect((await log({})).split('\n').sort()).toEqual(['', 'one', 'three', 'two'])
      expect((await log({ tailLines: 1 })).split('\n')).toHaveLength(2)
      expect(await log({ tailLines: 0 })).toBe('')
      expect(await log({ limitBytes: 5 })).toHaveLength(5)
      const stamped = (await log({ timestamps: true })).trimEnd().split('\n')
      for (const line of stamped) expect(line).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z (one|two|three)$/)
      expect(await log({ sinceTime: '2199-01-01T00:00:00Z' })).toBe('')
      expect((await log({ sinceSeconds: 3600 })).length).toBe(14)
    })

    test('following a log ends with the container, or when nobody listens any more', async () => {
      const sandbox = await runPod()
      const id = await runContainer(sandbox, shell('echo first; sleep 0.5; echo last'))
      expect(await during(textOf(runtime.logs(id, { follow: true }, new AbortController().signal)))).toBe('first\nlast\n')
      const stop = new AbortController()
      const silent = await runContainer(sandbox, { ...given.polite.config, name: 'silent' })
      const following = textOf(runtime.logs(silent, { follow: true, tailLines: 0 }, stop.signal))
      await given.passTime(100)
      stop.abort()
      expect(await during(following)).toBe('')
    })

    test('exec keeps the streams apart and answers the exit code', async () => {
      const id = await runContainer(await runPod())
      const run = async (command: string[]) =>
        during(finished(await runtime.exec(id, { command, stdin: false, stdout: true, stderr: true, tty: false })))
      expect(await run(['sh', '-c', 'echo out; echo err >&2; exit 5'])).toEqual({ stdout: 'out\n', stderr: 'err\n', exitCode: 5 })
      expect(await run(['true'])).toEqual({ stdout: '', stderr: '', exitCode: 0 })
      expect([126, 127]).toContain((await run(['/no/such/program'])).exitCode)
    })

    test('exec hands standard input on until it is closed', async () => {
      const id = await runContainer(await runPod())
      const session = await runtime.exec(id, { command: ['cat'], stdin: true, stdout: true, stderr: true, tty: false })
      const end = finished(session)
      await session.write(Buffer.from('hello '))
      await session.write(Buffer.from('there'))
      session.closeStdin()
      expect(await during(end)).toEqual({ stdout: 'hello there', stderr: '', exitCode: 0 })
    })

    test('exec with a terminal', async () => {
      const id = await runContainer(await runPod())
      const session = await runtime.exec(id, { command: ['sh'], stdin: true, stdout: true, stderr: true, tty: true })
      session.resize(101, 33)
      const end = finished(session)
      await session.write(Buffer.from('echo typed; exit 4\r'))
      const { stdout, exitCode } = await during(end)
      expect(stdout).toMatch(/typed\r\n/)
      expect(exitCode).toBe(4)
    })

    test('hanging up an exec ends it', async () => {
      const id = await runContainer(await runPod())
      const session = await runtime.exec(id, { command: ['sleep', '1000'], stdin: false, stdout: true, stderr: true, tty: false })
      await given.passTime(200)
      session.close()
      expect((await during(session.done)).exitCode).not.toBe(0)
    })

    test('execSync gathers the output, and kills what takes too long', async () => {
      const id = await runContainer(await runPod())
      const run = (script: string, timeoutInMs: number) => during(runtime.execSync(id, ['sh', '-c', script], timeoutInMs))
      expect(await run('echo well; exit 2', 10_000)).toEqual({ exitCode: 2, output: 'well\n', timedOut: false })
      const begin = given.now()
      expect(await run('echo so far; sleep 100', 500)).toMatchObject({ output: 'so far\n', timedOut: true })
      expect(given.now() - begin).toBeLessThan(5000)
    })

    test('attach shows what is printed, until the container ends', async () => {
      const sandbox = await runPod()
      const id = await runContainer(sandbox, shell('sleep 1; echo seen; echo also >&2'))
      const session = await runtime.attach(id, { stdin: false, stdout: true, stderr: true, tty: false })
      expect(await during(finished(session))).toEqual({ stdout: 'seen\n', stderr: 'also\n', exitCode: 0 })
    })

    test('a port on which nobody listens refuses connections', async () => {
      const sandbox = await runPod()
      await runContainer(sandbox)
      await expect(during(runtime.connect(sandbox.id, 4))).rejects.toMatchObject({
        code: 'ECONNREFUSED',
        message: expect.stringContaining('dial tcp4 127.0.0.1:4: connect: connection refused'),
      })
    })

    test('stats are of running containers', async () => {
      const sandbox = await runPod()
      const id = await runContainer(sandbox, { name: 'busy' })
      await whenExited(await runContainer(sandbox, { ...shell('exit 0'), name: 'done' }))
      const [stats, ...others] = await runtime.stats()
      expect(others).toEqual([])
      expect(stats).toMatchObject({ containerId: id, pod: sandbox.pod, name: 'busy', pids: 1 })
      expect(stats?.memoryWorkingSetInBytes).toBeGreaterThan(0)
      expect(stats?.memoryWorkingSetInBytes).toBeLessThanOrEqual(stats?.memoryUsageInBytes ?? 0)
    })

    test('limits of a running container can be changed', async () => {
      const id = await runContainer(await runPod(), { resources: { memoryLimitInBytes: 64 * 1024 * 1024, cpuShares: 100 } })
      await runtime.updateResources(id, { memoryLimitInBytes: 128 * 1024 * 1024, cpuShares: 200 })
      expect((await runtime.inspect(id))?.state).toBe('running')
    })

    test('images: present, missing, listed', async () => {
      expect(await runtime.images.status(given.missingImage)).toBeUndefined()
      const refused = { name: 'RuntimeError', kind: 'image', message: expect.stringMatching(/./) }
      await expect(runtime.images.pull(given.missingImage)).rejects.toMatchObject(refused)
      const sandbox = await runPod()
      await expect(create(sandbox, { image: given.missingImage })).rejects.toMatchObject({ name: 'RuntimeError', kind: 'create' })
      const id = await create(sandbox)
      const image = await runtime.images.status(given.image)
      expect(image).toMatchObject({ tags: expect.arrayContaining([given.image]), sizeInBytes: expect.any(Number) })
      expect((await runtime.images.list()).map(each => each.id)).toContain(image?.id)
      expect((await runtime.inspect(id))?.imageId).toMatch(/sha256:[0-9a-f]{64}$/)
    })

    test('knows how much room there is', async () => {
      const { capacityInBytes, availableInBytes, inodes, inodesFree } = await runtime.imageFilesystem()
      expect(availableInBytes).toBeGreaterThan(0)
      expect(capacityInBytes).toBeGreaterThan(availableInBytes)
      expect(inodes).toBeGreaterThanOrEqual(inodesFree)
    })
  })
}
