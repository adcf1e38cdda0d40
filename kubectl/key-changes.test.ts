import { expect, test } from 'vitest'
import { changed, mergePatchOf, splitChanges } from './key-changes.ts'

test('words before the first change name objects', () => {
  const { names, changes } = splitChanges(['pod', 'web-1', 'a=b', 'c-', 'd=e=f', 'empty='], 'label')
  expect(names).toEqual(['pod', 'web-1'])
  expect(mergePatchOf(changes)).toEqual({ a: 'b', c: null, d: 'e=f', empty: '' })
  expect(changed({ c: '1', keep: '2', a: 'old' }, changes)).toEqual({ a: 'b', keep: '2', d: 'e=f', empty: '' })
})

test.each([
  [['pod', 'a=b', 'web'], 'all resources must be specified before label changes: web'],
  [['pod', 'a=b', 'a-'], 'can not both modify and remove a label in the same command'],
  [['pod', '=b'], 'invalid label spec: =b'],
])('%j is refused', (words, message) => {
  expect(() => splitChanges(words, 'label')).toThrow(new Error(message))
})
