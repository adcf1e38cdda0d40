import { describe, expect, test } from 'vitest'
import { deepestBody, excessOf, excessOfText, mostValues } from './body-limits.ts'

const nested = (levels: number, open: string, close: string, inside = '1') =>
  `${open.repeat(levels)}${inside}${close.repeat(levels)}`

describe('how deep a body is nested', () => {
  test.each([
    ['lists', '[', ']'],
    ['maps', '{"a":', '}'],
    ['both', '[{"a\\"":', '}]'],
    ['lists with blanks', '[ ', ' ]'],
  ])('%s', (_, open, close) => {
    const perTurn = open.includes('[{') ? 2 : 1
    for (const levels of [1, 100, deepestBody / perTurn, deepestBody / perTurn + 1, 2000]) {
      const text = nested(levels, open, close, '1'.repeat(500))
      const expected = levels * perTurn > deepestBody ? 'depth' : undefined
      expect([levels, excessOfText(Buffer.from(text)), excessOf(JSON.parse(text))]).toEqual([levels, expected, expected])
    }
  })

  test.each([
    ['brackets in text', JSON.stringify('['.repeat(2000))],
    ['brackets in text behind quotes', JSON.stringify({ '"[': '\\"['.repeat(1000) })],
    ['side by side', `[${'[],{},'.repeat(2000)}1]`],
  ])('%s do not count', (_, text) => {
    expect([excessOfText(Buffer.from(text)), excessOf(JSON.parse(text))]).toEqual([undefined, undefined])
  })
})

describe('how many values a body holds', () => {
  const list = (length: number) => `[${Array.from({ length }, () => '","').join(',')}]`
  const map = (length: number) => `{${Array.from({ length }, (_, at) => `"${at}":1`).join(',')}}`

  test.each([
    ['a list', list],
    ['a map', map],
    ['maps in a list', (length: number) => `[${Array.from({ length: length / 10 }, () => map(10)).join(',')}]`],
  ])('%s', (_, made) => {
    const [few, many] = [made(mostValues / 2), made(mostValues + 100)]
    expect([excessOfText(Buffer.from(few)), excessOf(JSON.parse(few))]).toEqual([undefined, undefined])
    expect([excessOfText(Buffer.from(many)), excessOf(JSON.parse(many))]).toEqual(['values', 'values'])
  })
})
