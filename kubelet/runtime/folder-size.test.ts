import { link, mkdir, mkdtemp, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { folderSize } from './folder-size.ts'

test('blocks and inodes, each once, and nothing behind links', async () => {
  const root = await mkdtemp(join(tmpdir(), 'wherry-size-'))
  try {
    const folder = join(root, 'folder')
    await mkdir(join(folder, 'below'), { recursive: true })
    await writeFile(join(root, 'outside'), Buffer.alloc(50_000, 1))
    await writeFile(join(folder, 'file'), Buffer.alloc(10_000, 1))
    await writeFile(join(folder, 'below', 'file'), Buffer.alloc(10_000, 1))
    await link(join(folder, 'file'), join(folder, 'same'))
    await symlink(join(root, 'outside'), join(folder, 'link'))
    await symlink(root, join(folder, 'loop'))
    const blocks = async (...paths: string[]) => {
      const found = await Promise.all(paths.map(path => stat(join(folder, path))))
      return found.reduce((sum, one) => sum + one.blocks * 512, 0)
    }
    const own = await blocks('.', 'below', 'file', 'below/file')
    const size = await folderSize(folder)
    expect(size.inodes).toBe(6)
    expect(size.bytes).toBeGreaterThanOrEqual(own)
    expect(size.bytes).toBeLessThan(own + 10_000)
    expect(await folderSize(join(root, 'missing'))).toEqual({ bytes: 0, inodes: 0 })
  } finally {
    await rm(root, { recursive: true })
  }
})
