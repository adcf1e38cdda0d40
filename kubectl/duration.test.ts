import { expect, test } from 'vitest'
import { parseDuration } from './duration.ts'

test.each([
  ['0', 0],
  ['0s', 0],
  ['90s', 90_000],
  ['1m30s', 90_000],
  ['1.5h', 5_400_000],
  ['250ms', 250],
  ['-1s', -1000],
])('%s is %d ms', (text, inMs) => {
  expect(parseDuration('timeout', text)).toBe(inMs)
})

test.each([
  ['', 'invalid duration ""'],
  ['5', 'missing unit in duration "5"'],
  ['soon', 'invalid duration "soon"'],
  ['5 s', 'invalid duration "5 s"'],
  ['1m x', 'invalid duration "1m x"'],
])('%j is refused', (text, why) => {
  expect(() => parseDuration('timeout', text)).toThrow(`invalid argument "${text}" for "--timeout" flag: time: ${why}`)
})
