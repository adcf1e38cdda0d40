import { chmod, lstat, mkdtemp, readFile, readlink, rm, stat } from 'node:fs/promises'
import { tmpdir, userInfo } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { virtualClock } from '../../lib/clock.ts'
import { silentLog } from '../../lib/log.ts'
import { seededRandom } from '../../lib/random.ts'
import type { Objects } from '../objects.ts'
import { samplePod } from '../samples.ts'
import { volumePlugins } from './built-in.ts'
import { memoryFolder } from './memory-folder.ts'
import { pluginFor } from './mount-volume.ts'
import { type Mounter, plainFolders } from './mounter.ts'

let rootDir = ''
beforeEach(async () => {
  rootDir = await mkdtemp(join(tmpdir(), 'wherry-payload-'))
})
afterEach(() => rm(rootDir, { recursive: true }))

const bytes = (text: string) => Buffer.from(text)
const objects = {
  configMap: async (_namespace: string, name: string) => (name === 'kube-root-ca.crt' ? { 'ca.crt': bytes('CA') } : undefined),
  secret: async () => ({ user: bytes('me') }),
  token: async (_pod: unknown, { audience, expirationSeconds }: { audience: string; expirationSeconds: number }) =>
    `token for ${audience || 'api'} ${expirationSeconds}`,
} as unknown as Objects

function kit(mounter: Mounter = plainFolders, overrides: Partial<Objects> = {}) {
  const memory = memoryFolder({ rootDir, mounter, log: silentLog })
  const node = () => ({ status: { allocatable: { cpu: '4' } } }) as never
  const common = { rootDir, usesDisk: true, mounter, memory, node, clock: virtualClock(), random: seededRandom(1) }
  const plugins = volumePlugins({ ...common, objects: { ...objects, ...overrides }, pull: async () => '', unpack: undefined })
  const { signal } = new AbortController()
  const setUp = async (source: object, { spec = {}, isRefresh = false }: { spec?: object; isRefresh?: boolean } = {}) => {
    const pod = samplePod({ volumes: [{ name: 'v', ...source }], ...spec })
    const volume = { name: 'v', volume: pod.spec.volumes![0]!, readOnly: false, isBlock: false }
    const plugin = pluginFor(plugins, volume)
    const folder = join(rootDir, 'pods/uid-1/volumes', plugin.name.replace('/', '~'), 'v')
    const mounted = await plugin.setUp({ pod, spec: volume, folder, isRefresh, signal })
    return { ...mounted, tearDown: () => plugin.tearDown?.({ podUid: 'uid-1', spec: volume, folder }) }
  }
  return { setUp, memory }
}

test('a projected volume brings token, certificate, secret and facts together', async () => {
  const sources = [
    { serviceAccountToken: { path: 'token', expirationSeconds: 3607 } },
    { configMap: { name: 'kube-root-ca.crt', items: [{ key: 'ca.crt', path: 'certificates/ca.crt' }] } },
    { secret: { name: 's' } },
    {
      downwardAPI: {
        items: [
          { path: 'namespace', fieldRef: { fieldPath: 'metadata.namespace' } },
          { path: 'cpu', resourceFieldRef: { containerName: 'app', resource: 'limits.cpu' } },
        ],
      },
    },
  ]
  const { path } = await kit().setUp({ projected: { sources } }, { spec: { securityContext: { runAsUser: 5 } } })
  const read = async (name: string) => {
    const { mode, uid } = await stat(join(path, name))
    return `${await readFile(join(path, name), 'utf8')} ${(mode & 0o777).toString(8)} ${uid === 5 ? 'owned' : ''}`.trim()
  }
  expect(await Promise.all(['token', 'certificates/ca.crt', 'user', 'namespace', 'cpu'].map(read))).toEqual([
    userInfo().uid === 0 ? 'token for api 3607 600 owned' : 'token for api 3607 644',
    'CA 644',
    'me 644',
    'default 644',
    '4 644',
  ])
})

test.each([
  [{ configMap: { name: 'x' } }, 'configmap "x" not found'],
  [{ projected: { sources: [{ configMap: { name: 'x' } }] } }, 'configmap "x" not found'],
  [
    { projected: { sources: [{ clusterTrustBundle: { name: 'b', path: 'p' } }] } },
    'ClusterTrustBundle projection is not supported',
  ],
  [
    { projected: { sources: [{ podCertificate: { signerName: 's/s', keyType: 'ED25519' } }] } },
    'PodCertificate projection is not',
  ],
  [
    { downwardAPI: { items: [{ path: 'x', resourceFieldRef: { containerName: 'none', resource: 'limits.cpu' } }] } },
    'container none not found',
  ],
  [
    { secret: { secretName: 's', items: [{ key: 'constructor', path: 'p' }] } },
    'references non-existent secret key: constructor',
  ],
  [{ secret: { secretName: 's', items: [{ key: 'user', path: '../../p' }] } }, "invalid path: must not contain '..': ../../p"],
  [{ emptyDir: { medium: 'HugePages-2Mi' } }, 'storage medium "HugePages-2Mi" is not supported'],
  [{ fc: { targetWWNs: ['5'], lun: 0 } }, 'kubernetes.io/fc volumes are not supported'],
  [{ image: { reference: 'x' } }, 'image volumes are not supported by this container runtime'],
])('%j is refused', async (source, words) => {
  await expect(kit().setUp(source)).rejects.toThrow(words)
})

test('secrets lie in memory and leave nothing behind', async () => {
  const mounts: string[] = []
  const mounter: Mounter = {
    ...plainFolders,
    tmpfs: async folder => mounts.push(folder) > 0,
    mountsBelow: async folder => mounts.filter(mount => mount.startsWith(folder)),
    unmount: async folder => void mounts.splice(mounts.indexOf(folder), 1),
  }
  const { setUp, memory } = kit(mounter)
  const one = await setUp({ secret: { secretName: 's' } })
  const two = await setUp({ projected: { sources: [{ secret: { name: 's' } }] } })
  expect([one.path, two.path]).toEqual([
    join(rootDir, 'memory/pods/uid-1/volumes/kubernetes.io~secret/v'),
    join(rootDir, 'memory/pods/uid-1/volumes/kubernetes.io~projected/v'),
  ])
  expect(mounts).toEqual([join(rootDir, 'memory')])
  await memory.close()
  expect(mounts).toHaveLength(1)
  await one.tearDown()
  await two.tearDown()
  await memory.remove(join(rootDir, 'pods/uid-1'))
  await memory.close()
  expect(mounts).toEqual([])
})

test('a refresh writes only what has changed, and does not even look at the disk otherwise', async () => {
  let user = 'me'
  const { setUp } = kit(plainFolders, { secret: async () => ({ user: bytes(user) }) })
  const source = { secret: { secretName: 's' } }
  const { path } = await setUp(source)
  const first = await readlink(join(path, '..data'))
  await rm(join(path, 'user'))
  await setUp(source, { isRefresh: true })
  await expect(lstat(join(path, 'user'))).rejects.toMatchObject({ code: 'ENOENT' })
  await setUp(source)
  expect(await readlink(join(path, 'user'))).toBe('..data/user')
  expect(await readlink(join(path, '..data'))).toBe(first)
  user = 'you'
  await setUp(source, { isRefresh: true })
  expect(await readFile(join(path, 'user'), 'utf8')).toBe('you')
})

test('an emptyDir is made once: what a container did to it stays', async () => {
  const { setUp } = kit()
  const { path } = await setUp({ emptyDir: {} })
  expect((await stat(path)).mode & 0o777).toBe(0o777)
  await chmod(path, 0o700)
  await setUp({ emptyDir: {} })
  expect((await stat(path)).mode & 0o777).toBe(0o700)
})

test.each([
  ['its own limit', '1Gi', { limits: { memory: '2Gi' } }, 2 ** 30],
  ["the pod's limit", '4Gi', { limits: { memory: '2Gi' } }, 2 * 2 ** 30],
  ['what the node has', undefined, {}, 8 * 2 ** 30],
])('memory may grow to %s', async (_title, sizeLimit, resources, expected) => {
  const { emptyDirVolume } = await import('./empty-dir.ts')
  const asked: unknown[] = []
  const mounter = { ...plainFolders, tmpfs: async (_folder: string, options: unknown) => asked.push(options) > 0 }
  const plugin = emptyDirVolume({
    usesDisk: true,
    mounter,
    node: () => ({ status: { allocatable: { memory: '8Gi' } } }) as never,
  })
  const pod = samplePod({
    volumes: [{ name: 'v', emptyDir: { medium: 'Memory', ...(sizeLimit && { sizeLimit }) } }],
    containers: [{ name: 'app', image: 'app:1', resources }],
    securityContext: { fsGroup: 7 },
  })
  const spec = { name: 'v', volume: pod.spec.volumes![0]!, readOnly: false, isBlock: false }
  await plugin.setUp({ pod, spec, folder: join(rootDir, 'v'), isRefresh: false, signal: new AbortController().signal })
  expect(asked).toEqual([{ sizeInBytes: expected, mode: '02777', gid: 7 }])
})
