import { describe, expect, test } from 'vitest'
import {
  describeSelector,
  formatSelector,
  fromLabelMap,
  fromLabelSelector,
  matchesLabels,
  parseFieldSelector,
  parseLabelSelector,
} from './selectors.ts'

describe('label selectors as text', () => {
  test.each([
    ['', {}, true],
    ['a=b', { a: 'b' }, true],
    ['a==b', { a: 'b' }, true],
    ['a=b', { a: 'c' }, false],
    ['a=b', {}, false],
    ['a=', { a: '' }, true],
    ['a!=b', { a: 'b' }, false],
    ['a!=b', { a: 'c' }, true],
    ['a!=b', {}, true],
    ['a in (x,y)', { a: 'y' }, true],
    ['a in (x, y)', { a: 'z' }, false],
    ['a in (x,)', { a: '' }, true],
    ['a notin (x)', { a: 'x' }, false],
    ['a notin (x)', {}, true],
    ['a', { a: '' }, true],
    ['a', {}, false],
    ['!a', {}, true],
    ['!a', { a: 'b' }, false],
    ['a>1', { a: '2' }, true],
    ['a>2', { a: '2' }, false],
    ['a<10', { a: '9' }, true],
    ['a>1', { a: 'many' }, false],
    ['a=b,c!=d,e in (x,y),!f,g', { a: 'b', e: 'x', g: '' }, true],
    ['a=b,g', { a: 'b' }, false],
    ['in in (in,notin)', { in: 'in' }, true],
    ['example.com/role = web', { 'example.com/role': 'web' }, true],
    ['toString', {}, false],
  ])('%s on %j: %s', (text, labels, expected) => {
    expect(matchesLabels(parseLabelSelector(text), labels)).toBe(expected)
  })

  test.each([
    ['a=b,', "found '', expected: identifier after ','"],
    [',a=b', "found ',', expected: !, identifier, or 'end of string'"],
    ['a b', "unable to parse requirement: found 'b', expected: in, notin, =, ==, !=, gt, lt"],
    ['a in b', "unable to parse requirement: found 'b' expected: '('"],
    ['a in ()', "unable to parse requirement: values: Invalid value: []: for 'in', 'notin' operators, values set can't be empty"],
    ['a in (b', "unable to parse requirement: found '', expected: ',' or ')'"],
    ['a=b c', "found 'c', expected: ',' or 'end of string'"],
    ['a==!b', "unable to parse requirement: found '!', expected: identifier"],
    ['a>b', "for 'Gt', 'Lt' operators, the value must be an integer"],
    ['-a=b', 'unable to parse requirement: <nil>: Invalid value: "-a": name part must consist of alphanumeric characters'],
    ['a=-b', 'unable to parse requirement: values[0][a]: Invalid value: "-b": a valid label must be an empty string or'],
  ])('%s is refused', (text, error) => {
    expect(() => parseLabelSelector(text)).toThrow(error)
  })

  test('written out again, sorted by key', () => {
    const text = 'g,e in (y,x),c!=d,!f,a==b,n>1'
    expect(formatSelector(parseLabelSelector(text))).toBe('a=b,c!=d,e in (x,y),!f,g,n>1')
  })
})

describe('label selectors as objects', () => {
  const selector = {
    matchLabels: { app: 'web' },
    matchExpressions: [
      { key: 'tier', operator: 'In', values: ['a', 'b'] },
      { key: 'old', operator: 'DoesNotExist' },
    ],
  }

  test.each([
    [{ app: 'web', tier: 'a' }, true],
    [{ app: 'web', tier: 'c' }, false],
    [{ app: 'web', tier: 'a', old: '' }, false],
    [{ tier: 'a' }, false],
    [undefined, false],
  ])('%j: %s', (labels, expected) => {
    expect(matchesLabels(fromLabelSelector(selector), labels)).toBe(expected)
  })

  test('an absent selector selects nothing, an empty one everything', () => {
    expect(matchesLabels(fromLabelSelector(undefined), { a: 'b' })).toBe(false)
    expect(matchesLabels(fromLabelSelector({}), undefined)).toBe(true)
    expect(matchesLabels(fromLabelMap({}), {})).toBe(false)
    expect(matchesLabels(fromLabelMap({ a: 'b' }), { a: 'b' })).toBe(true)
  })

  test.each([
    [selector, 'app=web,!old,tier in (a,b)'],
    [{}, '<none>'],
    [undefined, '<none>'],
    [{ matchExpressions: [{ key: 'a', operator: 'Odd' }] }, '<error>'],
  ])('%j shows as %s', (given, text) => {
    expect(describeSelector(given)).toBe(text)
  })
})

describe('field selectors', () => {
  test.each([
    ['', []],
    ['a.b=c', [{ field: 'a.b', operator: '=', value: 'c' }]],
    [
      'a==c,b!=',
      [
        { field: 'a', operator: '=', value: 'c' },
        { field: 'b', operator: '!=', value: '' },
      ],
    ],
    ['a=x\\,y\\=z\\\\', [{ field: 'a', operator: '=', value: 'x,y=z\\' }]],
  ])('%s', (text, expected) => {
    expect(parseFieldSelector(text)).toEqual(expected)
  })

  test.each([
    ['a', "invalid selector: 'a'; can't understand 'a'"],
    ['a=b,c', "invalid selector: 'a=b,c'; can't understand 'c'"],
    ['a=b\\x', 'invalid field selector: invalid escape sequence'],
  ])('%s is refused', (text, error) => {
    expect(() => parseFieldSelector(text)).toThrow(error)
  })
})
