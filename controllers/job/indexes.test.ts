import { expect, test } from 'vitest'
import type { JobSpec } from '../../api/batch/job-spec.ts'
import {
  countCommon,
  countIndexes,
  firstFree,
  formatIndexes,
  hasIndex,
  type Indexes,
  mergeIndexes,
  parseIndexes,
  withIndexes,
} from './indexes.ts'
import { indexedNameBase } from './pod-index.ts'
import { metRule } from './success-policy.ts'

test.each<[string, number, string, number]>([
  ['', 5, '', 0],
  ['1', 5, '1', 1],
  ['0-2,5', 9, '0-2,5', 4],
  ['0,1', 9, '0,1', 2],
  ['0,1,2', 9, '0-2', 3],
  ['1-3,4-6', 9, '1-6', 6],
  ['2-8', 5, '2-4', 3],
  ['2,5', 5, '2', 1],
  ['x,3,1-y,4', 5, '3,4', 2],
])('the indexes %j of %d are %j: %d', (text, completions, expected, count) => {
  const indexes = parseIndexes(text, completions)
  expect([formatIndexes(indexes), countIndexes(indexes)]).toEqual([expected, count])
})

test.each<[string, number[], string]>([
  ['', [0, 1, 3], '0,1,3'],
  ['0-2', [3], '0-3'],
  ['0-2', [5, 4], '0-2,4,5'],
  ['3-5', [1, 4, 9], '1,3-5,9'],
  ['0,2,4', [1, 3], '0-4'],
])('%j and %j make %j', (known, more, expected) => {
  const indexes = withIndexes(parseIndexes(known, 100), more)
  expect(formatIndexes(indexes)).toBe(expected)
  expect(more.every(index => hasIndex(indexes, index))).toBe(true)
})

test('lists and plain sets of numbers agree', () => {
  for (let seed = 1; seed < 200; seed++) {
    const pick = (step: number) => [...Array(30).keys()].filter(index => (index * index * step + seed * index + step) % 7 < 3)
    const [a, b] = [pick(seed), pick(seed + 5)]
    const [x, y]: [Indexes, Indexes] = [withIndexes([], a), withIndexes([], b)]
    expect([...Array(30).keys()].filter(index => hasIndex(x, index))).toEqual(a)
    expect(countCommon(x, y)).toBe(a.filter(index => b.includes(index)).length)
    const both = [...new Set([...a, ...b])].sort((i, j) => i - j)
    expect(formatIndexes(mergeIndexes(x, y))).toBe(formatIndexes(withIndexes([], both)))
    expect(parseIndexes(formatIndexes(x), 30)).toEqual(x)
    const free = [...Array(30).keys()].filter(index => !a.includes(index))
    expect(firstFree(x, 4, 30)).toEqual(free.slice(0, 4))
    expect(firstFree(x, 99, 12)).toEqual(free.filter(index => index < 12))
  }
})

test.each([
  ['pi', 7, 'pi-7-'],
  ['a'.repeat(60), 12, `${'a'.repeat(54)}-12-`],
])('pods of the job %s and the index %d are called %s...', (name, index, expected) => {
  expect(indexedNameBase(name, index)).toBe(expected)
})

type Rules = NonNullable<JobSpec['successPolicy']>['rules']
test.each<[string, Rules, string, string | undefined]>([
  ['nothing has succeeded', [{ succeededCount: 0 }], '', undefined],
  ['all of the indexes', [{ succeededIndexes: '0-2' }], '0-2,5', 'Matched rules at index 0'],
  ['not all of them', [{ succeededIndexes: '0-2' }], '0,2-9', undefined],
  ['enough of the indexes', [{ succeededIndexes: '0-4', succeededCount: 2 }], '1,4', 'Matched rules at index 0'],
  ['enough, but others', [{ succeededIndexes: '0-4', succeededCount: 2 }], '1,5-9', undefined],
  ['enough, whichever', [{ succeededCount: 3 }], '1,5,9', 'Matched rules at index 0'],
  ['the second rule', [{ succeededIndexes: '0' }, { succeededCount: 1 }], '9', 'Matched rules at index 1'],
  ['a rule about indexes that the job does not have', [{ succeededIndexes: '20-30' }], '0-9', undefined],
  ['no policy', [], '0-9', undefined],
])('success policy: %s', (_name, rules, succeeded, expected) => {
  expect(metRule({ completions: 10, successPolicy: { rules } } as unknown as JobSpec, parseIndexes(succeeded, 10))).toBe(expected)
})
