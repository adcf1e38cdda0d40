import { mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { fileValue, variableIn } from './env-file.ts'

test.each([
  ['A=1\nB=2\n', 'B', '2'],
  ['  A = spaced out \t\n', 'A', 'spaced out'],
  ['# A=0\n\nA=1=2', 'A', '1=2'],
  ['A=one \\\n  two\\\nthree\nB=2', 'A', 'one two three'],
  ['A=one \\\n  two\\\nthree\nB=2', 'B', '2'],
  ['A=1', 'B', undefined],
  ['A=', 'A', ''],
])('in %j the variable %s is %j', (text, key, expected) => expect(variableIn(text, key)).toBe(expected))

test.each([
  ['no equals sign\nA=1', 'invalid environment variable format at line 1'],
  ['=1', 'invalid environment variable format at line 1'],
  ['B=1 \\\n\nA=1', 'invalid environment variable format at line 2: blank line in continuation'],
  ['B=1 \\\n# no\nA=1', 'invalid environment variable format at line 2: comment in continuation'],
  ['B=1 \\', 'unexpected end of file: unfinished line continuation'],
])('%j is no environment file', (text, fault) => expect(() => variableIn(text, 'A')).toThrow(fault))

let folder = ''
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'wherry-env-'))
  await writeFile(join(folder, 'env'), `A=1\nEMPTY=\nBIG=${'x'.repeat(32 * 1024 + 1)}\n`)
  await symlink('/etc/os-release', join(folder, 'outside'))
})
afterAll(() => rm(folder, { recursive: true }))

const ref = (key: string, more: object = {}) => ({ volumeName: 'v', path: 'env', key, ...more })

test('a variable of a file in a volume', async () => {
  expect(await fileValue(ref('A'), folder)).toBe('1')
  expect(await fileValue(ref('B', { optional: true }), folder)).toBeUndefined()
  await expect(fileValue(ref('B'), folder)).rejects.toThrow('environment variable key "B" not found in file "env"')
  await expect(fileValue(ref('EMPTY'), folder)).rejects.toThrow('not found in file')
  await expect(fileValue(ref('A'), undefined)).rejects.toThrow('cannot find the volume "v" referenced by FileKeyRef')
  await expect(fileValue(ref('A', { path: 'gone', optional: true }), folder)).rejects.toThrow("couldn't parse env file")
  await expect(fileValue(ref('ID', { path: 'outside' }), folder), 'a link that leads out').rejects.toThrow(
    "couldn't parse env file",
  )
  await expect(fileValue(ref('x'.repeat(129)), folder)).rejects.toThrow('exceeds maximum length of 128 characters')
  await expect(fileValue(ref('BIG'), folder)).rejects.toThrow(
    'environment variable value for key "BIG" exceeds maximum size of 32KB',
  )
})
