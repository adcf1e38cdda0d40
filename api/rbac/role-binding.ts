import { defineKind, type ObjectOf } from '../kind.ts'
import { atomicList } from '../schema.ts'
import { RoleRef, Subject } from './rules.ts'

/** Gives the rights of a role to somebody, within a namespace. */
export const RoleBinding = defineKind({
  group: 'rbac.authorization.k8s.io',
  version: 'v1',
  kind: 'RoleBinding',
  plural: 'rolebindings',
  namespaced: true,
  description: 'Gives the rights of a role to somebody, within a namespace.',
  fields: {
    subjects: atomicList(Subject).optional().describe('Who gets them.'),
    roleRef: RoleRef.prefault({}).describe('Which role; never changes.'),
  },
})
export type RoleBinding = ObjectOf<typeof RoleBinding>
