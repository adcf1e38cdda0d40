import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { prepareHostPath } from './host-path.ts'

let root = ''
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'wherry-volumes-'))
})
afterEach(() => rm(root, { recursive: true }))

test('hostPath: what must be there is checked or made', async () => {
  const at = (name: string) => join(root, name)
  await writeFile(at('file'), '')
  await prepareHostPath({ path: at('file'), type: '' })
  await prepareHostPath({ path: at('none/deep'), type: '' })
  await prepareHostPath({ path: at('file'), type: 'File' })
  await prepareHostPath({ path: at('made/deep'), type: 'DirectoryOrCreate' })
  await prepareHostPath({ path: at('made/file'), type: 'FileOrCreate' })
  expect((await stat(at('none/deep'))).isDirectory()).toBe(true)
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
