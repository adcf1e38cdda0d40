import { expect, test } from 'vitest'
import { ManifestError, readManifest } from './manifest.ts'

const values = (text: string) => readManifest(text, 'f.yaml').map(object => object.value)

test.each([
  ['yes', true],
  ['on', true],
  ['n', false],
  ['0777', 511],
  ['0o17', 15],
  ['1_000', 1000],
  ['12:30:00', '12:30:00'],
  ['2024-01-01', '2024-01-01'],
  ['1e3', 1000],
  ['0x1F', 31],
  ['~', null],
  ['"1"', '1'],
  ['.5', 0.5],
  ['1.', 1],
  ['e1', 'e1'],
  ['.', '.'],
  ['.e1', '.e1'],
  ['-.5e1', -5],
])('the literal %s means %j', (literal, value) => {
  expect(values(`a: ${literal}`)).toEqual([{ a: value }])
})

test('documents, empty ones between them, JSON and lists all give objects', () => {
  expect(values('a: 1\n---\n# nothing\n---\nb: 2\n')).toEqual([{ a: 1 }, { b: 2 }])
  expect(values('{"kind": "List", "items": [{"a": 1}, {"b": 2}]}')).toEqual([{ a: 1 }, { b: 2 }])
})

test('a field is found where it stands, a missing one where its parent stands', () => {
  const [pod] = readManifest('kind: Pod\nspec:\n  containers:\n    - name: a\n      image: x\n', 'pod.yaml')
  expect([pod?.at('spec.containers[0].image'), pod?.at('spec.containers[0].imagee'), pod?.at('nothing')]).toEqual([
    { line: 5, column: 7 },
    { line: 4, column: 7 },
    { line: 1, column: 1 },
  ])
  const [, second] = readManifest('kind: List\nitems:\n- kind: A\n- kind: B\n', 'list.yaml')
  expect(second?.at('kind')).toEqual({ line: 4, column: 3 })
})

test.each([
  ['a: [1, 2', /^f\.yaml:\d+:\d+: /],
  ['a: 1\na: 2\n', /^f\.yaml:2:1: Map keys must be unique/],
  ['a:\n\t- b', /^f\.yaml:2:1: /],
  ['just words', /^f\.yaml:1:1: this is "just words", not an object$/],
  ['- a\n- b', /^f\.yaml:1:1: this is a list, not an object$/],
])('%j is refused with its place', (text, message) => {
  expect(() => values(text)).toThrow(ManifestError)
  expect(() => values(text)).toThrow(message)
})
