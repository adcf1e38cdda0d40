import { expect, test } from 'vitest'
import { readStageList, readStages, StageFault, type WrittenStage } from '../../../api/simulation/stages.ts'
import { virtualClock } from '../../../lib/clock.ts'
import { seededRandom } from '../../../lib/random.ts'
import { textOf } from '../contract/suite.contract.ts'
import { containerConfig, sandboxConfig } from '../pod-configs.ts'
import type { ContainerConfig, SandboxConfig } from '../runtime.ts'
import { curveOf } from './curve.ts'
import { simulatedEngine } from './engine.ts'
import { simulatedRuntime } from './runtime.ts'
import { simulatedSignals } from './signals.ts'

const mib = 2 ** 20

test.each<[string, unknown, string]>([
  ['an unknown field', [{ on: 'start', fial: {} }], 'stages[0].fial: there is no such field'],
  ['an unknown event', [{ on: 'launch' }], 'stages[0].on: Invalid option'],
  [
    'a duration that is none',
    [{ on: 'start' }, { on: 'start', after: '5 s' }],
    'stages[1].after: "5 s" is no duration such as 500ms, 10s or 1m30s',
  ],
  [
    'a quantity that is none',
    [{ on: 'running', use: { memory: { '0s': '10Mi', '5s': 'much' } } }],
    'stages[0].use.memory.5s: "much" is no quantity',
  ],
  [
    'a field of another event',
    [{ on: 'pull', exit: { code: 1 } }],
    'stages[0].exit: does not go with "on: pull", only with running, stop, exec',
  ],
  [
    'a pull for a pod',
    [{ on: 'pull', pods: { name: 'web' } }],
    'stages[0].pods.name: a pull is asked for without saying for which pod',
  ],
  ['two ends', [{ on: 'running', exit: { code: 1, signal: 'SIGTERM' } }], 'stages[0].exit: has a code or a signal, not both'],
  [
    'a signal nobody knows',
    [{ on: 'running', exit: { signal: 'SIGNOPE' } }],
    'stages[0].exit.signal: is no signal such as SIGTERM',
  ],
  [
    'an end before its begin',
    [{ on: 'node', unreachable: true, from: '5s', until: '4s' }],
    'stages[0].until: must be later than from',
  ],
  ['a chance above one', { stages: [{ on: 'start', chance: 5 }] }, 'stages[0].chance: Too big'],
  ['cpu of a node', [{ on: 'node', use: { cpu: 1 } }], 'stages[0].use.cpu: is not for node'],
])('stages are refused, and where the fault is: %s', (_, written, message) => {
  expect(() => readStageList(written, 'file')).toThrow(StageFault)
  expect(() => readStageList(written, 'file')).toThrow(`file: ${message}`)
})

test('a curve rises evenly, or in steps, once or again and again', () => {
  const points = [
    { at: 1000, is: 10 },
    { at: 3000, is: 30 },
  ]
  const once = curveOf(points)
  expect([0, 1000, 2000, 3000, 9000].map(once.at)).toEqual([10, 10, 20, 30, 30])
  expect([once.firstAbove(25, 0), once.firstAbove(30, 0), once.firstAbove(25, 5000)]).toEqual([2501, undefined, 5000])
  expect([once.integral(3000), once.integral(4000, 20)]).toEqual([50_000, 10_000 + 15_000 + 20_000 + 20_000])
  const again = curveOf(points, { repeat: true, steps: true })
  expect([0, 2999, 3000, 4500].map(again.at)).toEqual([10, 10, 10, 10])
  const saw = curveOf(
    [
      { at: 0, is: 0 },
      { at: 1000, is: 100 },
    ],
    { repeat: true },
  )
  expect([saw.at(1250), saw.firstAbove(50, 600), saw.firstAbove(50, 1100), saw.integral(2000)]).toEqual([25, 600, 1501, 100_000])
})

function stage(stages: readonly WrittenStage[], seed = 1) {
  const clock = virtualClock()
  const random = seededRandom(7)
  const engine = simulatedEngine({ clock, random, stages: { seed, stages: readStages(stages) } })
  const nodeLabels = () => ({ zone: 'a' })
  const runtime = simulatedRuntime({ engine, clock, random, node: 'a', nodeLabels, podCIDR: () => '10.213.0.0/16' })
  const settled = async <T>(work: Promise<T>): Promise<T> => {
    let isDone = false
    work.catch(() => {}).finally(() => (isDone = true))
    while (!isDone) await clock.advance(100)
    return work
  }
  const run = async (container: Partial<ContainerConfig> = {}, sandbox: Partial<SandboxConfig> = {}) => {
    const { id: sandboxId, pod } = await settled(runtime.runSandbox(sandboxConfig(sandbox)))
    const config = containerConfig({ pod, image: 'web', command: ['serve'], ...container })
    const id = await settled(runtime.createContainer(sandboxId, config))
    await settled(runtime.startContainer(id))
    return id
  }
  return { clock, engine, runtime, run, settled, nodeLabels }
}

test('an image whose pull is staged is not here until it was pulled: slow, then refused, then there', async () => {
  const { clock, runtime, settled } = stage([
    { on: 'pull', pods: { image: 'web*' }, after: '5s', fail: { message: 'toomanyrequests' }, times: 2 },
    { on: 'pull', pods: { image: 'web*' }, after: '20s', size: '500Mi' },
  ])
  expect([await runtime.images.status('web:1'), (await runtime.images.status('other'))?.tags]).toEqual([undefined, ['other']])
  const took = async () => {
    const begin = clock.now()
    const outcome = await settled(runtime.images.pull('web:1')).catch((error: Error) => error.message)
    return [outcome.slice(0, 15), clock.now() - begin]
  }
  expect([await took(), await took()]).toEqual([
    ['toomanyrequests', 5000],
    ['toomanyrequests', 5000],
  ])
  expect(await took()).toEqual([expect.stringMatching(/^sha256:/), 20_000])
  expect(await runtime.images.status('web:1')).toMatchObject({ tags: ['web:1'], sizeInBytes: 500 * mib })
  await runtime.images.remove('web:1')
  expect(await runtime.images.status('web:1')).toBeUndefined()
})

test('selectors: labels, namespace, container, role, image, nodes and their labels', async () => {
  const exits = (code: number, more: Partial<WrittenStage>): WrittenStage => ({ on: 'running', exit: { code }, ...more })
  const { runtime, run, clock } = stage([
    exits(1, { nodes: { name: 'b*' } }),
    exits(2, { nodes: { labels: { zone: 'b' } } }),
    exits(3, { pods: { labels: { app: 'api' } }, nodes: { labels: { zone: 'a' } } }),
    exits(4, { pods: { container: 'side', role: 'sidecar' } }),
    exits(5, { pods: { image: 'registry/*:1' } }),
    exits(6, { pods: { annotations: { fate: '*' }, namespace: 'default' } }),
  ])
  const fate = async (id: string) => {
    await clock.advance(0)
    const { state, exitCode } = (await runtime.inspect(id)) ?? {}
    return state === 'running' ? 'runs' : exitCode
  }
  const ids = [
    await run({}, { labels: { app: 'api' } }),
    await run({ name: 'side', role: 'sidecar' }),
    await run({ image: 'registry/x:1' }),
    await run({}, { annotations: { fate: 'sealed' } }),
    await run({ image: 'registry/x:2' }),
  ]
  expect(await Promise.all(ids.map(fate))).toEqual([3, 4, 5, 6, 'runs'])
})

test('chance comes from the seed and the name, not from the order of things', async () => {
  const pods = Array.from({ length: 40 }, (_, i) => ({ namespace: 'default', name: `web-${i}`, uid: `uid-${i}` }))
  const fates = async (seed: number, order: typeof pods) => {
    const { runtime, run, clock } = stage([{ on: 'running', exit: { code: 1 }, chance: 0.3, jitter: '10s' }], seed)
    const ids = new Map<string, string>()
    for (const pod of order) ids.set(pod.name, await run({}, { pod }))
    await clock.advance(10_000)
    return Promise.all(pods.map(async ({ name }) => (await runtime.inspect(ids.get(name) ?? ''))?.state === 'exited'))
  }
  const first = await fates(5, pods)
  expect(await fates(5, [...pods].reverse())).toEqual(first)
  expect(await fates(6, pods)).not.toEqual(first)
  expect(first.filter(Boolean).length).toBeGreaterThan(4)
  expect(first.filter(Boolean).length).toBeLessThan(22)
})

test('a leak ends when the limit is passed, and a higher limit in time saves the container', async () => {
  const leak: WrittenStage = { on: 'running', use: { memory: { '0s': '10Mi', '100s': '110Mi' } } }
  const { runtime, run, clock } = stage([leak])
  const [doomed, saved] = [
    await run({ resources: { memoryLimitInBytes: 60 * mib } }),
    await run({ resources: { memoryLimitInBytes: 60 * mib } }),
  ]
  await clock.advance(40_000)
  await runtime.updateResources(saved, { memoryLimitInBytes: 200 * mib })
  expect((await runtime.stats()).map(one => Math.round(one.memoryWorkingSetInBytes / mib))).toEqual([50, 50])
  await clock.advance(10_001)
  expect(await runtime.inspect(doomed)).toMatchObject({ state: 'exited', exitCode: 137, reason: 'OOMKilled' })
  await clock.advance(100_000)
  expect((await runtime.inspect(saved))?.state).toBe('running')
})

test('lines over time are read without a clock, and followed with one', async () => {
  const { runtime, run, clock } = stage([
    {
      on: 'running',
      log: [
        { at: '1s', text: 'ready' },
        { at: '2s', every: '10s', text: 'tick', stream: 'stderr' },
      ],
    },
  ])
  const id = await run()
  expect(clock.timers).toBe(0)
  await clock.advance(13_000)
  const read = (options = {}) => textOf(runtime.logs(id, options, new AbortController().signal))
  expect(await read()).toBe('ready\ntick\ntick\n')
  const following = read({ follow: true, tailLines: 1 })
  await clock.advance(10_000)
  await runtime.stopContainer(id, 1)
  expect(await following).toBe('tick\ntick\n')
  expect(clock.timers).toBe(0)
})

test('probes answer by their kinds over time; commands as staged', async () => {
  const { runtime, run, clock, settled } = stage([
    {
      on: 'readiness',
      answer: [
        { is: 'success', for: '10s' },
        { is: 'failure', for: '5s', output: 'busy' },
      ],
    },
    { on: 'liveness', answer: 'timeout' },
    { on: 'exec', command: 'migrate*', after: '3s', output: 'done\n', exit: { code: 4 } },
    { on: 'exec', command: 'broken', fail: { message: 'no such thing' } },
  ])
  const id = await run()
  const ask = (...command: string[]) => settled(runtime.execSync(id, command, 1000))
  expect(await ask('wherry-probe', 'readiness')).toMatchObject({ exitCode: 0 })
  await clock.advance(11_000)
  expect(await ask('wherry-probe', 'readiness', '--', 'true')).toEqual({ exitCode: 1, output: 'busy', timedOut: false })
  await clock.advance(4000)
  expect(await ask('wherry-probe', 'readiness')).toMatchObject({ exitCode: 0 })
  expect(await ask('wherry-probe', 'liveness')).toMatchObject({ timedOut: true })
  expect(await ask('wherry-probe', 'startup', '--', 'false')).toMatchObject({ exitCode: 1 })
  expect(await settled(runtime.execSync(id, ['migrate', 'up'], 10_000))).toEqual({
    exitCode: 4,
    output: 'done\n',
    timedOut: false,
  })
  await expect(runtime.execSync(id, ['broken'], 1000)).rejects.toMatchObject({ kind: 'other', message: 'no such thing' })
})

test('failures of a sandbox, a creation and a start have their kinds and words', async () => {
  const { runtime, run } = stage([
    { on: 'sandbox', fail: { message: 'no network' }, times: 1 },
    { on: 'create', fail: { kind: 'other', message: 'disk is full' }, times: 1 },
    { on: 'start', fail: { message: 'no such program' }, times: 1 },
  ])
  const pod = { namespace: 'default', name: 'web', uid: 'web' }
  await expect(run({}, { pod })).rejects.toMatchObject({ kind: 'create', message: 'no network' })
  await expect(run({}, { pod })).rejects.toMatchObject({ kind: 'other', message: 'disk is full' })
  await expect(run({}, { pod })).rejects.toMatchObject({ kind: 'start', message: 'no such program' })
  expect((await runtime.inspect(await run({}, { pod })))?.state).toBe('running')
})

test('a pod may carry its own stages; those that make no sense stand in its way', async () => {
  const { runtime, run, clock } = stage([{ on: 'running', exit: { code: 1 } }])
  const annotations = (text: string) => ({ annotations: { 'simulated.wherry.dev/stages': text } })
  const id = await run({}, annotations('[{"on":"running","after":"5s","exit":{"code":9}}]'))
  await clock.advance(5000)
  expect((await runtime.inspect(id))?.exitCode).toBe(9)
  await expect(run({}, annotations('[{"on":"never"}]'))).rejects.toMatchObject({
    kind: 'create',
    message: expect.stringContaining('stages[0].on'),
  })
})

test('a node: away for a while, deaf for a while, and its disk and memory filling up', async () => {
  const { clock, engine, runtime, run, nodeLabels } = stage([
    { on: 'node', from: '10s', until: '20s', unreachable: true },
    { on: 'node', from: '30s', until: '40s', eventsLost: true },
    { on: 'node', from: '40s', relistTakes: '2s' },
    { on: 'node', use: { disk: { '0s': '20Gi', '100s': '100Gi' }, memory: '1Gi' }, images: [{ name: 'big:1', size: '2Gi' }] },
  ])
  const signals = simulatedSignals({ engine, node: 'a', nodeLabels, memoryInBytes: 8 * 2 ** 30 })
  expect((await signals.observe())['memory.available']?.available).toBe(7 * 2 ** 30)
  expect((await runtime.images.list()).map(({ tags }) => tags)).toEqual([['big:1']])
  expect((await runtime.imageFilesystem()).availableInBytes).toBe(78 * 2 ** 30)
  const seen: unknown[] = []
  const stop = new AbortController()
  const listening = runtime.watchEvents(
    () => seen.push('event'),
    isUp => seen.push(isUp),
  )(stop.signal)
  await clock.advance(10_000)
  await expect(runtime.list()).rejects.toMatchObject({ kind: 'unavailable' })
  await clock.advance(10_000)
  expect(seen).toEqual([true, false, true, 'event'])
  await clock.advance(10_000)
  const id = await run()
  expect([seen.length, (await runtime.list()).containers.map(one => one.id)]).toEqual([4, [id]])
  await clock.advance(15_000)
  const begin = clock.now()
  const slow = runtime.list()
  await clock.advance(2000)
  await slow
  expect(clock.now() - begin).toBe(2000)
  expect((await signals.observe())['nodefs.available']?.available).toBeLessThan(50 * 2 ** 30)
  stop.abort()
  await listening
})

test('a container that takes no notice of being told to stop is killed; another needs its time', async () => {
  const { clock, runtime, run } = stage([
    { on: 'stop', pods: { container: 'deaf' }, ignore: true },
    { on: 'stop', after: '2s', exit: { code: 3 } },
  ])
  const [deaf, slow] = [await run({ name: 'deaf' }), await run({ name: 'slow' })]
  const stopping = [runtime.stopContainer(deaf, 10), runtime.stopContainer(slow, 10)]
  await clock.advance(10_000)
  await Promise.all(stopping)
  const ends = await Promise.all([deaf, slow].map(id => runtime.inspect(id)))
  expect(ends.map(end => [end?.exitCode, (end?.finishedAt ?? 0) - clock.now()])).toEqual([
    [137, 0],
    [3, -8000],
  ])
})
