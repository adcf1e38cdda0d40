import { createdAt } from '../columns.ts'
import { defineKind, type ObjectOf } from '../kind.ts'
import { LabelSelector } from '../meta.ts'
import { pathSegmentName } from '../names.ts'
import { atomicList, named } from '../schema.ts'
import { PolicyRule } from './rules.ts'
import { validateRules } from './rules-validation.ts'

/** Rights in the whole cluster, or a set of rights to give in namespaces. */
export const ClusterRole = defineKind({
  group: 'rbac.authorization.k8s.io',
  version: 'v1',
  kind: 'ClusterRole',
  plural: 'clusterroles',
  namespaced: false,
  description: 'Rights in the whole cluster, or a set of rights to give in namespaces.',
  wire: 'metadata rules aggregationRule',
  fields: () => ({
    rules: atomicList(PolicyRule).default([]).describe('What may be done.'),
    aggregationRule: named(
      'rbac/v1.AggregationRule',
      'The roles whose rules this one gathers.',
      () => ({
        clusterRoleSelectors: atomicList(LabelSelector).optional().describe('Labels of those roles; one must match.'),
      }),
      { wire: 'clusterRoleSelectors' },
    )
      .optional()
      .describe('The roles whose rules this one gathers.'),
  }),
  columns: [createdAt],
  allowCreateOnUpdate: true,
  validateName: pathSegmentName,
  validate: role => validateRules(role.rules, false),
})
export type ClusterRole = ObjectOf<typeof ClusterRole>
