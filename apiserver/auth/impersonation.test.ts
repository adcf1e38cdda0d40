import { expect, test } from 'vitest'
import { type UserInfo, users } from '../../api/user.ts'
import { authenticator } from './authenticator.ts'
import { createAuthorizer } from './authorizer.ts'
import { impersonate } from './impersonation.ts'
import { rule } from './rules.ts'

const ann: UserInfo = { name: 'ann', groups: ['system:authenticated'] }
const may = [
  rule('impersonate', '', 'users', 'bob'),
  rule('impersonate', '', 'groups', 'devs'),
  rule('impersonate', 'authentication.k8s.io', 'userextras/scope', 'read'),
]
const authorizer = createAuthorizer({
  source: {
    clusterRoles: () => [{ metadata: { name: 'r' }, rules: may }],
    clusterRoleBindings: () => [
      { metadata: { name: 'b' }, roleRef: { kind: 'ClusterRole', name: 'r' }, subjects: [{ kind: 'User', name: 'ann' }] },
    ],
    roles: () => [],
    roleBindings: () => [],
    version: () => 1,
  },
})

test.each<[string, UserInfo, Record<string, string>, UserInfo]>([
  ['nobody: stays as it is', ann, {}, ann],
  ['a user', ann, { 'impersonate-user': 'bob' }, { name: 'bob', groups: ['system:authenticated'] }],
  [
    'with groups',
    ann,
    { 'impersonate-user': 'bob', 'impersonate-group': 'devs' },
    { name: 'bob', groups: ['devs', 'system:authenticated'] },
  ],
  [
    'with extras',
    ann,
    { 'impersonate-user': 'bob', 'impersonate-extra-scope': 'read' },
    { name: 'bob', groups: ['system:authenticated'], extra: { scope: ['read'] } },
  ],
  [
    'a service account, which brings its groups',
    users.admin,
    { 'impersonate-user': 'system:serviceaccount:dev:robot' },
    {
      name: 'system:serviceaccount:dev:robot',
      groups: ['system:serviceaccounts', 'system:serviceaccounts:dev', 'system:authenticated'],
    },
  ],
  [
    'nobody in particular',
    users.admin,
    { 'impersonate-user': 'system:anonymous' },
    { name: 'system:anonymous', groups: ['system:unauthenticated'] },
  ],
])('acting as %s', (_, user, headers, expected) => {
  expect(impersonate(user, headers, authorizer)).toEqual(expected)
})

test.each([
  [
    { 'impersonate-user': 'eve' },
    'users "eve" is forbidden: User "ann" cannot impersonate resource "users" in API group "" at the cluster scope',
  ],
  [{ 'impersonate-user': 'bob', 'impersonate-group': 'system:masters' }, 'groups "system:masters" is forbidden'],
  [{ 'impersonate-user': 'bob', 'impersonate-extra-scope': 'write' }, 'cannot impersonate resource "userextras/scope"'],
  [
    { 'impersonate-user': 'system:serviceaccount:dev:robot' },
    'serviceaccounts "robot" is forbidden: User "ann" cannot impersonate resource "serviceaccounts" in API group "" in the namespace "dev"',
  ],
  [{ 'impersonate-group': 'devs' }, 'requested impersonation without impersonating a user'],
])('ann may not act as %j', (headers, message) => {
  expect(() => impersonate(ann, headers, authorizer)).toThrow(message)
})

test('a certificate names a user and its groups', () => {
  const { certificateUser } = authenticator({})
  expect(certificateUser({ CN: 'ann', O: ['a', 'b'] })).toEqual({ name: 'ann', groups: ['a', 'b', 'system:authenticated'] })
  expect(certificateUser({ CN: 'ann', O: 'a' }).groups).toEqual(['a', 'system:authenticated'])
  expect(() => certificateUser({ O: 'a' })).toThrow('Unauthorized')
})
