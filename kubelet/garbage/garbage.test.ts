import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { virtualClock } from '../../lib/clock.ts'
import { silentLog } from '../../lib/log.ts'
import type { ContainerState, ImageInfo } from '../runtime/runtime.ts'
import { deadContainer, sampleContainer, sampleSandbox } from '../samples.ts'
import { defaultContainerGarbage, defaultImageGarbage, defaultKeptLogs, type ImageGarbageConfig } from './config.ts'
import { type PodStage, planContainerGarbage } from './container-plan.ts'
import { imageGarbage } from './image-garbage.ts'
import { bytesToFree, sizeText } from './image-plan.ts'
import { keptLogs } from './kept-logs.ts'
import { selectLines } from './log-lines.ts'
import { pulledImages } from './pulled-images.ts'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'wherry-garbage-'))
})
afterEach(() => rm(folder, { recursive: true, force: true }))

const pod = (uid: string) => ({ namespace: 'default', name: uid, uid })
const dead = (uid: string, name: string, attempt: number, more: Partial<ContainerState> = {}) =>
  deadContainer(name, 1, {
    id: `${uid}-${name}-${attempt}`,
    pod: pod(uid),
    attempt,
    createdAt: attempt * 1000,
    sandboxId: uid,
    ...more,
  })

const dying = [
  dead('here', 'a', 1),
  dead('here', 'a', 2),
  dead('here', 'a', 3),
  sampleContainer('a', { id: 'here-a-4', pod: pod('here'), attempt: 4, createdAt: 4000, sandboxId: 'here' }),
  dead('here', 'b', 7),
  dead('over', 'a', 5),
  dead('gone', 'a', 6),
  dead('gone', 'a', 8),
]
const stages: Record<string, PodStage> = { here: 'kept', over: 'ended', gone: 'gone' }

test.each([
  ['of each container the newest', {}, false, ['gone-a-6', 'gone-a-8', 'here-a-1', 'here-a-2']],
  [
    'of pods that have ended nothing, where space is short',
    {},
    true,
    ['gone-a-6', 'gone-a-8', 'here-a-1', 'here-a-2', 'over-a-5'],
  ],
  [
    'none',
    { maxPerPodContainer: 0 },
    false,
    ['gone-a-6', 'gone-a-8', 'here-a-1', 'here-a-2', 'here-a-3', 'here-b-7', 'over-a-5'],
  ],
  ['all', { maxPerPodContainer: -1 }, false, ['gone-a-6', 'gone-a-8']],
  [
    'one of each, and of these the oldest go',
    { maxPerPodContainer: -1, maxContainers: 2 },
    false,
    ['gone-a-6', 'gone-a-8', 'here-a-1', 'here-a-2', 'here-a-3'],
  ],
  ['what is young', { minimumAgeInMs: 97_500 }, false, ['here-a-1']],
])('dead containers that are kept: %s', (_title, overrides, isShort, expected) => {
  const options = {
    now: 100_000,
    config: { ...defaultContainerGarbage, ...overrides },
    stageOf: (uid: string) => stages[uid] ?? 'kept',
    isShort,
  }
  expect([...planContainerGarbage({ containers: dying, sandboxes: [] }, options).containers].sort()).toEqual(expected)
})

test('sandboxes: those that were replaced and are empty; all of a pod that is gone; never one that is ready', () => {
  const sandbox = (id: string, uid: string, createdAt: number, state: 'ready' | 'notReady' = 'notReady') =>
    sampleSandbox({ id, pod: pod(uid), createdAt, state })
  const sandboxes = [
    sandbox('newest', 'here', 9),
    sandbox('full', 'here', 8),
    sandbox('empty', 'here', 7),
    sandbox('strange', 'here', 6, 'ready'),
    sandbox('left', 'gone', 5),
    sandbox('emptied', 'gone', 4),
  ]
  const containers = [dead('here', 'a', 1, { sandboxId: 'full' }), dead('gone', 'a', 1, { sandboxId: 'emptied' })]
  const garbage = planContainerGarbage(
    { containers, sandboxes },
    { now: 100_000, config: defaultContainerGarbage, stageOf: uid => stages[uid] ?? 'kept' },
  )
  expect(garbage.sandboxes).toEqual(['empty', 'left', 'emptied'])
})

const gib = 2 ** 30
test.each([
  [84, 0],
  [85, 5 * gib],
  [90, 10 * gib],
  [100, 20 * gib],
])('%i%% of 100 GiB in use', (used, bytes) => {
  const filesystem = { capacityInBytes: 100 * gib, availableInBytes: (100 - used) * gib }
  expect(bytesToFree(filesystem, defaultImageGarbage)).toEqual({ usagePercent: used, bytes })
})

test.each([
  [512, '512 B'],
  [1536, '1.5 KiB'],
  [10 * gib, '10.0 GiB'],
])('%i bytes print as %s', (bytes, text) => expect(sizeText(bytes)).toBe(text))

/** An engine with images of 1 GiB each, on a disk of 100 GiB. */
function imageStory(overrides: Partial<ImageGarbageConfig> = {}) {
  const clock = virtualClock()
  const state = {
    images: new Map<string, ImageInfo>(),
    used: new Set<string>(),
    containers: [] as ContainerState[],
    availableInGib: 50,
    removed: [] as string[],
    told: [] as string[],
    broken: new Set<string>(),
  }
  // In memory: files take real time, and these stories have none.
  const pulled = pulledImages({ path: undefined })
  const add = async (name: string, { isOurs = true, ...more }: Partial<ImageInfo> & { isOurs?: boolean } = {}) => {
    const image = { id: `sha256:${name}`, tags: [`${name}:1`], digests: [], sizeInBytes: gib, user: '', ...more }
    state.images.set(image.id, image)
    if (isOurs) await pulled.note(`${name}:1`, undefined, image)
  }
  const garbage = imageGarbage({
    nodeName: 'node-a',
    runtime: {
      images: {
        status: async () => undefined,
        pull: async () => '',
        list: async () => [...state.images.values()],
        async remove(name) {
          const found = [...state.images.values()].find(({ id, tags }) => id === name || tags.includes(name))
          if (found && state.broken.has(found.id)) throw new Error(`cannot remove ${name}`)
          if (found) state.images.delete(found.id)
          state.removed.push(name)
          state.availableInGib += 1
        },
        inUse: async () => state.used,
      },
      list: async () => ({ sandboxes: [], containers: state.containers }),
      imageFilesystem: async () => ({
        capacityInBytes: 100 * gib,
        availableInBytes: state.availableInGib * gib,
        inodes: 1,
        inodesFree: 1,
      }),
    },
    config: { ...defaultImageGarbage, ...overrides },
    pulled,
    alsoUsed: () => ['mounted:1'],
    events: { record: (_about, _type, reason, message) => state.told.push(`${reason}: ${message}`) },
    clock,
    log: silentLog,
  })
  return { clock, state, add, garbage, pulled }
}

test('images go in the order of their last use, down to the low threshold, and only what this kubelet pulled', async () => {
  const { clock, state, add, garbage } = imageStory()
  const stop = new AbortController()
  for (const name of ['foreign']) await add(name, { isOurs: false })
  await add('named-again', { tags: ['named-again:1', 'mine:1'] })
  for (const name of ['old', 'used-once', 'in-use', 'mounted', 'pinned']) await add(name)
  state.images.set('sha256:pinned', { ...state.images.get('sha256:pinned')!, pinned: true })
  state.used.add('sha256:in-use').add('sha256:used-once')
  const running = garbage.run(stop.signal)
  await clock.advance(10_000)
  state.used.delete('sha256:used-once')
  await add('young')
  state.containers = [deadContainer('c', 1, { image: 'young:1', imageId: 'sha256:young' })]
  await clock.advance(290_000)
  expect(state.removed).toEqual([])
  state.availableInGib = 19
  await clock.advance(10_000)
  expect(state.removed).toEqual([])
  state.availableInGib = 15
  await clock.advance(300_000)
  expect(state.removed).toEqual(['old:1', 'used-once:1'])
  expect([...state.images.keys()].map(id => id.slice(7))).toEqual([
    'foreign',
    'named-again',
    'in-use',
    'mounted',
    'pinned',
    'young',
  ])
  expect(state.told).toEqual([
    "FreeDiskSpaceFailed: Insufficient free disk space on the node's image filesystem (85% of 100.0 GiB used). Failed to free sufficient space by deleting unused images (freed 2147483648 bytes). Investigate disk usage, as it could be used by active images, logs, volumes, or other data.",
  ])
  state.availableInGib = 10
  await clock.advance(300_000)
  expect(state.told.map(text => text.split(':')[0])).toEqual(['FreeDiskSpaceFailed', 'FreeDiskSpaceFailed', 'ImageGCFailed'])
  stop.abort()
  await running
  expect(clock.timers).toBe(0)
})

test('an image stays for two minutes after it was first seen, however short the disk is', async () => {
  const { clock, state, add, garbage } = imageStory()
  await add('new')
  state.availableInGib = 0
  await garbage.removeUnused()
  await clock.advance(119_000)
  await garbage.removeUnused()
  expect(state.removed).toEqual([])
  await clock.advance(1000)
  await garbage.removeUnused()
  expect(state.removed).toEqual(['new:1'])
})

test('with a maximum age images go for that alone, once the kubelet has run for as long; with scope all, anybody’s', async () => {
  const { clock, state, add, garbage } = imageStory({ maximumAgeInMs: 3_600_000, scope: 'all' })
  await add('foreign', { isOurs: false })
  await add('busy', { isOurs: false })
  state.used.add('sha256:busy')
  await clock.advance(3_600_000)
  await garbage.collect()
  expect(state.removed).toEqual([])
  await clock.advance(1)
  await garbage.collect()
  expect(state.removed).toEqual(['foreign:1'])
})

test('an image that cannot be removed does not keep the others', async () => {
  const { clock, state, add, garbage } = imageStory()
  await add('bad')
  await add('good')
  state.broken.add('sha256:bad')
  await garbage.collect()
  await clock.advance(120_000)
  await expect(garbage.removeUnused()).rejects.toThrow('errors in image deletion: cannot remove bad:1')
  expect(state.removed).toEqual(['good:1'])
})

test('what was pulled is remembered over a restart; a pull that changed nothing makes nothing ours', async () => {
  const path = join(folder, 'pulled-images.json')
  const image = (id: string): ImageInfo => ({ id, tags: [], digests: [], sizeInBytes: 1, user: '' })
  const first = pulledImages({ path })
  await Promise.all([first.note('a:1', undefined, image('x')), first.note('a:2', image('y'), image('x'))])
  await first.note('b:1', image('z'), image('z'))
  const second = pulledImages({ path })
  expect(await Promise.all(['x', 'z'].map(second.namesOf))).toEqual([['a:1', 'a:2'], []])
  await second.forget('x')
  expect(await pulledImages({ path }).namesOf('x')).toEqual([])
  await writeFile(path, '{"images": {"x": ["a:1"')
  expect(await pulledImages({ path }).namesOf('x')).toEqual([])
})

const stamped = (lines: readonly string[]) => lines.map((line, i) => `2026-01-01T00:00:0${i}.000000000Z ${line}\n`).join('')

test.each([
  ['all of it', {}, 'one\ntwo\nthree\n'],
  ['the last lines', { tailLines: 2 }, 'two\nthree\n'],
  ['no lines', { tailLines: 0 }, ''],
  ['so many bytes', { limitBytes: 5 }, 'one\nt'],
  ['from a moment on', { sinceTime: '2026-01-01T00:00:01Z' }, 'two\nthree\n'],
  ['of the last seconds', { sinceSeconds: 1 }, 'two\nthree\n'],
  ['with its times', { tailLines: 1, timestamps: true }, '2026-01-01T00:00:02.000000000Z three\n'],
])('a log that is over: %s', (_title, options, expected) => {
  const log = Buffer.from(stamped(['one', 'two', 'three']))
  const now = Date.UTC(2026, 0, 1, 0, 0, 2)
  expect(Buffer.concat([...selectLines(log, options, now)]).toString()).toBe(expected)
})

function logStory(overrides: Partial<typeof defaultKeptLogs> = {}, text = (id: string) => stamped([`words of ${id}`])) {
  const clock = virtualClock(Date.UTC(2026, 0, 1))
  const runtime = {
    logs: async function* (id: string) {
      yield Buffer.from(text(id))
    },
  }
  const start = () => keptLogs({ runtime, rootDir: folder, config: { ...defaultKeptLogs, ...overrides }, clock, log: silentLog })
  const kept = start()
  const read = async (name: string, options = {}, from = kept) => {
    const chunks: Uint8Array[] = []
    for await (const chunk of from.read({ namespace: 'default', name, container: '' }, options)) chunks.push(chunk)
    return Buffer.concat(chunks).toString()
  }
  return { clock, kept, read, start }
}

test('the last words of a pod that is gone: of its newest instance, of the one before, and not for ever', async () => {
  const { clock, kept, read, start } = logStory()
  await kept.keep(pod('p'), [dead('p', 'a', 2), dead('p', 'a', 1)])
  expect(await read('p')).toBe('words of p-a-2\n')
  expect(await read('p', { previous: true })).toBe('words of p-a-1\n')
  expect(await read('p', {}, start())).toBe('words of p-a-2\n')
  await expect(read('q')).rejects.toThrow('no logs are kept of a deleted pod "q"')
  await clock.advance(599_999)
  expect(await read('p')).toBe('words of p-a-2\n')
  await clock.advance(1)
  await expect(read('p')).rejects.toThrow('no logs are kept')
  await kept.sweep()
  await expect(readFile(join(folder, 'deleted', 'p', 'pod.json'))).rejects.toThrow('ENOENT')
})

test('of several containers one must be named', async () => {
  const { kept, read } = logStory()
  await kept.keep(pod('p'), [dead('p', 'a', 0), dead('p', 'b', 0)])
  await expect(read('p')).rejects.toThrow('a container name must be specified for pod p, choose one of: [a b]')
  expect(await read('p', { container: 'b' })).toBe('words of p-b-0\n')
  await expect(read('p', { container: 'b', previous: true })).rejects.toThrow(
    'previous terminated container "b" in pod "p" not found',
  )
})

test('logs of too many pods, too many bytes, and too long ones are let go or cut', async () => {
  const { clock, kept, read } = logStory({ mostPods: 2, bytesPerContainer: 100 }, id =>
    stamped([`${id} one`, `${id} two`, `${id} three`]),
  )
  for (const uid of ['p', 'q', 'r']) {
    await kept.keep(pod(uid), [dead(uid, 'a', 0)])
    await clock.advance(1)
  }
  await expect(read('p')).rejects.toThrow('no logs are kept')
  expect(await read('q')).toBe('q-a-0 two\nq-a-0 three\n')
  await kept.clear()
  await expect(read('r')).rejects.toThrow('no logs are kept')
  const tiny = logStory({ mostBytes: 10 })
  await tiny.kept.keep(pod('p'), [dead('p', 'a', 0)])
  await expect(tiny.read('p')).rejects.toThrow('no logs are kept')
})

test('a pod whose uid is no name for a folder leaves nothing, and neither does one that cannot be read', async () => {
  const { kept, read } = logStory({}, id => {
    if (id.startsWith('bad')) throw new Error('no log')
    return stamped(['x'])
  })
  await kept.keep({ ...pod('p'), uid: '../../p' }, [dead('p', 'a', 0)])
  await expect(read('p')).rejects.toThrow('no logs are kept')
  await kept.keep(pod('bad'), [dead('bad', 'a', 0)])
  await expect(read('bad')).rejects.toThrow('no logs are kept')
})
