import { describe, expect, test } from 'vitest'
import { users } from '../../api/user.ts'
import { createAuthorizer } from './authorizer.ts'
import { missingRules, refuseBinding, refuseRole } from './escalation.ts'
import type { BindingLike, PolicyRule, RoleLike } from './rules.ts'
import { rule } from './rules.ts'

const ann = { name: 'ann', groups: ['devs', 'system:authenticated'] }
const held: PolicyRule[] = [
  rule('get list', '', 'pods'),
  rule('*', 'apps', 'deployments'),
  rule('get', '', 'secrets', 'mine'),
  rule('create', 'rbac.authorization.k8s.io', 'roles rolebindings'),
  rule('bind', 'rbac.authorization.k8s.io', 'clusterroles', 'bindable'),
  rule('escalate', 'rbac.authorization.k8s.io', 'roles', 'free'),
]
const roles: RoleLike[] = [
  { metadata: { name: 'held', namespace: 'dev' }, rules: held },
  { metadata: { name: 'harmless', namespace: 'dev' }, rules: [rule('get', '', 'pods')] },
]
const bindings: BindingLike[] = [
  {
    metadata: { name: 'ann', namespace: 'dev' },
    roleRef: { kind: 'Role', name: 'held' },
    subjects: [{ kind: 'User', name: 'ann' }],
  },
]
const clusterRoles: RoleLike[] = [
  { metadata: { name: 'bindable' }, rules: [rule('*', '*', '*')] },
  { metadata: { name: 'mighty' }, rules: [rule('delete', '', 'nodes')] },
]
const authorizer = createAuthorizer({
  source: {
    roles: () => roles,
    roleBindings: () => bindings,
    clusterRoles: () => clusterRoles,
    clusterRoleBindings: () => [],
    version: () => 1,
  },
})
const role = (name: string, ...rules: PolicyRule[]): RoleLike => ({ metadata: { name, namespace: 'dev' }, rules })

describe('a role', () => {
  test('of rules that its author holds is fine', () => {
    const wanted = [rule('get', '', 'pods'), rule('delete patch', 'apps', 'deployments'), rule('get', '', 'secrets', 'mine')]
    expect(refuseRole(authorizer, ann, role('r', ...wanted), { isCluster: false })).toBeUndefined()
  })
  test('of more than that is refused, and says of what', () => {
    const wanted = [
      rule('get delete watch', '', 'pods'),
      rule('get', '', 'secrets', 'mine yours'),
      rule('get', 'apps', 'daemonsets'),
    ]
    expect(refuseRole(authorizer, ann, role('r', ...wanted), { isCluster: false })).toBe(
      [
        'user "ann" (groups=["devs" "system:authenticated"]) is attempting to grant RBAC permissions not currently held:',
        '{APIGroups:[""], Resources:["pods"], Verbs:["delete", "watch"]}',
        '{APIGroups:[""], Resources:["secrets"], ResourceNames:["yours"], Verbs:["get"]}',
        '{APIGroups:["apps"], Resources:["daemonsets"], Verbs:["get"]}',
      ].join('\n'),
    )
  })
  test('is free for who may escalate it, and for masters', () => {
    expect(refuseRole(authorizer, ann, role('free', rule('*', '*', '*')), { isCluster: false })).toBeUndefined()
    expect(refuseRole(authorizer, users.admin, role('r', rule('*', '*', '*')), { isCluster: false })).toBeUndefined()
  })
  test('that aggregates needs everything', () => {
    const aggregating = { ...role('r'), aggregationRule: { clusterRoleSelectors: [{ matchLabels: { a: 'b' } }] } }
    expect(refuseRole(authorizer, ann, aggregating, { isCluster: true })).toBe(
      'must have cluster-admin privileges to use the aggregationRule',
    )
  })
  test('held in one namespace may not be given in another', () => {
    expect(
      refuseRole(
        authorizer,
        ann,
        { metadata: { name: 'r', namespace: 'prod' }, rules: [rule('get', '', 'pods')] },
        { isCluster: false },
      ),
    ).toContain('not currently held')
  })
})

describe('a binding', () => {
  const binding = (kind: string, name: string) => ({ metadata: { namespace: 'dev' }, roleRef: { kind, name } })
  test.each([
    ['Role', 'harmless', undefined],
    ['ClusterRole', 'bindable', undefined],
    ['ClusterRole', 'mighty', '{APIGroups:[""], Resources:["nodes"], Verbs:["delete"]}'],
    ['Role', 'absent', 'no such role'],
  ])('of %s %s', (kind, name, refusal) => {
    const answer = refuseBinding(authorizer, ann, binding(kind, name))
    if (refusal === 'no such role') expect(answer).toBe(refusal)
    else if (refusal) expect(answer).toEqual({ refusal: expect.stringContaining(refusal) })
    else expect(answer).toBeUndefined()
  })
})

test.each([
  [[rule('*', '*', '*')], [rule('get', 'apps', 'deployments/scale')], 0],
  [[rule('get', '', '*/scale')], [rule('get', '', 'pods/scale')], 0],
  [[rule('get', '', 'pods')], [rule('get', '', 'pods/log')], 1],
  [[rule('get', '', 'pods')], [rule('*', '', 'pods')], 1],
  [[rule('get', '', 'pods', 'a')], [rule('get', '', 'pods')], 1],
  [[{ verbs: ['get'], nonResourceURLs: ['/a/*'] }], [{ verbs: ['get'], nonResourceURLs: ['/a/b', '/b'] }], 1],
])('%j covers %j but for %i', (have, want, missing) => {
  expect(missingRules(have, want)).toHaveLength(missing)
})
