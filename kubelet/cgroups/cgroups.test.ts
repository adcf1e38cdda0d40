import { existsSync, rmSync } from 'node:fs'
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Pod } from '../../api/core/pod.ts'
import { type VirtualClock, virtualClock } from '../../lib/clock.ts'
import { silentLog } from '../../lib/log.ts'
import type { CgroupSeat } from '../runtime/runtime.ts'
import { samplePod } from '../samples.ts'
import { podCgroups } from './cgroups.ts'
import { burstableShares, defaultFigureRules, nodeFigures, pageSizeName, podFigures } from './figures.ts'
import { cgroupFolder, cgroupParent, podCgroup, podUidOf } from './names.ts'
import { podCgroupUsage } from './usage.ts'

const mi = 2 ** 20
const sized = (requests?: object, limits?: object, more: object = {}) => ({
  name: 'app',
  image: 'app:1',
  resources: { ...(requests && { requests }), ...(limits && { limits }) },
  ...more,
})
const both = { cpu: '500m', memory: '64Mi' }

describe('the figures of a pod', () => {
  test.each<[string, object, object]>([
    ['nothing asked for', { containers: [sized()] }, { cpuShares: 2 }],
    [
      'guaranteed',
      { containers: [sized(both, both), sized(both, both, { name: 'two' })] },
      { cpuShares: 1024, cpuQuotaInUs: 100_000, cpuPeriodInUs: 100_000, memoryLimitInBytes: 128 * mi },
    ],
    ['one without limits: no limit for the pod', { containers: [sized(both, both), sized({ cpu: '1' })] }, { cpuShares: 1536 }],
    [
      'burstable, all limited',
      { containers: [sized({ cpu: '100m' }, both)] },
      { cpuShares: 102, cpuQuotaInUs: 50_000, cpuPeriodInUs: 100_000, memoryLimitInBytes: 64 * mi },
    ],
    [
      'memory limited by all, cpu only by one',
      { containers: [sized({ cpu: '100m' }, { memory: '1Mi' }), sized({}, both)] },
      { cpuShares: 102, memoryLimitInBytes: 65 * mi },
    ],
    [
      'an init container without limits counts, too',
      { containers: [sized({ cpu: '100m' }, both)], initContainers: [sized({ cpu: '300m' }, undefined, { name: 'init' })] },
      { cpuShares: 307 },
    ],
    [
      'the pod itself is limited',
      { resources: { requests: { cpu: '1' }, limits: { memory: '32Mi' } }, containers: [sized()] },
      { cpuShares: 1024, memoryLimitInBytes: 32 * mi },
    ],
    [
      'overhead comes on top',
      { overhead: { cpu: '100m', memory: '1Mi' }, containers: [sized(both, both)] },
      { cpuShares: 614, cpuQuotaInUs: 60_000, cpuPeriodInUs: 100_000, memoryLimitInBytes: 65 * mi },
    ],
    [
      'so little that the least is given',
      { containers: [sized({ cpu: '1m', memory: '1Mi' }, { cpu: '1m', memory: '1Mi' })] },
      { cpuShares: 2, cpuQuotaInUs: 1000, cpuPeriodInUs: 100_000, memoryLimitInBytes: mi },
    ],
  ])('%s', (_title, spec, expected) => {
    expect(podFigures(samplePod(spec), defaultFigureRules)).toEqual({ ...expected, hugepages: {} })
  })

  test('no quota without --cpu-cfs-quota, another one for another period, processes and huge pages', () => {
    const pod = samplePod({ containers: [sized({ ...both, 'hugepages-2Mi': '4Mi' }, { ...both, 'hugepages-2Mi': '4Mi' })] })
    expect(podFigures(pod, { ...defaultFigureRules, cpuCFSQuota: false }).cpuQuotaInUs).toBe(-1)
    expect(podFigures(pod, { cpuCFSQuota: true, cpuCFSQuotaPeriodInUs: 10_000, podPidsLimit: 7 })).toMatchObject({
      cpuQuotaInUs: 5000,
      pidsLimit: 7,
      hugepages: { '2MB': 4 * mi },
    })
  })

  test.each([
    ['2Mi', '2MB'],
    ['1Gi', '1GB'],
    ['64Ki', '64KB'],
  ])('pages of %s are %s to the kernel', (size, name) => expect(pageSizeName(size)).toBe(name))

  test('all pods together: what is reserved is not theirs, what eviction keeps free is', () => {
    const capacity = { cpu: '4', memory: '8Gi' }
    const reserved: Record<string, string>[] = [
      { cpu: '500m', memory: '1Gi' },
      { cpu: '500m', pid: '1000' },
    ]
    expect(nodeFigures(capacity, reserved, { pids: 32_768 })).toEqual({
      memoryLimitInBytes: 7 * 2 ** 30,
      cpuShares: 3072,
      pidsLimit: 31_768,
    })
    expect(nodeFigures(capacity, [{ cpu: '9' }])).toEqual({ memoryLimitInBytes: 8 * 2 ** 30, cpuShares: 2 })
  })

  test('the burstable class has what its pods ask for', () => {
    const pods = [samplePod({ containers: [sized({ cpu: '1' })] }), samplePod({ containers: [sized(both, both)] })]
    expect(burstableShares([...pods, samplePod({ containers: [sized({ cpu: '500m' })] })])).toBe(1536)
  })
})

const seatOf = (driver: CgroupSeat['driver'], version: 1 | 2): CgroupSeat => ({
  driver,
  version,
  root: ['wherry', 'c1', 'node-1'],
})

test.each([
  ['cgroupfs', '/wherry/c1/node-1/kubepods/burstable/pod1-2', '/wherry/c1/node-1/kubepods/burstable/pod1-2'],
  [
    'systemd',
    '/wherry.slice/wherry-c1.slice/wherry-c1-node_1.slice/wherry-c1-node_1-kubepods.slice/wherry-c1-node_1-kubepods-burstable.slice/wherry-c1-node_1-kubepods-burstable-pod1_2.slice',
    'wherry-c1-node_1-kubepods-burstable-pod1_2.slice',
  ],
] as const)('%s names a pod’s cgroup', (driver, folder, parent) => {
  const seat = seatOf(driver, 1)
  const name = podCgroup(seat, 'Burstable', '1-2')
  expect([cgroupFolder(seat, name), cgroupParent(seat, name)]).toEqual([folder, parent])
  expect(podUidOf(seat, folder.split('/').at(-1) ?? '')).toBe('1-2')
  expect(podUidOf(seat, 'burstable')).toBeUndefined()
})

describe('on a tree that looks like the kernel’s', () => {
  let mount: string
  beforeEach(async () => {
    mount = await mkdtemp(join(tmpdir(), 'wherry-cgroups-'))
  })
  afterEach(() => rm(mount, { recursive: true, force: true }))

  const text = (...path: string[]) => readFile(join(mount, ...path), 'utf8')
  const burstable = samplePod({ containers: [sized({ cpu: '100m' }, both)] }, { uid: 'b' })
  const made = (
    seat: CgroupSeat | { reason: string },
    {
      pods = [],
      config = {},
      killProcess = () => {},
    }: {
      pods?: Pod[]
      config?: Partial<Parameters<typeof podCgroups>[0]['rules']>
      killProcess?: (pid: number) => void
    } = {},
  ) => {
    const clock = virtualClock()
    const told: (string | undefined)[] = []
    const cgroups = podCgroups({
      runtime: { cgroups: async () => seat },
      rules: { ...defaultFigureRules, cgroupsPerQOS: true, singleProcessOOMKill: undefined, ...config },
      nodeFigures: () => ({ memoryLimitInBytes: 99, cpuShares: 5, pidsLimit: 9 }),
      onEnforced: failure => told.push(failure),
      activePods: () => pods,
      clock,
      killProcess,
      log: silentLog,
      signal: new AbortController().signal,
      mount,
    })
    return { cgroups, told, clock }
  }
  const v1 = async () => {
    await Promise.all(['cpu', 'cpuacct', 'memory', 'pids', 'cpuset'].map(name => mkdir(join(mount, name))))
    await writeFile(join(mount, 'cpu/cpu.cfs_quota_us'), '-1')
  }
  /** The kernel's files vanish with their folder; ours have to be taken away first. */
  const empty = async (folder: string) => {
    for (const entry of await readdir(join(mount, folder), { withFileTypes: true, recursive: true }))
      if (entry.isFile()) await rm(join(entry.parentPath, entry.name))
  }

  test('version 1: classes, a pod with its figures, and nothing of it in any hierarchy afterwards', async () => {
    await v1()
    const { cgroups, told } = made(seatOf('cgroupfs', 1), { pods: [burstable], config: { podPidsLimit: 5 } })
    expect(await cgroups.begin()).toBeUndefined()
    const above = 'wherry/c1/node-1/kubepods'
    expect(told).toEqual([undefined])
    expect(await text('memory', above, 'memory.limit_in_bytes')).toBe('99')
    expect(await text('pids', above, 'pids.max')).toBe('9')
    expect(await text('cpu', above, 'besteffort/cpu.shares')).toBe('2')
    expect(await text('cpu', above, 'burstable/cpu.shares')).toBe('102')
    expect(await cgroups.ensure(burstable)).toBe(`/${above}/burstable/podb`)
    expect(await text('cpu', above, 'burstable/podb/cpu.cfs_quota_us')).toBe('50000')
    expect(await text('pids', above, 'burstable/podb/pids.max')).toBe('5')
    expect(cgroups.figures(burstable)).toEqual({
      cpuShares: 102,
      cpuQuotaInUs: 50_000,
      cpuPeriodInUs: 100_000,
      memoryLimitInBytes: 64 * mi,
      pidsLimit: 5,
    })
    await mkdir(join(mount, 'cpuset', above, 'burstable/podb'), { recursive: true })
    for (const name of ['cpu', 'memory', 'pids']) await empty(`${name}/${above}/burstable/podb`)
    await cgroups.remove(burstable)
    for (const name of ['cpu', 'memory', 'pids', 'cpuset'])
      expect(existsSync(join(mount, name, above, 'burstable/podb'))).toBe(false)
  })

  test('version 2: controllers are switched on from the top, figures are in its words, and memory kills a container as a whole', async () => {
    await writeFile(join(mount, 'cgroup.controllers'), 'cpuset cpu io memory pids rdma\n')
    const { cgroups } = made(seatOf('cgroupfs', 2))
    await cgroups.ensure(burstable)
    const pod = 'wherry/c1/node-1/kubepods/burstable/podb'
    expect(await text('cgroup.subtree_control')).toBe('+cpu +cpuset +io +memory +pids')
    expect(await text(pod, 'cpu.weight')).toBe('4')
    expect(await text(pod, 'cpu.max')).toBe('50000 100000')
    expect(await text(pod, 'memory.max')).toBe(String(64 * mi))
    expect(cgroups.figures(burstable)).toMatchObject({ cpuQuotaInUs: 50_000, memoryLimitInBytes: 64 * mi, pidsLimit: -1 })
    await mkdir(join(mount, pod, 'id'))
    cgroups.started(burstable, 'id')
    expect(await text(pod, 'id/memory.oom.group')).toBe('1')
    const { cgroups: single } = made(seatOf('cgroupfs', 2), { config: { singleProcessOOMKill: true } })
    await single.ensure(burstable)
    await mkdir(join(mount, pod, 'other'))
    single.started(burstable, 'other')
    expect(existsSync(join(mount, pod, 'other/memory.oom.group'))).toBe(false)
  })

  test('systemd: folders are slices, and the engine is told the name of the last', async () => {
    const { cgroups } = made(seatOf('systemd', 2))
    expect(await cgroups.ensure(burstable)).toBe('wherry-c1-node_1-kubepods-burstable-podb.slice')
    const slices = ['wherry', 'wherry-c1', 'wherry-c1-node_1', 'wherry-c1-node_1-kubepods']
    expect(existsSync(join(mount, ...slices.map(name => `${name}.slice`), 'wherry-c1-node_1-kubepods-burstable.slice'))).toBe(
      true,
    )
  })

  /** Processes in the containers of a pod's cgroup, which end when they are killed. */
  const processesIn = async (folder: string, pids: Readonly<Record<string, number>>) => {
    const killed: number[] = []
    const list = (id: string) => join(mount, folder, id, 'cgroup.procs')
    for (const [id, pid] of Object.entries(pids)) {
      await mkdir(join(mount, folder, id), { recursive: true })
      await writeFile(list(id), `0\n${pid}\n`)
    }
    const killProcess = (pid: number) => {
      killed.push(pid)
      for (const [id, own] of Object.entries(pids)) if (own === pid) rmSync(list(id), { force: true })
    }
    return { killed, killProcess }
  }

  const whileTimePasses = async (clock: VirtualClock, work: Promise<void>) => {
    let isOver = false
    const over = work.finally(() => (isOver = true))
    while (!isOver) await clock.advance(20)
    await over
  }

  test('what the engine has lost is ended before anything else is started, and what runs is left alone', async () => {
    const [running, lost] = ['a'.repeat(64), 'b'.repeat(64)]
    const folder = 'wherry/c1/node-1/kubepods/burstable/podb'
    const { killed, killProcess } = await processesIn(folder, { [running]: 11, [lost]: 12, 'not-a-container': 13 })
    const { cgroups, clock } = made(seatOf('cgroupfs', 2), { killProcess })
    await cgroups.ensure(burstable)
    await whileTimePasses(
      clock,
      cgroups.endStrays(burstable, id => id === running),
    )
    expect(killed).toEqual([12])
  })

  test('who lives in the cgroup of a pod that is over is killed, and the cgroup goes', async () => {
    const folder = 'wherry/c1/node-1/kubepods/burstable/podb'
    const { killed, killProcess } = await processesIn(folder, { ['a'.repeat(64)]: 11 })
    const { cgroups, clock } = made(seatOf('cgroupfs', 2), { killProcess })
    await cgroups.begin()
    await whileTimePasses(clock, cgroups.remove(burstable))
    expect([killed, existsSync(join(mount, folder))]).toEqual([[11], false])
  })

  test('cgroups of pods that nobody knows go with the next sweep', async () => {
    await v1()
    const { cgroups } = made(seatOf('cgroupfs', 1))
    const stray = samplePod({}, { uid: 'stray' })
    await cgroups.ensure(burstable)
    await cgroups.ensure(stray)
    for (const name of ['cpu', 'memory', 'pids']) await empty(`${name}/wherry/c1/node-1/kubepods/besteffort/podstray`)
    await cgroups.sweep(uid => uid === 'b')
    expect([cgroups.figures(stray), cgroups.figures(burstable)?.cpuShares]).toEqual([undefined, 102])
  })

  test.each([
    ['another machine', { reason: 'the engine is on another machine' }, {}, 'the engine is on another machine'],
    ['not wanted', seatOf('cgroupfs', 2), { cgroupsPerQOS: false }, 'cgroupsPerQOS is false'],
  ])('without them (%s) pods have the engine’s own parent', async (_title, seat, config, reason) => {
    const { cgroups } = made(seat, { config })
    expect(await cgroups.begin()).toEqual({ reason })
    expect([await cgroups.ensure(burstable), cgroups.figures(burstable)]).toEqual(['', undefined])
  })

  test('files that cannot be written are said so once', async () => {
    await writeFile(join(mount, 'wherry'), 'a file, not a folder')
    expect((await made(seatOf('cgroupfs', 2)).cgroups.begin())?.reason).toMatch(/^cgroups cannot be written: /)
  })

  test('an engine whose cgroups are elsewhere is found out with the first sandbox', async () => {
    const { cgroups } = made(seatOf('cgroupfs', 2))
    await cgroups.ensure(burstable)
    cgroups.verify(burstable, 'sandbox')
    expect(await cgroups.begin()).toEqual({ reason: "the engine's cgroups are not those seen here" })
    expect(await cgroups.ensure(burstable)).toBe('')
  })

  test('what a pod uses is read from its own cgroup', async () => {
    await v1()
    const { cgroups } = made(seatOf('cgroupfs', 1))
    await cgroups.ensure(burstable)
    const put = (controller: string, file: string, content: string) =>
      writeFile(join(mount, controller, 'wherry/c1/node-1/kubepods/burstable/podb', file), content)
    await put(
      'memory',
      'memory.stat',
      'rss 1\ntotal_rss 30\ntotal_inactive_file 20\ntotal_pgfault 4\ntotal_pgmajfault 2\ntotal_swap 7\n',
    )
    await put('memory', 'memory.usage_in_bytes', '100\n')
    await put('cpuacct', 'cpuacct.usage', '5000\n')
    await put('pids', 'pids.current', '3\n')
    expect(podCgroupUsage(cgroups, burstable)).toEqual({
      cpuTotalNanoSeconds: 5000,
      memoryUsageInBytes: 100,
      memoryWorkingSetInBytes: 80,
      memoryRssInBytes: 30,
      swapUsageInBytes: 7,
      pageFaults: 4,
      majorPageFaults: 2,
      processes: 3,
    })
  })

  test('a node that ends leaves nothing behind, unless there are pods', async () => {
    await v1()
    const { cgroups } = made(seatOf('cgroupfs', 1))
    await cgroups.ensure(burstable)
    await cgroups.end()
    expect(cgroups.figures(burstable)).toBeDefined()
    for (const name of ['cpu', 'memory', 'pids']) await empty(name)
    await cgroups.remove(burstable)
    await cgroups.end()
    for (const name of ['cpuacct', 'memory', 'pids']) expect(await readdir(join(mount, name))).toEqual([])
  })
})
