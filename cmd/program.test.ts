import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { runProgram } from './program.ts'

let folder: string

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'wherry-program-'))
})

afterEach(() => rmSync(folder, { recursive: true, force: true }))

const fileOf = (name: string) => join(folder, `${name}.cjs`)

/** V8 knows in one process what it has compiled before, so each run is of a text of its own. */
function run(name: string) {
  const body = `exports.sum = (a, b) => a + b; exports.here = require('node:path').basename(__filename)//${name}`
  writeFileSync(fileOf(name), `(function(exports,require,module,__filename,__dirname){${body}\n})`)
  return runProgram<{ sum(a: number, b: number): number; here: string }>(fileOf(name))
}

/** What is kept beside a bundle. */
const kept = (name: string) => readdirSync(folder).filter(file => file.startsWith(`${name}.cjs.`))

test('a bundle runs, and what was compiled of it is kept once', async () => {
  const first = run('one')
  expect([first.exports.sum(1, 2), first.exports.here]).toEqual([3, 'one.cjs'])
  expect(kept('one')).toEqual([])
  await first.keepCompiled()
  const [file = ''] = kept('one')
  expect(file).toMatch(/^one\.cjs\.[0-9a-z]+$/)

  const second = run('one')
  expect(second.exports.sum(2, 3)).toBe(5)
  rmSync(join(folder, file))
  await second.keepCompiled()
  expect(kept('one')).toEqual([]) // it had it, so it does not write it again
})

test.each([
  ['empty', () => Buffer.alloc(0)],
  ['nonsense', () => Buffer.from('nonsense')],
  ['half', (whole: Buffer) => whole.subarray(0, whole.length / 2)],
  ['of another text', (whole: Buffer) => whole],
])('what was kept is of no use when it is %s: the bundle runs, and it is made anew', async (name, damaged) => {
  await run('another').keepCompiled()
  const [file = ''] = kept('another')
  const path = join(folder, file.replace('another', name))
  const damage = damaged(readFileSync(join(folder, file)))
  writeFileSync(path, damage)
  const program = run(name)
  expect(program.exports.sum(1, 2)).toBe(3)
  await program.keepCompiled()
  expect(readFileSync(path).equals(damage)).toBe(false)
})

test('a folder that takes nothing does no harm', async () => {
  await run('first').keepCompiled()
  const [file = ''] = kept('first')
  mkdirSync(join(folder, file.replace('first', 'blocked'), 'in the way'), { recursive: true })
  const blocked = run('blocked')
  await blocked.keepCompiled()
  expect(blocked.exports.sum(1, 2)).toBe(3)
})
