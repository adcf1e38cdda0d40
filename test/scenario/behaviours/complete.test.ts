import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import type { Promises } from './shown.ts'
import { thirty } from './thirty.ts'
import { workedNumbers } from './worked-numbers.ts'

const root = join(import.meta.dirname, '../../..')

/** Where a title stands: first in a call of test or describe, after the table of an `each`, or first in a row or case of a table. */
const place = String.raw`(?:\b(?:test|it|describe)(?:\.(?!skip\b|todo\b)\w+)*\(|\]\)\(|\)\(|^\s*\[|\btitle:)\s*`
const title = new RegExp(String.raw`${place}(?:'((?:\\.|[^'\\\n])*)'|"((?:\\.|[^"\\\n])*)"|\x60((?:\\.|[^\x60\\])*)\x60)`, 'gm')

/** The titles of all tests of a file, as they stand in its source; none where there is no such file. */
async function titlesIn(file: string): Promise<Set<string>> {
  const source = await readFile(join(root, file), 'utf8').catch(() => '')
  return new Set([...source.matchAll(title)].map(([, single, double, template]) => single ?? double ?? template ?? ''))
}

test.each<[string, Readonly<Record<string, Promises>>, number]>([
  ['behaviours', thirty, 30],
  ['worked numbers', workedNumbers, 10],
])('every one of the %s has a test that shows it, or a reason why none does yet', async (name, groups, count) => {
  expect(Object.keys(groups)).toHaveLength(count)
  const lost: string[] = []
  let shown = 0
  for (const [group, promises] of Object.entries(groups))
    for (const [promise, tests] of Object.entries(promises)) {
      if (typeof tests === 'string') {
        console.log(`not yet: ${group}: ${promise}: ${tests}`)
        continue
      }
      shown++
      if (Object.values(tests).flat().length === 0) lost.push(`${group}: ${promise}: by nothing`)
      for (const [file, wanted] of Object.entries(tests)) {
        const titles = await titlesIn(file)
        for (const each of wanted) if (!titles.has(each)) lost.push(`${group}: ${promise}: ${file}: ${each}`)
      }
    }
  console.log(`${name}: ${shown} promises are shown`)
  expect(lost).toEqual([])
})
