import * as z from 'zod'
import { atomicList, atomicMap, named, requiredText, text, texts } from '../schema.ts'

/** What may be done to which resources. */
export const PolicyRule = named(
  'rbac/v1.PolicyRule',
  'What may be done to which resources.',
  () => ({
    verbs: atomicList(z.string()).default([]).describe('get, list, watch, create, update, patch, delete, ...; * for all.'),
    apiGroups: texts('Groups of the resources; "" is the core group, * all.'),
    resources: texts('Resources: pods, pods/log; * for all.'),
    resourceNames: texts('Only objects with these names; all where empty.'),
    nonResourceURLs: texts('Paths that are no resources; for ClusterRoles.'),
  }),
  { wire: 'verbs apiGroups resources resourceNames nonResourceURLs' },
)
export type PolicyRule = z.output<typeof PolicyRule>

/** Who gets a role. */
export const Subject = named(
  'rbac/v1.Subject',
  'Who gets a role.',
  () => ({
    kind: requiredText('User, Group or ServiceAccount.'),
    apiGroup: text('rbac.authorization.k8s.io for users and groups, "" for service accounts.'),
    name: requiredText('Name of the user, group or service account.'),
    namespace: text('Namespace of the service account.'),
  }),
  { ...atomicMap, wire: 'kind apiGroup name namespace' },
)
export type Subject = z.output<typeof Subject>

/** Which role is given. */
export const RoleRef = named(
  'rbac/v1.RoleRef',
  'Which role is given.',
  () => ({
    apiGroup: requiredText('rbac.authorization.k8s.io.'),
    kind: requiredText('Role or ClusterRole.'),
    name: requiredText('Name of the role.'),
  }),
  { ...atomicMap, wire: 'apiGroup kind name' },
)
export type RoleRef = z.output<typeof RoleRef>
