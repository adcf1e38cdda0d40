import { expect, test } from 'vitest'
import { virtualClock } from '../../lib/clock.ts'
import type { Objects } from '../objects.ts'
import type { ImageInfo, ImageService } from '../runtime/runtime.ts'
import { samplePod } from '../samples.ts'
import { imageNameFault } from './image-name.ts'
import { imagePuller } from './images.ts'
import { pullQueue } from './pull-queue.ts'
import type { SyncError } from './sync-error.ts'

const limits = { serializeImagePulls: true, maxParallelImagePulls: 0, registryPullQPS: 5, registryBurst: 10 }
const digest = `sha256:${'a'.repeat(64)}`

/** A puller over an engine that pulls as `pull` says. */
function node(pull: (image: string, username?: string) => Promise<void>, secrets: Record<string, object> = {}) {
  const clock = virtualClock()
  const told: string[] = []
  const here = new Map<string, ImageInfo>()
  const images: ImageService = {
    status: async image => here.get(image),
    async pull(image, auth) {
      await pull(image, auth?.username)
      here.set(image, { id: 'sha256:1', tags: [], digests: [], sizeInBytes: 1234, user: '' })
      return 'sha256:1'
    },
    list: async () => [],
    remove: async () => {},
  }
  const secretType = async (_: string, name: string) => secrets[name] as Awaited<ReturnType<Objects['secretType']>>
  const puller = imagePuller({
    images,
    objects: { secretType } as unknown as Objects,
    events: { record: (about, type, reason, message) => told.push(`${type} ${reason} ${about.fieldPath ?? 'pod'}: ${message}`) },
    clock,
    limits,
  })
  const ensure = (image: string, imagePullPolicy = 'IfNotPresent', imagePullSecrets: { name: string }[] = []) => {
    const pod = samplePod({ containers: [{ name: 'app', image, imagePullPolicy: imagePullPolicy as never }], imagePullSecrets })
    return puller.ensure(pod, pod.spec.containers[0]!).then(
      () => 'here',
      (error: SyncError) => `${error.reason}: ${error.message}`,
    )
  }
  return { clock, told, here, ensure }
}

test('a pull tells how long it took, the wait apart, and how big the image is', async () => {
  const story = node(async image => story.clock.sleep(image === 'first' ? 1200.7 : 300))
  const both = Promise.all([story.ensure('first'), story.ensure('reg.io/second:1')])
  await story.clock.advance(5000)
  expect(await both).toEqual(['here', 'here'])
  expect(story.told).toEqual([
    'Normal Pulling spec.containers{app}: Pulling image "first"',
    'Normal Pulling spec.containers{app}: Pulling image "reg.io/second:1"',
    'Normal Pulled spec.containers{app}: Successfully pulled image "first" in 1.2s (1.2s including waiting). Image size: 1234 bytes.',
    'Normal Pulled spec.containers{app}: Successfully pulled image "reg.io/second:1" in 300ms (1.5s including waiting). Image size: 1234 bytes.',
  ])
  expect(await story.ensure('first')).toBe('here')
  expect(story.told.at(-1)).toBe('Normal Pulled spec.containers{app}: Container image "first" already present on machine')
})

test('a pull that failed is not tried again for 10, 20, ... 300 seconds; after 600 quiet ones it starts over', async () => {
  const tries: number[] = []
  const story = node(async () => {
    tries.push(story.clock.now() / 1000)
    throw new Error('no such image')
  })
  const start = story.clock.now() / 1000
  expect(await story.ensure('x')).toBe('ErrImagePull: no such image')
  expect(await story.ensure('x')).toBe('ImagePullBackOff: Back-off pulling image "x": ErrImagePull: no such image')
  expect(story.told).toEqual([
    'Normal Pulling spec.containers{app}: Pulling image "x"',
    'Warning Failed spec.containers{app}: Failed to pull image "x": no such image',
    'Normal BackOff spec.containers{app}: Back-off pulling image "x"',
  ])
  for (let second = 0; second < 1300; second++) {
    await story.clock.advance(1000)
    await story.ensure('x')
  }
  expect(tries.map(at => at - start)).toEqual([0, 10, 30, 70, 150, 310, 610, 910, 1210])
  await story.clock.advance(601_000)
  await story.ensure('x')
  await story.clock.advance(10_000)
  await story.ensure('x')
  expect(tries.slice(-2).reduce((a, b) => b - a)).toBe(10)
})

test('an unavailable registry has a reason of its own, in the back-off too', async () => {
  const story = node(() => Promise.reject(new Error('RegistryUnavailable: 503 Service Unavailable')))
  const message = 'image pull failed for x because the registry is unavailable: 503 Service Unavailable'
  expect(await story.ensure('x')).toBe(`RegistryUnavailable: ${message}`)
  expect(await story.ensure('x')).toBe(`ImagePullBackOff: Back-off pulling image "x": RegistryUnavailable: ${message}`)
})

test('all credentials are tried in turn; what is missing is told', async () => {
  const asked: (string | undefined)[] = []
  const entry = (username: string) => ({ username, password: 'p' })
  const auths = { 'reg.io': entry('second'), 'reg.io/team': entry('first') }
  const data = { '.dockerconfigjson': Buffer.from(JSON.stringify({ auths })) }
  const story = node(
    async (_, username) => {
      asked.push(username)
      throw new Error(`denied to ${username}`)
    },
    { there: { type: 'kubernetes.io/dockerconfigjson', data } },
  )
  const secrets = [{ name: 'gone' }, { name: 'there' }, { name: '' }, { name: 'lost' }]
  expect(await story.ensure('reg.io/team/app', 'Always', secrets)).toBe('ErrImagePull: [denied to first, denied to second]')
  expect(asked).toEqual(['first', 'second'])
  expect(story.told[0]).toBe(
    'Warning FailedToRetrieveImagePullSecret pod: Unable to retrieve some image pull secrets (gone, lost); attempting to pull the image may not succeed.',
  )
})

test('Always asks each time, Never does not ask', async () => {
  let pulls = 0
  const story = node(async () => {
    pulls += 1
  })
  const never = 'ErrImageNeverPull: Container image "x" is not present with pull policy of Never'
  expect(await story.ensure('x', 'Never')).toBe(never)
  expect(await story.ensure('x', 'Always')).toBe('here')
  expect(await story.ensure('x', 'Always')).toBe('here')
  expect(await story.ensure('x', 'Never')).toBe('here')
  expect(pulls).toBe(2)
  expect(await story.ensure('UPPER')).toBe(
    `InvalidImageName: Failed to apply default image tag "UPPER": couldn't parse image name "UPPER": invalid reference format: repository name (UPPER) must be lowercase`,
  )
})

test('no more than so many pulls at once, and so many a second', async () => {
  const clock = virtualClock()
  const parallel = pullQueue({ ...limits, serializeImagePulls: false, maxParallelImagePulls: 2 }, clock)
  const began: number[] = []
  const all = Array.from({ length: 5 }, (_, i) =>
    parallel.run(async () => {
      began.push(i)
      await clock.sleep(1000)
    }),
  )
  await clock.advance(1)
  expect(began).toEqual([0, 1])
  await clock.advance(3000)
  await Promise.all(all)
  expect(began).toEqual([0, 1, 2, 3, 4])

  const hasty = pullQueue({ ...limits, serializeImagePulls: false }, clock)
  const outcomes = await Promise.allSettled(Array.from({ length: 12 }, () => hasty.run(async () => {})))
  expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(10)
  await expect(hasty.run(async () => {})).rejects.toThrow('pull QPS exceeded')
  await clock.advance(200)
  await hasty.run(async () => {})
})

test.each([
  ['busybox', undefined],
  ['busybox:1.36', undefined],
  ['reg.io:5000/a/b_c/d__e/f.g-h:T.x-1', undefined],
  ['[2001:db8::1]:5000/a', undefined],
  [`a@${digest}`, undefined],
  [`a:1@${digest}`, undefined],
  ['', 'invalid reference format'],
  ['a b', 'invalid reference format'],
  ['a:', 'invalid reference format'],
  ['a:-x', 'invalid reference format'],
  ['a//b', 'invalid reference format'],
  ['a___b', 'invalid reference format'],
  ['reg.io/', 'invalid reference format'],
  ['-reg.io/a', 'invalid reference format'],
  ['reg.io/Upper', 'invalid reference format: repository name (Upper) must be lowercase'],
  ['Upper/a', undefined], // looks like a host
  ['a@sha256:12', 'invalid reference format'],
  [`a@sha256:${'a'.repeat(63)}`, 'invalid checksum digest length'],
  [`a@md5:${'a'.repeat(32)}`, 'unsupported digest algorithm'],
  ['a'.repeat(256), 'repository name must not be more than 255 characters'],
  ['a'.repeat(64), `invalid repository name (${'a'.repeat(64)}), cannot specify 64-byte hexadecimal strings`],
])('the name %s: %s', (name, fault) => expect(imageNameFault(name)).toBe(fault))
