import { describe, expect, test } from 'vitest'
import type { UserInfo } from '../../api/user.ts'
import { users } from '../../api/user.ts'
import { authorizeOrThrow, createAuthorizer } from './authorizer.ts'
import { defaultClusterRoleBindings, defaultClusterRoles } from './default-roles.ts'
import type { BindingLike, RbacSource, RoleLike } from './rules.ts'
import { serviceAccountUser } from './token-claims.ts'

const person = (name: string, ...groups: string[]): UserInfo => ({ name, groups: [...groups, 'system:authenticated'] })
const ada = person('ada')
const vera = person('vera', 'viewers')
const eddy = person('eddy')
const alma = person('alma')
const robot = serviceAccountUser('ci', 'robot')

const roles: RoleLike[] = [
  {
    metadata: { name: 'secret-reader', namespace: 'dev' },
    rules: [{ verbs: ['get', 'list'], apiGroups: [''], resources: ['secrets'], resourceNames: ['token', 'password'] }],
  },
  { metadata: { name: 'any-scale', namespace: 'dev' }, rules: [{ verbs: ['*'], apiGroups: ['*'], resources: ['*/scale'] }] },
  { metadata: { name: 'pods-only', namespace: 'dev' }, rules: [{ verbs: ['get'], apiGroups: [''], resources: ['pods'] }] },
]
const clusterRoles: RoleLike[] = [
  ...defaultClusterRoles,
  {
    metadata: { name: 'gizmo-viewer', labels: { 'rbac.authorization.k8s.io/aggregate-to-view': 'true' } },
    rules: [{ verbs: ['get'], apiGroups: ['example.com'], resources: ['gizmos'] }],
  },
  { metadata: { name: 'metrics' }, rules: [{ verbs: ['get'], nonResourceURLs: ['/metrics', '/debug/*'] }] },
]
const bind = (
  name: string,
  namespace: string | undefined,
  role: string,
  ...subjects: BindingLike['subjects'] & object
): BindingLike => ({
  metadata: { name, ...(namespace && { namespace }) },
  roleRef: { kind: role.startsWith('Role/') ? 'Role' : 'ClusterRole', name: role.replace('Role/', '') },
  subjects,
})
const user = (name: string) => ({ kind: 'User', name })
const source: RbacSource = {
  roles: () => roles,
  clusterRoles: () => clusterRoles,
  clusterRoleBindings: () => [
    ...defaultClusterRoleBindings,
    bind('viewers', undefined, 'view', { kind: 'Group', name: 'viewers' }),
    bind('metrics', undefined, 'metrics', user('ada')),
  ],
  roleBindings: () => [
    bind('secrets', 'dev', 'Role/secret-reader', user('ada')),
    bind('scales', 'dev', 'Role/any-scale', user('ada')),
    bind('pods', 'dev', 'Role/pods-only', user('ada')),
    bind('editors', 'dev', 'edit', user('eddy'), { kind: 'ServiceAccount', name: 'robot', namespace: 'ci' }),
    bind('own', 'ci', 'view', { kind: 'ServiceAccount', name: 'robot' }),
    bind('admins', 'dev', 'admin', user('alma')),
    bind('dangling', 'prod', 'Role/nobody-made-me', user('ada')),
  ],
  version: () => 1,
}
const authorizer = createAuthorizer({ source })

/** `pods/log.apps` */
function parse(what: string) {
  const [, resource = '', subresource, group = ''] = /^([^/.]+)(?:\/([^.]+))?(?:\.(.+))?$/.exec(what) ?? []
  return { resource, subresource, group }
}

describe('resources', () => {
  test.each([
    // who, verb, what, namespace, name, allowed
    [users.admin, 'delete', 'nodes', '', 'n1', true],
    [users.admin, 'anything', 'whatever.example.com', 'dev', 'x', true],
    [users.anonymous, 'list', 'pods', 'default', undefined, false],
    [users.anonymous, 'get', 'namespaces', '', 'default', false],
    [person('nobody'), 'create', 'selfsubjectaccessreviews.authorization.k8s.io', '', undefined, true],
    [person('nobody'), 'get', 'pods', 'default', 'x', false],
    // names
    [ada, 'get', 'secrets', 'dev', 'token', true],
    [ada, 'get', 'secrets', 'dev', 'password', true],
    [ada, 'get', 'secrets', 'dev', 'other', false],
    [ada, 'list', 'secrets', 'dev', undefined, false],
    [ada, 'list', 'secrets', 'dev', 'token', true], // fieldSelector metadata.name=token
    [ada, 'delete', 'secrets', 'dev', 'token', false],
    [ada, 'get', 'secrets', 'prod', 'token', false],
    // subresources
    [ada, 'get', 'pods', 'dev', 'p', true],
    [ada, 'get', 'pods/log', 'dev', 'p', false],
    [ada, 'update', 'deployments/scale.apps', 'dev', 'web', true],
    [ada, 'update', 'deployments.apps', 'dev', 'web', false],
    [ada, 'get', 'pods', undefined, 'p', false],
    // view, aggregated
    [vera, 'list', 'pods', 'dev', undefined, true],
    [vera, 'list', 'pods', undefined, undefined, true],
    [vera, 'get', 'pods/log', 'dev', 'p', true],
    [vera, 'get', 'secrets', 'dev', 's', false],
    [vera, 'create', 'pods', 'dev', undefined, false],
    [vera, 'create', 'pods/exec', 'dev', 'p', false],
    [vera, 'get', 'gizmos.example.com', 'dev', 'g', true],
    [vera, 'list', 'nodes', '', undefined, false],
    [vera, 'list', 'roles.rbac.authorization.k8s.io', 'dev', undefined, false],
    // edit in one namespace: what is aggregated to view is part of it
    [eddy, 'create', 'pods', 'dev', undefined, true],
    [eddy, 'create', 'pods', 'prod', undefined, false],
    [eddy, 'get', 'secrets', 'dev', 's', true],
    [eddy, 'create', 'pods/exec', 'dev', 'p', true],
    [eddy, 'get', 'gizmos.example.com', 'dev', 'g', true],
    [eddy, 'patch', 'deployments/scale.apps', 'dev', 'web', true],
    [eddy, 'create', 'rolebindings.rbac.authorization.k8s.io', 'dev', undefined, false],
    [eddy, 'get', 'namespaces', undefined, 'dev', true],
    [eddy, 'get', 'namespaces', undefined, 'prod', false],
    [eddy, 'delete', 'namespaces', undefined, 'dev', false],
    [eddy, 'list', 'pods', undefined, undefined, false],
    // admin
    [alma, 'create', 'rolebindings.rbac.authorization.k8s.io', 'dev', undefined, true],
    [alma, 'create', 'pods/eviction', 'dev', 'p', true],
    [alma, 'get', 'gizmos.example.com', 'dev', 'g', true],
    [alma, 'update', 'resourcequotas', 'dev', 'q', false],
    [alma, 'create', 'clusterroles.rbac.authorization.k8s.io', '', undefined, false],
    // service accounts; the subject's namespace defaults to the binding's
    [robot, 'create', 'configmaps', 'dev', undefined, true],
    [robot, 'get', 'configmaps', 'ci', 'c', true],
    [robot, 'create', 'configmaps', 'ci', undefined, false],
    [serviceAccountUser('other', 'robot'), 'create', 'configmaps', 'dev', undefined, false],
    // components
    [users.scheduler, 'create', 'pods/binding', 'dev', 'p', true],
    [users.scheduler, 'delete', 'pods', 'dev', 'p', true],
    [users.scheduler, 'patch', 'pods/status', 'dev', 'p', true],
    [users.scheduler, 'update', 'leases.coordination.k8s.io', 'kube-system', 'kube-scheduler', true],
    [users.scheduler, 'update', 'leases.coordination.k8s.io', 'kube-system', 'kube-controller-manager', false],
    [users.scheduler, 'create', 'events.events.k8s.io', 'dev', undefined, true],
    [users.scheduler, 'create', 'pods', 'dev', undefined, false],
    [users.scheduler, 'get', 'secrets', 'dev', 's', false],
    [users.controllerManager, 'create', 'replicasets.apps', 'dev', undefined, true],
    [users.controllerManager, 'create', 'pods', 'dev', undefined, true],
    [users.controllerManager, 'update', 'deployments/status.apps', 'dev', 'web', true],
    [users.controllerManager, 'update', 'namespaces/finalize', undefined, 'dev', true],
    [users.controllerManager, 'deletecollection', 'pods', 'dev', undefined, true],
    [users.controllerManager, 'create', 'persistentvolumes', '', undefined, true],
    [users.controllerManager, 'create', 'serviceaccounts/token', 'kube-system', 'x', true],
    [users.controllerManager, 'create', 'nodes', '', undefined, false],
  ])('%j may %s %s in %s named %s: %s', (who, verb, what, namespace, name, allowed) => {
    expect(authorizer.authorize(who, { verb, ...parse(what), namespace, name }).allowed).toBe(allowed)
  })
})

describe('paths', () => {
  test.each([
    [users.anonymous, 'get', '/version', true],
    [users.anonymous, 'get', '/healthz', true],
    [users.anonymous, 'get', '/livez', true],
    [users.anonymous, 'get', '/readyz', true],
    [users.anonymous, 'get', '/api', false],
    [users.anonymous, 'get', '/openapi/v3', false],
    [users.anonymous, 'post', '/version', false],
    [person('nobody'), 'get', '/apis/apps/v1', true],
    [person('nobody'), 'get', '/openapi/v3/api/v1', true],
    [person('nobody'), 'get', '/metrics', false],
    [ada, 'get', '/metrics', true],
    [ada, 'get', '/debug/pprof/heap', true],
    [ada, 'get', '/debug', false],
    [robot, 'get', '/openid/v1/jwks', true],
    [users.admin, 'delete', '/anything', true],
  ])('%j may %s %s: %s', (who, verb, path, allowed) => {
    expect(authorizer.authorizePath(who, verb, path).allowed).toBe(allowed)
  })
})

test('a grant says what it is by, a refusal which role is missing', () => {
  const reasonOf = (who: UserInfo, namespace: string, verb = 'get') =>
    authorizer.authorize(who, { verb, group: '', resource: 'pods', namespace, name: 'p' }).reason
  expect(reasonOf(vera, 'dev')).toBe('RBAC: allowed by ClusterRoleBinding "viewers" of ClusterRole "view" to Group "viewers"')
  expect(reasonOf(ada, 'dev')).toBe('RBAC: allowed by RoleBinding "pods/dev" of Role "pods-only" to User "ada"')
  expect(reasonOf(robot, 'ci')).toBe('RBAC: allowed by RoleBinding "own/ci" of ClusterRole "view" to ServiceAccount "robot/ci"')
  expect(reasonOf(ada, 'prod')).toBe('RBAC: role.rbac.authorization.k8s.io "nobody-made-me" not found')
  expect(reasonOf(ada, 'other')).toBe('')
  // held in two ways: the binding that comes first is told, whichever subject it names
  const both = person('eddy', 'viewers')
  expect(reasonOf(both, 'dev')).toBe('RBAC: allowed by ClusterRoleBinding "viewers" of ClusterRole "view" to Group "viewers"')
})

describe('refusals are worded as upstream words them', () => {
  const authorize = authorizeOrThrow(authorizer)
  test.each([
    [
      { verb: 'get', group: '', resource: 'pods', namespace: 'x', name: 'p' },
      'pods "p" is forbidden: User "vic" cannot get resource "pods" in API group "" in the namespace "x"',
    ],
    [
      { verb: 'list', group: 'apps', resource: 'deployments' },
      'deployments.apps is forbidden: User "vic" cannot list resource "deployments" in API group "apps" at the cluster scope',
    ],
    [
      { verb: 'get', group: '', resource: 'pods', subresource: 'log', namespace: 'x', name: 'p' },
      'pods "p" is forbidden: User "vic" cannot get resource "pods/log" in API group "" in the namespace "x"',
    ],
    [
      { verb: 'delete', group: '', resource: 'namespaces', name: 'x' },
      'namespaces "x" is forbidden: User "vic" cannot delete resource "namespaces" in API group "" in the namespace "x"',
    ],
    [{ verb: 'get', group: '', resource: '', path: '/metrics' }, 'forbidden: User "vic" cannot get path "/metrics"'],
  ])('%j', (attributes, message) => {
    expect(() => authorize({ user: person('vic'), ...attributes })).toThrow(message)
  })
  test('with details', () => {
    const attributes = { verb: 'get', group: 'apps', resource: 'deployments', namespace: 'x', name: 'd', user: person('vic') }
    expect(() => authorize(attributes)).toThrow(
      expect.objectContaining({
        status: expect.objectContaining({
          code: 403,
          reason: 'Forbidden',
          details: { name: 'd', group: 'apps', kind: 'deployments' },
        }),
      }),
    )
  })
})

test('a change of policy counts at once', () => {
  let version = 1
  const bindings: BindingLike[] = []
  const changing = createAuthorizer({ source: { ...source, roleBindings: () => bindings, version: () => version } })
  const read = { verb: 'get', group: '', resource: 'pods', namespace: 'dev', name: 'p' }
  expect(changing.authorize(eddy, read).allowed).toBe(false)
  bindings.push(bind('late', 'dev', 'view', user('eddy')))
  version++
  expect(changing.authorize(eddy, read).allowed).toBe(true)
})
