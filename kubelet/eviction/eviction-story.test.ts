import { expect, test } from 'vitest'
import type { Pod } from '../../api/core/pod.ts'
import { virtualClock } from '../../lib/clock.ts'
import { silentLog } from '../../lib/log.ts'
import { samplePod } from '../samples.ts'
import { defaultEviction, type EvictionConfig } from './config.ts'
import { podEviction } from './eviction.ts'
import type { Observations } from './thresholds.ts'
import { noUsage, type PodUsage } from './usage.ts'

const mib = 2 ** 20
const plenty = 4096 * mib

interface StoryOptions {
  config?: Partial<EvictionConfig>
  hasImageFs?: boolean
  /** Seconds that it takes to end a pod. */
  endsIn?: number
}

/** A node whose figures the test sets, and which writes down what it does: `second what`. */
function story({ config, hasImageFs = false, endsIn = 0 }: StoryOptions = {}) {
  const clock = virtualClock()
  const startedAt = clock.now()
  const said: string[] = []
  const say = (text: string) => said.push(`${Math.trunc((clock.now() - startedAt) / 1000)} ${text}`)
  let pods: Pod[] = []
  const usages = new Map<string, PodUsage>()
  let observations: Observations = {}
  const state = { freesImages: () => {}, observed: 0 }
  const stop = new AbortController()
  const eviction = podEviction({
    nodeName: 'node-a',
    config: { ...defaultEviction, ...config },
    source: {
      async observe() {
        state.observed += 1
        return observations
      },
      usages: async () => usages,
      hasImageFs: async () => hasImageFs,
    },
    clock,
    log: silentLog,
    events: { record: (_about, _type, reason) => say(reason) },
    activePods: () => pods,
    async evict(uid, { disruption }, grace) {
      say(`evict ${uid} within ${grace}${disruption ? '' : ', no disruption'}`)
      await clock.sleep(endsIn * 1000)
      pods = pods.filter(one => one.metadata.uid !== uid)
    },
    onPressure: () => say(`pressure ${eviction.pressures.join()}`),
    reclaim: {
      removeDeadContainers: async () => void say('remove dead containers'),
      async removeUnusedImages() {
        say('remove unused images')
        state.freesImages()
      },
    },
  })
  const running = eviction.run(stop.signal)
  return {
    clock,
    said,
    state,
    see(next: Observations) {
      observations = next
    },
    pod(name: string, usage: Partial<PodUsage>, spec: object = {}, metadata: object = {}) {
      pods = [...pods, samplePod(spec, { name, uid: name, ...metadata })]
      usages.set(`default/${name}`, { ...noUsage, ...usage })
    },
    async [Symbol.asyncDispose]() {
      stop.abort()
      await clock.advance(1)
      await running
    },
  }
}

const memory = (mibs: number): Observations => ({ 'memory.available': { available: mibs * mib, capacity: plenty } })
const disk = (signal: 'nodefs' | 'imagefs', percent: number): Observations => ({
  [`${signal}.available`]: { available: percent, capacity: 100 },
})

test('one pod a pass, and the next pass a second after it has gone; critical and static pods stay', async () => {
  await using node = story({ endsIn: 3 })
  node.pod('critical', { memoryInBytes: 900 * mib }, { priority: 2_000_000_000 })
  node.pod('static', { memoryInBytes: 800 * mib }, {}, { annotations: { 'kubernetes.io/config.source': 'file' } })
  node.pod('mirror', { memoryInBytes: 800 * mib }, {}, { annotations: { 'kubernetes.io/config.mirror': 'hash' } })
  node.pod('small', { memoryInBytes: 10 * mib })
  node.pod('big', { memoryInBytes: 20 * mib })
  node.see(memory(4000))
  await node.clock.advance(5000)
  node.see(memory(50))
  await node.clock.advance(25_000)
  expect(node.said).toEqual([
    '10 pressure MemoryPressure',
    '10 EvictionThresholdMet',
    '10 Evicted',
    '10 evict big within 1',
    '14 EvictionThresholdMet',
    '14 Evicted',
    '14 evict small within 1',
    '18 EvictionThresholdMet',
    '28 EvictionThresholdMet',
  ])
})

test('while memory is near its threshold the node looks every second', async () => {
  await using node = story()
  node.see(memory(150))
  await node.clock.advance(5000)
  expect(node.state.observed).toBe(6)
  node.see(memory(4000))
  await node.clock.advance(30_000)
  expect(node.state.observed).toBe(9)
})

test('a soft threshold waits for its grace and gives pods some, up to the most that is allowed', async () => {
  await using node = story({
    config: {
      hard: {},
      soft: { 'memory.available': '100Mi' },
      softGraceInMs: { 'memory.available': 25_000 },
      maxPodGraceSeconds: 60,
    },
  })
  node.pod('patient', { memoryInBytes: mib }, { terminationGracePeriodSeconds: 600 })
  node.pod('quick', { memoryInBytes: 2 * mib }, { terminationGracePeriodSeconds: 7 })
  node.see(memory(90))
  await node.clock.advance(30_000)
  expect(node.said.filter(text => text.includes('evict '))).toEqual(['25 evict quick within 7', '26 evict patient within 60'])
})

test('disk: dead containers and images go first, and if that is enough no pod does', async () => {
  await using node = story()
  node.pod('web', { containers: { a: { memoryInBytes: 0, rootfsInBytes: 5, logsInBytes: 0 } } })
  node.state.freesImages = () => node.see(disk('nodefs', 50))
  node.see(disk('nodefs', 5))
  await node.clock.advance(1000)
  expect(node.said).toEqual([
    '0 pressure DiskPressure',
    '0 EvictionThresholdMet',
    '0 remove dead containers',
    '0 remove unused images',
  ])
  node.state.freesImages = () => {}
  node.see(disk('nodefs', 5))
  await node.clock.advance(10_000)
  expect(node.said.slice(4)).toEqual([
    '10 EvictionThresholdMet',
    '10 remove dead containers',
    '10 remove unused images',
    '10 Evicted',
    '10 evict web within 1',
    '11 EvictionThresholdMet',
    '11 remove dead containers',
    '11 remove unused images',
  ])
})

test.each([
  ['nodefs', []],
  ['imagefs', ['0 remove dead containers', '0 remove unused images']],
] as const)('with a disk for images of their own, images help only that one: %s', async (signal, expected) => {
  await using node = story({ hasImageFs: true })
  node.see(disk(signal, 1))
  await node.clock.advance(1000)
  expect(node.said.filter(text => text.includes('remove'))).toEqual(expected)
})

test('limits of pods on local storage are enforced before anything is short, several pods in a pass', async () => {
  await using node = story()
  const volumes = [{ name: 'v', emptyDir: { sizeLimit: '1Mi' } }]
  for (const name of ['a', 'b']) node.pod(name, { volumes: { v: { bytes: 2 * mib, inodes: 1 } } }, { volumes })
  node.pod('critical', { volumes: { v: { bytes: 2 * mib, inodes: 1 } } }, { volumes, priority: 2_000_000_000 })
  node.see({ ...memory(4000), ...disk('nodefs', 5) })
  await node.clock.advance(500)
  expect(node.said).toEqual([
    '0 pressure DiskPressure',
    '0 Evicted',
    '0 evict a within 1, no disruption',
    '0 Evicted',
    '0 evict b within 1, no disruption',
  ])
})

test('a pod that does not end in time is told of, and after half a minute the next pass comes', async () => {
  await using node = story({ endsIn: 100 })
  node.pod('stuck', { memoryInBytes: 20 * mib })
  node.pod('other', { memoryInBytes: 10 * mib })
  node.see(memory(50))
  await node.clock.advance(41_000)
  expect(node.said).toEqual([
    '0 pressure MemoryPressure',
    '0 EvictionThresholdMet',
    '0 Evicted',
    '0 evict stuck within 1',
    '10 ExceededGracePeriod',
    '41 EvictionThresholdMet',
    '41 Evicted',
    '41 evict stuck within 1',
  ])
  await node.clock.advance(100_000)
})
