import { describe, expect, test } from 'vitest'
import { formatCheck } from './formats.ts'
import type { JsonSchemaProps } from './json-schema-props.ts'
import { listTypeErrors } from './list-types.ts'
import { dropNulls, fillDefaults, prune } from './pruning.ts'
import { valueErrors } from './value-validation.ts'

const text = ({ field, message }: { field: string; message: string }) => `${field}: ${message}`
const inSpec = (spec: JsonSchemaProps): JsonSchemaProps => ({ type: 'object', properties: { spec } })

describe('JSON against a schema', () => {
  test.each<[string, JsonSchemaProps, unknown, string[]]>([
    ['a type', { type: 'string' }, 5, ['spec: Invalid value: "integer": spec in body must be of type string: "integer"']],
    ['whole numbers are numbers', { type: 'number' }, 5, []],
    [
      'a fraction is not whole',
      { type: 'integer' },
      0.5,
      ['spec: Invalid value: "number": spec in body must be of type integer: "number"'],
    ],
    ['null', { type: 'string' }, null, ['spec: Invalid value: "null": spec in body must be of type string: "null"']],
    ['null where it may be', { type: 'string', nullable: true }, null, []],
    [
      'int-or-string',
      { 'x-kubernetes-int-or-string': true },
      true,
      ['spec: Invalid value: "boolean": spec in body must be of type integer,string: "boolean"'],
    ],
    ['too long', { type: 'string', maxLength: 2 }, 'abc', ['spec: Too long: may not be more than 2 bytes']],
    ['a pattern', { type: 'string', pattern: '^a+$' }, 'b', [`spec: Invalid value: "b": spec in body should match '^a+$'`]],
    [
      'a format',
      { type: 'string', format: 'date-time' },
      'now',
      ['spec: Invalid value: "now": spec in body must be of type date-time: "now"'],
    ],
    ['an unknown format', { type: 'string', format: 'poem' }, 'roses', []],
    [
      'exclusive bounds',
      { type: 'integer', maximum: 3, exclusiveMaximum: true },
      3,
      ['spec: Invalid value: 3: spec in body should be less than 3'],
    ],
    ['a multiple', { type: 'number', multipleOf: 0.1 }, 0.3, []],
    ['no multiple', { type: 'integer', multipleOf: 5 }, 7, ['spec: Invalid value: 7: spec in body should be a multiple of 5']],
    [
      'too many items',
      { type: 'array', maxItems: 1, items: { type: 'integer' } },
      [1, 2],
      ['spec: Too many: 2: must have at most 1 item'],
    ],
    [
      'items',
      { type: 'array', items: { type: 'integer' } },
      ['a'],
      ['spec[0]: Invalid value: "string": spec[0] in body must be of type integer: "string"'],
    ],
    [
      'values of a map',
      { type: 'object', additionalProperties: { type: 'integer' } },
      { a: 'x' },
      ['spec.a: Invalid value: "string": spec.a in body must be of type integer: "string"'],
    ],
    [
      'oneOf',
      { type: 'object', oneOf: [{ required: ['a'] }, { required: ['b'] }] },
      { a: 1, b: 2 },
      ['<nil>: Invalid value: "": "spec" must validate one and only one schema (oneOf). Found 2 valid alternatives'],
    ],
    [
      'anyOf tells what came closest',
      { type: 'object', anyOf: [{ required: ['a'] }] },
      {},
      ['<nil>: Invalid value: "": "spec" must validate at least one schema (anyOf)', 'spec.a: Required value'],
    ],
    ['not', { type: 'integer', not: { minimum: 3 } }, 5, ['<nil>: Invalid value: "": "spec" must not validate the schema (not)']],
  ])('%s', (_, schema, value, expected) => {
    expect(valueErrors({ spec: value }, inSpec(schema)).map(text)).toEqual(expected)
  })

  test('what was wrong before and has not changed is let pass', () => {
    const schema = inSpec({
      type: 'object',
      properties: { a: { type: 'integer', maximum: 1 }, b: { type: 'integer', maximum: 1 } },
    })
    const errors = valueErrors({ spec: { a: 5, b: 7 } }, schema, '', { value: { spec: { a: 5, b: 6 } } })
    expect(errors.map(({ field }) => field)).toEqual(['spec.b'])
  })

  test('errors in a status are told under it', () => {
    expect(valueErrors({ n: 'x' }, { type: 'object', properties: { n: { type: 'integer' } } }, 'status').map(text)).toEqual([
      'status.n: Invalid value: "string": n in body must be of type integer: "string"',
    ])
  })
})

test('pruning drops what nobody knows, and keeps what is said to be kept', () => {
  const schema: JsonSchemaProps = {
    type: 'object',
    properties: {
      known: { type: 'object', properties: { a: { type: 'string' } } },
      list: { type: 'array', items: { type: 'object', properties: { a: { type: 'string' } } } },
      free: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true, properties: { strict: { type: 'object' } } },
      map: { type: 'object', additionalProperties: { type: 'object', properties: {} } },
    },
  }
  const value = {
    known: { a: 1, b: 2 },
    list: [{ a: 1, b: 2 }],
    free: { x: { y: 1 }, strict: { z: 1 } },
    map: { k: { v: 1 } },
    other: 1,
  }
  expect(prune(value, schema)).toEqual(['free.strict.z', 'known.b', 'list[0].b', 'map.k.v', 'other'])
  expect(value).toEqual({ known: { a: 1 }, list: [{ a: 1 }], free: { x: { y: 1 }, strict: {} }, map: { k: {} } })
})

test('defaults come where nothing is, and for null where null is nothing', () => {
  const schema: JsonSchemaProps = {
    type: 'object',
    properties: {
      a: { type: 'integer', default: 1 },
      b: { type: 'integer', nullable: true, default: 2 },
      c: { type: 'integer' },
      d: { type: 'object', default: {}, properties: { e: { type: 'string', default: 'x' } } },
    },
  }
  const value = { a: null, b: null, c: null }
  dropNulls(value, schema)
  fillDefaults(value, schema)
  expect(value).toEqual({ a: 1, b: null, d: { e: 'x' } })
})

test('sets and maps have no doubles', () => {
  const schema: JsonSchemaProps = {
    type: 'object',
    properties: {
      set: { type: 'array', 'x-kubernetes-list-type': 'set', items: { type: 'string' } },
      map: {
        type: 'array',
        'x-kubernetes-list-type': 'map',
        'x-kubernetes-list-map-keys': ['a', 'b'],
        items: { type: 'object' },
      },
    },
  }
  const value = {
    set: ['x', 'y', 'x', 'x'],
    map: [
      { a: 1, b: 1 },
      { a: 1, b: 2 },
      { a: 1, b: 1, c: 3 },
    ],
  }
  expect(listTypeErrors(value, schema).map(text)).toEqual([
    'set[2]: Duplicate value: "x"',
    'map[2]: Duplicate value: {"a":1,"b":1}',
  ])
})

describe('formats', () => {
  test.each<[string, readonly string[], readonly string[]]>([
    ['date', ['2024-02-29'], ['2023-02-29', '2024-1-1']],
    ['date-time', ['2024-01-01T10:00:00Z', '2024-01-01t10:00:00.5+02:00'], ['2024-01-01', '2024-01-01T25:00:00Z']],
    ['ipv4', ['10.0.0.1'], ['::1', '10.0.0.256']],
    ['cidr', ['10.0.0.0/8', 'fd00::/64'], ['10.0.0.0', '10.0.0.0/33']],
    ['uuid4', ['8e6b7c5e-8f0a-4b0a-9c3e-1f2a3b4c5d6e'], ['8e6b7c5e-8f0a-1b0a-9c3e-1f2a3b4c5d6e']],
    ['duration', ['1h30m', '22 ns', '3 days'], ['soon']],
    ['email', ['ann@example.com'], ['ann']],
    ['hostname', ['example.com', 'node1'], ['-a', 'a_b']],
    ['byte', ['aGk='], ['aGk', '?']],
    ['isbn', ['0321751043', '978-0321751041'], ['0321751044']],
    ['k8s-short-name', ['web-1'], ['Web', 'a.b']],
  ])('%s', (format, good, bad) => {
    const check = formatCheck(format) ?? (() => undefined)
    expect(good.filter(value => !check(value))).toEqual([])
    expect(bad.filter(value => check(value))).toEqual([])
  })
})
