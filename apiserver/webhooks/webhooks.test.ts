import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Call, Transport } from '../../api/transport.ts'
import {
  type ExtensibleServer,
  extensibleServer,
  type ReviewRequest,
  refusal,
  type Say,
  type TestWebhook,
  testWebhook,
} from './testing.ts'

let server: ExtensibleServer
let admin: Transport
const webhooks: TestWebhook[] = []

beforeEach(async () => {
  server = await extensibleServer()
  admin = server.transport()
})
afterEach(async () => {
  await server.stop()
  for (const webhook of webhooks.splice(0)) await webhook[Symbol.asyncDispose]()
})

const configMaps = { group: '', version: 'v1', resource: 'configmaps', namespace: 'default' }
const rules = [{ operations: ['*'], apiGroups: [''], apiVersions: ['v1'], resources: ['configmaps'] }]

type Body = Record<string, unknown> & { webhooks?: Record<string, unknown>[] }

/** Registers and waits until the server knows. */
async function register(kind: 'mutating' | 'validating', name: string, ...hooks: Record<string, unknown>[]): Promise<void> {
  const body: Body = {
    metadata: { name },
    webhooks: hooks.map(hook => ({
      name: `${name}.example.org`,
      admissionReviewVersions: ['v1'],
      sideEffects: 'None',
      rules,
      ...hook,
    })),
  }
  const resource = `${kind}webhookconfigurations`
  await admin.call({ group: 'admissionregistration.k8s.io', version: 'v1', resource, verb: 'create', body })
  await server.inEffect(resource, name)
}

async function listening(say: Say, hosts: readonly string[] = []): Promise<TestWebhook> {
  const webhook = await testWebhook(say, { hosts })
  webhooks.push(webhook)
  return webhook
}

const create = (name: string, more: object = {}, options: Call['options'] = {}) =>
  admin.call({ ...configMaps, verb: 'create', options, body: { metadata: { name }, ...more } }) as Promise<{
    data?: Record<string, string>
    metadata: { labels?: Record<string, string> }
  }>

const patch = (...operations: object[]) => ({
  allowed: true,
  patchType: 'JSONPatch',
  patch: Buffer.from(JSON.stringify(operations)).toString('base64'),
})

describe('mutating webhooks', () => {
  test('change the object, each seeing what those before it made, in the order of their names', async () => {
    const second = await listening(({ object }) => patch({ op: 'add', path: '/data/seen', value: String(object.data?.first) }))
    const first = await listening(() => patch({ op: 'add', path: '/data', value: { first: 'yes' } }))
    await register('mutating', 'b', { clientConfig: second.clientConfig() })
    await register('mutating', 'a', { clientConfig: first.clientConfig() })
    expect((await create('x')).data).toEqual({ first: 'yes', seen: 'yes' })
  })

  test('are sent the request as it is', async () => {
    const webhook = await listening(() => ({ allowed: true }))
    await register('mutating', 'm', { clientConfig: webhook.clientConfig('/check') })
    await create('x', { data: { a: '1' } }, { fieldManager: 'me' })
    expect(webhook.requests).toEqual([
      {
        uid: expect.stringMatching(/^[0-9a-f-]{36}$/),
        kind: { group: '', version: 'v1', kind: 'ConfigMap' },
        resource: { group: '', version: 'v1', resource: 'configmaps' },
        requestKind: { group: '', version: 'v1', kind: 'ConfigMap' },
        requestResource: { group: '', version: 'v1', resource: 'configmaps' },
        name: 'x',
        namespace: 'default',
        operation: 'CREATE',
        userInfo: { username: 'kubernetes-admin', groups: ['system:masters', 'system:authenticated'] },
        object: expect.objectContaining({ apiVersion: 'v1', kind: 'ConfigMap', data: { a: '1' } }),
        oldObject: null,
        dryRun: false,
        options: { kind: 'CreateOptions', apiVersion: 'meta.k8s.io/v1', fieldManager: 'me', fieldValidation: 'Ignore' },
      },
    ])
  })

  test('see what a subresource takes: the scale of a deployment, the eviction of a pod', async () => {
    const webhook = await listening(({ subResource }) =>
      subResource === 'scale' ? patch({ op: 'replace', path: '/spec/replicas', value: 3 }) : { allowed: true },
    )
    const rules = [
      { operations: ['*'], apiGroups: ['apps'], apiVersions: ['v1'], resources: ['deployments/scale'] },
      { operations: ['*'], apiGroups: [''], apiVersions: ['v1'], resources: ['pods/eviction'] },
    ]
    await register('mutating', 'm', { clientConfig: webhook.clientConfig(), rules })
    const template = { metadata: { labels: { a: 'b' } }, spec: { containers: [{ name: 'c', image: 'x' }] } }
    const spec = { selector: { matchLabels: { a: 'b' } }, template }
    const deployments = { ...configMaps, group: 'apps', resource: 'deployments' }
    await admin.call({ ...deployments, verb: 'create', body: { metadata: { name: 'd' }, spec } })
    const scale = { ...deployments, name: 'd', subresource: 'scale', verb: 'patch', patchType: 'merge' } as const
    expect(await admin.call({ ...scale, body: { spec: { replicas: 9 } } })).toMatchObject({ spec: { replicas: 3 } })
    const pods = { ...configMaps, resource: 'pods' }
    await admin.call({ ...pods, verb: 'create', body: { metadata: { name: 'p' }, spec: template.spec } })
    await admin.call({ ...pods, verb: 'create', name: 'p', subresource: 'eviction', body: { metadata: { name: 'p' } } })
    expect(webhook.requests).toMatchObject([
      {
        kind: { group: 'autoscaling', version: 'v1', kind: 'Scale' },
        resource: { group: 'apps', version: 'v1', resource: 'deployments' },
        subResource: 'scale',
        operation: 'UPDATE',
        object: { apiVersion: 'autoscaling/v1', kind: 'Scale', spec: { replicas: 9 } },
        oldObject: { apiVersion: 'autoscaling/v1', kind: 'Scale', spec: { replicas: 1 } },
      },
      {
        kind: { group: 'policy', version: 'v1', kind: 'Eviction' },
        resource: { group: '', version: 'v1', resource: 'pods' },
        subResource: 'eviction',
        operation: 'CREATE',
        object: { apiVersion: 'policy/v1', kind: 'Eviction', metadata: { name: 'p' } },
        oldObject: null,
      },
    ])
  })

  test('that ask for it are heard again when others changed the object after them', async () => {
    const early = await listening(({ object }) =>
      object.data?.late ? patch({ op: 'add', path: '/data/again', value: 'yes' }) : { allowed: true },
    )
    const late = await listening(() => patch({ op: 'add', path: '/data', value: { late: 'yes' } }))
    await register('mutating', 'a', { clientConfig: early.clientConfig(), reinvocationPolicy: 'IfNeeded' })
    await register('mutating', 'b', { clientConfig: late.clientConfig() })
    expect((await create('x')).data).toEqual({ late: 'yes', again: 'yes' })
    expect([early.requests.length, late.requests.length]).toEqual([2, 1])
  })

  test('are validated like everybody else', async () => {
    const webhook = await listening(() => patch({ op: 'add', path: '/data', value: { 'not a key': 'x' } }))
    await register('mutating', 'm', { clientConfig: webhook.clientConfig() })
    expect(await refusal(create('x'))).toMatchObject({ code: 422, reason: 'Invalid' })
  })
})

describe('validating webhooks', () => {
  test.each([
    [{ allowed: false }, { code: 400, message: 'admission webhook "v.example.org" denied the request without explanation' }],
    [
      { allowed: false, status: { message: 'no boats', code: 409, reason: 'Conflict' } },
      { code: 409, reason: 'Conflict', message: 'admission webhook "v.example.org" denied the request: no boats' },
    ],
    [
      { allowed: false, status: { reason: 'Forbidden', code: 403 } },
      { code: 403, reason: 'Forbidden', message: 'admission webhook "v.example.org" denied the request: Forbidden' },
    ],
    [
      patch({ op: 'remove', path: '/data' }),
      {
        code: 500,
        reason: 'InternalError',
        message:
          'Internal error occurred: failed calling webhook "v.example.org": received invalid webhook response: ' +
          'validating webhook may not return response.patch',
      },
    ],
    [
      { allowed: true, uid: 'other' },
      {
        code: 500,
        message: expect.stringMatching(/received invalid webhook response: expected response.uid="[-0-9a-f]+", got "other"$/),
      },
    ],
  ])('%j', async (said, expected) => {
    const webhook = await listening(() => said)
    await register('validating', 'v', { clientConfig: webhook.clientConfig() })
    expect(await refusal(create('x'))).toMatchObject(expected)
  })

  test('may take so long that the namespace goes meanwhile: nothing is created in it any more', async () => {
    const namespaces = { group: '', version: 'v1', resource: 'namespaces' }
    await admin.call({ ...namespaces, verb: 'create', body: { metadata: { name: 'team' } } })
    const webhook = await listening(async () => {
      await admin.call({ ...namespaces, verb: 'delete', name: 'team' })
      return { allowed: true }
    })
    await register('validating', 'v', { clientConfig: webhook.clientConfig() })
    const late = admin.call({ ...configMaps, namespace: 'team', verb: 'create', body: { metadata: { name: 'x' } } })
    expect(await refusal(late)).toMatchObject({
      code: 403,
      message: 'configmaps "x" is forbidden: unable to create new content in namespace team because it is being terminated',
    })
  })

  test('see deletions, with the object that goes', async () => {
    await create('x', { data: { a: '1' } })
    const webhook = await listening(({ operation }) => ({ allowed: operation !== 'DELETE', status: { message: 'stays' } }))
    await register('validating', 'v', { clientConfig: webhook.clientConfig() })
    const attempt = admin.call({ ...configMaps, name: 'x', verb: 'delete' })
    expect(await refusal(attempt)).toMatchObject({ message: 'admission webhook "v.example.org" denied the request: stays' })
    expect(webhook.requests[0]).toMatchObject({
      object: null,
      oldObject: { data: { a: '1' } },
      options: { kind: 'DeleteOptions' },
    })
  })

  test('warn', async () => {
    const webhook = await listening(() => ({ allowed: true, warnings: ['careful'] }))
    await register('validating', 'v', { clientConfig: webhook.clientConfig() })
    const { user } = { user: { name: 'a', groups: ['system:masters'] } }
    const answer = await server.pipeline.handle({ ...configMaps, user, verb: 'create', body: { metadata: { name: 'x' } } })
    expect(answer).toMatchObject({ warnings: ['careful'] })
  })
})

describe('who cannot be asked', () => {
  const url = 'https://127.0.0.1:9/'
  test('refuses the request, or is passed over', async () => {
    await register('validating', 'v', { clientConfig: { url } })
    expect(await refusal(create('x'))).toEqual({
      code: 500,
      reason: 'InternalError',
      message:
        'Internal error occurred: failed calling webhook "v.example.org": failed to call webhook: ' +
        'Post "https://127.0.0.1:9/?timeout=10s": dial tcp 127.0.0.1:9: connect: connection refused',
    })
  })
  test('passes when failures are ignored', async () => {
    await register('validating', 'v', { clientConfig: { url }, failurePolicy: 'Ignore' })
    await register('mutating', 'm', { clientConfig: { url }, failurePolicy: 'Ignore' })
    expect(await create('x')).toMatchObject({ metadata: { name: 'x' } })
  })
  test.each<[string, Say, Record<string, unknown>, RegExp]>([
    ['says nothing', () => undefined, { timeoutSeconds: 1 }, /\?timeout=1s": context deadline exceeded$/],
    ['breaks', () => 500, {}, /an error on the server \("broken"\) has prevented the request from succeeding$/],
    ['is not there', () => 404, {}, /failed to call webhook: the server could not find the requested resource$/],
  ])('%s', async (_what, say, more, message) => {
    const webhook = await listening(say)
    await register('validating', 'v', { clientConfig: webhook.clientConfig(), ...more })
    expect(await refusal(create('x'))).toMatchObject({ code: 500, message: expect.stringMatching(message) })
  })
  test('is not who he should be', async () => {
    const webhook = await listening(() => ({ allowed: true }))
    await register('validating', 'v', { clientConfig: { url: webhook.clientConfig().url } })
    const { message } = await refusal(create('x'))
    expect(message).toMatch(/tls: failed to verify certificate: x509: certificate signed by unknown authority$/)
  })
})

describe('whom it concerns', () => {
  const labelled = (labels: Record<string, string>) => ({ metadata: { name: 'x', labels } })
  test.each<[string, Record<string, unknown>, Promise<unknown> | (() => Promise<unknown>), number]>([
    ['another operation', { rules: [{ ...rules[0], operations: ['UPDATE'] }] }, () => create('x'), 0],
    ['another resource', { rules: [{ ...rules[0], resources: ['secrets'] }] }, () => create('x'), 0],
    ['any resource', { rules: [{ ...rules[0], resources: ['*'] }] }, () => create('x'), 1],
    ['the resource with its subresources', { rules: [{ ...rules[0], resources: ['configmaps/*'] }] }, () => create('x'), 1],
    ['cluster scope', { rules: [{ ...rules[0], scope: 'Cluster' }] }, () => create('x'), 0],
    ['another group', { rules: [{ ...rules[0], apiGroups: ['apps'] }] }, () => create('x'), 0],
    ['labels that it has', { objectSelector: { matchLabels: { a: 'b' } } }, () => create('x', labelled({ a: 'b' })), 1],
    ['labels that it has not', { objectSelector: { matchLabels: { a: 'b' } } }, () => create('x', labelled({ a: 'c' })), 0],
    ['its namespace', { namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'default' } } }, () => create('x'), 1],
    ['another namespace', { namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'o' } } }, () => create('x'), 0],
    [
      'a condition that holds',
      { matchConditions: [{ name: 'c', expression: 'object.metadata.name == "x"' }] },
      () => create('x'),
      1,
    ],
    [
      'one that does not',
      { matchConditions: [{ name: 'c', expression: 'request.userInfo.username == "x"' }] },
      () => create('x'),
      0,
    ],
  ])('%s', async (_what, more, act, calls) => {
    const webhook = await listening(() => ({ allowed: true }))
    await register('validating', 'v', { clientConfig: webhook.clientConfig(), ...more })
    await (typeof act === 'function' ? act() : act)
    expect(webhook.requests).toHaveLength(calls)
  })

  test('a condition that cannot be evaluated refuses', async () => {
    const webhook = await listening(() => ({ allowed: true }))
    const matchConditions = [{ name: 'c', expression: 'object.data.none == "x"' }]
    await register('validating', 'v', { clientConfig: webhook.clientConfig(), matchConditions })
    expect(await refusal(create('x', { data: { a: '1' } }))).toMatchObject({
      code: 500,
      message: `Internal error occurred: expression 'object.data.none == "x"' resulted in error: no such key: none`,
    })
  })

  test('a dry run does not reach those with side effects', async () => {
    const webhook = await listening(() => ({ allowed: true }))
    await register('validating', 'v', { clientConfig: webhook.clientConfig() })
    await create('x', {}, { dryRun: true })
    expect(webhook.requests.map(({ dryRun, options }: ReviewRequest) => [dryRun, options.dryRun])).toEqual([[true, ['All']]])
  })

  test('another version of its kind, in the version that it asked for', async () => {
    const webhook = await listening(({ object }) =>
      patch({ op: 'add', path: '/spec/minReplicas', value: object.spec.maxReplicas }),
    )
    const versions = [
      { operations: ['CREATE'], apiGroups: ['autoscaling'], apiVersions: ['v1'], resources: ['horizontalpodautoscalers'] },
    ]
    await register('mutating', 'm', { clientConfig: webhook.clientConfig(), rules: versions })
    const at = { group: 'autoscaling', version: 'v2', resource: 'horizontalpodautoscalers', namespace: 'default' }
    const body = {
      metadata: { name: 'x' },
      spec: { maxReplicas: 3, scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'd' } },
    }
    expect(await admin.call({ ...at, verb: 'create', body })).toMatchObject({
      apiVersion: 'autoscaling/v2',
      spec: { minReplicas: 3 },
    })
    expect(webhook.requests[0]).toMatchObject({
      kind: { version: 'v1' },
      requestKind: { version: 'v2' },
      object: { apiVersion: 'autoscaling/v1', kind: 'HorizontalPodAutoscaler' },
    })
  })

  test('a connection to a subresource, with its options', async () => {
    const webhook = await listening(() => ({ allowed: false, status: { message: 'nobody looks inside' } }))
    const connections = [{ operations: ['CONNECT'], apiGroups: [''], apiVersions: ['v1'], resources: ['pods/exec'] }]
    await register('validating', 'v', { clientConfig: webhook.clientConfig(), rules: connections })
    const attempt = admin.exec(
      { namespace: 'default', name: 'p' },
      { command: ['ls'], stdin: false, stdout: true, stderr: true, tty: false },
    )
    expect(await refusal(attempt)).toMatchObject({
      message: 'admission webhook "v.example.org" denied the request: nobody looks inside',
    })
    expect(webhook.requests[0]).toMatchObject({
      operation: 'CONNECT',
      kind: { kind: 'PodExecOptions' },
      resource: { resource: 'pods' },
      subResource: 'exec',
      name: 'p',
      object: { kind: 'PodExecOptions', command: ['ls'] },
    })
  })

  test('webhooks are not asked about webhooks', async () => {
    const everything = [{ operations: ['*'], apiGroups: ['*'], apiVersions: ['*'], resources: ['*/*'] }]
    await register('validating', 'v', { clientConfig: { url: 'https://127.0.0.1:9/' }, rules: everything })
    await register('validating', 'w', { clientConfig: { url: 'https://127.0.0.1:9/' } })
    await admin.call({
      group: 'admissionregistration.k8s.io',
      version: 'v1',
      resource: 'validatingwebhookconfigurations',
      verb: 'delete',
      name: 'v',
    })
    expect(await refusal(create('x'))).toMatchObject({ message: expect.stringContaining('"w.example.org"') })
  })
})

test('a service stands for one of its ready pods, and its name is what the certificate must be for', async () => {
  const webhook = await listening(() => ({ allowed: false, status: { message: 'seen' } }), ['hook.default.svc'])
  const service = { namespace: 'default', name: 'hook', path: '/x' }
  await register('validating', 'v', { clientConfig: { service, caBundle: webhook.caBundle } })
  expect(await refusal(create('x'))).toMatchObject({
    message: 'Internal error occurred: failed calling webhook "v.example.org": failed to call webhook: service "hook" not found',
  })
  const ports = [{ port: 443, targetPort: webhook.port }]
  const core = { group: '', version: 'v1', namespace: 'default' }
  await admin.call({
    ...core,
    resource: 'services',
    verb: 'create',
    body: { metadata: { name: 'hook' }, spec: { selector: { app: 'hook' }, ports } },
  })
  const body = { metadata: { name: 'p', labels: { app: 'hook' } }, spec: { containers: [{ name: 'c', image: 'i' }] } }
  await admin.call({ ...core, resource: 'pods', verb: 'create', body })
  expect(await refusal(create('x'))).toMatchObject({
    message: expect.stringContaining('no endpoints available for service "hook"'),
  })
  const status = { podIP: '127.0.0.1', podIPs: [{ ip: '127.0.0.1' }], conditions: [{ type: 'Ready', status: 'True' }] }
  await admin.call({
    ...core,
    resource: 'pods',
    name: 'p',
    subresource: 'status',
    verb: 'patch',
    patchType: 'merge',
    body: { status },
  })
  expect(await refusal(create('x'))).toMatchObject({ message: 'admission webhook "v.example.org" denied the request: seen' })
})
