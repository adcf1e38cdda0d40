import { generateKeyPairSync } from 'node:crypto'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { ClusterRole } from '../../api/rbac/cluster-role.ts'
import type { Call, KubeObject } from '../../api/transport.ts'
import { type UserInfo, users } from '../../api/user.ts'
import { systemClock } from '../../lib/clock.ts'
import { silentLog } from '../../lib/log.ts'
import { systemRandom } from '../../lib/random.ts'
import { admissionSteps } from '../admission-steps.ts'
import type { Handle } from '../request.ts'
import { type TestServer, testServer } from '../testing.ts'
import { type AccessControl, accessControl } from './access-control.ts'
import { defaultClusterRoleBindings, defaultClusterRoles } from './default-roles.ts'

const serviceAccountKey = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  .privateKey.export({ type: 'pkcs8', format: 'pem' })
  .toString()

let server: TestServer
let control: AccessControl
let handle: Handle
let stop: AbortController
let running: Promise<void>

beforeEach(async () => {
  stop = new AbortController()
  const common = { clock: systemClock, random: systemRandom, log: silentLog }
  control = accessControl({ ...common, handle: request => server.pipeline.handle(request), serviceAccountKey })
  const { authorize, admission, issueToken, reviews: providers } = control
  server = await testServer({ authorize, issueToken, providers, admission: [...admissionSteps, ...admission] })
  handle = server.pipeline.handle
  running = control.run(stop.signal)
  await control.ready
})
afterEach(async () => {
  stop.abort()
  await running
  await server.stop()
})

const as = (user: UserInfo) => (call: Call) => server.transport(user).call(call) as Promise<KubeObject & Record<string, unknown>>
const admin = as(users.admin)
const ann: UserInfo = { name: 'ann', groups: ['system:authenticated'] }
const rbac = { group: 'rbac.authorization.k8s.io', version: 'v1' }
const core = { group: '', version: 'v1' }
const inDefault = { ...core, namespace: 'default' }
const bind = (role: string, name: string) =>
  admin({
    ...rbac,
    resource: 'rolebindings',
    namespace: 'default',
    verb: 'create',
    body: {
      metadata: { name: `${name}-${role}` },
      roleRef: { apiGroup: rbac.group, kind: 'ClusterRole', name: role },
      subjects: [{ apiGroup: rbac.group, kind: 'User', name }],
    },
  })
const makeAccount = (name: string) =>
  admin({ ...inDefault, resource: 'serviceaccounts', verb: 'create', body: { metadata: { name } } })

describe('the default policy', () => {
  test('is written, and is valid', async () => {
    const roles = (await admin({ ...rbac, resource: 'clusterroles', verb: 'list' })) as unknown as { items: KubeObject[] }
    expect(roles.items).toHaveLength(defaultClusterRoles.length)
    const bindings = (await admin({ ...rbac, resource: 'clusterrolebindings', verb: 'list' })) as unknown as {
      items: KubeObject[]
    }
    expect(bindings.items).toHaveLength(defaultClusterRoleBindings.length)
  })

  test('is repaired at the next start, unless it was meant that way', async () => {
    const patch = (name: string, body: unknown) =>
      admin({ ...rbac, resource: 'clusterroles', name, verb: 'patch', patchType: 'merge', body })
    await patch('system:node-proxier', { rules: [] })
    await patch('system:coredns', {
      rules: [],
      metadata: { annotations: { 'rbac.authorization.kubernetes.io/autoupdate': 'false' } },
    })
    stop.abort()
    await running
    stop = new AbortController()
    running = control.run(stop.signal)
    const rulesOf = async (name: string) =>
      ((await admin({ ...rbac, resource: 'clusterroles', name, verb: 'get' })) as unknown as ClusterRole).rules.length
    await expect.poll(() => rulesOf('system:node-proxier')).toBeGreaterThan(2)
    expect(await rulesOf('system:coredns')).toBe(0)
  })
})

describe('a user', () => {
  test('may do what a binding says, as soon as it says so', async () => {
    const list = { ...inDefault, resource: 'configmaps', verb: 'list' } as const
    await expect(as(ann)(list)).rejects.toThrow(
      'configmaps is forbidden: User "ann" cannot list resource "configmaps" in API group "" in the namespace "default"',
    )
    await bind('view', 'ann')
    await expect.poll(() => as(ann)(list).then(() => 'allowed', String)).toBe('allowed')
    await expect(as(ann)({ ...inDefault, resource: 'secrets', verb: 'list' })).rejects.toThrow('forbidden')
  })

  test('grants no more than he holds', async () => {
    await bind('admin', 'ann')
    const role = (rules: object[]) =>
      as(ann)({
        ...rbac,
        resource: 'roles',
        namespace: 'default',
        verb: 'create',
        body: { metadata: { generateName: 'r-' }, rules },
      })
    await expect
      .poll(() => role([{ verbs: ['get'], apiGroups: [''], resources: ['pods'] }]).then(() => 'created', String))
      .toBe('created')
    await expect(role([{ verbs: ['impersonate'], apiGroups: [''], resources: ['users'] }])).rejects.toThrow(
      'is attempting to grant RBAC permissions not currently held:\n{APIGroups:[""], Resources:["users"], Verbs:["impersonate"]}',
    )
  })
})

describe('a kubelet', () => {
  const kubelet = as(users.node('n1'))
  test('registers itself, and only itself', async () => {
    const create = (name: string) => kubelet({ ...core, resource: 'nodes', verb: 'create', body: { metadata: { name } } })
    expect((await create('n1')).metadata.name).toBe('n1')
    await expect(create('n2')).rejects.toThrow('nodes "n2" is forbidden: node "n1" is not allowed to modify node "n2"')
  })

  test('reports on the pods that are bound to it', async () => {
    await makeAccount('default')
    for (const name of ['mine', 'other']) {
      const spec = { containers: [{ name: 'c', image: 'i' }], nodeName: name === 'mine' ? 'n1' : 'n2' }
      await admin({ ...inDefault, resource: 'pods', verb: 'create', body: { metadata: { name }, spec } })
    }
    const report = (name: string) =>
      kubelet({
        ...inDefault,
        resource: 'pods',
        name,
        subresource: 'status',
        verb: 'patch',
        patchType: 'merge',
        body: { status: { message: 'hi' } },
      })
    await expect.poll(() => report('mine').then(() => 'done', String)).toBe('done')
    await expect(report('other')).rejects.toThrow('pods "other" is forbidden')
    const list = (node: string) =>
      kubelet({ ...core, resource: 'pods', verb: 'list', options: { fieldSelector: `spec.nodeName=${node}` } })
    expect(((await list('n1')) as unknown as { items: KubeObject[] }).items.map(pod => pod.metadata.name)).toEqual(['mine'])
    await expect(list('n2')).rejects.toThrow('forbidden')
  })
})

describe('a token', () => {
  const ask = (body: unknown) =>
    admin({ ...inDefault, resource: 'serviceaccounts', name: 'robot', subresource: 'token', verb: 'create', body })
  const tokenIn = (answer: Record<string, unknown>) => (answer.status as { token: string }).token

  test('makes its bearer the service account, as long as that exists', async () => {
    const { metadata } = await makeAccount('robot')
    const answer = await ask({ spec: {} })
    expect(answer).toMatchObject({
      kind: 'TokenRequest',
      spec: { expirationSeconds: 3600, audiences: control.tokens.audiences },
      metadata: { name: 'robot' },
    })
    const token = tokenIn(answer)
    await expect
      .poll(() => control.authenticator.tokenUser(token).then(user => user.name, String))
      .toBe('system:serviceaccount:default:robot')
    expect((await control.authenticator.tokenUser(token)).uid).toBe(metadata.uid)
    await admin({ ...inDefault, resource: 'serviceaccounts', name: 'robot', verb: 'delete' })
    await expect.poll(() => control.authenticator.tokenUser(token).then(user => user.name, String)).toContain('Unauthorized')
  })

  test('dies with the pod it is bound to', async () => {
    await makeAccount('robot')
    const spec = { containers: [{ name: 'c', image: 'i' }], serviceAccountName: 'robot' }
    const pod = await admin({ ...inDefault, resource: 'pods', verb: 'create', body: { metadata: { name: 'web' }, spec } })
    const boundObjectRef = { kind: 'Pod', apiVersion: 'v1', name: 'web', uid: pod.metadata.uid }
    const token = tokenIn(await ask({ spec: { boundObjectRef } }))
    await expect
      .poll(() => control.tokens.verify(token).then(verified => verified?.user.extra?.['authentication.kubernetes.io/pod-name']))
      .toEqual(['web'])
    await admin({ ...inDefault, resource: 'pods', name: 'web', verb: 'delete', options: { gracePeriodSeconds: 0 } })
    await expect.poll(() => control.tokens.verify(token)).toBeUndefined()
  })

  test.each([
    [{ expirationSeconds: 599 }, 'spec.expirationSeconds: Invalid value: 599: may not specify a duration less than 10 minutes'],
    [{ expirationSeconds: 2 ** 32 + 1 }, 'may not specify a duration larger than 2^32 seconds'],
    [
      { boundObjectRef: { kind: 'ConfigMap', apiVersion: 'v1', name: 'x' } },
      'cannot bind token to object of type /v1, Kind=ConfigMap',
    ],
    [{ boundObjectRef: { kind: 'Pod', apiVersion: 'v1', name: 'x' } }, 'pods "x" not found'],
    [
      { boundObjectRef: { kind: 'Secret', apiVersion: 'v1', name: 's', uid: 'other' } },
      'the UID in the bound object reference (other) does not match the UID in record',
    ],
  ])('is refused for %j', async (spec, message) => {
    await makeAccount('robot')
    await admin({ ...inDefault, resource: 'secrets', verb: 'create', body: { metadata: { name: 's' } } })
    await expect(ask({ spec })).rejects.toThrow(message)
  })
})

describe('reviews', () => {
  const review = async (user: UserInfo, path: string, body: object, namespace?: string) => {
    const [group = '', resource = ''] = path.split('/')
    const answer = await handle({
      group: `${group}.k8s.io`,
      version: 'v1',
      resource,
      verb: 'create',
      body,
      user,
      ...(namespace && { namespace }),
    })
    return answer.type === 'object' ? (answer.object as { status: unknown }).status : undefined
  }
  const pods = { resourceAttributes: { verb: 'list', resource: 'pods', namespace: 'default' } }

  test('tell a user what he may do', async () => {
    expect(await review(ann, 'authorization/selfsubjectaccessreviews', { spec: pods })).toEqual({ allowed: false })
    await bind('view', 'ann')
    await expect
      .poll(() => review(ann, 'authorization/selfsubjectaccessreviews', { spec: pods }))
      .toEqual({
        allowed: true,
        reason: 'RBAC: allowed by RoleBinding "ann-view/default" of ClusterRole "view" to User "ann"',
      })
    expect(
      await review(ann, 'authorization/selfsubjectaccessreviews', {
        spec: { nonResourceAttributes: { path: '/api', verb: 'get' } },
      }),
    ).toMatchObject({ allowed: true })
    expect(await review(ann, 'authentication/selfsubjectreviews', {})).toEqual({
      userInfo: { username: 'ann', groups: ['system:authenticated'] },
    })
    const rules = await review(ann, 'authorization/selfsubjectrulesreviews', { spec: { namespace: 'default' } })
    expect(rules).toMatchObject({
      incomplete: false,
      resourceRules: expect.arrayContaining([expect.objectContaining({ resources: ['namespaces'] })]),
    })
  })

  test('tell an administrator what others may do', async () => {
    const spec = { ...pods, user: 'system:kube-scheduler', groups: ['system:authenticated'] }
    expect(await review(users.admin, 'authorization/subjectaccessreviews', { spec })).toMatchObject({ allowed: true })
    expect(await review(users.admin, 'authorization/localsubjectaccessreviews', { spec }, 'default')).toMatchObject({
      allowed: true,
    })
    await expect(review(ann, 'authorization/subjectaccessreviews', { spec })).rejects.toThrow(
      'subjectaccessreviews.authorization.k8s.io is forbidden',
    )
  })

  test('look at tokens', async () => {
    const account = await makeAccount('robot')
    const { token } = await control.tokens.issue({
      namespace: 'default',
      serviceAccount: { name: 'robot', uid: account.metadata.uid },
      expirationSeconds: 600,
    })
    await expect
      .poll(() => review(users.admin, 'authentication/tokenreviews', { spec: { token } }))
      .toMatchObject({
        authenticated: true,
        user: { username: 'system:serviceaccount:default:robot' },
        audiences: control.tokens.audiences,
      })
    expect(await review(users.admin, 'authentication/tokenreviews', { spec: { token: 'x' } })).toEqual({
      user: {},
      error: 'invalid bearer token',
    })
    await expect(review(users.admin, 'authentication/tokenreviews', { spec: {} })).rejects.toThrow(
      'token is required for TokenReview in authentication',
    )
  })

  test.each([
    [
      'authorization/selfsubjectaccessreviews',
      {},
      'exactly one of nonResourceAttributes or resourceAttributes must be specified',
    ],
    [
      'authorization/selfsubjectaccessreviews',
      { spec: { ...pods, nonResourceAttributes: {} } },
      'cannot be specified in combination with resourceAttributes',
    ],
    ['authorization/selfsubjectaccessreviews', { spec: pods, metadata: { name: 'x' } }, 'must be empty'],
    ['authorization/subjectaccessreviews', { spec: pods }, 'at least one of user or group must be specified'],
    ['authorization/selfsubjectrulesreviews', { spec: {} }, 'no namespace on request'],
  ])('%s %j is refused', async (path, body, message) => {
    await expect(review(users.admin, path, body)).rejects.toThrow(message)
  })
})
