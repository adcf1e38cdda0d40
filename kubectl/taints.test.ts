import { expect, test } from 'vitest'
import { applyTaints, parseTaints, splitTaints, type Taint } from './taints.ts'

test('types and names come before taints', () => {
  expect(splitTaints(['nodes', 'n1', 'n-2', 'a=b:NoSchedule', 'c-'])).toEqual({
    names: ['nodes', 'n1', 'n-2'],
    specs: ['a=b:NoSchedule', 'c-'],
  })
})

const noSchedule = (key: string, value?: string): Taint => ({ key, ...(value && { value }), effect: 'NoSchedule' })
const added = { key: 'k', value: 'v', effect: 'NoExecute', timeAdded: '2026-01-01T00:00:00Z' }

test.each<[string, Taint[], string[], boolean, Taint[], string]>([
  ['one more', [noSchedule('a')], ['b=c:NoSchedule'], false, [noSchedule('b', 'c'), noSchedule('a')], 'tainted'],
  [
    'the same key with another effect',
    [noSchedule('a')],
    ['a:NoExecute'],
    false,
    [{ key: 'a', effect: 'NoExecute' }, noSchedule('a')],
    'tainted',
  ],
  ['another value', [noSchedule('a', '1')], ['a=2:NoSchedule'], true, [noSchedule('a', '2')], 'modified'],
  ['an unchanged one keeps its time', [added], ['k=v:NoExecute'], true, [added], 'modified'],
  ['one less', [noSchedule('a'), noSchedule('b')], ['a:NoSchedule-'], false, [noSchedule('b')], 'untainted'],
  ['all of a key', [noSchedule('a'), { key: 'a', effect: 'NoExecute' }], ['a-'], false, [], 'untainted'],
  ['with its value', [noSchedule('a', 'x')], ['a=x:NoSchedule-'], false, [], 'untainted'],
  ['both ways', [noSchedule('a')], ['a-', 'b:NoSchedule'], false, [noSchedule('b')], 'modified'],
])('%s', (_, current, specs, mayOverwrite, taints, outcome) => {
  expect(applyTaints('n', current, parseTaints(specs), mayOverwrite)).toEqual({ taints, outcome })
})

test.each([
  [['a=b'], 'invalid taint spec: a=b, it needs an effect: a=b:NoSchedule'],
  [['a=b:Foo'], 'invalid taint effect: Foo, unsupported taint effect; it is one of NoSchedule, PreferNoSchedule, NoExecute'],
  [['a:b:c'], 'invalid taint spec: a:b:c'],
  [['=b:NoSchedule'], 'invalid taint spec: =b:NoSchedule'],
  [['a=1:NoSchedule', 'a=2:NoSchedule'], 'duplicated taints with the same key and effect: a:NoSchedule'],
  [['a=1:NoSchedule', 'a-'], 'can not both modify and remove the following taint(s) in the same command: a'],
  [['there:NoSchedule'], 'node n already has there:NoSchedule taint(s) with same effect(s) and --overwrite is false'],
  [['gone:NoSchedule-'], 'taint "gone:NoSchedule" not found'],
])('%j is refused', (specs, message) => {
  expect(() => applyTaints('n', [noSchedule('there')], parseTaints(specs), false)).toThrow(new Error(message))
})
