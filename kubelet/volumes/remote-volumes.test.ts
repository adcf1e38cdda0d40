import { mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { samplePod } from '../samples.ts'
import { nodeExpansion } from './expansion.ts'
import { imageVolume } from './image.ts'
import { localVolume } from './local.ts'
import { type Mounter, mountArguments, placesBelow, plainFolders, systemMounter } from './mounter.ts'
import { nfsVolume } from './nfs.ts'
import type { VolumePlugin, VolumeSpec } from './plugin.ts'

let root = ''
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'wherry-remote-'))
})
afterEach(() => rm(root, { recursive: true }))
const { signal } = new AbortController()
const pod = samplePod({}, { uid: 'one' })

test('NFS: what mount(8) is told', async () => {
  const told: string[] = []
  const mounts: string[] = []
  const mounter: Mounter = {
    ...plainFolders,
    mountsBelow: async folder => mounts.filter(place => place.startsWith(folder)),
    async mount(input) {
      told.push(mountArguments(input).join(' '))
      if (input.source.startsWith('down')) throw new Error('mount failed: exit status 32')
      mounts.push(input.target)
    },
    async unmount(folder, options) {
      told.push(`unmount ${folder} ${JSON.stringify(options)}`)
      mounts.length = 0
    },
  }
  const plugin = nfsVolume({ usesDisk: true, mounter })
  const folder = join(root, 'v')
  const inline = (nfs: object): VolumeSpec => ({
    name: 'v',
    volume: { name: 'v', nfs } as never,
    readOnly: false,
    isBlock: false,
  })
  const spec = inline({ server: 'files.example.org', path: '/export', readOnly: false })
  expect(await plugin.setUp({ pod, spec, folder, isRefresh: false, signal })).toEqual({ path: folder, readOnly: false })
  await plugin.setUp({ pod, spec, folder, isRefresh: false, signal })
  await plugin.tearDown?.({ podUid: 'one', spec, folder })
  const persistentVolume = {
    spec: { nfs: { server: 'fd00::1', path: '/x', readOnly: true }, mountOptions: ['vers=4.1', 'hard'] },
  }
  const second: VolumeSpec = { ...inline({}), volume: { name: 'v' } as never, persistentVolume: persistentVolume as never }
  await plugin.setUp({ pod, spec: second, folder, isRefresh: false, signal })
  expect(told).toEqual([
    `-t nfs files.example.org:/export ${folder}`,
    `unmount ${folder} {"isRemote":true}`,
    `-t nfs -o vers=4.1,hard,ro [fd00::1]:/x ${folder}`,
  ])
  mounts.length = 0
  const down = plugin.setUp({ pod, spec: inline({ server: 'down', path: '/' }), folder, isRefresh: false, signal })
  await expect(down).rejects.toThrow('exit status 32')
  await expect(stat(folder)).rejects.toMatchObject({ code: 'ENOENT' })
})

test('mounts below a folder are found, the last one first', () => {
  const table = [
    '22 1 0:21 / /proc rw - proc proc rw',
    '30 1 8:1 /x /data/pods/a rw - ext4 /dev/sda rw',
    '31 1 0:30 / /data/pods/a/with\\040space rw - tmpfs tmpfs rw',
    '32 1 0:31 / /data/pods/ab rw - tmpfs tmpfs rw',
  ].join('\n')
  expect(placesBelow(table, '/data/pods/a')).toEqual(['/data/pods/a/with space', '/data/pods/a'])
  expect(placesBelow(table, '/data/pods/a/with space')).toEqual(['/data/pods/a/with space'])
  expect(placesBelow(table, '/elsewhere')).toEqual([])
})

test('the table of mounts is asked for the real place', async () => {
  await symlink('/proc', join(root, 'link'))
  expect(await systemMounter.mountsBelow('/proc')).toContain('/proc')
  await symlink('/', join(root, 'top'))
  expect(await systemMounter.mountsBelow(join(root, 'top/proc'))).toContain(join(root, 'top/proc'))
  expect(await systemMounter.mountsBelow(join(root, 'link'))).toEqual([])
  expect(await systemMounter.mountsBelow(join(root, 'none/at/all'))).toEqual([])
})

test('a local volume must be there, and what it says it is', async () => {
  const plugin = localVolume({ rootDir: root, usesDisk: true, mounter: plainFolders })
  const specOf = (path: string, isBlock = false): VolumeSpec =>
    ({ name: 'pv', volume: { name: 'v' }, persistentVolume: { spec: { local: { path } } }, readOnly: false, isBlock }) as never
  const setUp = (path: string, isBlock = false) =>
    plugin.setUp({ pod, spec: specOf(path, isBlock), folder: join(root, 'unused'), isRefresh: false, signal })
  await writeFile(join(root, 'file'), '')
  expect(await setUp(root)).toEqual({ path: root, readOnly: false })
  await expect(setUp(join(root, 'none'))).rejects.toThrow(`path "${join(root, 'none')}" does not exist`)
  await expect(setUp(join(root, 'file'))).rejects.toThrow('is neither a directory nor a block device')
  await expect(setUp(join(root, 'file'), true)).rejects.toThrow('is not a block device')
})

test('an image is laid out once, without what the engine adds, and goes with the last pod; its links are not followed', async () => {
  const precious = join(root, 'precious')
  await mkdir(precious)
  for (const name of ['hosts', 'hostname']) await writeFile(join(precious, name), '')
  let unpacked = 0
  const plugin = imageVolume({
    rootDir: root,
    usesDisk: true,
    pull: async (_pod, { reference }) => `sha256:${reference}`,
    async unpack(id, folder) {
      unpacked++
      await writeFile(join(folder, 'hello'), id)
      await writeFile(join(folder, '.dockerenv'), '')
      await mkdir(join(folder, 'proc'))
      await mkdir(join(folder, 'dev'))
      await writeFile(join(folder, 'dev/own'), 'x')
      await symlink(precious, join(folder, 'etc'))
    },
  })
  const spec = { name: 'v', volume: { name: 'v', image: { reference: 'abc' } }, readOnly: false, isBlock: false } as VolumeSpec
  const folderOf = (uid: string) => join(root, 'pods', uid, 'volumes/kubernetes.io~image/v')
  const setUp = (uid: string) => plugin.setUp({ pod, spec, folder: folderOf(uid), isRefresh: false, signal })
  const [one, two] = await Promise.all([setUp('one'), setUp('two')])
  expect([unpacked, one, two]).toEqual([1, two, { path: join(root, 'image-volumes/abc'), readOnly: true, isFixed: true }])
  expect((await readdir(one.path)).sort()).toEqual(['dev', 'etc', 'hello'])
  expect(await readdir(precious)).toHaveLength(2)
  await plugin.tearDown?.({ podUid: 'one', spec, folder: folderOf('one') })
  expect(await readFile(join(one.path, 'hello'), 'utf8')).toBe('sha256:abc')
  await plugin.tearDown?.({ podUid: 'two', spec, folder: folderOf('two') })
  expect(await readdir(join(root, 'image-volumes'))).toEqual([])
})

const grown = (status: object = {}, overrides: object = {}): VolumeSpec =>
  ({
    name: 'pv',
    volume: { name: 'v' },
    persistentVolume: { spec: { capacity: { storage: '2Gi' } } },
    claim: {
      metadata: { name: 'data', namespace: 'default' },
      status: {
        capacity: { storage: '1Gi' },
        conditions: [{ type: 'FileSystemResizePending', status: 'True' }],
        allocatedResourceStatuses: { storage: 'NodeResizePending' },
        ...status,
      },
    },
    readOnly: false,
    isBlock: false,
    ...overrides,
  }) as never

test.each([
  [
    'one that has grown',
    grown(),
    [
      'grow to 2147483648',
      '{"capacity":{"storage":"2Gi"},"conditions":[],"allocatedResourceStatuses":{}}',
      'FileSystemResizeSuccessful',
      'FileSystemResizeSuccessful',
    ],
  ],
  ['one that has not', grown({ capacity: { storage: '2Gi' } }), []],
  [
    'one that the controller is not done with',
    grown({ allocatedResourceStatuses: { storage: 'ControllerResizeInProgress' } }),
    [],
  ],
  ['a read-only one', grown({}, { readOnly: true }), ['FileSystemResizeFailed', 'FileSystemResizeFailed']],
])('expansion of %s', async (_title, spec, expected) => {
  const done: string[] = []
  const client = {
    updateStatus: async (_kind: unknown, { status }: { status: unknown }) => void done.push(JSON.stringify(status)),
  }
  const events = { record: (_about: unknown, _type: string, reason: string) => void done.push(reason) }
  const plugin = {
    async expand({ sizeInBytes }: { sizeInBytes: number }) {
      done.push(`grow to ${sizeInBytes}`)
      return sizeInBytes
    },
  } as unknown as VolumePlugin
  await nodeExpansion({ client: client as never, events: events as never }).expand({ pod, spec, plugin, folder: root })
  expect(done).toEqual(expected)
})
