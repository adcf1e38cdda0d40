import { expect, test } from 'vitest'
import { addKeys, type Payload, payloadPathError } from './payload.ts'

const bytes = (text: string) => Buffer.from(text)

test.each([
  ['a/b', undefined],
  ['', 'invalid path: must not be empty: ""'],
  ['/a', 'invalid path: must be relative path: /a'],
  ['a/../b', "invalid path: must not contain '..': a/../b"],
  ['..a/b', "invalid path: must not start with '..': ..a/b"],
  ['a/..b', undefined],
  ['x'.repeat(256), 'invalid path: filename must be less than or equal to 255 characters'],
])('path %s', (path, expected) => expect(payloadPathError(path)).toBe(expected))

function keys(values: Record<string, string> | undefined, options: object): string[] {
  const found: Payload = new Map()
  const encoded = values && Object.fromEntries(Object.entries(values).map(([key, text]) => [key, bytes(text)]))
  addKeys(found, encoded, { kind: 'configmap', name: 'c', defaultMode: 0o644, ...options })
  return [...found].map(([path, { data, mode }]) => `${path}=${Buffer.from(data).toString()} ${mode.toString(8)}`)
}

test('all keys, or those that are named, with their modes', () => {
  expect(keys({ a: '1', b: '2' }, {})).toEqual(['a=1 644', 'b=2 644'])
  const items = [{ key: 'b', path: 'x/y', mode: 0o400 }]
  expect(keys({ a: '1', b: '2' }, { items })).toEqual(['x/y=2 400'])
  expect(keys(undefined, { optional: true })).toEqual([])
  expect(keys({}, { items, optional: true })).toEqual([])
  expect(() => keys(undefined, {})).toThrow('configmap "c" not found')
  expect(() => keys({}, { items })).toThrow('configmap references non-existent config key: b')
  expect(() => keys({}, { items, kind: 'secret' })).toThrow('references non-existent secret key: b')
})
