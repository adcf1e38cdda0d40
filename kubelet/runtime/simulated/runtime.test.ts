import { describe, expect, test } from 'vitest'
import type { WrittenStage } from '../../../api/simulation/stages.ts'
import { virtualClock } from '../../../lib/clock.ts'
import { seededRandom } from '../../../lib/random.ts'
import { textOf } from '../contract/suite.contract.ts'
import { containerConfig, sandboxConfig } from '../pod-configs.ts'
import { runtimeContract } from '../runtime.contract.ts'
import { simulatedEngine } from './engine.ts'
import { simulatedRuntime } from './runtime.ts'

const annotated = (behaviour: Record<string, string>) => ({
  command: ['serve'],
  annotations: Object.fromEntries(Object.entries(behaviour).map(([key, value]) => [`simulated.wherry.dev/${key}`, value])),
})

const staged = (stages: readonly WrittenStage[]) => annotated({ stages: JSON.stringify(stages) })

runtimeContract('simulated', async () => {
  const clock = virtualClock()
  const random = seededRandom(1)
  const engine = simulatedEngine({ clock, random })
  return {
    runtime: (node, cluster = 'test', logLimits) =>
      simulatedRuntime({ engine, clock, random, cluster, node, podCIDR: () => '10.213.7.0/24', ...(logLimits && { logLimits }) }),
    image: 'busybox:1.36',
    missingImage: 'registry.example/missing:1',
    passTime: ms => clock.advance(ms),
    now: clock.now,
    polite: { config: { command: ['serve'] }, exitCode: 0 },
    stubborn: annotated({ 'stop-after': '1h' }),
    unstartable: annotated({ 'start-error': 'exec: "serve": executable file not found in $PATH' }),
    greedy: annotated({ memory: '300Mi' }),
    crashing: { config: staged([{ on: 'running', after: '1s', exit: { signal: 'SIGSEGV' } }]), exitCode: 139 },
    heeding: signal => ({
      config: staged([
        { on: 'stop', signal, exit: { code: 11 } },
        { on: 'stop', ignore: true },
      ]),
      exitCode: 11,
    }),
    echo: { config: annotated({ 'echo-ports': '7000' }), port: 7000 },
  }
})

describe('simulated behaviour', () => {
  const setUp = () => {
    const clock = virtualClock()
    const random = seededRandom(7)
    const engine = simulatedEngine({ clock, random })
    const runtime = simulatedRuntime({ engine, clock, random, node: 'a', podCIDR: () => '10.213.7.0/24' })
    const run = async (annotations: Record<string, string>, command = ['serve']) => {
      const sandbox = await runtime.runSandbox(sandboxConfig({ annotations }))
      const id = await runtime.createContainer(sandbox.id, containerConfig({ pod: sandbox.pod, image: 'web', command }))
      void runtime.startContainer(id)
      await clock.advance(0)
      return id
    }
    return { clock, engine, runtime, run }
  }

  test("a pod's annotations say when its containers start and how they end; one container may differ", async () => {
    const { clock, runtime, run } = setUp()
    const id = await run({
      'simulated.wherry.dev/start-after': '2s',
      'simulated.wherry.dev/run-for': '1m30s',
      'simulated.wherry.dev/exit-code': '1',
      'simulated.wherry.dev/exit-code.main': '9',
    })
    const seen = []
    for (const ms of [1000, 1000, 89_000, 1000]) {
      await clock.advance(ms)
      seen.push((await runtime.inspect(id))?.state)
    }
    expect(seen).toEqual(['created', 'running', 'running', 'exited'])
    expect(await runtime.inspect(id)).toMatchObject({ exitCode: 9, reason: 'Error' })
    const log = await textOf(runtime.logs(id, {}, new AbortController().signal))
    expect(log).toBe('main (web) runs, simulated\nmain ended with exit code 9\n')
  })

  test('probes that the shell cannot run answer as the annotation says', async () => {
    const { runtime, run } = setUp()
    const [ready, unready] = [await run({}), await run({ 'simulated.wherry.dev/ready': 'false' })]
    const probe = async (id: string) => (await runtime.execSync(id, ['cat', '/tmp/healthy'], 1000)).exitCode
    expect([await probe(ready), await probe(unready)]).toEqual([0, 1])
  })

  test('usage is what the annotations say', async () => {
    const { clock, runtime, run } = setUp()
    await run({ 'simulated.wherry.dev/memory': '300Mi', 'simulated.wherry.dev/cpu': '250m' })
    await clock.advance(2000)
    expect(await runtime.stats()).toMatchObject([
      { memoryWorkingSetInBytes: 300 * 1024 * 1024, cpuNanoCores: 250_000_000, cpuTotalNanoSeconds: 500_000_000 },
    ])
  })

  test('a command that the shell knows is really run', async () => {
    const { clock, runtime, run } = setUp()
    const id = await run({}, ['sh', '-c', 'echo "a  b" && sleep 5; false || echo \'c;d\'; exit 3'])
    await clock.advance(4999)
    expect((await runtime.inspect(id))?.state).toBe('running')
    await clock.advance(1)
    expect(await runtime.inspect(id)).toMatchObject({ state: 'exited', exitCode: 3 })
    expect(await textOf(runtime.logs(id, {}, new AbortController().signal))).toBe('a  b\nc;d\n')
  })

  test('addresses are handed out in turn and run out', async () => {
    const { clock } = setUp()
    const runtime = simulatedRuntime({ clock, node: 'small', podCIDR: () => '10.9.0.0/29' })
    const take = async () => (await runtime.runSandbox(sandboxConfig())).ip
    const first = await runtime.runSandbox(sandboxConfig())
    expect([first.ip, await take()]).toEqual(['10.9.0.2', '10.9.0.3'])
    await runtime.removeSandbox(first.id)
    expect([await take(), await take(), await take(), await take()]).toEqual(['10.9.0.4', '10.9.0.5', '10.9.0.6', '10.9.0.2'])
    await expect(take()).rejects.toThrow('no IP addresses available in range set: 10.9.0.0/29')
  })

  test('no pod CIDR yet: no pod network', async () => {
    const runtime = simulatedRuntime({ clock: virtualClock(), node: 'new', podCIDR: () => undefined })
    await expect(runtime.runSandbox(sandboxConfig())).rejects.toMatchObject({ kind: 'create' })
    expect((await runtime.runSandbox(sandboxConfig({ hostNetwork: true }))).ip).toBe('')
  })

  test('an engine that is away fails calls, keeps containers, and wakes listeners when it is back', async () => {
    const { clock, engine, runtime, run } = setUp()
    const id = await run({})
    const woken: unknown[] = []
    const stop = new AbortController()
    const listening = runtime.watchEvents(uid => woken.push(uid))(stop.signal)
    engine.setReachable(false)
    await expect(runtime.list()).rejects.toMatchObject({ kind: 'unavailable' })
    await clock.advance(1000)
    expect(woken).toEqual([])
    engine.setReachable(true)
    await clock.advance(0)
    expect([woken, (await runtime.inspect(id))?.state]).toEqual([[undefined], 'running'])
    stop.abort()
    await listening
  })

  test('a port that is said to echo does, while the container runs', async () => {
    const { clock, runtime, run } = setUp()
    const id = await run({ 'simulated.wherry.dev/echo-ports': '80,81', 'simulated.wherry.dev/run-for': '5s' })
    const { sandboxId = '' } = (await runtime.inspect(id)) ?? {}
    const socket = await runtime.connect(sandboxId, 81)
    socket.end('again')
    expect(String((await socket.toArray())[0])).toBe('again')
    await clock.advance(5000)
    await expect(runtime.connect(sandboxId, 81)).rejects.toThrow('connection refused')
  })

  test('a log may be of one stream only', async () => {
    const { clock, runtime, run } = setUp()
    const id = await run({}, ['sh', '-c', 'echo out; echo err >&2'])
    await clock.advance(0)
    const log = (stream: 'All' | 'Stdout' | 'Stderr') => textOf(runtime.logs(id, { stream }, new AbortController().signal))
    expect([await log('Stdout'), await log('Stderr'), await log('All')]).toEqual(['out\n', 'err\n', 'out\nerr\n'])
  })
})
