import { chmod, mkdir, mkdtemp, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { applyFsGroup } from './fs-group.ts'

let root = ''
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'wherry-volumes-'))
})
afterEach(() => rm(root, { recursive: true }))

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

test('links in a volume are given to the group, what they lead to is not', async () => {
  const { gid: fsGroup } = await stat(root)
  await mkdir(join(root, 'volume'))
  await writeFile(join(root, 'outside'), '', { mode: 0o600 })
  await symlink('../outside', join(root, 'volume/link'))
  await applyFsGroup(join(root, 'volume'), { fsGroup, readOnly: false })
  expect((await stat(join(root, 'outside'))).mode & 0o777).toBe(0o600)
})
