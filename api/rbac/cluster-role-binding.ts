import { defineKind, type ObjectOf } from '../kind.ts'
import { atomicList } from '../schema.ts'
import { RoleRef, Subject } from './rules.ts'

/** Gives the rights of a ClusterRole to somebody, in the whole cluster. */
export const ClusterRoleBinding = defineKind({
  group: 'rbac.authorization.k8s.io',
  version: 'v1',
  kind: 'ClusterRoleBinding',
  plural: 'clusterrolebindings',
  namespaced: false,
  description: 'Gives the rights of a ClusterRole to somebody, in the whole cluster.',
  fields: {
    subjects: atomicList(Subject).optional().describe('Who gets them.'),
    roleRef: RoleRef.prefault({}).describe('Which role; never changes.'),
  },
})
export type ClusterRoleBinding = ObjectOf<typeof ClusterRoleBinding>
