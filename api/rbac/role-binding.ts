import { age } from '../columns.ts'
import { defineKind, type ObjectOf } from '../kind.ts'
import { pathSegmentName } from '../names.ts'
import { atomicList } from '../schema.ts'
import { bindingColumns } from './binding-columns.ts'
import { RoleRef, Subject } from './rules.ts'
import { defaultBinding, validateBinding } from './rules-validation.ts'

/** Gives the rights of a role to somebody, within a namespace. */
export const RoleBinding = defineKind({
  group: 'rbac.authorization.k8s.io',
  version: 'v1',
  kind: 'RoleBinding',
  plural: 'rolebindings',
  namespaced: true,
  description: 'Gives the rights of a role to somebody, within a namespace.',
  wire: 'metadata subjects roleRef',
  fields: () => ({
    subjects: atomicList(Subject).optional().describe('Who gets them.'),
    roleRef: RoleRef.prefault({}).describe('Which role; never changes.'),
  }),
  columns: [bindingColumns.role, age, ...bindingColumns.subjects],
  allowCreateOnUpdate: true,
  validateName: pathSegmentName,
  default: defaultBinding,
  validate: (binding, old) => validateBinding(binding, old, ['Role', 'ClusterRole']),
})
export type RoleBinding = ObjectOf<typeof RoleBinding>
