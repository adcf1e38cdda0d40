import { describe, expect, test } from 'vitest'
import { readYaml } from './yaml-body.ts'

// The expected values are what sigs.k8s.io/yaml makes of the same texts.
describe('YAML as JSON', () => {
  test.each([
    ['a: yes\nb: no\nc: on\nd: off\ne: y\nf: "yes"', { a: true, b: false, c: true, d: false, e: true, f: 'yes' }],
    ['a: 010\nb: 1_000\nc: 0x1F\nd: 1:30\ne: 1e3', { a: 8, b: 1000, c: 31, d: '1:30', e: 1000 }],
    ['a: 2020-01-02\nb: 2020-01-02T03:04:05Z', { a: '2020-01-02', b: '2020-01-02T03:04:05Z' }],
    ['a: ~\nb:\nc: ""', { a: null, b: null, c: '' }],
    ['base: &b {x: 1, z: 2}\nderived:\n  <<: *b\n  z: 3', { base: { x: 1, z: 2 }, derived: { x: 1, z: 3 } }],
    ['a: 1\n---\na: 2\n', { a: 1 }],
    ['---\n# only\na: 1\n...\n', { a: 1 }],
    ['a: |\n  x\n  y\n', { a: 'x\ny\n' }],
    ['- 1\n- 2', [1, 2]],
    ['a: !foo bar', { a: 'bar' }],
  ])('%j', (text, value) => expect(readYaml(text, true)).toEqual({ value }))

  test.each(['', '# nothing'])('%j is nothing', text => expect(readYaml(text, true).value ?? undefined).toBeUndefined())

  test.each([
    ['a: 1\na: 2', { a: 2 }, '  line 2: key "a" already set in map'],
    [
      'a:\n  b: 1\n  b: 3\nd: 1\nd: 2',
      { a: { b: 3 }, d: 2 },
      '  line 3: key "b" already set in map\n  line 5: key "d" already set in map',
    ],
    [
      's:\n  x:\n    k: 1\n  x:\n    k: 2\n    k: 3',
      { s: { x: { k: 3 } } },
      '  line 6: key "k" already set in map\n  line 5: key "x" already set in map',
    ],
    ['{"a": 1, "a": 2}', { a: 2 }, '  line 1: key "a" already set in map'],
    ['yes: 1\non: 2', { true: 2 }, '  line 2: key true already set in map'],
  ])('%j has keys twice', (text, value, told) => {
    expect(readYaml(text, true)).toEqual({ value, duplicates: `yaml: unmarshal errors:\n${told}` })
    expect(readYaml(text, false)).toEqual({ value })
  })

  test.each([
    ['a: [1, 2\n', /sufficiently indented/],
    ['a: b: c', /Nested mappings/],
    ['\ta: 1', /Tabs/],
    ['a: .inf', /json: unsupported value: \+Inf/],
    ['a: .nan', /json: unsupported value: NaN/],
  ])('%j is refused', (text, message) => expect(() => readYaml(text, true)).toThrow(message))

  test('aliases of aliases of aliases are refused before they fill the memory', () => {
    const levels = Array.from({ length: 12 }, (_, i) => `a${i + 1}: &a${i + 1} [${`*a${i},`.repeat(9)}]`)
    expect(() => readYaml(`a0: &a0 [x,x,x,x,x,x,x,x,x]\n${levels.join('\n')}`, true)).toThrow(/[Ee]xcessive alias/)
  })
})
