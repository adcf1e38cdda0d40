import { expect, test } from 'vitest'
import { SelfSubjectAccessReview } from '../api/authorization/self-subject-access-review.ts'
import { ConfigMap } from '../api/core/config-map.ts'
import { Pod } from '../api/core/pod.ts'
import { kinds } from '../api/kinds.ts'
import type { KubeObject } from '../api/transport.ts'
import { kindTable } from './kind-table.ts'
import { tableMakers } from './table.ts'

const makerOf = tableMakers(kindTable(kinds))
const now = Date.UTC(2026, 0, 1, 0, 5)
const metadata = { name: 'a', uid: 'u', resourceVersion: '1', creationTimestamp: '2026-01-01T00:00:00Z' }
const object = (fields: object) => ({ apiVersion: 'v1', kind: 'X', metadata, ...fields }) as KubeObject
const target = (resource: string, group = '', subresource?: string) => ({
  group,
  version: 'v1',
  resource,
  ...(subresource && { subresource }),
})

test('the name column comes first and is marked as the name', () => {
  const maker = makerOf(target('configmaps'))
  expect(maker?.columns[0]).toMatchObject({ name: 'Name', type: 'string', format: 'name', priority: 0 })
  expect(maker?.columns.map(({ name }) => name)).toEqual(['Name', ...ConfigMap.columns.map(({ name }) => name)])
  expect(maker?.cells(object({ data: { x: '1', y: '2' } }), now)).toEqual(['a', 2, '5m'])
})

test('every kind has a cell for every column', () => {
  for (const { group, version, plural } of kinds) {
    const maker = makerOf({ group, version, resource: plural })
    expect(maker?.columns.length).toBeGreaterThan(1)
    for (const column of maker?.columns ?? []) expect(column.description).not.toBe('')
  }
})

test('a scale has columns of its own', () => {
  const maker = makerOf(target('deployments', 'apps', 'scale'))
  expect(maker?.columns.map(({ name }) => name)).toEqual(['Name', 'Desired', 'Available', 'Age'])
  expect(maker?.cells(object({ spec: { replicas: 3 }, status: { replicas: 2 } }), now)).toEqual(['a', 3, 2, '5m'])
})

test('a status is a view on the object; what is not served is no table', () => {
  expect(makerOf(target('pods', '', 'status'))).toBe(makerOf(target('pods')))
  expect(makerOf(target('things'))).toBeUndefined()
})

test('what is only asked is no table, and neither are answers that are of another kind', () => {
  const at = tableMakers(kindTable([Pod, SelfSubjectAccessReview]))
  const pods = { group: '', version: 'v1', resource: 'pods' }
  expect(at({ group: 'authorization.k8s.io', version: 'v1', resource: 'selfsubjectaccessreviews' })).toBeUndefined()
  for (const subresource of ['binding', 'eviction', 'token']) expect(at({ ...pods, subresource })).toBeUndefined()
  expect(at({ ...pods, subresource: 'status' })).toBe(at(pods))
})
