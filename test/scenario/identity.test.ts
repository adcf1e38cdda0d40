import { createLocalJWKSet, jwtVerify } from 'jose'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ServiceAccount } from '../../api/core/service-account.ts'
import { type AuditSink, auditor } from '../../apiserver/audit/auditor.ts'
import { parsePolicy } from '../../apiserver/audit/policy.ts'
import { createClient } from '../../client/typed-client.ts'
import { clusterRoleAggregation } from '../../controllers/cluster-role-aggregation/controller.ts'
import { systemClock } from '../../lib/clock.ts'
import { eventually } from '../support/eventually.ts'
import { type GuardedServer, guardedServer } from '../support/identities.ts'
import { hasKubectl, startServer, type TestServer } from '../support/server.ts'

if (!hasKubectl) test('kubectl is not on the PATH: nothing was tried with it', () => expect(hasKubectl).toBe(false))

describe.runIf(hasKubectl)('kubectl', () => {
  let server: TestServer
  beforeAll(async () => {
    server = await startServer({
      users: { ann: { name: 'ann', groups: ['devs'] } },
      controllers: [clusterRoleAggregation],
    })
    await createClient(server.transport()).create(ServiceAccount, { metadata: { name: 'robot', namespace: 'default' } })
  })
  afterAll(() => server[Symbol.asyncDispose]())

  const run = async (line: string, as = 'admin', stdin = '') => {
    const { code, out, err } = await server.kubectl(line, { as, stdin })
    return { code, said: `${out}${err}` }
  }

  test('auth whoami tells name and groups', async () => {
    const { said } = await run('auth whoami', 'ann')
    expect(said).toMatch(/Username\s+ann/)
    expect(said).toMatch(/Groups\s+\[devs system:authenticated\]/)
  })

  test('auth can-i asks for oneself and for others', async () => {
    expect(await run('auth can-i create pods')).toEqual({ code: 0, said: 'yes\n' })
    expect(await run('auth can-i create pods', 'ann')).toEqual({ code: 1, said: 'no\n' })
    expect(await run('auth can-i get /version', 'ann')).toEqual({ code: 0, said: 'yes\n' })
    expect((await run('auth can-i list pods --as=ann --as-group=devs')).said).toBe('no\n')
    expect((await run('create rolebinding devs --clusterrole=view --group=devs')).code).toBe(0)
    await eventually(async () => expect((await run('auth can-i list pods', 'ann')).said).toBe('yes\n'))
    expect((await run('auth can-i list pods --as=someone --as-group=devs')).said).toBe('yes\n')
    expect((await run('auth can-i get pods --subresource=log', 'ann')).said).toBe('yes\n')
  })

  test('auth can-i --list', async () => {
    const { said } = await run('auth can-i --list', 'ann')
    expect(said).toMatch(/selfsubjectreviews\.authentication\.k8s\.io\s+\[\]\s+\[\]\s+\[create\]/)
    expect(said).toMatch(/\[\/healthz\]\s+\[\]\s+\[get\]/)
    expect((await run('auth can-i --list')).said).toMatch(/\*\.\*\s+\[\]\s+\[\]\s+\[\*\]/)
  })

  test('auth reconcile makes what is missing and adds what was taken away', async () => {
    const manifest = (verbs: string) => `
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: { name: reading, namespace: default }
rules: [{ apiGroups: [""], resources: [pods], verbs: [${verbs}] }]
`
    expect((await run('auth reconcile -f -', 'admin', manifest('get'))).said).toContain(
      'role.rbac.authorization.k8s.io/reading reconciled',
    )
    expect((await run('auth reconcile -f -', 'admin', manifest('get, list'))).code).toBe(0)
    expect((await run('get role reading -o jsonpath={.rules[*].verbs}')).said).toContain('list')
  })

  test('create token gives a token of the account', async () => {
    const { said } = await run('create token robot --duration=600s')
    const [, payload = ''] = said.split('.')
    expect(JSON.parse(Buffer.from(payload, 'base64url').toString())).toMatchObject({ sub: 'system:serviceaccount:default:robot' })
  })

  test('a sum of roles shows what it is the sum of', async () => {
    expect((await run('create clusterrole metering --verb=get --resource=pods')).code).toBe(0)
    await run('label clusterrole metering rbac.authorization.k8s.io/aggregate-to-view=true')
    await eventually(async () => expect((await run('get clusterrole admin -o yaml')).said).toContain('- configmaps'))
    expect((await run('delete clusterrole metering')).code).toBe(0)
  })
})

describe('tokens of service accounts', () => {
  let server: GuardedServer
  beforeAll(async () => {
    server = await guardedServer({ ann: { name: 'ann', groups: [] } }, { issuer: 'https://clusters.example.com/one' })
    await server.client.create(ServiceAccount, { metadata: { name: 'robot', namespace: 'default' } })
  })
  afterAll(() => server[Symbol.asyncDispose]())
  const get = async (path: string) => server.send({ certificate: 'admin' }, 'GET', path)

  test('are what an OpenID client expects, from the issuer to the signature', async () => {
    const token = await server.token('default', 'robot', { audiences: ['vault'] })
    const found = await get('/.well-known/openid-configuration')
    expect(found.headers['content-type']).toBe('application/json')
    expect(found.headers['cache-control']).toBe('public, max-age=3600')
    expect(found.json).toEqual({
      issuer: 'https://clusters.example.com/one',
      jwks_uri: `https://127.0.0.1:${server.port}/openid/v1/jwks`,
      response_types_supported: ['id_token'],
      subject_types_supported: ['public'],
      id_token_signing_alg_values_supported: ['ES256'],
    })
    const keys = await get(new URL(found.json.jwks_uri).pathname)
    expect(keys.headers['content-type']).toBe('application/jwk-set+json')
    const { payload, protectedHeader } = await jwtVerify(token, createLocalJWKSet(keys.json), {
      issuer: found.json.issuer,
      audience: 'vault',
      algorithms: found.json.id_token_signing_alg_values_supported,
    })
    expect(protectedHeader).toEqual({ alg: 'ES256', kid: keys.json.keys[0].kid })
    expect(payload).toEqual({
      aud: ['vault'],
      exp: expect.any(Number),
      iat: payload.nbf,
      iss: found.json.issuer,
      jti: expect.stringMatching(/^[0-9a-f-]{36}$/),
      nbf: expect.any(Number),
      sub: 'system:serviceaccount:default:robot',
      'kubernetes.io': { namespace: 'default', serviceaccount: { name: 'robot', uid: expect.any(String) } },
    })
    expect((payload.exp ?? 0) - (payload.iat ?? 0)).toBe(3600)
  })

  test('are good at once, and reviewed as such', async () => {
    await server.client.create(ServiceAccount, { metadata: { name: 'new', namespace: 'default' } })
    const token = await server.token('default', 'new')
    const me = await server.send({ token }, 'POST', '/apis/authentication.k8s.io/v1/selfsubjectreviews', {})
    expect(me.json).toMatchObject({
      kind: 'SelfSubjectReview',
      metadata: { creationTimestamp: expect.stringMatching(/Z$/) },
      status: {
        userInfo: {
          username: 'system:serviceaccount:default:new',
          groups: ['system:serviceaccounts', 'system:serviceaccounts:default', 'system:authenticated'],
          extra: { 'authentication.kubernetes.io/credential-id': [expect.stringMatching(/^JTI=/)] },
        },
      },
    })
    const review = (spec: object) =>
      server.send({ certificate: 'admin' }, 'POST', '/apis/authentication.k8s.io/v1/tokenreviews', { spec })
    expect((await review({ token })).json.status).toMatchObject({
      authenticated: true,
      user: { username: 'system:serviceaccount:default:new' },
      audiences: ['https://clusters.example.com/one'],
    })
    expect((await review({ token, audiences: ['vault'] })).json.status).toEqual({
      user: {},
      error: 'token audiences ["https://clusters.example.com/one"] is invalid for the target audiences ["vault"]',
    })
    await server.client.delete(ServiceAccount, { name: 'new', namespace: 'default' })
    await eventually(async () => expect((await server.send({ token }, 'GET', '/version')).status).toBe(401))
  })
})

describe('access reviews', () => {
  let server: GuardedServer
  beforeAll(async () => void (server = await guardedServer({})))
  afterAll(() => server[Symbol.asyncDispose]())
  const post = (resource: string, body: object, namespace = '') =>
    server.send(
      { certificate: 'admin' },
      'POST',
      `/apis/authorization.k8s.io/v1/${namespace && `namespaces/${namespace}/`}${resource}`,
      body,
    )
  const question = { resourceAttributes: { verb: 'list', resource: 'pods', namespace: 'default' } }

  test('answer with the question and never deny', async () => {
    const { status, json } = await post('subjectaccessreviews', { spec: { ...question, user: 'ann' } })
    expect(status).toBe(201)
    expect(json).toEqual({
      kind: 'SubjectAccessReview',
      apiVersion: 'authorization.k8s.io/v1',
      metadata: {},
      spec: { ...question, user: 'ann' },
      status: { allowed: false },
    })
  })

  test('look at selectors: a kubelet may list the pods of its node', async () => {
    const ask = async (fieldSelector: object) =>
      (
        await post('subjectaccessreviews', {
          spec: {
            user: 'system:node:n1',
            groups: ['system:nodes'],
            resourceAttributes: { verb: 'list', resource: 'pods', fieldSelector },
          },
        })
      ).json.status
    expect(await ask({ rawSelector: 'spec.nodeName=n1' })).toEqual({ allowed: true })
    expect(await ask({ rawSelector: 'spec.nodeName=n2' })).toEqual({ allowed: false })
    const requirement = (operator: string, ...values: string[]) => ({ key: 'spec.nodeName', operator, values })
    expect(await ask({ requirements: [requirement('In', 'n1')] })).toEqual({ allowed: true })
    expect(await ask({ requirements: [requirement('In', 'n1', 'n2')] })).toEqual({
      allowed: false,
      evaluationError: 'spec.resourceAttributes.fieldSelector ignored due to parse error',
    })
  })

  test.each<[string, object, number, string, string?]>([
    [
      'subjectaccessreviews',
      { spec: question },
      422,
      'spec.user: Invalid value: "": at least one of user or group must be specified',
    ],
    [
      'selfsubjectaccessreviews',
      { spec: {} },
      422,
      'spec.resourceAttributes: Invalid value: null: exactly one of nonResourceAttributes or resourceAttributes must be specified',
    ],
    [
      'selfsubjectaccessreviews',
      { spec: { ...question, nonResourceAttributes: { path: '/x', verb: 'get' } } },
      422,
      'spec.nonResourceAttributes: Invalid value: {"Path":"/x","Verb":"get"}: cannot be specified in combination with resourceAttributes',
    ],
    [
      'selfsubjectaccessreviews',
      { spec: question, metadata: { name: 'x' } },
      422,
      'metadata: Invalid value: {"name":"x"}: must be empty',
    ],
    [
      'localsubjectaccessreviews',
      { spec: { ...question, user: 'ann' } },
      422,
      'spec.resourceAttributes.namespace: Invalid value: "default": must match metadata.namespace',
      'kube-system',
    ],
    [
      'localsubjectaccessreviews',
      { spec: { nonResourceAttributes: { path: '/x' }, user: 'ann' } },
      422,
      'disallowed on this kind of request',
      'default',
    ],
    ['localsubjectaccessreviews', { metadata: { namespace: 'other' }, spec: {} }, 400, 'does not match the namespace', 'default'],
    [
      'selfsubjectaccessreviews',
      { spec: { resourceAttributes: { verb: 'list', fieldSelector: {} } } },
      422,
      'spec.resourceAttributes.fieldSelector.requirements: Required value: when spec.resourceAttributes.fieldSelector is specified, requirements or rawSelector is required',
    ],
    ['selfsubjectrulesreviews', { spec: {} }, 400, 'no namespace on request'],
    ['selfsubjectaccessreviews?fieldValidation=Strict', { spec: { ...question, what: 1 } }, 400, 'unknown field "spec.what"'],
  ])('%s %j: %i %s', async (resource, body, code, message, namespace) => {
    const { status, json } = await post(resource, body, namespace)
    expect([status, json.message]).toEqual([code, expect.stringContaining(message)])
  })

  test('are answered, not kept', async () => {
    const { status, json } = await server.send(
      { certificate: 'admin' },
      'GET',
      '/apis/authorization.k8s.io/v1/subjectaccessreviews',
    )
    expect([status, json.message]).toEqual([
      405,
      'list is not supported on resources of kind "subjectaccessreviews.authorization.k8s.io"',
    ])
    const { json: group } = await server.send({ certificate: 'admin' }, 'GET', '/apis/authentication.k8s.io/v1beta1')
    expect(group.resources).toEqual([
      expect.objectContaining({ name: 'selfsubjectreviews', kind: 'SelfSubjectReview', verbs: ['create'] }),
    ])
  })
})

test('the audit log knows who acted as whom, and the id that the client gave', async () => {
  const lines: string[] = []
  const sink: AuditSink = { write: line => void lines.push(line) }
  const policy = parsePolicy({
    apiVersion: 'audit.k8s.io/v1',
    kind: 'Policy',
    omitStages: ['RequestReceived'],
    rules: [
      { level: 'None', userGroups: ['system:masters'], nonResourceURLs: ['*'] },
      { level: 'RequestResponse', resources: [{ group: '', resources: ['configmaps'] }] },
      { level: 'Metadata' },
    ],
  })
  const audit = { auditor: auditor({ policy, sink, clock: systemClock }), run: async () => {} }
  await using server = await guardedServer({}, { audit })
  const headers = { 'Impersonate-User': 'ann', 'Impersonate-Group': 'system:masters', 'Audit-ID': 'my-own', 'User-Agent': 'me/1' }
  const answer = await server.send(
    { certificate: 'admin', headers },
    'POST',
    '/api/v1/namespaces/default/configmaps?fieldManager=x',
    { metadata: { name: 'a' }, data: { b: 'c' } },
  )
  expect([answer.status, answer.headers['audit-id']]).toEqual([201, 'my-own'])
  await server.send({ token: 'x' }, 'GET', '/api/v1/namespaces/default/pods/web')
  await server.send({}, 'GET', '/api/v1/namespaces/default/pods/web')
  await server.send({ certificate: 'admin' }, 'GET', '/api')
  await server.client.create(ServiceAccount, { metadata: { name: 'robot', namespace: 'default' } })
  await server.send({ certificate: 'admin' }, 'POST', '/api/v1/namespaces/default/serviceaccounts/robot/token', {})
  const events = await eventually(() => {
    expect(lines.length).toBe(4)
    return lines.map(line => JSON.parse(line))
  })
  const at = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/)
  expect(events[0]).toEqual({
    kind: 'Event',
    apiVersion: 'audit.k8s.io/v1',
    level: 'RequestResponse',
    auditID: 'my-own',
    stage: 'ResponseComplete',
    requestURI: '/api/v1/namespaces/default/configmaps?fieldManager=x',
    verb: 'create',
    user: { username: 'kubernetes-admin', groups: ['system:masters', 'system:authenticated'] },
    impersonatedUser: { username: 'ann', groups: ['system:masters', 'system:authenticated'] },
    sourceIPs: ['127.0.0.1'],
    userAgent: 'me/1',
    objectRef: { resource: 'configmaps', namespace: 'default', name: 'a', apiVersion: 'v1' },
    responseStatus: { metadata: {}, code: 201 },
    requestObject: { metadata: { name: 'a' }, data: { b: 'c' } },
    responseObject: expect.objectContaining({ kind: 'ConfigMap', data: { b: 'c' } }),
    requestReceivedTimestamp: at,
    stageTimestamp: at,
    annotations: { 'authorization.k8s.io/decision': 'allow', 'authorization.k8s.io/reason': '' },
  })
  expect(events[1]).toMatchObject({
    level: 'Metadata',
    user: {},
    verb: 'get',
    objectRef: { resource: 'pods', name: 'web' },
    responseStatus: { status: 'Failure', reason: 'Unauthorized', code: 401 },
  })
  expect(events[2]).toMatchObject({
    user: { username: 'system:anonymous', groups: ['system:unauthenticated'] },
    responseStatus: { reason: 'Forbidden', code: 403 },
    annotations: { 'authorization.k8s.io/decision': 'forbid', 'authorization.k8s.io/reason': '' },
  })
  const credential = { 'authentication.kubernetes.io/issued-credential-id': expect.stringMatching(/^JTI=[-0-9a-f]{36}$/) }
  expect(events[3]).toMatchObject({ responseStatus: { code: 201 }, annotations: credential })
})
