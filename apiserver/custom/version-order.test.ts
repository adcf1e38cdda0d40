import { expect, test } from 'vitest'
import { compareVersions } from './version-order.ts'

test('stable before beta before alpha, newer before older, all others behind', () => {
  const versions = ['foo1', 'v1alpha1', 'v1', 'v10', 'v2beta1', 'v11alpha2', 'bar', 'v2', 'v2beta2']
  expect(versions.sort(compareVersions)).toEqual([
    'v10',
    'v2',
    'v1',
    'v2beta2',
    'v2beta1',
    'v11alpha2',
    'v1alpha1',
    'bar',
    'foo1',
  ])
})
