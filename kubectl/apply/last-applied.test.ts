import { expect, test } from 'vitest'
import { lastApplied, lastAppliedOf, lastAppliedText, withLastApplied } from './last-applied.ts'

test('an object carries what it was applied from, but not what it was applied from before', () => {
  const object = { kind: 'X', metadata: { name: 'a', annotations: { note: 'n', [lastApplied]: 'old' } } }
  const marked = withLastApplied(object)
  expect(marked).toEqual({
    kind: 'X',
    metadata: {
      name: 'a',
      annotations: { note: 'n', [lastApplied]: '{"kind":"X","metadata":{"annotations":{"note":"n"},"name":"a"}}\n' },
    },
  })
  expect(lastAppliedOf(marked)).toEqual({ kind: 'X', metadata: { name: 'a', annotations: { note: 'n' } } })
})

test.each<[string, unknown, string]>([
  ['sorted keys, at every depth', { b: [{ d: 1, c: 2 }], a: null }, '{"a":null,"b":[{"c":2,"d":1}]}\n'],
  ['what Go escapes', { a: '<b> & \u2028' }, '{"a":"\\u003cb\\u003e \\u0026 \\u2028"}\n'],
])('the text has %s', (_, value, text) => {
  expect(lastAppliedText(value)).toBe(text)
})

test.each([
  ['nothing', {}],
  ['nonsense', { metadata: { annotations: { [lastApplied]: '{' } } }],
])('%s was applied to an object that says so', (_, object) => {
  expect(lastAppliedOf(object)).toBeUndefined()
})
