import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { Pod } from '../../api/core/pod.ts'
import { virtualClock } from '../../lib/clock.ts'
import { silentLog } from '../../lib/log.ts'
import type { Objects } from '../objects.ts'
import { samplePod } from '../samples.ts'
import { emptyDirVolume } from './empty-dir.ts'
import { memoryFolder } from './memory-folder.ts'
import { plainFolders } from './mounter.ts'
import type { VolumePlugin } from './plugin.ts'
import { podVolumes, type VolumesOptions } from './volumes.ts'

let rootDir = ''
beforeEach(async () => {
  rootDir = await mkdtemp(join(tmpdir(), 'wherry-volumes-'))
})
afterEach(() => rm(rootDir, { recursive: true }))

interface World {
  readonly done: string[]
  readonly told: string[]
  readonly attached: string[]
  accessModes: string[]
  failing: Map<string, number>
}
const world = (): World => ({ done: [], told: [], attached: [], accessModes: ['ReadWriteOnce'], failing: new Map() })

/** A plugin of volumes that are attached and mounted for the whole node first. */
function diskPlugin({ done, failing }: World): VolumePlugin {
  const step = (name: string) => {
    const left = failing.get(name) ?? 0
    failing.set(name, left - 1)
    done.push(left > 0 ? `${name} fails` : name)
    if (left > 0) throw new Error(`${name} does not work`)
  }
  return {
    name: 'example.org/disk',
    handles: ({ persistentVolume }) => persistentVolume?.spec.csi !== undefined,
    device: ({ name }) => ({
      uniqueName: `example.org/disk^${name}`,
      folder: `/devices/${name}`,
      needsAttach: async () => true,
      waitForAttach: async ({ devicePath }) => devicePath,
      mount: async ({ devicePath }) => step(`mount ${name} from ${devicePath}`),
      unmount: async () => step(`unmount ${name}`),
    }),
    async setUp({ pod, spec, folder, deviceFolder }) {
      step(`set up ${spec.name} of ${pod.metadata.name} on ${deviceFolder}`)
      await mkdir(folder, { recursive: true })
      return { path: folder, readOnly: false }
    },
    async tearDown({ podUid, spec }) {
      step(`tear down ${spec.name} of ${podUid}`)
    },
  }
}

function node(state: World, overrides: Partial<VolumesOptions> = {}) {
  const { told, attached } = state
  const clock = virtualClock()
  const claim = { metadata: { name: 'data', uid: 'claim' }, spec: { volumeName: 'pv' }, status: { phase: 'Bound' } }
  const volume = () => ({
    metadata: { name: 'pv' },
    spec: { claimRef: { uid: 'claim' }, volumeMode: 'Filesystem', accessModes: state.accessModes, csi: { driver: 'd' } },
  })
  const objects = { claim: async () => claim, volume: async () => volume(), forget: () => {} } as unknown as Objects
  const volumes = podVolumes({
    rootDir,
    usesDisk: true,
    plugins: [emptyDirVolume({ usesDisk: true, mounter: plainFolders, node: () => undefined }), diskPlugin(state)],
    objects,
    client: {} as never,
    node: () =>
      ({
        metadata: { name: 'node-a' },
        status: { volumesInUse: volumes.inUse(), volumesAttached: attached.map(name => ({ name, devicePath: '/dev/x' })) },
      }) as never,
    mounter: plainFolders,
    memory: memoryFolder({ rootDir, mounter: plainFolders, log: silentLog }),
    events: { record: (_about, _type, reason, message) => void told.push(`${reason}: ${message}`) },
    clock,
    log: silentLog,
    ...overrides,
  })
  return { volumes, clock }
}

const disk = { name: 'disk', persistentVolumeClaim: { claimName: 'data' } }
const scratch = { name: 'scratch', emptyDir: {} }
function podWith(name: string, volumes: object[]): Pod {
  const volumeMounts = (volumes as { name: string }[]).map(volume => ({ name: volume.name, mountPath: `/${volume.name}` }))
  return samplePod({ volumes, containers: [{ name: 'app', image: 'app:1', volumeMounts }] }, { name, uid: name })
}
const { signal } = new AbortController()

test('a volume is attached, mounted, set up; torn down, unmounted and given back, in this order', async () => {
  const state = world()
  const { volumes, clock } = node(state)
  const prepared = volumes.prepare(podWith('web', [disk, scratch]), signal)
  await clock.advance(1000)
  expect(volumes.inUse()).toEqual(['example.org/disk^pv'])
  expect(state.done).toEqual([])
  state.attached.push('example.org/disk^pv')
  await clock.advance(1000)
  const mounted = await prepared
  expect(mounted.get('disk')).toMatchObject({ path: join(rootDir, 'pods/web/volumes/example.org~disk/pv'), name: 'pv' })
  expect((await stat(mounted.get('scratch')?.path ?? '')).mode & 0o777).toBe(0o777)
  await volumes.tearDown('web')
  expect(state.done).toEqual(['mount pv from /dev/x', 'set up pv of web on /devices/pv', 'tear down pv of web', 'unmount pv'])
  expect(volumes.inUse()).toEqual([])
  expect(await readdir(join(rootDir, 'pods'))).toEqual([])
})

test('pods share a device; the last one gives it back', async () => {
  const state = world()
  state.attached.push('example.org/disk^pv')
  const { volumes } = node(state)
  for (const name of ['one', 'two']) await volumes.prepare(podWith(name, [disk]), signal)
  state.done.length = 0
  await volumes.tearDown('one')
  expect(volumes.inUse()).toEqual(['example.org/disk^pv'])
  await volumes.tearDown('two')
  expect(state.done).toEqual(['tear down pv of one', 'tear down pv of two', 'unmount pv'])
})

test('a kubelet that starts again knows what is mounted, and undoes it when the pod has gone', async () => {
  const state = world()
  state.attached.push('example.org/disk^pv')
  await node(state).volumes.prepare(podWith('web', [disk]), signal)
  state.done.length = 0
  const { volumes } = node(state)
  expect(volumes.inUse()).toEqual([])
  await volumes.restore()
  expect(volumes.inUse()).toEqual(['example.org/disk^pv'])
  expect(await volumes.leftovers()).toEqual(['web'])
  await volumes.tearDown('web')
  expect(state.done).toEqual(['tear down pv of web', 'unmount pv'])
  expect(await volumes.leftovers()).toEqual([])
})

test('a step that fails is told and tried again, after ever longer waits', async () => {
  const state = world()
  state.attached.push('example.org/disk^pv')
  state.failing.set('mount pv from /dev/x', 2)
  state.failing.set('set up pv of web on /devices/pv', 1)
  const { volumes, clock } = node(state)
  const prepared = volumes.prepare(podWith('web', [disk]), signal)
  for (const [i, waitInMs] of [500, 1000, 2000].entries()) {
    // Real files take real time, in which virtual time stands still.
    while (state.told.length === i) await clock.advance(0)
    await clock.advance(waitInMs - 1)
    expect(state.told).toHaveLength(i + 1)
    await clock.advance(1)
  }
  expect([...(await prepared).keys()]).toEqual(['disk'])
  expect(state.told).toEqual([
    'FailedMount: MountVolume.MountDevice failed for volume "pv" : mount pv from /dev/x does not work',
    'FailedMount: MountVolume.MountDevice failed for volume "pv" : mount pv from /dev/x does not work',
    'FailedMount: MountVolume.SetUp failed for volume "pv" : set up pv of web on /devices/pv does not work',
  ])
})

test('what cannot be undone is kept and undone later', async () => {
  const state = world()
  state.attached.push('example.org/disk^pv')
  const { volumes } = node(state)
  await volumes.prepare(podWith('web', [disk]), signal)
  state.failing.set('tear down pv of web', 1)
  await expect(volumes.tearDown('web')).rejects.toThrow('UnmountVolume.TearDown failed for volume "pv" : tear down pv of web')
  expect(volumes.inUse()).toEqual(['example.org/disk^pv'])
  await volumes.tearDown('web')
  expect(volumes.inUse()).toEqual([])
})

test('the wait for a volume that never comes ends after two minutes and three seconds', async () => {
  const state = world()
  const { volumes, clock } = node(state)
  const prepared = volumes.prepare(podWith('web', [disk, scratch]), signal)
  prepared.catch(() => {})
  await clock.advance(123_000)
  await expect(prepared).rejects.toThrow(
    'unmounted volumes=[disk], unattached volumes=[disk], failed to process volumes=[]: context deadline exceeded',
  )
  expect(clock.timers).toBe(0)
})

test('ReadWriteOncePod lets one pod in, and the next when that one is gone', async () => {
  const state = world()
  state.accessModes = ['ReadWriteOncePod']
  state.attached.push('example.org/disk^pv')
  const { volumes, clock } = node(state)
  await volumes.prepare(podWith('one', [disk]), signal)
  const second = volumes.prepare(podWith('two', [disk]), signal)
  while (state.told.length === 0) await clock.advance(0)
  expect(state.told).toEqual([
    'FailedMount: MountVolume.SetUp failed for volume "pv" : volume uses the ReadWriteOncePod access mode and is already in use by another pod',
  ])
  await volumes.tearDown('one')
  await clock.advance(1000)
  expect([...(await second).keys()]).toEqual(['disk'])
})

test('nothing is taken away while a container runs, nor while something is still being mounted', async () => {
  const state = world()
  let isRunning = true
  const { volumes, clock } = node(state, { isRunning: async () => isRunning })
  const ended = new AbortController()
  const prepared = volumes.prepare(podWith('web', [disk]), ended.signal)
  prepared.catch(() => {})
  await expect(volumes.tearDown('web')).rejects.toThrow('still used by running containers')
  isRunning = false
  let isDown = false
  const down = volumes.tearDown('web').then(() => (isDown = true))
  // Time enough for real files to go.
  for (let i = 0; i < 50; i++) await readdir(rootDir, { recursive: true })
  expect(isDown).toBe(false)
  expect(volumes.inUse()).toEqual(['example.org/disk^pv'])
  ended.abort()
  await clock.advance(100)
  await down
  expect(volumes.inUse()).toEqual([])
})

test('data behind a mount that cannot be undone is not touched', async () => {
  const state = world()
  const data = join(rootDir, 'data')
  await mkdir(data)
  await writeFile(join(data, 'precious'), 'x')
  const folder = join(rootDir, 'pods/web/volumes/kubernetes.io~empty-dir/scratch')
  const mounter = {
    ...plainFolders,
    mountsBelow: async (place: string) => [join(folder, 'mounted')].filter(one => one.startsWith(place)),
    unmount: async () => {
      throw new Error('target is busy')
    },
  }
  const { volumes } = node(state, { mounter })
  await volumes.prepare(podWith('web', [scratch]), signal)
  await mkdir(join(folder, 'mounted'))
  await writeFile(join(folder, 'mounted/precious'), 'x')
  await expect(volumes.tearDown('web')).rejects.toThrow('UnmountVolume.TearDown failed for volume "scratch" : target is busy')
  expect(await readFile(join(folder, 'mounted/precious'), 'utf8')).toBe('x')
})
