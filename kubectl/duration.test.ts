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

test.each(['', '5', 'soon', '5 s', '1m x'])('%j is refused', text => {
  expect(() => parseDuration('timeout', text)).toThrow(
    `invalid argument "${text}" for "--timeout" flag: it must be a duration such as 30s or 5m`,
  )
})
