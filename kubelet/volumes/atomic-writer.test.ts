import { mkdtemp, readdir, readFile, readlink, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { virtualClock } from '../../lib/clock.ts'
import { seededRandom } from '../../lib/random.ts'
import { writeAtomically } from './atomic-writer.ts'
import type { Payload } from './payload.ts'

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
