import { defineKind, type ObjectOf } from '../kind.ts'
import { atomicList } from '../schema.ts'
import { PolicyRule } from './rules.ts'

/** Rights within a namespace. */
export const Role = defineKind({
  group: 'rbac.authorization.k8s.io',
  version: 'v1',
  kind: 'Role',
  plural: 'roles',
  namespaced: true,
  description: 'Rights within a namespace.',
  fields: { rules: atomicList(PolicyRule).default([]).describe('What may be done.') },
})
export type Role = ObjectOf<typeof Role>
