import { expect, test } from 'vitest'
import type { KubeObject } from '../api/transport.ts'
import { decode, encode } from './codec.ts'

const owned = (name: string, owner: string, image = 'web:1'): KubeObject =>
  ({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, ownerReferences: [{ uid: owner }] },
    spec: { containers: [{ name: 'web', image }] },
  }) as unknown as KubeObject
const specOf = (object: KubeObject) => (object as unknown as { spec: object }).spec

test('objects made from one template share what they have in common', () => {
  const one = encode(owned('one', 'a'))
  const other = encode(owned('other', 'b', 'web:2'))
  const two = encode(owned('two', 'a'))
  expect(decode(two)).toEqual(owned('two', 'a'))
  expect(specOf(decode(two))).toBe(specOf(decode(one)))
  expect(decode(other)).toEqual(owned('other', 'b', 'web:2'))
})

test('a new state shares with the one before, whatever was written in between', () => {
  const before = decode(encode(owned('one', 'c')))
  encode(owned('two', 'c', 'web:2'))
  const after = decode(encode(owned('one', 'd'), before))
  expect(after).toEqual(owned('one', 'd'))
  expect(specOf(after)).toBe(specOf(before))
})

test('bytes are read once as long as somebody holds what they say, and that cannot be changed', () => {
  const bytes = new TextEncoder().encode(JSON.stringify(owned('one', 'e')))
  const object = decode(bytes)
  expect(decode(bytes)).toBe(object)
  expect(() => Object.assign(specOf(object), { containers: [] })).toThrow(TypeError)
})
