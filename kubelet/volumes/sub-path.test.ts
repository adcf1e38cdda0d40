import { chmod, lstat, mkdir, mkdtemp, readFile, realpath, rename, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { plainFolders } from './mounter.ts'
import { openBelow, UnsafePath } from './safe-path.ts'
import { prepareSubPath, subPathOf } from './sub-path.ts'

let root = ''
let volume = ''
beforeEach(async () => {
  root = await realpath(await mkdtemp(join(tmpdir(), 'wherry-sub-path-')))
  volume = join(root, 'volume')
  await mkdir(volume)
  await mkdir(join(root, 'outside'))
  await writeFile(join(root, 'outside/secret'), 'secret')
})
afterEach(() => rm(root, { recursive: true }))

/** Where a bind mount would have led. */
const binding = () => {
  const bound: string[] = []
  const bind = async (source: string) => {
    bound.push(await realpath(source))
    return true
  }
  return { bound, mounter: { ...plainFolders, bind } }
}
const prepare = (subPath: string, mounter = plainFolders) =>
  prepareSubPath({ volumePath: volume, subPath, volume: 'v', container: 'c', target: join(root, 'targets/v/c/0') }, mounter)

test('a subPath is made where absent, with the mode of its volume, and is pinned down', async () => {
  await chmod(volume, 0o2770)
  const { bound, mounter } = binding()
  expect(await prepare('a/b', mounter)).toBe(join(root, 'targets/v/c/0'))
  expect(bound).toEqual([join(volume, 'a/b')])
  expect([await stat(join(volume, 'a')), await stat(join(volume, 'a/b'))].map(({ mode }) => mode & 0o7777)).toEqual([
    0o2770, 0o2770,
  ])
  expect((await stat(join(root, 'targets/v/c/0'))).isDirectory()).toBe(true)
})

test('in a volume that belongs to others as well nothing is made', async () => {
  const use = { volumePath: volume, volume: 'v', container: 'c', target: join(root, 'targets/v/c/0'), isFixed: true }
  await expect(prepareSubPath({ ...use, subPath: 'a/b' }, plainFolders)).rejects.toMatchObject({
    reason: 'CreateContainerError',
    message: 'subPath "a/b" does not exist for volumeMount "v" of container "c"',
  })
  await expect(stat(join(volume, 'a'))).rejects.toThrow('ENOENT')
  await mkdir(join(volume, 'a/b'), { recursive: true })
  expect(await prepareSubPath({ ...use, subPath: 'a/b' }, plainFolders)).toBe(join(volume, 'a/b'))
})

test('a file is pinned on a file', async () => {
  await writeFile(join(volume, 'file'), 'x')
  const { bound, mounter } = binding()
  await prepare('file', mounter)
  expect(bound).toEqual([join(volume, 'file')])
  expect((await stat(join(root, 'targets/v/c/0'))).isFile()).toBe(true)
})

test('where nothing can be mounted the checked path itself is used', async () => {
  expect(await prepare('a')).toBe(join(volume, 'a'))
})

test('links may lead about inside the volume', async () => {
  await mkdir(join(volume, '..2026'))
  await writeFile(join(volume, '..2026/color'), 'red')
  await symlink('..2026', join(volume, '..data'))
  await symlink('..data/color', join(volume, 'color'))
  const { bound, mounter } = binding()
  await prepare('color', mounter)
  expect(bound).toEqual([join(volume, '..2026/color')])
})

test.each([
  ['out to a folder', 'escape', 'prepare subPath'],
  ['through a folder', 'escape/deeper', 'create subPath directory'],
  ['out to a file', 'escape/secret', 'prepare subPath'],
  ['through an absolute link', 'absolute/outside', 'prepare subPath'],
  ['back and forth', 'loop', 'create subPath directory'],
  ['to nowhere', 'nowhere', 'create subPath directory'],
  ['through a file', 'file/x', 'create subPath directory'],
])('a link that leads %s is refused', async (_title, path, doing) => {
  await symlink('../outside', join(volume, 'escape'))
  await symlink(root, join(volume, 'absolute'))
  await symlink('loop', join(volume, 'loop'))
  await symlink('../created', join(volume, 'nowhere'))
  await writeFile(join(volume, 'file'), '')
  const { bound, mounter } = binding()
  await expect(prepare(path, mounter)).rejects.toThrow(`failed to ${doing} for volumeMount "v" of container "c"`)
  expect(bound).toEqual([])
  await expect(lstat(join(root, 'created'))).rejects.toMatchObject({ code: 'ENOENT' })
  await expect(lstat(join(root, 'outside/deeper'))).rejects.toMatchObject({ code: 'ENOENT' })
})

test('what is opened stays what it was when its name begins to lead elsewhere', async () => {
  await mkdir(join(volume, 'dir'))
  await writeFile(join(volume, 'dir/secret'), 'public')
  const handle = await openBelow(volume, 'dir')
  await rename(join(volume, 'dir'), join(volume, 'old'))
  await symlink('../outside', join(volume, 'dir'))
  expect(await readFile(`/proc/self/fd/${handle.fd}/secret`, 'utf8')).toBe('public')
  await handle.close()
})

test('names swapped back and forth while they are walked never lead outside', async () => {
  await mkdir(join(volume, 'dir'))
  await symlink('../outside', join(volume, 'link'))
  const [dir, link, spare] = ['dir', 'link', 'spare'].map(name => join(volume, name)) as [string, string, string]
  let isOver = false
  const swapping = (async () => {
    while (!isOver) {
      await rename(dir, spare)
      await rename(link, dir)
      await rename(dir, link)
      await rename(spare, dir)
    }
  })()
  const seen = new Set<string>()
  for (let i = 0; i < 200 || (!seen.has('refused') && i < 5000); i++) {
    const handle = await openBelow(volume, 'dir').catch((error: Error) => error)
    if (handle instanceof Error) seen.add(handle instanceof UnsafePath ? 'refused' : 'absent')
    else {
      seen.add(await realpath(`/proc/self/fd/${handle.fd}`).catch(() => 'moved'))
      await handle.close()
    }
  }
  isOver = true
  await swapping
  for (const place of seen) expect(['refused', 'absent', 'moved', dir, spare]).toContain(place)
  expect(seen.has('refused')).toBe(true)
})

test('subPathExpr knows only variables that exist; what cannot be in a volume is refused', () => {
  const mount = { name: 'v', mountPath: '/m' }
  const environment = new Map([
    ['POD', 'web-0'],
    ['UP', '../../etc'],
    ['ROOT', '/etc'],
  ])
  expect(subPathOf({ ...mount, subPathExpr: 'logs/$(POD)' }, environment)).toBe('logs/web-0')
  expect(subPathOf({ ...mount, subPath: '$(POD)' }, environment)).toBe('$(POD)')
  expect(() => subPathOf({ ...mount, subPathExpr: '$(NONE)/$(LESS)' }, environment)).toThrow('missing value for LESS, NONE')
  expect(() => subPathOf({ ...mount, subPathExpr: '$(ROOT)' }, environment)).toThrow(
    'error SubPath `/etc` must not be an absolute path',
  )
  expect(() => subPathOf({ ...mount, subPathExpr: '$(UP)' }, environment)).toThrow(
    "unable to provision SubPath `../../etc`: must not contain '..'",
  )
})
