import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { defaultImageGarbage } from '../../kubelet/garbage/config.ts'
import { imageGarbage } from '../../kubelet/garbage/image-garbage.ts'
import { pulledImages } from '../../kubelet/garbage/pulled-images.ts'
import { dockerEngine } from '../../kubelet/runtime/docker/engine.ts'
import { pauseImage } from '../../kubelet/runtime/docker/pause-image.ts'
import { dockerRuntime } from '../../kubelet/runtime/docker/runtime.ts'
import { systemClock } from '../../lib/clock.ts'
import { silentLog } from '../../lib/log.ts'
import { engineCall, engineSocket } from '../support/engine.ts'

const clock = systemClock
const log = silentLog
const prefix = `garbage-${process.pid}`
const gib = 2 ** 30
const engine = dockerEngine({ clock, log, socketPath: engineSocket })
const runtime = dockerRuntime({ engine, cluster: prefix, node: 'node-a', podCIDR: () => undefined, clock, log })
let folder: string
const containers: string[] = []

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'wherry-images-'))
})
afterAll(async () => {
  for (const id of containers) await engineCall('DELETE', `/containers/${id}?force=1`)
  for (const tag of (await tags()).filter(name => name.startsWith(prefix))) await engineCall('DELETE', `/images/${tag}?force=1`)
  await rm(folder, { recursive: true, force: true })
})

const tags = async () => {
  const images = await engineCall<{ RepoTags: string[] | null }[]>('GET', '/images/json')
  return images.flatMap(({ RepoTags }) => RepoTags ?? [])
}
const ours = async () =>
  (await tags())
    .filter(name => name.startsWith(prefix))
    .map(name => name.slice(prefix.length + 1))
    .sort()

/** An image of its own, made of what a container of busybox has become: as good as one from a registry. */
async function make(name: string): Promise<string> {
  const from = { Image: 'busybox:1.36', Cmd: ['true'], Labels: { 'wherry.test': prefix } }
  const { Id } = await post<{ Id: string }>('/containers/create', from)
  const image = await post<{ Id: string }>(`/commit?container=${Id}&repo=${prefix}&tag=${name}&comment=${name}`, {})
  await engineCall('DELETE', `/containers/${Id}?force=1`)
  return image.Id
}

async function post<T>(path: string, body: object): Promise<T> {
  const { request } = await import('node:http')
  return new Promise((resolve, reject) => {
    const call = request(
      { socketPath: engineSocket, method: 'POST', path, headers: { 'content-type': 'application/json' } },
      response => {
        let text = ''
        response.on('data', chunk => (text += chunk))
        response.on('end', () => resolve(JSON.parse(text) as T))
      },
    )
    call.on('error', reject)
    call.end(JSON.stringify(body))
  })
}

test('unused images that this kubelet pulled go; used, foreign and renamed ones and the pause image stay', async () => {
  const pulled = pulledImages({ path: join(folder, 'pulled-images.json') })
  const told: string[] = []
  const before = new Set(await tags())
  for (const name of ['unused', 'dead', 'theirs', 'renamed', 'foreign']) {
    const id = await make(name)
    const info = await runtime.images.status(`${prefix}:${name}`)
    expect(info?.id).toBe(id)
    if (name !== 'foreign') await pulled.note(`${prefix}:${name}`, undefined, { ...info, id } as never)
  }
  // Somebody else's container, that has ended, and one of nobody that runs.
  containers.push((await post<{ Id: string }>('/containers/create', { Image: `${prefix}:dead`, Cmd: ['true'] })).Id)
  const running = (await post<{ Id: string }>('/containers/create', { Image: `${prefix}:theirs`, Cmd: ['sleep', '60'] })).Id
  containers.push(running)
  await engineCall('POST', `/containers/${running}/start`)
  await engineCall('POST', `/images/${prefix}:renamed/tag?repo=${prefix}&tag=by-hand`)

  const garbage = imageGarbage({
    nodeName: 'node-a',
    runtime: {
      images: runtime.images,
      list: runtime.list,
      imageFilesystem: async () => ({ capacityInBytes: 100 * gib, availableInBytes: 10 * gib, inodes: 1, inodesFree: 1 }),
    },
    config: { ...defaultImageGarbage, minimumAgeInMs: 0 },
    pulled,
    events: { record: (_about, _type, reason, message) => told.push(`${reason}: ${message}`) },
    clock,
    log,
  })
  expect(await ours()).toEqual(['by-hand', 'dead', 'foreign', 'renamed', 'theirs', 'unused'])
  await expect(garbage.collect()).rejects.toThrow('Insufficient free disk space')
  expect(await ours()).toEqual(['by-hand', 'dead', 'foreign', 'renamed', 'theirs'])
  expect(told).toEqual([expect.stringMatching(/^FreeDiskSpaceFailed: .*\(90% of 100\.0 GiB used\)\. .*\(freed \d{6,} bytes\)/)])
  const left = await tags()
  expect([...before].filter(name => !left.includes(name) && !name.startsWith('garbage-'))).toEqual([])
  if (before.has(pauseImage)) expect(left).toContain(pauseImage)

  // When nobody needs them any more, they go as well.
  for (const id of containers.splice(0)) await engineCall('DELETE', `/containers/${id}?force=1`)
  await garbage.removeUnused()
  expect(await ours()).toEqual(['by-hand', 'foreign', 'renamed'])
}, 60_000)
