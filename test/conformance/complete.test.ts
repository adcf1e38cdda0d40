import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { behaviours } from './behaviours.ts'

const root = join(import.meta.dirname, '../..')

/** What is said of a behaviour that Docker or we cannot have: one line each, "- `name`: reason". */
async function refusals(): Promise<Map<string, string>> {
  const text = await readFile(join(root, 'docs/differences.md'), 'utf8')
  return new Map([...text.matchAll(/^- `(.+)`: (.+)$/gm)].map(([, name = '', reason = '']) => [name, reason]))
}

/** The names of all tests that would run, their groups before them; upstream's tags in square brackets are no part of a name. */
async function testNames(): Promise<Set<string>> {
  const vitest = join(root, 'node_modules/vitest/vitest.mjs')
  const args = [vitest, 'list', '--project', 'conformance', '--json']
  const { stdout } = await promisify(execFile)(process.execPath, args, { cwd: root, maxBuffer: 16 * 1024 * 1024 })
  const tests = JSON.parse(stdout.slice(stdout.indexOf('['))) as { name: string }[]
  return new Set(
    tests.map(({ name }) =>
      name
        .replaceAll(' > ', ' ')
        .replace(/\[[^\]]*\]/g, '')
        .replace(/ +/g, ' ')
        .trim(),
    ),
  )
}

test('every behaviour has its test, or a reason why it cannot hold', async () => {
  const [tests, refused] = await Promise.all([testNames(), refusals()])
  const missing: string[] = []
  for (const [part, areas] of Object.entries(behaviours)) {
    const names = Object.entries(areas).flatMap(([area, promises]) => promises.map(promise => `${area} ${promise}`))
    const without = names.filter(name => !tests.has(name))
    const explained = without.filter(name => refused.has(name))
    console.log(
      `${part}: ${names.length - without.length} of ${names.length} behaviours have a test, ${explained.length} are refused`,
    )
    for (const name of explained) console.log(`  refused: ${name}: ${refused.get(name)}`)
    missing.push(...without.filter(name => !refused.has(name)))
  }
  expect(missing).toEqual([])
})
