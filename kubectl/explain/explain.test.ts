import { expect, test } from 'vitest'
import { explainText, wrap } from './explain.ts'

const ref = (name: string) => ({ $ref: `#/components/schemas/io.x.${name}` })
const document = {
  components: {
    schemas: {
      'io.x.Thing': {
        'x-kubernetes-group-version-kind': [{ group: 'x', version: 'v1', kind: 'Thing' }],
        type: 'object',
        description: 'A thing.',
        properties: {
          kind: { type: 'string', description: 'Its kind.' },
          spec: { allOf: [ref('Spec')], description: 'What is wanted.' },
        },
      },
      'io.x.Spec': {
        type: 'object',
        description: 'A spec.',
        required: ['parts'],
        properties: {
          parts: { type: 'array', items: ref('Part') },
          labels: { type: 'object', additionalProperties: { type: 'string' } },
          mode: { type: 'string', enum: ['', 'A', 'B', 'C', 'D'], description: 'How.' },
          size: ref('Size'),
        },
      },
      'io.x.Part': { type: 'object', properties: { name: { type: 'string' }, inner: ref('Part') } },
      'io.x.Size': { type: 'string', description: 'A size.' },
    },
  },
}
const thing = { group: 'x', version: 'v1', kind: 'Thing' }
const explain = (path: string, recursive = false) => explainText(document, thing, path ? path.split('.') : [], recursive)

test('a kind, with what it says of itself and its fields', () => {
  expect(explain('')).toBe(
    [
      'GROUP:      x\nKIND:       Thing\nVERSION:    v1\n',
      'DESCRIPTION:\n    A thing.\n    ',
      'FIELDS:',
      '  kind\t<string>\n    Its kind.\n',
      '  spec\t<Spec>\n    What is wanted.\n\n\n',
    ].join('\n'),
  )
})

test('a field, with what is said of it and of its type', () => {
  const text = explain('spec')
  expect(text).toContain('FIELD: spec <Spec>\n\n\nDESCRIPTION:\n    What is wanted.\n    A spec.\n')
  expect(text).toContain('  parts\t<[]Part> -required-\n    <no description>\n')
  expect(text).toContain('  labels\t<map[string]string>\n')
  expect(text).toContain('  mode\t<string>\n  enum: "", A, B, C, ....\n    How.\n')
  expect(text).toContain('  size\t<string>\n')
})

test('an enumeration whole, and fields through lists', () => {
  expect(explain('spec.mode')).toContain('FIELD: mode <string>\nENUM:\n    ""\n    A\n    B\n    C\n    D\n\nDESCRIPTION:')
  expect(explain('spec.parts.inner.name')).toContain('FIELD: name <string>')
})

test('everything below, but no type inside of itself', () => {
  const fields = explain('spec', true).split('FIELDS:\n')[1]
  expect(fields).toBe(
    [
      '  labels\t<map[string]string>',
      '  mode\t<string>\n  enum: "", A, B, C, ....',
      '  parts\t<[]Part> -required-',
      '    inner\t<Part>',
      '    name\t<string>',
      '  size\t<string>',
      '\n',
    ].join('\n'),
  )
})

test('a field that is not there is an error, with a guess', () => {
  expect(() => explain('spec.part')).toThrow(new Error('field "part" does not exist (did you mean "parts"?)'))
  expect(() => explain('nothing.of.this')).toThrow('field "this" does not exist')
})

test.each([
  [10, 'one two three', 'one two\nthree'],
  [5, 'unbreakable', 'unbreakable'],
  [20, 'a\nb c', 'a\nb c'],
])('wrapped at %d: %j', (width, text, expected) => {
  expect(wrap(width, text)).toBe(expected)
})
