import { createdAt } from '../columns.ts'
import { defineKind, type ObjectOf } from '../kind.ts'
import { pathSegmentName } from '../names.ts'
import { atomicList } from '../schema.ts'
import { PolicyRule } from './rules.ts'
import { validateRules } from './rules-validation.ts'

/** Rights within a namespace. */
export const Role = defineKind({
  group: 'rbac.authorization.k8s.io',
  version: 'v1',
  kind: 'Role',
  plural: 'roles',
  namespaced: true,
  description: 'Rights within a namespace.',
  wire: 'metadata rules',
  fields: () => ({ rules: atomicList(PolicyRule).default([]).describe('What may be done.') }),
  columns: [createdAt],
  allowCreateOnUpdate: true,
  validateName: pathSegmentName,
  validate: role => validateRules(role.rules, true),
})
export type Role = ObjectOf<typeof Role>
