import { chmod, lstat, mkdir, mkdtemp, readdir, readFile, readlink, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { virtualClock } from '../../lib/clock.ts'
import { seededRandom } from '../../lib/random.ts'
import type { Objects } from '../objects.ts'
import { samplePod } from '../samples.ts'
import { writeAtomically } from './atomic-writer.ts'
import { claimPath } from './claim.ts'
import { applyFsGroup } from './fs-group.ts'
import { prepareHostPath } from './host-path.ts'
import { addKeys, type Payload, payloadPathError } from './payload.ts'
import { payloadOf } from './sources.ts'
import { resolveSubPath, subPathOf } from './sub-path.ts'

let root = ''
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'wherry-volumes-'))
})
afterEach(() => rm(root, { recursive: true }))

const clock = virtualClock(Date.UTC(2026, 0, 31, 23, 59, 58))
const random = seededRandom(1)
const bytes = (text: string) => Buffer.from(text)
const payload = (files: Record<string, string>): Payload =>
  new Map(Object.entries(files).map(([path, text]) => [path, { data: bytes(text), mode: 0o640 }]))
const write = (files: Record<string, string>) => writeAtomically(root, payload(files), { clock, random })

test('files appear through ..data, and change all at once', async () => {
  expect(await write({ color: 'red', 'sub/deep': 'x' })).toBe(true)
  const first = await readlink(join(root, '..data'))
  expect(first).toMatch(/^\.\.2026_01_31_23_59_58\.\w+$/)
  expect(await readlink(join(root, 'color'))).toBe('..data/color')
  expect(await readFile(join(root, 'sub/deep'), 'utf8')).toBe('x')
  expect((await stat(join(root, 'color'))).mode & 0o777).toBe(0o640)
  expect(await write({ color: 'blue' })).toBe(true)
  expect(await readFile(join(root, 'color'), 'utf8')).toBe('blue')
  expect((await readdir(root)).sort()).toEqual([await readlink(join(root, '..data')), '..data', 'color'].sort())
})

test('nothing is written when nothing has changed, but missing links come back', async () => {
  await write({ color: 'red' })
  const before = await readlink(join(root, '..data'))
  await rm(join(root, 'color'))
  expect(await write({ color: 'red' })).toBe(false)
  expect(await readlink(join(root, '..data'))).toBe(before)
  expect(await readFile(join(root, 'color'), 'utf8')).toBe('red')
})

test.each([
  ['a/b', undefined],
  ['', 'invalid path: must not be empty: ""'],
  ['/a', 'invalid path: must be relative path: /a'],
  ['a/../b', "invalid path: must not contain '..': a/../b"],
  ['..a/b', "invalid path: must not start with '..': ..a/b"],
  ['a/..b', undefined],
  ['x'.repeat(256), 'invalid path: filename must be less than or equal to 255 characters'],
])('path %s', (path, expected) => expect(payloadPathError(path)).toBe(expected))

function keys(values: Record<string, string> | undefined, options: object): string[] {
  const found: Payload = new Map()
  const encoded = values && Object.fromEntries(Object.entries(values).map(([key, text]) => [key, bytes(text)]))
  addKeys(found, encoded, { kind: 'configmap', name: 'c', defaultMode: 0o644, ...options })
  return [...found].map(([path, { data, mode }]) => `${path}=${Buffer.from(data).toString()} ${mode.toString(8)}`)
}

test('all keys, or those that are named, with their modes', () => {
  expect(keys({ a: '1', b: '2' }, {})).toEqual(['a=1 644', 'b=2 644'])
  const items = [{ key: 'b', path: 'x/y', mode: 0o400 }]
  expect(keys({ a: '1', b: '2' }, { items })).toEqual(['x/y=2 400'])
  expect(keys(undefined, { optional: true })).toEqual([])
  expect(keys({}, { items, optional: true })).toEqual([])
  expect(() => keys(undefined, {})).toThrow('configmap "c" not found')
  expect(() => keys({}, { items })).toThrow('configmap references non-existent config key: b')
  expect(() => keys({}, { items, kind: 'secret' })).toThrow('references non-existent secret key: b')
})

const objects = {
  configMap: async (_namespace: string, name: string) => (name === 'kube-root-ca.crt' ? { 'ca.crt': bytes('CA') } : undefined),
  secret: async () => ({ user: bytes('me') }),
  token: async (_pod: unknown, { audience, expirationSeconds }: { audience: string; expirationSeconds: number }) =>
    `token for ${audience || 'api'} ${expirationSeconds}`,
} as unknown as Objects

test('a projected volume brings token, certificate, secret and facts together', async () => {
  const sources = [
    { serviceAccountToken: { path: 'token', expirationSeconds: 3607 } },
    { configMap: { name: 'kube-root-ca.crt', items: [{ key: 'ca.crt', path: 'ca.crt' }] } },
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
  const pod = samplePod({ volumes: [{ name: 'v', projected: { sources } }], securityContext: { runAsUser: 5 } })
  const files = await payloadOf(pod, pod.spec.volumes![0]!, { objects, allocatable: { cpu: '4' }, skipTokens: false })
  expect(
    Object.fromEntries([...files].map(([path, { data, mode }]) => [path, `${Buffer.from(data).toString()} ${mode.toString(8)}`])),
  ).toEqual({
    token: 'token for api 3607 600',
    'ca.crt': 'CA 644',
    user: 'me 644',
    namespace: 'default 644',
    cpu: '4 644',
  })
})

test('hostPath: what must be there is checked or made', async () => {
  const at = (name: string) => join(root, name)
  await writeFile(at('file'), '')
  await prepareHostPath({ path: at('none'), type: '' })
  await prepareHostPath({ path: at('file'), type: 'File' })
  await prepareHostPath({ path: at('made/deep'), type: 'DirectoryOrCreate' })
  await prepareHostPath({ path: at('made/file'), type: 'FileOrCreate' })
  expect((await stat(at('made/deep'))).isDirectory()).toBe(true)
  expect((await stat(at('made/file'))).isFile()).toBe(true)
  for (const [type, words] of [
    ['Directory', 'a directory'],
    ['Socket', 'a socket file'],
    ['CharDevice', 'a character device'],
    ['BlockDevice', 'a block device'],
  ])
    await expect(prepareHostPath({ path: at('file'), type })).rejects.toThrow(
      `hostPath type check failed: ${at('file')} is not ${words}`,
    )
  await expect(prepareHostPath({ path: root, type: 'File' })).rejects.toThrow('is not a file')
  await expect(prepareHostPath({ path: at('file'), type: 'Odd' })).rejects.toThrow('Odd is an invalid volume type')
})

test('a subPath is made where absent and stays inside its volume', async () => {
  const volume = join(root, 'volume')
  await mkdir(volume)
  await chmod(volume, 0o750)
  await symlink(root, join(volume, 'escape'))
  await symlink('real', join(volume, 'inside'))
  await mkdir(join(volume, 'real'))
  const mount = { name: 'v', container: 'c' }
  expect(await resolveSubPath(volume, 'a/b', mount)).toBe(join(volume, 'a/b'))
  expect((await lstat(join(volume, 'a'))).mode & 0o777).toBe(0o750)
  expect(await resolveSubPath(volume, 'inside', mount)).toBe(join(volume, 'real'))
  for (const path of ['escape/x', '../x', '/etc'])
    await expect(resolveSubPath(volume, path, mount)).rejects.toThrow(
      'failed to prepare subPath for volumeMount "v" of container "c"',
    )
})

test('subPathExpr knows only variables that exist', () => {
  const mount = { name: 'v', mountPath: '/m' }
  const environment = new Map([['POD', 'web-0']])
  expect(subPathOf({ ...mount, subPathExpr: 'logs/$(POD)' }, environment)).toBe('logs/web-0')
  expect(subPathOf({ ...mount, subPath: '$(POD)' }, environment)).toBe('$(POD)')
  expect(() => subPathOf({ ...mount, subPathExpr: '$(NONE)' }, environment)).toThrow('missing value for "NONE"')
})

const node = { metadata: { name: 'node-a', labels: { zone: 'a' } } } as never
const claim = (phase: string, volumeName = 'pv') => ({ metadata: { uid: 'claim' }, spec: { volumeName }, status: { phase } })
const volume = (spec: object) => ({ metadata: { name: 'pv' }, spec: { claimRef: { uid: 'claim' }, ...spec } })
const zone = (value: string) => ({
  nodeAffinity: { required: { nodeSelectorTerms: [{ matchExpressions: [{ key: 'zone', operator: 'In', values: [value] }] }] } },
})

test.each([
  ['a bound hostPath', claim('Bound'), volume({ hostPath: { path: '/data', type: 'DirectoryOrCreate' } }), '/data'],
  ['a bound local one of this node', claim('Bound'), volume({ local: { path: '/disk' }, ...zone('a') }), '/disk'],
  [
    'one of another node',
    claim('Bound'),
    volume({ local: { path: '/disk' }, ...zone('b') }),
    'MountVolume.NodeAffinity check failed for volume "pv" : no matching NodeSelectorTerms',
  ],
  ['no claim', undefined, undefined, 'persistentvolumeclaims "data" not found'],
  ['not bound', claim('Pending', ''), undefined, 'error processing PVC default/data: PVC is not bound'],
  ["somebody else's volume", claim('Bound'), volume({ claimRef: { uid: 'other' } }), 'PVC claim is not bound by PV pv'],
  ['a driver we do not have', claim('Bound'), volume({ csi: {} }), 'no volume plugin matched name: pv'],
])('a claim: %s', async (_title, found, bound, expected) => {
  const fake = { claim: async () => found, volume: async () => bound } as unknown as Objects
  const answer = await claimPath(samplePod(), 'v', 'data', { objects: fake, node }).then(
    ({ path }) => path,
    (error: Error) => error.message,
  )
  expect(answer).toContain(expected)
})

test('a volume that belongs to a group can be read and written by it, and folders keep it so', async () => {
  const { gid: fsGroup } = await stat(root)
  const mode = async (name: string) => ((await stat(join(root, name))).mode & 0o7777).toString(8)
  await mkdir(join(root, 'folder'), { mode: 0o700 })
  await writeFile(join(root, 'folder/file'), '', { mode: 0o600 })
  await symlink('folder', join(root, 'link'))
  await chmod(root, 0o755)
  await applyFsGroup(root, { fsGroup, readOnly: true })
  expect([await mode('.'), await mode('folder'), await mode('folder/file')]).toEqual(['2755', '2750', '640'])
  await applyFsGroup(root, { fsGroup, readOnly: false })
  expect([await mode('.'), await mode('folder'), await mode('folder/file')]).toEqual(['2775', '2770', '660'])
  await chmod(join(root, 'folder/file'), 0o600)
  await applyFsGroup(root, { fsGroup, readOnly: false, policy: 'OnRootMismatch' })
  expect(await mode('folder/file')).toBe('600')
})
