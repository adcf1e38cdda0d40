import { expect, test } from 'vitest'
import { containerConfig, podIdentity } from '../pod-configs.ts'
import { type ContractSuite, textOf } from './suite.contract.ts'

/** What becomes of a container. */
export function containerContract(suite: ContractSuite): void {
  const { runPod, create, runContainer, whenExited, outcome, during, shell } = suite

  test('a container is created, started, stopped and removed', async () => {
    const sandbox = await runPod()
    const id = await create(sandbox, {
      ...suite.given.polite.config,
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
      image: suite.given.image,
    }
    expect(await suite.runtime.inspect(id)).toMatchObject({
      ...identity,
      state: 'created',
      startedAt: 0,
      finishedAt: 0,
      exitCode: 0,
    })

    await suite.runtime.startContainer(id)
    const running = await suite.runtime.inspect(id)
    expect(running).toMatchObject({ ...identity, state: 'running', finishedAt: 0, reason: '' })
    expect(running?.startedAt).toBeGreaterThan(0)
    expect(running?.labels.tier).toBe('front')
    expect((await suite.runtime.list()).containers).toEqual([expect.objectContaining({ ...identity, state: 'running' })])

    await suite.given.passTime(200)
    await during(suite.runtime.stopContainer(id, 30))
    const { exitCode } = suite.given.polite
    expect(await suite.runtime.inspect(id)).toMatchObject({
      ...identity,
      state: 'exited',
      exitCode,
      reason: exitCode === 0 ? 'Completed' : 'Error',
    })
    await suite.runtime.stopContainer(id, 30)
    await suite.runtime.removeContainer(id)
    await suite.runtime.removeContainer(id)
    await suite.runtime.stopContainer(id, 30)
    expect(await suite.runtime.inspect(id)).toBeUndefined()
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
    expect((await suite.runtime.list()).containers).toMatchObject([{ id, state: 'exited', exitCode: expected.exitCode }])
  })

  test('too much memory ends a container as OOMKilled', async () => {
    const id = await runContainer(await runPod(), { ...suite.given.greedy, resources: { memoryLimitInBytes: 16 * 1024 * 1024 } })
    expect(await outcome(id)).toEqual({ exitCode: 137, reason: 'OOMKilled' })
  })

  test('a container that cannot start says why, also in the list', async () => {
    const id = await create(await runPod(), suite.given.unstartable)
    await expect(suite.runtime.startContainer(id)).rejects.toMatchObject({ name: 'RuntimeError', kind: 'start' })
    const container = await suite.runtime.inspect(id)
    expect(container).toMatchObject({ state: 'exited', reason: 'ContainerCannotRun', message: expect.stringMatching(/./) })
    expect(container?.exitCode).not.toBe(0)
    expect([container?.startedAt, container?.finishedAt]).toEqual([container?.createdAt, container?.createdAt])
    expect((await suite.runtime.list()).containers).toMatchObject([{ id, state: 'exited', reason: 'ContainerCannotRun' }])
  })

  test('a stubborn container is killed when its grace is over, one without grace at once', async () => {
    const sandbox = await runPod()
    const [graced, killed] = await Promise.all([
      runContainer(sandbox, { ...suite.given.stubborn, name: 'graced' }),
      runContainer(sandbox, { ...suite.given.stubborn, name: 'killed' }),
    ])
    await suite.given.passTime(200)
    const begin = suite.given.now()
    await during(suite.runtime.stopContainer(killed, 0))
    expect(suite.given.now() - begin).toBeLessThan(900)
    const middle = suite.given.now()
    await during(suite.runtime.stopContainer(graced, 1))
    expect(suite.given.now() - middle).toBeGreaterThanOrEqual(950)
    expect([await outcome(graced), await outcome(killed)]).toEqual([
      { exitCode: 137, reason: 'Error' },
      { exitCode: 137, reason: 'Error' },
    ])
  })

  test('unknown ids are answered, not stumbled over', async () => {
    const id = 'f'.repeat(32)
    expect([await suite.runtime.inspect(id), await suite.runtime.inspectSandbox(id)]).toEqual([undefined, undefined])
    await Promise.all([
      suite.runtime.stopSandbox(id),
      suite.runtime.removeSandbox(id),
      suite.runtime.stopContainer(id, 1),
      suite.runtime.removeContainer(id),
    ])
    const missing = { name: 'RuntimeError', kind: 'notFound' }
    await expect(suite.runtime.startContainer(id)).rejects.toMatchObject(missing)
    await expect(textOf(suite.runtime.logs(id, {}, new AbortController().signal))).rejects.toMatchObject(missing)
    await expect(suite.runtime.execSync(id, ['true'], 1000)).rejects.toMatchObject(missing)
  })

  test('one that dies of a signal says of which', async () => {
    const id = await runContainer(await runPod(), suite.given.crashing.config)
    expect(await outcome(id)).toEqual({ exitCode: suite.given.crashing.exitCode, reason: 'Error' })
  })

  test('a container has its own stop signal', async () => {
    const { config, exitCode } = suite.given.heeding('SIGUSR1')
    const id = await runContainer(await runPod(), { ...config, stopSignal: 'SIGUSR1' })
    expect((await suite.runtime.inspect(id))?.stopSignal).toBe('SIGUSR1')
    await suite.given.passTime(200)
    await during(suite.runtime.stopContainer(id, 30))
    expect(await outcome(id)).toEqual({ exitCode, reason: exitCode === 0 ? 'Completed' : 'Error' })
  })

  test('a second stop with less grace takes over', async () => {
    const id = await runContainer(await runPod(), suite.given.stubborn)
    await suite.given.passTime(200)
    const begin = suite.given.now()
    const patient = suite.runtime.stopContainer(id, 60)
    await suite.given.passTime(200)
    await during(suite.runtime.stopContainer(id, 0))
    await during(patient)
    expect(suite.given.now() - begin).toBeLessThan(10_000)
    expect(await outcome(id)).toEqual({ exitCode: 137, reason: 'Error' })
  })

  test('the same instance is not made twice', async () => {
    const sandbox = await runPod()
    await runContainer(sandbox, { name: 'once', attempt: 1 })
    await expect(create(sandbox, { name: 'once', attempt: 1 })).rejects.toMatchObject({ name: 'RuntimeError', kind: 'create' })
    const next = await create(sandbox, { name: 'once', attempt: 2 })
    expect((await suite.runtime.inspect(next))?.attempt).toBe(2)
  })

  test('limits can be read back, also after they were changed', async () => {
    const mib = 2 ** 20
    const resources = {
      cpuShares: 512,
      cpuQuotaInUs: 25_000,
      cpuPeriodInUs: 100_000,
      memoryLimitInBytes: 64 * mib,
      pidsLimit: 40,
    }
    const id = await runContainer(await runPod(), { resources })
    expect((await suite.runtime.inspect(id))?.resources).toMatchObject(resources)
    await suite.runtime.updateResources(id, { memoryLimitInBytes: 128 * mib })
    expect((await suite.runtime.inspect(id))?.resources).toMatchObject({ ...resources, memoryLimitInBytes: 128 * mib })
    await suite.runtime.updateResources(id, { cpuShares: 100, cpuQuotaInUs: 50_000, cpuPeriodInUs: 100_000 })
    const changed = { cpuShares: 100, cpuQuotaInUs: 50_000, memoryLimitInBytes: 128 * mib, pidsLimit: 40 }
    expect(await suite.runtime.inspect(id)).toMatchObject({ state: 'running', resources: changed })
    await expect(suite.runtime.updateResources('f'.repeat(32), { cpuShares: 100 })).rejects.toMatchObject({ kind: 'notFound' })
  })

  test('it says who it runs as', async () => {
    const security = { ...containerConfig({ pod: podIdentity(), image: '' }).security, runAsUser: 1000, runAsGroup: 3000 }
    const id = await runContainer(await runPod(), { security: { ...security, supplementalGroups: [4000] } })
    expect((await suite.runtime.inspect(id))?.user).toEqual({ uid: 1000, gid: 3000, supplementalGroups: [3000, 4000] })
  })

  test('an ephemeral container joins a container that runs, and no other', async () => {
    const sandbox = await runPod()
    const target = await runContainer(sandbox)
    const debug = await runContainer(sandbox, { name: 'debug', role: 'ephemeral', targetContainerId: target })
    expect(await suite.runtime.inspect(debug)).toMatchObject({ role: 'ephemeral', state: 'running' })
    const ended = await runContainer(sandbox, { ...shell('exit 0'), name: 'ended' })
    await whenExited(ended)
    const late = await create(sandbox, { name: 'late', role: 'ephemeral', targetContainerId: ended })
    await expect(suite.runtime.startContainer(late)).rejects.toMatchObject({ name: 'RuntimeError', kind: 'start' })
  })
}
