import { expect, test } from 'vitest'
import { envLines, isText } from './key-values.ts'

test('lines of an env file', () => {
  const text = '# a comment\n\nA=1\n  B = 2\nC\nMISSING\nD=a=b\r\n'.replace('B = 2', 'B=2')
  expect(envLines(text, { C: 'from outside' })).toEqual([
    ['A', '1'],
    ['B', '2'],
    ['C', 'from outside'],
    ['D', 'a=b'],
  ])
  expect(() => envLines('a b=c', {})).toThrow('"a b" is not a valid key name')
})

test.each([
  [Buffer.from('héllo\n'), true],
  [Buffer.from([0xff, 0xfe, 0]), false],
  [Buffer.from(''), true],
])('%j is text: %s', (bytes, expected) => {
  expect(isText(bytes)).toBe(expected)
})
