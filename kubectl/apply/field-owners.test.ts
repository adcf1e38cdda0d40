import { expect, test } from 'vitest'
import { handedOver, type OwnedFields, type Owner, owns } from './field-owners.ts'

const owner = (manager: string, operation: string, fieldsV1: OwnedFields, more: Partial<Owner> = {}): Owner => ({
  manager,
  operation,
  apiVersion: 'v1',
  fieldsV1,
  ...more,
})

test.each([
  [{ 'f:a': {} }, ['f:a'], true],
  [{ 'f:a': { '.': {}, 'f:b': {} } }, ['f:a'], true],
  [{ 'f:a': { 'f:b': {} } }, ['f:a'], false],
  [{ 'f:a': { 'f:b': {} } }, ['f:a', 'f:b'], true],
  [{}, ['f:a'], false],
] as const)('%j owns %j: %j', (fields, path, is) => {
  expect(owns(owner('m', 'Update', fields), path)).toBe(is)
})

const update = owner('csa', 'Update', { 'f:data': { 'f:a': {}, 'f:b': {} } })

test.each<[string, Owner[], Owner[]]>([
  ['who has nothing gives nothing', [owner('other', 'Update', { 'f:a': {} })], [owner('other', 'Update', { 'f:a': {} })]],
  ['updates become applied fields', [update], [{ ...update, manager: 'ssa', operation: 'Apply' }]],
  [
    'and join those that were applied; a field owned whole and in parts is both',
    [owner('ssa', 'Apply', { 'f:data': {}, 'f:c': {} }), owner('other', 'Update', {}), update],
    [owner('ssa', 'Apply', { 'f:data': { '.': {}, 'f:a': {}, 'f:b': {} }, 'f:c': {} }), owner('other', 'Update', {})],
  ],
  [
    'fields of another version are given up, and of a subresource kept',
    [owner('ssa', 'Apply', { 'f:c': {} }), { ...update, apiVersion: 'v2' }, { ...update, subresource: 'status' }],
    [owner('ssa', 'Apply', { 'f:c': {} }), { ...update, subresource: 'status' }],
  ],
])('%s', (_, before, after) => {
  expect(handedOver(before, 'csa', 'ssa')).toEqual(after)
})

test('nothing to hand over is the same list', () => {
  const owners = [owner('ssa', 'Apply', { 'f:a': {} })]
  expect(handedOver(owners, 'csa', 'ssa')).toBe(owners)
})
