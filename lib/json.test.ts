import { expect, test } from 'vitest'
import { canonicalJson, copy, deepEqual, deepFreeze } from './json.ts'

test.each([
  [1, 1, true],
  [{ a: 1, b: undefined }, { a: 1 }, true],
  [{ a: [1, { b: 2 }] }, { a: [1, { b: 2 }] }, true],
  [{ a: [1] }, { a: { 0: 1 } }, false],
  [{}, { a: 1 }, false],
  [[1, 2], [1], false],
  [null, {}, false],
])('%j equals %j: %s', (a, b, equal) => {
  expect([deepEqual(a, b), deepEqual(b, a)]).toEqual([equal, equal])
})

test('a copy of a frozen value can be changed without touching it', () => {
  const frozen = deepFreeze({ list: [{ name: 'a' }] })
  const mine = copy(frozen)
  mine.list[0]!.name = 'b'
  expect([frozen.list[0]?.name, mine.list[0]?.name, Object.isFrozen(frozen.list[0])]).toEqual(['a', 'b', true])
})

test('canonical JSON does not depend on the order of properties', () => {
  expect(canonicalJson({ b: [1, { d: 1, c: undefined }], a: 'x' })).toBe(canonicalJson({ a: 'x', b: [1, { d: 1 }] }))
  expect(canonicalJson({ b: 1, a: null })).toBe('{"a":null,"b":1}')
})
