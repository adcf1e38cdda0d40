import { expect, test } from 'vitest'
import { header, isEmptyEdit, withoutHeader } from './document.ts'

test('what is written comes back without its comments', () => {
  const text = "a: 1\n# kept: it is the user's\nb: 2\n"
  expect(withoutHeader(header(['error: something']) + text)).toBe(text)
  expect(withoutHeader(header())).toBe('')
  expect(header(['one', 'two'])).toContain('#\n# one\n# two\n#\n')
})

test.each([
  ['', true],
  ['# only\n\n# comments\n', true],
  ['# and\na: 1\n', false],
])('%j calls the edit off: %s', (text, expected) => {
  expect(isEmptyEdit(text)).toBe(expected)
})
