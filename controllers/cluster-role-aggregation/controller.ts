import { ClusterRole } from '../../api/rbac/cluster-role.ts'
import { fromLabelSelector, matchesLabels } from '../../api/selectors.ts'
import type { Controller } from '../../client/controller.ts'
import { on } from '../../client/watches.ts'
import { deepEqual } from '../../lib/json.ts'

type PolicyRule = ClusterRole['rules'][number]

/**
 * Writes into a ClusterRole with an aggregation rule the rules of the roles that it selects, in the order of their names and each
 * rule once; whatever else was in it goes (pkg/controller/clusterroleaggregation).
 */
export const clusterRoleAggregation: Controller = {
  name: 'clusterrole-aggregation-controller',
  // Any role may be one that a sum selects, or was.
  watches: [
    on(ClusterRole, (_, lister) =>
      lister(ClusterRole)
        .list()
        .filter(isSum)
        .map(({ metadata }) => metadata.name),
    ),
  ],
  writes: [ClusterRole],
  concurrency: 1,

  async reconcile({ client, lister }, name) {
    const roles = lister(ClusterRole)
    const role = roles.get(name)
    if (!role || !isSum(role)) return
    const rules = plan(role, roles.list())
    if (deepEqual(rules, role.rules)) return
    const note = { rule: 'aggregation/gather', text: `${name} gathers ${rules.length} rules from the roles labelled for it` }
    const { resourceVersion } = role.metadata
    await client.patch(ClusterRole, { name }, 'merge', { metadata: { resourceVersion }, rules }, { note })
  },
}

const isSum = ({ aggregationRule }: ClusterRole) => aggregationRule !== undefined

/** The rules that a role should have, given all roles. */
export function plan({ metadata, aggregationRule }: ClusterRole, all: readonly ClusterRole[]): readonly PolicyRule[] {
  const selectors = (aggregationRule?.clusterRoleSelectors ?? []).map(fromLabelSelector)
  const byName = all.toSorted((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1))
  const rules: PolicyRule[] = []
  for (const selector of selectors) {
    for (const other of byName) {
      if (other.metadata.name === metadata.name || !matchesLabels(selector, other.metadata.labels ?? {})) continue
      for (const rule of other.rules) if (!rules.some(known => deepEqual(known, rule))) rules.push(rule)
    }
  }
  return rules
}
