import { expect, test } from 'vitest'
import { evaluateJsonPath, JsonPathError, parseJsonPath, valuesAt } from './json-path.ts'

const list = {
  kind: 'List',
  items: [
    { metadata: { name: 'a', labels: { 'app.x/y': 'one' } }, status: { n: 1, conditions: [{ type: 'Ready', status: 'True' }] } },
    {
      metadata: { name: 'b' },
      status: {
        n: 5,
        conditions: [
          { type: 'Ready', status: 'False' },
          { type: 'Other', status: 'True' },
        ],
      },
    },
    { metadata: { name: 'c' }, status: { n: 9 } },
  ],
}

test.each([
  ['{.kind}', 'List'],
  ['{$.kind}', 'List'],
  ['{.items[*].metadata.name}', 'a b c'],
  ['{.items[0].metadata.name}', 'a'],
  ['{.items[-1].metadata.name}', 'c'],
  ['{.items[0:2].metadata.name}', 'a b'],
  ['{.items[0,2].metadata.name}', 'a c'],
  ['{range .items[*]}{.metadata.name}{"\\t"}{.status.n}{"\\n"}{end}', 'a\t1\nb\t5\nc\t9\n'],
  ['{.items[?(@.status.n>4)].metadata.name}', 'b c'],
  ['{.items[?(@.metadata.name=="b")].status.n}', '5'],
  ["{.items[*].status.conditions[?(@.type=='Ready')].status}", 'True False'],
  ['{.items[?(@.status.conditions)].metadata.name}', 'a b'],
  ['{.items[0].metadata.labels.app\\.x/y}', 'one'],
  ["{.items[0].metadata.labels['app.x/y']}", 'one'],
  ["{.items[0].metadata['name','labels']}", 'a {"app.x/y":"one"}'],
  ['{..name}', 'a b c'],
  ['name: {.items[1].metadata.name}!', 'name: b!'],
  ['{.missing}', ''],
  ['{.items[0].status.conditions}', '[{"type":"Ready","status":"True"}]'],
  ['{.items[7].metadata.name}', ''],
  ['{range .items[*]}{$.kind}/{.metadata.name} {end}', 'List/a List/b List/c '],
])('%s', (template, output) => {
  expect(evaluateJsonPath(parseJsonPath(template), list)).toBe(output)
})

test.each(['{.items[', '{range .items[*]}{.metadata.name}', '{end}', '{.items[x]}', '{.a'])('%s is refused', template => {
  expect(() => evaluateJsonPath(parseJsonPath(template), list)).toThrow(JsonPathError)
})

test('strict evaluation names what is missing', () => {
  expect(() => evaluateJsonPath(parseJsonPath('{.missing}'), list, { strict: true })).toThrow('missing is not found')
})

test('a bare path gives values', () => {
  expect(valuesAt('.items[*].status.n', list)).toEqual([1, 5, 9])
  expect(valuesAt('{.kind}', list)).toEqual(['List'])
})
