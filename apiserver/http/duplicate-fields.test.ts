import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Pod } from '../../api/core/pod.ts'
import { shapeOf } from '../../api/shape.ts'
import { countKeys, duplicateFields, looksUnique } from './duplicate-fields.ts'

const isUnique = (text: string) => looksUnique(text, countKeys(JSON.parse(text), 100))

describe('fields that are set twice', () => {
  test.each([
    ['{"a":1,"b":2}', []],
    ['{"a":1,"a":2}', ['a']],
    ['{"a":1,"a":2,"a":3}', ['a']],
    ['{"a":{"b":1,"c":[{"d":1},{"d":1,"d":2}],"b":2}}', ['a.c[1].d', 'a.b']],
    ['{ "a" : 1 ,\n "a"\t: [ ] }', ['a']],
    ['[{"a":1,"a":1}]', ['[0].a']],
    ['{"a":"x\\"a\\":1","b":"\\\\"}', []],
    ['{"\\u0061":1,"a":2}', ['a']],
    ['{"a":{"b":1},"a":{"b":1}}', ['a']],
    ['[]', []],
    ['7', []],
    ['{"a":[1,-2.5e3,true,null,"",{}],"c":[[],[[]]]}', []],
  ])('%s: %j', (text, expected) => {
    expect(duplicateFields(text, undefined)).toEqual(expected)
    const isPlain = !text.includes('\\"') && !text.includes(' :')
    expect(isUnique(text)).toBe(expected.length === 0 && isPlain)
  })

  test.each([' ', '\t', '\n', '\r', '\n  '])(
    'a key before %j and one that is there twice do not make up for each other',
    blank => {
      const text = `{"a":1,"a":2,"b"${blank}:3}`
      expect(isUnique(text)).toBe(false)
      expect(duplicateFields(text, undefined)).toEqual(['a'])
    },
  )

  test('no text that sets a field twice looks unique', () => {
    const blank = fc.constantFrom('', ' ', '\n')
    const field = fc.tuple(
      fc.constantFrom('a', 'b', ':', '":', ' :'),
      blank,
      blank,
      fc.constantFrom('1', '":"', '" :"', '{"a":1}'),
    )
    fc.assert(
      fc.property(fc.array(field, { maxLength: 6 }), fields => {
        const text = `{${fields.map(([key, before, after, value]) => `${JSON.stringify(key)}${before}:${after}${value}`).join(',')}}`
        if (isUnique(text)) expect(duplicateFields(text, undefined)).toEqual([])
      }),
    )
  })

  test('of a kind only those that it knows count', () => {
    const text = `{
      "metadata": {"name":"a","name":"b","labels":{"x":"1","x":"2"},"managedFields":[{"fieldsV1":{"f:a":{},"f:a":{}}}]},
      "spec": {"odd":1,"odd":2,"other":{"a":1,"a":2},"containers":[{"name":"c","image":"x","image":"y"}]}}`
    const known = ['metadata.name', 'metadata.labels.x', 'spec.containers[0].image']
    expect(duplicateFields(text, shapeOf(Pod.schema))).toEqual(known)
    expect(duplicateFields(text, undefined)).toHaveLength(6)
  })

  test('no more than a hundred are told', () => {
    const text = `{${Array.from({ length: 300 }, (_, i) => `"k${i % 150}":1`).join(',')}}`
    expect(duplicateFields(text, undefined)).toHaveLength(100)
  })

  test('JSON that was written from a value has none, however it is laid out', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.constantFrom('', ' ', '\t'), (value, indent) => {
        const text = JSON.stringify(value, undefined, indent)
        expect(duplicateFields(text, undefined)).toEqual([])
        // A text may look like a key, which costs a closer look and no more.
        if (!/\\"|(?:^|[[{,:\s])":|\s:/.test(text)) expect(isUnique(text)).toBe(true)
      }),
    )
  })
})
