import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  difference,
  type FieldSet,
  hasPath,
  intersection,
  parseSet,
  pathsOf,
  setOf,
  sorted,
  union,
  withoutTrees,
} from './field-set.ts'
import { compareElements, fieldElement, keyElement, pathText, valueElement } from './path-element.ts'

const step = fc.constantFrom('f:a', 'f:b', 'k:{"name":"x"}', 'v:"y"')
const path = fc.array(step, { minLength: 1, maxLength: 3 })
const set = fc.array(path, { maxLength: 8 }).map(paths => setOf(...paths))
const texts = (fields: FieldSet) => pathsOf(fields).map(found => found.join(' '))

describe('sets of fields', () => {
  test('are sets of paths', () => {
    fc.assert(
      fc.property(set, set, (a, b) => {
        const [left, right] = [new Set(texts(a)), new Set(texts(b))]
        expect(new Set(texts(union(a, b)))).toEqual(new Set([...left, ...right]))
        expect(new Set(texts(intersection(a, b)))).toEqual(new Set([...left].filter(each => right.has(each))))
        expect(new Set(texts(difference(a, b)))).toEqual(new Set([...left].filter(each => !right.has(each))))
        expect(parseSet(JSON.parse(JSON.stringify(sorted(a))))).toEqual(sorted(a))
        for (const each of pathsOf(a)) expect(hasPath(a, each)).toBe(true)
      }),
    )
  })

  test('without whole trees', () => {
    fc.assert(
      fc.property(set, set, (a, b) => {
        const roots = texts(b)
        const left = texts(a).filter(each => !roots.some(root => each === root || each.startsWith(`${root} `)))
        expect(texts(withoutTrees(a, b))).toEqual(left)
      }),
    )
  })

  test('are written in order: fields, keys, values; numbers by their size', () => {
    const elements = [
      valueElement('b'),
      keyElement([
        ['protocol', 'TCP'],
        ['port', 443],
      ]),
      fieldElement('b'),
      keyElement([
        ['port', 80],
        ['protocol', 'TCP'],
      ]),
      fieldElement('B'),
    ]
    expect(elements.sort(compareElements)).toEqual([
      'f:B',
      'f:b',
      'k:{"port":80,"protocol":"TCP"}',
      'k:{"port":443,"protocol":"TCP"}',
      'v:"b"',
    ])
  })

  test('are read in whatever spelling they come; what is unknown is passed over', () => {
    const given = { 'k:{ "b": 1, "a": "x" }': { '.': {}, 'f:c': {} }, 'z:new': {}, 'v:"q"': {}, 'f:d': { '.': {} } }
    expect(parseSet(given)).toEqual({ 'k:{"a":"x","b":1}': { '.': {}, 'f:c': {} }, 'v:"q"': {}, 'f:d': {} })
  })

  test.each([
    [{ f: {} }, 'key must be 2 characters long:'],
    [{ 'fa:': {} }, 'missing colon: fa:'],
    [[], 'a set of fields is an object'],
  ])('%j cannot be read', (given, why) => {
    expect(() => parseSet(given)).toThrow(why)
  })

  test('paths are told as people write them', () => {
    const found = [fieldElement('spec'), fieldElement('ports'), keyElement([['port', 80]]), fieldElement('name')]
    expect(pathText(found)).toBe('.spec.ports[port=80].name')
    expect(pathText([fieldElement('finalizers'), valueElement('a/b')])).toBe('.finalizers[="a/b"]')
  })
})
