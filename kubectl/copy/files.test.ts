import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { packed, unpack } from './files.ts'
import { readTar, tarEnd, tarHeader, tarPadding } from './tar.ts'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'wherry-copy-'))
})
afterEach(() => rm(folder, { recursive: true }))

/** The same bytes in pieces that fit nothing. */
async function* inPieces(chunks: AsyncIterable<Uint8Array> | Uint8Array[], size: number) {
  for await (const chunk of chunks) for (let at = 0; at < chunk.length; at += size) yield chunk.subarray(at, at + size)
}

const file = (name: string, text: string) => {
  const bytes = Buffer.from(text)
  const header = tarHeader({ name, type: 'file', mode: 0o644, size: bytes.length, modified: 0 })
  return Buffer.concat([header, bytes, tarPadding(bytes.length)])
}

const deep = `${'d'.repeat(80)}/${'é'.repeat(80)}`

test.each([7, 512, 100_000])('a folder comes out as it went in, in pieces of %i bytes', async size => {
  const from = join(folder, 'from')
  await mkdir(join(from, deep), { recursive: true })
  await mkdir(join(from, 'empty'))
  const big = Buffer.alloc(70_001, 'x')
  await writeFile(join(from, deep, 'big'), big)
  await writeFile(join(from, 'zero'), '')
  await symlink('zero', join(from, 'link'))
  const warnings: string[] = []
  const to = join(folder, 'to')
  await unpack(inPieces(packed(from, 'name'), size), { prefix: 'name', destination: to, warn: text => void warnings.push(text) })
  expect((await readdir(to)).sort()).toEqual(['d'.repeat(80), 'empty', 'zero'])
  expect((await readFile(join(to, deep, 'big'))).equals(big)).toBe(true)
  expect(warnings).toEqual([`warning: skipping symlink: "${join(to, 'link')}" -> "zero"\n`])
})

test('a single file gets the name that is asked for', async () => {
  await writeFile(join(folder, 'a'), 'text')
  const destination = join(folder, 'b')
  await unpack(packed(join(folder, 'a'), 'x/y'), { prefix: 'x/y', destination, warn: () => {} })
  expect(await readFile(destination, 'utf8')).toBe('text')
})

test('nothing is written elsewhere, and nothing that was not asked for', async () => {
  const destination = join(folder, 'to')
  const warnings: string[] = []
  const archive = [file('etc-x/../../out', 'bad'), file('etc/../../up', 'tamed'), file('etc/in', 'good'), tarEnd()]
  await unpack(inPieces(archive, 600), { prefix: 'etc', destination, warn: text => void warnings.push(text) })
  expect(warnings).toEqual([`warning: file ${JSON.stringify(join(folder, 'out'))} is outside target destination, skipping\n`])
  expect([(await readdir(folder)).sort(), (await readdir(destination)).sort()]).toEqual([['to'], ['in', 'up']])
  const other = unpack(inPieces([file('passwd', 'x'), tarEnd()], 600), { prefix: 'etc', destination, warn: () => {} })
  await expect(other).rejects.toThrow('tar contents corrupted')
})

test.each([
  ['cut off', [file('a', 'text').subarray(0, 513)], 'unexpected EOF'],
  ['no archive', [Buffer.alloc(512, '?')], 'archive/tar: invalid tar header'],
])('an archive that is %s is an error', async (_, archive, message) => {
  const read = async () => {
    for await (const { data } of readTar(inPieces(archive, 512))) for await (const chunk of data) expect(chunk).toBeDefined()
  }
  await expect(read()).rejects.toThrow(message)
})

test('names in extended headers count, and large sizes', async () => {
  const record = 'path=long/name\n'
  const content = Buffer.from(`${record.length + 3} ${record}`)
  const extended = tarHeader({ name: 'x', type: 'file', mode: 0, size: content.length, modified: 0 })
  extended.write('x', 156, 'latin1')
  const huge = tarHeader({ name: 'short', type: 'file', mode: 0o600, size: 2 ** 34, modified: 0 })
  const archive = inPieces([extended, content, tarPadding(content.length), huge], 512)
  for await (const { name, size, mode } of readTar(archive)) {
    expect({ name, size, mode }).toEqual({ name: 'long/name', size: 2 ** 34, mode: 0o600 })
    break
  }
})
