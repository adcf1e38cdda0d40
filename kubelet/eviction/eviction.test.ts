import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { virtualClock } from '../../lib/clock.ts'
import { silentLog } from '../../lib/log.ts'
import { samplePod } from '../samples.ts'
import { defaultEviction, type EvictionConfig } from './config.ts'
import { fileSignals } from './file-signals.ts'
import { exceededLocalLimit } from './local-storage.ts'
import { binaryQuantity, evictionWords } from './message.ts'
import { oomWatch } from './oom-watch.ts'
import { rankForEviction } from './rank.ts'
import { memoryObservation } from './signals.ts'
import { calm, isMemoryNear, isMet, type Observations, planPass, thresholdsOf } from './thresholds.ts'
import { noUsage, type PodUsage, type Usages } from './usage.ts'

const mib = 2 ** 20
const gib = 2 ** 30
const memory = (available: number): Observations => ({ 'memory.available': { available, capacity: 8 * gib } })
const config = (overrides: Partial<EvictionConfig>): EvictionConfig => ({ ...defaultEviction, hard: {}, ...overrides })

test.each<[string, Partial<EvictionConfig>, Observations, string | undefined]>([
  ['exactly at the threshold is enough', { hard: { 'memory.available': '100Mi' } }, memory(100 * mib), undefined],
  ['below it is not', { hard: { 'memory.available': '100Mi' } }, memory(100 * mib - 1), 'memory.available'],
  ['percentages are of the capacity', { hard: { 'memory.available': '50%' } }, memory(4 * gib - 1), 'memory.available'],
  ['what is not measured is not short', { hard: { 'nodefs.available': '10%' } }, memory(0), undefined],
  [
    'memory comes first',
    { hard: { 'memory.available': '1Gi', 'nodefs.available': '10%' } },
    { ...memory(0), 'nodefs.available': { available: 0, capacity: gib } },
    'memory.available',
  ],
])('%s', (_title, overrides, observations, expected) => {
  const plan = planPass(thresholdsOf(config(overrides)), observations, calm, { now: 0, transitionPeriodInMs: 300_000 })
  expect(plan.act?.signal).toBe(expected)
})

/** What happens pass by pass, ten seconds apart: how much is left, whether it acts, whether the node is under pressure. */
function passes(overrides: Partial<EvictionConfig>, available: readonly number[]): string {
  const thresholds = thresholdsOf(config(overrides))
  let state = calm
  return available
    .map((mibs, i) => {
      const options = { now: i * 10_000, transitionPeriodInMs: overrides.transitionPeriodInMs ?? 20_000 }
      const plan = planPass(thresholds, memory(mibs * mib), state, options)
      state = plan.state
      return `${plan.act ? 'act' : '-'}${plan.pressures.length > 0 ? '!' : ''}`
    })
    .join(' ')
}

test('pressure lasts for the transition period after it was last seen', () => {
  expect(passes({ hard: { 'memory.available': '100Mi' } }, [200, 50, 200, 200, 200])).toBe('- act! -! - -')
})

test('minimum reclaim goes on until there is so much more than the threshold', () => {
  const overrides = { hard: { 'memory.available': '100Mi' }, minimumReclaim: { 'memory.available': '50Mi' } }
  expect(passes(overrides, [120, 90, 120, 149, 150, 120])).toBe('- act! act! act! -! -')
})

test('a soft threshold acts only when it has lasted for its grace', () => {
  const overrides = { soft: { 'memory.available': '100Mi' }, softGraceInMs: { 'memory.available': 20_000 } }
  expect(passes(overrides, [90, 90, 90, 90])).toBe('-! -! act! act!')
  expect(passes(overrides, [90, 90, 200, 90, 90, 90])).toBe('-! -! -! -! -! act!')
})

test('a hard threshold acts at once although a soft one waits', () => {
  const overrides = {
    soft: { 'memory.available': '200Mi' },
    softGraceInMs: { 'memory.available': 60_000 },
    hard: { 'memory.available': '100Mi' },
  } as const
  expect(passes(overrides, [150, 90])).toBe('-! act!')
})

test('the defaults are those of upstream', () => {
  expect(thresholdsOf(defaultEviction).map(({ signal, value }) => `${signal}<${value}`)).toEqual([
    'memory.available<100Mi',
    'allocatableMemory.available<100Mi',
    'nodefs.available<10%',
    'nodefs.inodesFree<5%',
    'imagefs.available<15%',
    'imagefs.inodesFree<5%',
    'containerfs.available<10%',
    'containerfs.inodesFree<5%',
  ])
  const onImageFs = thresholdsOf(defaultEviction, { hasImageFs: true }).filter(({ signal }) => signal.startsWith('containerfs'))
  expect(onImageFs.map(({ value }) => value)).toEqual(['15%', '5%'])
  expect(isMet(thresholdsOf(defaultEviction)[2]!, { 'nodefs.available': { available: 9, capacity: 100 } })).toBe(true)
})

const usage = (memoryInBytes: number, more: Partial<PodUsage> = {}): PodUsage => ({ ...noUsage, memoryInBytes, ...more })
const named = (name: string, request?: string, priority = 0) =>
  samplePod(
    { priority, containers: [{ name: 'app', image: 'app:1', ...(request && { resources: { requests: { memory: request } } }) }] },
    { name, uid: name },
  )

test('memory: unknown first, then above its request, then lower priority, then the larger excess', () => {
  const pods = [
    named('within', '500Mi'),
    named('over-a-little', '100Mi'),
    named('over-much', '100Mi'),
    named('over-but-important', '100Mi', 1000),
    named('no-request'),
    named('unmeasured'),
  ]
  const usages = new Map([
    ['default/within', usage(400 * mib)],
    ['default/over-a-little', usage(110 * mib)],
    ['default/over-much', usage(400 * mib)],
    ['default/over-but-important', usage(900 * mib)],
    ['default/no-request', usage(150 * mib)],
  ])
  expect(rankForEviction('memory.available', pods, usages).map(pod => pod.metadata.name)).toEqual([
    'unmeasured',
    'over-much',
    'no-request',
    'over-a-little',
    'over-but-important',
    'within',
  ])
})

test('process ids: lower priority, then more processes', () => {
  const pods = [named('few'), named('many'), named('important', undefined, 10)]
  const usages = new Map([
    ['default/few', usage(0, { processes: 1 })],
    ['default/many', usage(0, { processes: 99 })],
    ['default/important', usage(0, { processes: 999 })],
  ])
  expect(rankForEviction('pid.available', pods, usages).map(pod => pod.metadata.name)).toEqual(['many', 'few', 'important'])
})

test('figures for `*` are those of every pod that is not listed', () => {
  const pods = [named('listed'), named('other')]
  const names = (usages: Usages) => rankForEviction('memory.available', pods, usages).map(pod => pod.metadata.name)
  expect(names(new Map([['default/listed', usage(9 * mib)]]))).toEqual(['other', 'listed'])
  expect(
    names(
      new Map([
        ['default/listed', usage(9 * mib)],
        ['*', usage(mib)],
      ]),
    ),
  ).toEqual(['listed', 'other'])
})

test('the message names the resource, the figures and who used more than asked for', () => {
  const [threshold] = thresholdsOf(config({ hard: { 'memory.available': '100Mi' } }))
  const pod = samplePod({
    containers: [
      { name: 'greedy', image: 'a:1', resources: { requests: { memory: '100Mi' } } },
      { name: 'modest', image: 'a:1', resources: { requests: { memory: '100Mi' } } },
      { name: 'free', image: 'a:1' },
    ],
  })
  const of = (bytes: number) => ({ memoryInBytes: bytes, rootfsInBytes: 0, logsInBytes: 0 })
  const containers = { greedy: of(200 * mib), modest: of(100 * mib), free: of(mib) }
  expect(evictionWords(threshold!, { available: 95 * mib, capacity: gib }, pod, usage(0, { containers }))).toEqual({
    message:
      'The node was low on resource: memory. Threshold quantity: 100Mi, available: 95Mi. ' +
      'Container greedy was using 200Mi, request is 100Mi, has larger consumption of memory. ' +
      'Container free was using 1Mi, request is 0, has larger consumption of memory. ',
    annotations: {
      offending_containers: 'greedy,free',
      offending_containers_usage: '200Mi,1Mi',
      starved_resource: 'memory',
    },
  })
  // What is limited as a whole is named as a whole, and a share is told as an amount.
  const whole = samplePod(
    { resources: { requests: { memory: '50Mi' } }, containers: [{ name: 'a', image: 'a:1' }] },
    { name: 'p' },
  )
  const [share] = thresholdsOf(config({ hard: { 'memory.available': '10%' } }))
  expect(evictionWords(share!, { available: 95 * mib, capacity: gib }, whole, usage(60 * mib)).message).toBe(
    'The node was low on resource: memory. Threshold quantity: 107374182, available: 95Mi. ' +
      'Pod p was using 60Mi, request is 50Mi, has larger consumption of memory. ',
  )
})

test.each([
  [0, '0'],
  [1000, '1k'],
  [2000, '2000'],
  [1536 * 1024, '1536Ki'],
  [95 * mib, '95Mi'],
])('%i bytes print as %s', (bytes, text) => expect(binaryQuantity(bytes)).toBe(text))

const limited = samplePod({
  volumes: [
    { name: 'v', emptyDir: { sizeLimit: '1Gi' } },
    { name: 'ram', emptyDir: { medium: 'Memory' } },
  ],
  containers: [
    { name: 'c', image: 'c:1', resources: { limits: { 'ephemeral-storage': '2Gi' } } },
    { name: 'free', image: 'c:1' },
  ],
})
const disk = (inVolume: number, rootfs: number, logs: number, inMemory = 0) =>
  usage(0, {
    volumes: { v: { bytes: inVolume, inodes: 1 }, ram: { bytes: inMemory, inodes: 1 } },
    containers: { c: { memoryInBytes: 0, rootfsInBytes: rootfs, logsInBytes: logs } },
  })

test.each([
  ['within limits', disk(gib, gib / 2, gib / 2), undefined],
  ['the volume first', disk(gib + 1, 9 * gib, 9 * gib), 'Usage of EmptyDir volume "v" exceeds the limit "1Gi". '],
  [
    'then all together, whether or not every container has a limit',
    disk(gib, gib, 1),
    'Pod ephemeral local storage usage exceeds the total limit of containers 2Gi. ',
  ],
  ['what is in memory is not on disk', disk(0, 2 * gib, 0, 9 * gib), undefined],
])('local storage: %s', (_title, used, expected) => expect(exceededLocalLimit(limited, used)).toBe(expected))

test('local storage: a container over its own limit, which is about logs alone where layers are elsewhere', () => {
  const pod = samplePod({
    containers: ['a', 'b'].map(name => ({ name, image: 'c:1', resources: { limits: { 'ephemeral-storage': '1Gi' } } })),
  })
  const of = (rootfs: number, logs: number) =>
    usage(0, { containers: { b: { memoryInBytes: 0, rootfsInBytes: rootfs, logsInBytes: logs } } })
  const message = 'Container b exceeded its local ephemeral storage limit "1Gi". '
  expect(exceededLocalLimit(pod, of(gib, 1))).toBe(message)
  expect(exceededLocalLimit(pod, of(gib, 1), { hasImageFs: true })).toBeUndefined()
  expect(exceededLocalLimit(pod, of(0, gib + 1), { hasImageFs: true })).toBe(message)
})

const onDisk = (rootfs: number, logs: number, volume: number, inodes = 0) =>
  usage(0, {
    inodes,
    containers: { app: { memoryInBytes: 0, rootfsInBytes: rootfs, logsInBytes: logs } },
    volumes: { v: { bytes: volume, inodes: 1 } },
  })
const withVolume = (name: string, requests?: Record<string, string>) =>
  samplePod(
    {
      volumes: [{ name: 'v', emptyDir: {} }],
      containers: [{ name: 'app', image: 'app:1', ...(requests && { resources: { requests } }) }],
    },
    { name, uid: name },
  )

test.each([
  ['one disk: all counts', 'nodefs.available', false, ['layer', 'volume', 'log']],
  ['one disk: all counts, whatever it is called', 'imagefs.available', false, ['layer', 'volume', 'log']],
  ['two disks: logs and volumes are on the node', 'nodefs.available', true, ['volume', 'log', 'layer']],
  ['two disks: layers are with the images', 'imagefs.available', true, ['layer', 'log', 'volume']],
  ['two disks: containers live where images do', 'containerfs.available', true, ['layer', 'log', 'volume']],
] as const)('disk: %s', (_title, signal, hasImageFs, expected) => {
  const usages = new Map([
    ['default/log', onDisk(1, 20, 0)],
    ['default/volume', onDisk(0, 0, 40)],
    ['default/layer', onDisk(90, 0, 0)],
  ])
  const pods = ['log', 'volume', 'layer'].map(name => withVolume(name))
  expect(rankForEviction(signal, pods, usages, { hasImageFs }).map(pod => pod.metadata.name)).toEqual(expected)
})

test('inodes: more of them first; bytes that were requested come off all the same', () => {
  const usages = new Map([
    ['default/few', onDisk(0, 0, 0, 10)],
    ['default/many', onDisk(0, 0, 0, 1000)],
    ['default/asked', onDisk(0, 0, 0, 5000)],
  ])
  const pods = [withVolume('asked', { 'ephemeral-storage': '1Mi' }), withVolume('few'), withVolume('many')]
  expect(rankForEviction('nodefs.inodesFree', pods, usages).map(pod => pod.metadata.name)).toEqual(['many', 'few', 'asked'])
})

async function files(contents: Record<string, string>): Promise<{ root: string; [Symbol.asyncDispose](): Promise<void> }> {
  const root = await mkdtemp(join(tmpdir(), 'wherry-signals-'))
  for (const [path, text] of Object.entries(contents)) {
    await mkdir(join(root, path, '..'), { recursive: true })
    await writeFile(join(root, path), text)
  }
  return { root, [Symbol.asyncDispose]: () => rm(root, { recursive: true }) }
}

const meminfo = 'MemTotal:        1000 kB\nMemFree:          400 kB\nMemAvailable:     700 kB\nInactive(file):   100 kB\n'

test('memory on cgroup v1: capacity less usage without inactive files', async () => {
  await using machine = await files({
    'proc/meminfo': meminfo,
    'cgroup/memory/memory.usage_in_bytes': `${500 * 1024}\n`,
    'cgroup/memory/memory.stat': `inactive_file 7\ntotal_inactive_file ${200 * 1024}\n`,
  })
  const seen = await memoryObservation({ proc: join(machine.root, 'proc'), cgroups: join(machine.root, 'cgroup') })
  expect(seen).toEqual({ available: 700 * 1024, capacity: 1000 * 1024 })
})

test('memory on cgroup v2: all that is not free counts as used', async () => {
  await using machine = await files({ 'proc/meminfo': meminfo, 'cgroup/memory.stat': `inactive_file ${50 * 1024}\n` })
  const seen = await memoryObservation({ proc: join(machine.root, 'proc'), cgroups: join(machine.root, 'cgroup') })
  expect(seen).toEqual({ available: 450 * 1024, capacity: 1000 * 1024 })
})

test('figures from a file: quantities, percentages, and what pods use', async () => {
  const figures = {
    'memory.available': '80Mi',
    'nodefs.available': '5%',
    pods: {
      'ns/name': { memory: '300Mi' },
      'ns/other': {
        containers: { a: { memory: '1Mi', 'ephemeral-storage': '2Mi' }, b: { memory: '3Mi' } },
        volumes: { v: '1Gi' },
        pids: 4,
      },
    },
  }
  await using folder = await files({ 'figures.json': JSON.stringify(figures) })
  const source = fileSignals({ path: join(folder.root, 'figures.json'), capacities: { 'nodefs.available': 1000 } })
  expect(await source.observe()).toEqual({
    'memory.available': { available: 80 * mib, capacity: 16 * gib },
    'nodefs.available': { available: 50, capacity: 1000 },
  })
  const usages = await source.usages([])
  expect(usages.get('ns/name')).toMatchObject({ memoryInBytes: 300 * mib })
  expect(usages.get('ns/other')).toEqual({
    memoryInBytes: 4 * mib,
    inodes: 0,
    processes: 4,
    containers: {
      a: { memoryInBytes: mib, rootfsInBytes: 2 * mib, logsInBytes: 0 },
      b: { memoryInBytes: 3 * mib, rootfsInBytes: 0, logsInBytes: 0 },
    },
    volumes: { v: { bytes: gib, inodes: 0 } },
  })
  const missing = fileSignals({ path: join(folder.root, 'none.json') })
  expect([await missing.observe(), await missing.usages([])]).toEqual([{}, new Map()])
})

test('what is derived: pods together have the threshold of the node, and none is set by 0% or 100%', () => {
  const thresholds = thresholdsOf(
    config({
      hard: { 'memory.available': '200Mi', 'nodefs.available': '0%', 'imagefs.available': '100%' },
      soft: { 'nodefs.available': '20%' },
      softGraceInMs: { 'nodefs.available': 1000 },
      minimumReclaim: { 'memory.available': '10Mi' },
    }),
  )
  expect(
    thresholds.map(({ signal, isHard, value, graceInMs, minimumReclaim }) => [signal, isHard, value, graceInMs, minimumReclaim]),
  ).toEqual([
    ['memory.available', true, '200Mi', 0, '10Mi'],
    ['allocatableMemory.available', true, '200Mi', 0, '10Mi'],
    ['nodefs.available', false, '20%', 1000, undefined],
    ['containerfs.available', false, '20%', 1000, undefined],
  ])
})

test.each([
  [201, false],
  [199, true],
])('with %i MiB left above a threshold of 100 the next look comes soon: %s', (mibs, expected) => {
  expect(isMemoryNear(thresholdsOf(config({ hard: { 'memory.available': '100Mi' } })), memory(mibs * mib))).toBe(expected)
})

const kernelLines = [
  'stress invoked oom-killer: gfp_mask=0xcc0(GFP_KERNEL), order=0, oom_score_adj=1000',
  'oom-kill:constraint=CONSTRAINT_MEMCG,nodemask=(null),cpuset=/,mems_allowed=0,oom_memcg=/kubepods/pod1/c1,task_memcg=/kubepods/pod1/c1,task=stress,pid=77,uid=0',
  'Memory cgroup out of memory: Killed process 77 (stress) total-vm:9000kB, anon-rss:8000kB, file-rss:0kB',
  'postgres invoked oom-killer: gfp_mask=0x100cca(GFP_HIGHUSER_MOVABLE), order=0, oom_score_adj=0',
  'oom-kill:constraint=CONSTRAINT_NONE,nodemask=(null),cpuset=/,mems_allowed=0,global_oom,task_memcg=/user.slice,task=web server,pid=88,uid=0',
  'Out of memory: Killed process 88 (web server) total-vm:9000kB, anon-rss:8000kB, file-rss:0kB',
  'Task in /docker/c2 killed as a result of limit of /docker/c2',
  'Memory cgroup out of memory: Kill process 99 (old) score 1 or sacrifice child',
  'Killed process 99 (old) total-vm:9000kB, anon-rss:8000kB, file-rss:0kB',
]

test('what the kernel had to end is told: SystemOOM for the machine, OOMKilling for a container', async () => {
  const clock = virtualClock()
  const told: string[] = []
  const lines = [...kernelLines]
  const stop = new AbortController()
  const running = oomWatch({
    nodeName: 'node-a',
    events: { record: (about, type, reason, message) => told.push(`${about.metadata.name} ${type} ${reason}: ${message}`) },
    clock,
    log: silentLog,
    open: async () => ({ read: async () => lines.splice(0), close: async () => {} }),
  })(stop.signal)
  await clock.advance(10_000)
  expect(told).toEqual([
    'node-a Warning OOMKilling: Memory cgroup out of memory: Killed process 77 (stress) total-vm:9000kB, anon-rss:8000kB, file-rss:0kB',
    'node-a Warning SystemOOM: System OOM encountered, victim process: web server, pid: 88',
    'node-a Warning OOMKilling: Killed process 99 (old) total-vm:9000kB, anon-rss:8000kB, file-rss:0kB',
  ])
  stop.abort()
  await running
  expect(clock.timers).toBe(0)
})
