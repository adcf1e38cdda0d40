import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Lease } from '../../api/coordination/lease.ts'
import { ConfigMap } from '../../api/core/config-map.ts'
import { Namespace } from '../../api/core/namespace.ts'
import { Node } from '../../api/core/node.ts'
import { Pod } from '../../api/core/pod.ts'
import { Secret } from '../../api/core/secret.ts'
import { ServiceAccount } from '../../api/core/service-account.ts'
import { ClusterRole } from '../../api/rbac/cluster-role.ts'
import { ClusterRoleBinding } from '../../api/rbac/cluster-role-binding.ts'
import { Role } from '../../api/rbac/role.ts'
import { RoleBinding } from '../../api/rbac/role-binding.ts'
import { type UserInfo, users } from '../../api/user.ts'
import { eventually } from '../support/eventually.ts'
import { type Credentials, type GuardedServer, guardedServer, requestFor } from '../support/identities.ts'

const person = (name: string, ...groups: string[]): UserInfo => ({ name, groups })
const people = {
  nobody: person('nobody'),
  viewer: person('viewer'),
  editor: person('editor'),
  local: person('local'),
  root: person('root'),
  reader: person('ruth', 'readers'),
  granter: person('granter'),
  imp: person('imp'),
  scheduler: users.scheduler,
  manager: users.controllerManager,
  n1: users.node('n1'),
  n2: users.node('n2'),
  fakenode: person('system:node:n1'),
  proxy: person('system:kube-proxy'),
}

const bootstrapId = { good: 'aaaaaa', over: 'bbbbbb', signing: 'cccccc' }
const bootstrapSecret = '0123456789abcdef'

let server: GuardedServer
const who: Record<string, Credentials> = { anonymous: {} }

beforeAll(async () => {
  const staticTokens = [{ token: 'let-me-in', user: { name: 'ci', groups: ['readers'] } }]
  server = await guardedServer(people, { staticTokens })
  for (const certificate of ['admin', ...Object.keys(people)]) who[certificate] = { certificate }
  await populate(server)
  who.robot = { token: await server.token('team', 'robot') }
  who.other = { token: await server.token('other', 'robot') }
  who.vault = { token: await server.token('team', 'robot', { audiences: ['vault'] }) }
  who.ci = { token: 'let-me-in' }
  who.joiner = { token: `${bootstrapId.good}.${bootstrapSecret}` }
  who.latecomer = { token: `${bootstrapId.over}.${bootstrapSecret}` }
  who.signer = { token: `${bootstrapId.signing}.${bootstrapSecret}` }
  who.guesser = { token: `${bootstrapId.good}.fedcba9876543210` }
  who.forger = { token: `${(who.robot.token ?? '').slice(0, -4)}AAAA` }
  who.liar = { token: 'let-me-on' }
  const acting = (user: string, more: Record<string, string | string[]> = {}): Credentials => ({
    certificate: 'imp',
    headers: { 'Impersonate-User': user, ...more },
  })
  who['imp>viewer'] = acting('viewer')
  who['imp>editor'] = acting('editor')
  who['imp>viewer+readers'] = acting('viewer', { 'Impersonate-Group': 'readers' })
  who['imp>viewer+masters'] = acting('viewer', { 'Impersonate-Group': ['readers', 'system:masters'] })
  who['imp>viewer+uid'] = acting('viewer', { 'Impersonate-Uid': 'u-1' })
  who['imp>viewer+scope'] = acting('viewer', { 'Impersonate-Extra-Scope': 'read' })
  who['imp>viewer+widescope'] = acting('viewer', { 'Impersonate-Extra-Scope': ['read', 'write'] })
  who['imp>robot'] = acting('system:serviceaccount:team:robot')
  who['imp>otherrobot'] = acting('system:serviceaccount:other:robot')
  who['admin>n1'] = {
    certificate: 'admin',
    headers: { 'Impersonate-User': 'system:node:n1', 'Impersonate-Group': 'system:nodes' },
  }
  who['admin>anonymous'] = { certificate: 'admin', headers: { 'Impersonate-User': 'system:anonymous' } }
  who['robot>viewer'] = { ...who.robot, headers: { 'Impersonate-User': 'viewer' } }
  who['liar>viewer'] = { ...who.liar, headers: { 'Impersonate-User': 'viewer' } }
})
afterAll(() => server[Symbol.asyncDispose]())

const group = 'rbac.authorization.k8s.io'
const toUser = (name: string) => ({ apiGroup: group, kind: 'User', name }) as const
const toGroup = (name: string) => ({ apiGroup: group, kind: 'Group', name }) as const
const clusterRole = (name: string) => ({ apiGroup: group, kind: 'ClusterRole', name }) as const

async function populate({ client }: GuardedServer): Promise<void> {
  for (const name of ['team', 'other']) {
    await client.create(Namespace, { metadata: { name } })
    for (const account of ['default', 'robot', 'runner']) {
      await client.create(ServiceAccount, { metadata: { name: account, namespace: name } })
    }
  }
  const bind = (name: string, role: string, subject: object, namespace = 'team') =>
    client.create(RoleBinding, {
      metadata: { name, namespace },
      roleRef: clusterRole(role),
      subjects: [subject as never],
    })
  await bind('viewers', 'view', toUser('viewer'))
  await bind('editors', 'edit', toUser('editor'))
  await bind('locals', 'admin', toUser('local'))
  await bind('ghosts', 'no-such-role', toUser('nobody'))
  await bind('robots', 'edit', { kind: 'ServiceAccount', name: 'robot', namespace: 'team' })
  await bind('of-team', 'view', toGroup('system:serviceaccounts:team'), 'other')
  const bindAll = (name: string, role: string, subject: object) =>
    client.create(ClusterRoleBinding, { metadata: { name }, roleRef: clusterRole(role), subjects: [subject as never] })
  await bindAll('roots', 'cluster-admin', toUser('root'))
  await bindAll('joiners', 'system:node-bootstrapper', toGroup('system:bootstrappers'))
  await client.create(ClusterRole, {
    metadata: { name: 'reading' },
    rules: [
      { verbs: ['get', 'update'], apiGroups: [''], resources: ['configmaps'], resourceNames: ['known'] },
      { verbs: ['get'], apiGroups: ['*'], resources: ['*/scale'] },
      { verbs: ['*'], apiGroups: ['batch'], resources: ['*'] },
      { verbs: ['get'], nonResourceURLs: ['/metrics', '/logs/*'] },
    ],
  })
  await bindAll('readers', 'reading', toGroup('readers'))
  await client.create(ClusterRole, {
    metadata: { name: 'granting' },
    rules: [{ verbs: ['*'], apiGroups: [group], resources: ['roles', 'rolebindings', 'clusterroles', 'clusterrolebindings'] }],
  })
  // `*` on the roles includes escalate and bind: granted in one namespace only.
  await bind('granters', 'granting', toUser('granter'), 'other')
  await client.create(Role, {
    metadata: { name: 'role-writers', namespace: 'team' },
    rules: [
      { verbs: ['create', 'update', 'patch', 'get'], apiGroups: [group], resources: ['roles', 'rolebindings'] },
      { verbs: ['bind'], apiGroups: [group], resources: ['clusterroles'], resourceNames: ['view'] },
      { verbs: ['get'], apiGroups: [''], resources: ['pods'] },
    ],
  })
  await client.create(RoleBinding, {
    metadata: { name: 'role-writers', namespace: 'team' },
    roleRef: { apiGroup: group, kind: 'Role', name: 'role-writers' },
    subjects: [toUser('granter')],
  })
  await client.create(ClusterRole, {
    metadata: { name: 'acting' },
    rules: [
      { verbs: ['impersonate'], apiGroups: [''], resources: ['users'], resourceNames: ['viewer'] },
      { verbs: ['impersonate'], apiGroups: [''], resources: ['groups'], resourceNames: ['readers'] },
      { verbs: ['impersonate'], apiGroups: ['authentication.k8s.io'], resources: ['uids'] },
      { verbs: ['impersonate'], apiGroups: ['authentication.k8s.io'], resources: ['userextras/scope'], resourceNames: ['read'] },
    ],
  })
  await bindAll('actors', 'acting', toUser('imp'))
  // Who may edit may act as the service accounts there.
  await bind('actors', 'edit', toUser('imp'))

  for (const name of ['n1', 'n2']) {
    await client.create(Node, { metadata: { name } })
    await client.create(Lease, { metadata: { name, namespace: 'kube-node-lease' } })
  }
  await client.create(ConfigMap, { metadata: { name: 'known', namespace: 'team' } })
  for (const name of ['mine', 'foreign']) await client.create(Secret, { metadata: { name, namespace: 'team' } })
  for (const [name, nodeName] of [
    ['on-n1', 'n1'],
    ['on-n2', 'n2'],
  ] as const) {
    const volumes = [{ name: 'v', secret: { secretName: name === 'on-n1' ? 'mine' : 'foreign' } }]
    const spec = { nodeName, serviceAccountName: 'runner', volumes, containers: [{ name: 'c', image: 'i' }] }
    await client.create(Pod, { metadata: { name, namespace: 'team' }, spec })
  }
  for (const [usage, id] of Object.entries(bootstrapId)) {
    const stringData = {
      'token-id': id,
      'token-secret': bootstrapSecret,
      'usage-bootstrap-authentication': String(usage !== 'signing'),
      ...(usage === 'over' && { expiration: '2020-01-01T00:00:00Z' }),
    }
    const metadata = { name: `bootstrap-token-${id}`, namespace: 'kube-system' }
    await client.create(Secret, { metadata, type: 'bootstrap.kubernetes.io/token', stringData })
  }
  // What decides is followed: once the last of it is known, all is.
  const status = async (name: string, path: string) => (await server.send(who[name] ?? {}, 'GET', path)).status
  await eventually(async () => expect(await status('imp', '/api/v1/namespaces/team/pods')).toBe(200))
  await eventually(async () => expect(await status('n2', '/api/v1/namespaces/team/secrets/foreign')).toBe(200))
}

/** who, verb, resource[.group][/subresource] or path, namespace, name, verdict. */
const rows = `
anonymous  get    /healthz                    -     -       yes
anonymous  get    /livez                      -     -       yes
anonymous  get    /readyz                     -     -       yes
anonymous  get    /version                    -     -       yes
anonymous  get    /api                        -     -       no
anonymous  get    /apis                       -     -       no
anonymous  get    /openapi/v3                 -     -       no
anonymous  get    /metrics                    -     -       no
anonymous  post   /healthz                    -     -       no
anonymous  list   pods                        team  -       no
anonymous  create selfsubjectaccessreviews.authorization.k8s.io  -  -  no
anonymous  create selfsubjectreviews.authentication.k8s.io       -  -  no
admin>anonymous  get  /version                -     -       yes
admin>anonymous  get  /api                    -     -       no
liar       get    /version                    -     -       401
liar       list   pods                        team  -       401
forger     list   pods                        team  -       401
vault      list   pods                        team  -       401
latecomer  get    /version                    -     -       401
signer     get    /version                    -     -       401
guesser    get    /version                    -     -       401
liar>viewer list  pods                        team  -       401

nobody     get    /version                    -     -       yes
nobody     get    /api                        -     -       yes
nobody     get    /apis/apps/v1               -     -       yes
nobody     get    /openapi/v2                 -     -       yes
nobody     get    /metrics                    -     -       no
nobody     get    /openid/v1/jwks             -     -       no
nobody     list   pods                        team  -       no
nobody     get    configmaps                  team  known   no
nobody     list   namespaces                  -     -       no
nobody     list   nodes                       -     -       no
nobody     create selfsubjectaccessreviews.authorization.k8s.io  -  -  yes
nobody     create selfsubjectrulesreviews.authorization.k8s.io   -  -  yes
nobody     create selfsubjectreviews.authentication.k8s.io       -  -  yes
nobody     create subjectaccessreviews.authorization.k8s.io      -  -  no
nobody     create localsubjectaccessreviews.authorization.k8s.io team - no
nobody     create tokenreviews.authentication.k8s.io             -  -  no

viewer     get    pods                        team  on-n1   yes
viewer     list   pods                        team  -       yes
viewer     watch  pods                        team  -       yes
viewer     get    pods/log                    team  on-n1   yes
viewer     get    pods/status                 team  on-n1   yes
viewer     list   configmaps                  team  -       yes
viewer     list   services                    team  -       yes
viewer     list   events                      team  -       yes
viewer     list   deployments.apps            team  -       yes
viewer     get    deployments.apps/scale      team  web     yes
viewer     list   jobs.batch                  team  -       yes
viewer     list   ingresses.networking.k8s.io team  -       yes
viewer     list   endpointslices.discovery.k8s.io team -    yes
viewer     list   horizontalpodautoscalers.autoscaling team - yes
viewer     list   poddisruptionbudgets.policy team  -       yes
viewer     get    namespaces                  -     team    yes
viewer     get    namespaces                  -     other   no
viewer     list   secrets                     team  -       no
viewer     list   roles.${group}              team  -       no
viewer     list   pods                        other -       no
viewer     list   pods                        -     -       no
viewer     create pods                        team  -       no
viewer     delete pods                        team  on-n1   no
viewer     create pods/exec                   team  on-n1   no
viewer     get    pods/exec                   team  on-n1   no
viewer     create serviceaccounts/token       team  robot   no
viewer     patch  deployments.apps/scale      team  web     no

editor     list   secrets                     team  -       yes
editor     create pods                        team  -       yes
editor     update pods                        team  on-n1   yes
editor     patch  pods                        team  on-n1   yes
editor     delete pods                        team  on-n1   yes
editor     deletecollection pods              team  -       yes
editor     create pods/eviction               team  on-n1   yes
editor     create pods/binding                team  on-n1   no
editor     update pods/status                 team  on-n1   no
editor     create serviceaccounts/token       team  robot   yes
editor     create deployments.apps            team  -       yes
editor     patch  deployments.apps/scale      team  web     yes
editor     create ingresses.networking.k8s.io team  -       yes
editor     create leases.coordination.k8s.io  team  -       yes
editor     create events                      team  -       yes
editor     create resourcequotas              team  -       no
editor     create endpointslices.discovery.k8s.io team -    no
editor     create roles.${group}              team  -       no
editor     create rolebindings.${group}       team  -       no
editor     create pods                        other -       no
editor     delete namespaces                  -     team    no
editor     list   nodes                       -     -       no

local      create roles.${group}              team  -       yes
local      list   rolebindings.${group}       team  -       yes
local      create localsubjectaccessreviews.authorization.k8s.io team - yes
local      create localsubjectaccessreviews.authorization.k8s.io other - no
local      create roles.${group}              other -       no
local      create clusterroles.${group}       -     -       no
local      create resourcequotas              team  -       no
local      list   resourcequotas              team  -       yes
local      delete namespaces                  -     team    no

root       list   nodes                       -     -       yes
root       delete namespaces                  -     other   yes
root       create clusterroles.${group}       -     -       yes
root       create tokenreviews.authentication.k8s.io -   -  yes
root       get    /metrics                    -     -       yes
root       get    /debug/anything             -     -       yes
root       create pods                        other -       yes

reader     get    configmaps                  team  known   yes
reader     get    configmaps                  other known   yes
reader     get    configmaps                  team  unknown no
reader     list   configmaps                  team  -       no
reader     update configmaps                  team  known   yes
reader     delete configmaps                  team  known   no
reader     create configmaps                  team  -       no
reader     get    deployments.apps/scale      team  web     yes
reader     get    replicasets.apps/scale      team  web     yes
reader     update deployments.apps/scale      team  web     no
reader     get    deployments.apps            team  web     no
reader     get    deployments.apps/status     team  web     no
reader     deletecollection jobs.batch        other -       yes
reader     update cronjobs.batch/status       team  nightly yes
reader     get    /metrics                    -     -       yes
reader     get    /metrics/slis               -     -       no
reader     get    /logs/kubelet               -     -       yes
reader     head   /metrics                    -     -       no
ci         get    configmaps                  team  known   yes
ci         get    configmaps                  team  unknown no

robot      create pods                        team  -       yes
robot      list   secrets                     team  -       yes
robot      list   pods                        other -       yes
robot      list   secrets                     other -       no
robot      get    /openid/v1/jwks             -     -       yes
robot      get    /.well-known/openid-configuration - -     yes
robot      list   nodes                       -     -       no
robot      create clusterrolebindings.${group} -    -       no
robot>viewer list pods                        team  -       no
other      list   pods                        team  -       no
other      list   pods                        other -       no
other      get    /version                    -     -       yes

n1         get    nodes                       -     n1      yes
n1         get    nodes                       -     n2      no
n1         list   nodes                       -     -       no
n1         patch  nodes                       -     n1      yes
n1         patch  nodes                       -     n2      no
n1         patch  nodes/status                -     n1      yes
n1         patch  nodes/status                -     n2      no
n1         delete nodes                       -     n1      no
n1         get    pods                        team  on-n1   yes
n1         get    pods                        team  on-n2   no
n1         list   pods                        team  -       no
n1         list   pods                        -     -       no
n1         patch  pods/status                 team  on-n1   yes
n1         patch  pods/status                 team  on-n2   no
n1         patch  pods                        team  on-n1   no
n1         delete pods                        team  on-n1   yes
n1         delete pods                        team  on-n2   no
n1         create pods                        team  -       no
n1         create pods/eviction               team  on-n1   yes
n1         create pods/eviction               team  on-n2   no
n1         create pods/exec                   team  on-n1   no
n1         get    secrets                     team  mine    yes
n1         get    secrets                     team  foreign no
n1         list   secrets                     team  -       no
n1         update secrets                     team  mine    no
n1         get    configmaps                  team  kube-root-ca.crt  yes
n1         get    configmaps                  team  known   no
n1         get    serviceaccounts             team  runner  yes
n1         get    serviceaccounts             team  robot   no
n1         create serviceaccounts/token       team  robot   no
n1         get    leases.coordination.k8s.io  kube-node-lease n1 yes
n1         get    leases.coordination.k8s.io  kube-node-lease n2 no
n1         patch  leases.coordination.k8s.io  kube-node-lease n1 yes
n1         get    leases.coordination.k8s.io  kube-system   n1   no
n1         list   services                    -     -       yes
n1         list   endpointslices.discovery.k8s.io - -       no
n1         create events                      team  -       yes
n1         list   runtimeclasses.node.k8s.io  -     -       yes
n1         get    csinodes.storage.k8s.io     -     n1      yes
n1         get    csinodes.storage.k8s.io     -     n2      no
n1         list   csidrivers.storage.k8s.io   -     -       yes
n1         create certificatesigningrequests.certificates.k8s.io - - yes
n1         list   deployments.apps            team  -       no
n1         create tokenreviews.authentication.k8s.io -   -  yes
admin>n1   get    pods                        team  on-n1   yes
admin>n1   get    pods                        team  on-n2   no
fakenode   get    pods                        team  on-n1   no
fakenode   get    nodes                       -     n1      no
proxy      list   endpointslices.discovery.k8s.io - -       yes
proxy      list   services                    -     -       yes
proxy      list   pods                        -     -       no

scheduler  list   pods                        -     -       yes
scheduler  create pods/binding                team  on-n1   yes
scheduler  patch  pods/status                 team  on-n1   yes
scheduler  delete pods                        team  on-n1   yes
scheduler  create pods                        team  -       no
scheduler  list   secrets                     -     -       no
scheduler  list   persistentvolumes           -     -       yes
scheduler  list   storageclasses.storage.k8s.io -   -       yes
scheduler  get    leases.coordination.k8s.io  kube-system kube-scheduler yes
scheduler  delete leases.coordination.k8s.io  kube-system kube-scheduler no
scheduler  create events                      team  -       yes
manager    list   secrets                     -     -       yes
manager    create pods                        team  -       yes
manager    update replicasets.apps/status     team  web     yes
manager    create serviceaccounts/token       team  robot   yes
manager    patch  nodes                       -     n1      yes
manager    create clusterroles.${group}       -     -       no
manager    create nodes                       -     -       no

joiner     create certificatesigningrequests.certificates.k8s.io - - yes
joiner     list   certificatesigningrequests.certificates.k8s.io - - yes
joiner     get    /version                    -     -       yes
joiner     list   nodes                       -     -       no
joiner     list   secrets                     kube-system - no

imp>viewer list   pods                        team  -       yes
imp>viewer create pods                        team  -       no
imp>editor list   pods                        team  -       no
imp>viewer+readers get configmaps             other known   yes
imp>viewer+masters list nodes                 -     -       no
imp>viewer+uid     list pods                  team  -       yes
imp>viewer+scope   list pods                  team  -       yes
imp>viewer+widescope list pods                team  -       no
imp>robot  list   pods                        other -       yes
imp>otherrobot list pods                      other -       no
`
  .split('\n')
  .map(line => line.trim())
  .filter(Boolean)
  .map(line => line.split(/\s+/) as [string, string, string, string, string, string])

test('there are enough of them', () => expect(rows.length).toBeGreaterThan(200))

describe('over TLS', () => {
  test.each(rows)('%s %s %s %s %s: %s', async (name, verb, resource, namespace, object, expected) => {
    const { method, path } = requestFor(verb, resource, namespace, object)
    const body = method === 'GET' || method === 'HEAD' || method === 'DELETE' ? undefined : {}
    const credentials = who[name]
    if (!credentials) throw new Error(`nobody is called ${name}`)
    const { status, text } = await server.send(credentials, method, path, body)
    const verdict = status === 401 ? '401' : status === 403 ? 'no' : 'yes'
    expect([verdict, text]).toEqual([expected, text])
    // There are no nodes to fetch logs from.
    if (resource !== 'pods/log') expect([text, status < 500]).toEqual([text, true])
  })
})

describe('nobody grants more than he holds', () => {
  const rbac = (namespace: string, resource: string) =>
    `/apis/${group}/v1${namespace ? `/namespaces/${namespace}` : ''}/${resource}?dryRun=All`
  const role = (verbs: string[], resources: string[], more: object = {}) => ({
    metadata: { name: 'r' },
    rules: [{ verbs, apiGroups: [''], resources, ...more }],
  })
  const bindingTo = (name: string, kind = 'ClusterRole') => ({
    metadata: { name: 'b' },
    roleRef: { apiGroup: group, kind, name },
    subjects: [toUser('granter')],
  })
  test.each<[string, string, string, object, number, string]>([
    ['granter', 'team', 'roles', role(['get'], ['pods']), 201, ''],
    ['granter', 'team', 'roles', role(['get', 'list'], ['pods']), 403, '{APIGroups:[""], Resources:["pods"], Verbs:["list"]}'],
    ['granter', 'team', 'roles', role(['get'], ['secrets']), 403, 'is attempting to grant RBAC permissions not currently held'],
    ['granter', 'team', 'roles', role(['*'], ['*']), 403, '{APIGroups:[""], Resources:["*"], Verbs:["*"]}'],
    ['granter', 'other', 'roles', role(['get'], ['secrets']), 201, ''],
    ['granter', 'team', 'rolebindings', bindingTo('view'), 201, ''],
    ['granter', 'team', 'rolebindings', bindingTo('edit'), 403, 'is attempting to grant RBAC permissions not currently held'],
    ['granter', 'team', 'rolebindings', bindingTo('role-writers', 'Role'), 201, ''],
    ['granter', 'team', 'rolebindings', bindingTo('nowhere'), 404, 'clusterroles.rbac.authorization.k8s.io "nowhere" not found'],
    ['granter', 'other', 'rolebindings', bindingTo('cluster-admin'), 201, ''],
    ['granter', '', 'clusterroles', role(['get'], ['pods']), 403, 'cannot create resource "clusterroles"'],
    ['local', 'team', 'roles', role(['create'], ['pods']), 201, ''],
    ['local', 'team', 'roles', role(['create'], ['nodes']), 403, 'not currently held'],
    ['local', 'team', 'rolebindings', bindingTo('admin'), 201, ''],
    ['local', 'team', 'rolebindings', bindingTo('cluster-admin'), 403, 'not currently held'],
    ['local', 'team', 'rolebindings', bindingTo('edit'), 201, ''],
    ['root', '', 'clusterroles', role(['*'], ['*'], { apiGroups: ['*'] }), 201, ''],
    ['root', '', 'clusterroles', { metadata: { name: 'sum' }, aggregationRule: { clusterRoleSelectors: [{}] } }, 201, ''],
    ['manager', '', 'clusterrolebindings', bindingTo('cluster-admin'), 403, 'cannot create resource "clusterrolebindings"'],
    ['robot', 'team', 'rolebindings', bindingTo('edit'), 403, 'cannot create resource "rolebindings"'],
  ])('%s in %s: %s %j is %i', async (name, namespace, resource, body, code, message) => {
    const { status, text, json } = await server.send(who[name] ?? {}, 'POST', rbac(namespace, resource), body)
    expect([status, text]).toEqual([code, text])
    if (message) expect(json.message).toContain(message)
  })

  test('nor by a label that makes a sum of roles greater', async () => {
    // granter may write roles there, but what the label would add to is not his.
    const { client, send } = server
    await client.create(Role, { metadata: { name: 'mighty', namespace: 'team' }, rules: role(['get'], ['secrets']).rules })
    const path = `/apis/${group}/v1/namespaces/team/roles/mighty`
    const patch = (body: object) => send(who.granter ?? {}, 'PATCH', path, body)
    expect((await patch({ metadata: { labels: { a: 'b' } } })).status).toBe(403)
    expect((await patch({ metadata: { finalizers: ['example.com/x'] } })).status).toBe(200)
    expect((await patch({ metadata: { finalizers: null } })).status).toBe(200)
  })
})

test('the words of refusals', async () => {
  const ask = async (name: string, path: string) => (await server.send(who[name] ?? {}, 'GET', path)).json
  expect(await ask('viewer', '/api/v1/namespaces/team/secrets/mine')).toEqual({
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Failure',
    message: 'secrets "mine" is forbidden: User "viewer" cannot get resource "secrets" in API group "" in the namespace "team"',
    reason: 'Forbidden',
    details: { name: 'mine', kind: 'secrets' },
    code: 403,
  })
  expect((await ask('nobody', '/api/v1/namespaces/team/pods')).message).toBe(
    'pods is forbidden: User "nobody" cannot list resource "pods" in API group "" in the namespace "team": RBAC: ' +
      'clusterrole.rbac.authorization.k8s.io "no-such-role" not found',
  )
  expect((await ask('viewer', '/apis/apps/v1/deployments')).message).toBe(
    'deployments.apps is forbidden: User "viewer" cannot list resource "deployments" in API group "apps" at the cluster scope',
  )
  expect((await ask('anonymous', '/apis')).message).toBe('forbidden: User "system:anonymous" cannot get path "/apis"')
  expect(await ask('liar', '/version')).toEqual({
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Failure',
    message: 'Unauthorized',
    reason: 'Unauthorized',
    code: 401,
  })
})
