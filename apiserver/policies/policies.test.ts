import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import type { Transport } from '../../api/transport.ts'
import { users } from '../../api/user.ts'
import type { Authorizer } from '../auth/authorizer.ts'
import { type ExtensibleServer, extensibleServer, refusal } from '../webhooks/testing.ts'

const authorizer = {
  authorize: (_user: unknown, { verb, resource }: { verb: string; resource: string }) => ({
    allowed: verb === 'get' && resource === 'secrets',
    reason: '',
  }),
} as unknown as Authorizer

let server: ExtensibleServer
let admin: Transport
beforeEach(async () => {
  server = await extensibleServer(authorizer)
  admin = server.transport()
})
afterEach(() => server.stop())

const group = 'admissionregistration.k8s.io'
const configMaps = { group: '', version: 'v1', resource: 'configmaps', namespace: 'default' }
const matchConstraints = {
  resourceRules: [
    { operations: ['CREATE', 'UPDATE', 'DELETE'], apiGroups: [''], apiVersions: ['v1'], resources: ['configmaps'] },
  ],
}
const writes = {
  resourceRules: [{ operations: ['CREATE', 'UPDATE'], apiGroups: [''], apiVersions: ['v1'], resources: ['configmaps'] }],
}

const createPolicy = (spec: object) =>
  admin.call({
    group,
    version: 'v1',
    resource: 'validatingadmissionpolicies',
    verb: 'create',
    body: { metadata: { name: 'p' }, spec: { matchConstraints, ...spec } },
  })

async function inEffect(sort: 'validating' | 'mutating'): Promise<void> {
  await server.inEffect(`${sort}admissionpolicies`, 'p')
  await server.inEffect(`${sort}admissionpolicybindings`, 'b')
}

/** A policy with a binding, in effect. */
async function enforce(spec: object, binding: object = {}): Promise<void> {
  await createPolicy(spec)
  const body = { metadata: { name: 'b' }, spec: { policyName: 'p', validationActions: ['Deny'], ...binding } }
  await admin.call({ group, version: 'v1', resource: 'validatingadmissionpolicybindings', verb: 'create', body })
  await inEffect('validating')
}

async function enforceMutation(mutations: object[], spec: object = {}): Promise<void> {
  const policy = { matchConstraints: writes, reinvocationPolicy: 'Never', mutations, ...spec }
  const at = { group, version: 'v1beta1', verb: 'create' } as const
  await admin.call({ ...at, resource: 'mutatingadmissionpolicies', body: { metadata: { name: 'p' }, spec: policy } })
  const body = { metadata: { name: 'b' }, spec: { policyName: 'p' } }
  await admin.call({ ...at, resource: 'mutatingadmissionpolicybindings', body })
  await inEffect('mutating')
}

const create = (name: string, more: object = {}) =>
  admin.call({ ...configMaps, verb: 'create', body: { metadata: { name }, ...more } }) as Promise<Record<string, unknown>>

const denied = (message: string) => ({
  code: 422,
  reason: 'Invalid',
  message: `configmaps "x" is forbidden: ValidatingAdmissionPolicy 'p' with binding 'b' denied request: ${message}`,
})

describe('validating policies', () => {
  const says = (expression: string, more: object = {}) => ({ validations: [{ expression, ...more }] })
  test.each<[string, object, object | undefined]>([
    ['true passes', says('object.metadata.name == "x"'), undefined],
    ['false refuses', says('object.metadata.name == "y"'), denied('failed expression: object.metadata.name == "y"')],
    ['a message', says('false', { message: ' no ' }), denied('no')],
    ['a reason', says('false', { message: 'no', reason: 'Forbidden' }), { ...denied('no'), code: 403, reason: 'Forbidden' }],
    [
      'a message expression',
      says('false', { messageExpression: '"not " + object.metadata.name', message: 'm' }),
      denied('not x'),
    ],
    ['a message expression that fails', says('false', { messageExpression: 'object.none', message: 'm' }), denied('m')],
    [
      'an error',
      says('object.data.none == "x"'),
      denied(`expression 'object.data.none == "x"' resulted in error: no such key: data`),
    ],
    ['an error to ignore', { ...says('object.data.none == "x"'), failurePolicy: 'Ignore' }, undefined],
    ['the namespace', says('namespaceObject.metadata.name == "default" && object.metadata.namespace == "default"'), undefined],
    [
      'the request',
      says(
        'request.operation == "CREATE" && request.kind.kind == "ConfigMap" && request.userInfo.username == "kubernetes-admin"',
      ),
      undefined,
    ],
    ['no old object', says('oldObject == null'), undefined],
    ['the authorizer', says('authorizer.group("").resource("secrets").namespace("default").check("get").allowed()'), undefined],
    ['its refusal', says('authorizer.requestResource.check("create").allowed()', { message: 'no' }), denied('no')],
    [
      'variables',
      {
        variables: [
          { name: 'n', expression: 'size(object.metadata.name)' },
          { name: 'twice', expression: 'variables.n * 2' },
        ],
        ...says('variables.twice == 2'),
      },
      undefined,
    ],
    ['a condition that does not hold', { matchConditions: [{ name: 'c', expression: 'false' }], ...says('false') }, undefined],
  ])('%s', async (_what, spec, expected) => {
    await enforce(spec)
    if (expected) expect(await refusal(create('x'))).toEqual(expected)
    else expect(await create('x')).toMatchObject({ metadata: { name: 'x' } })
  })

  test('an update is seen with what was there before, a deletion with what goes', async () => {
    await create('x', { data: { a: '1' } })
    await enforce({ validations: [{ expression: 'object != null && object.data.a == oldObject.data.a', message: 'kept' }] })
    const update = admin.call({ ...configMaps, name: 'x', verb: 'patch', patchType: 'merge', body: { data: { a: '2' } } })
    expect(await refusal(update)).toEqual(denied('kept'))
    expect(await refusal(admin.call({ ...configMaps, name: 'x', verb: 'delete' }))).toEqual(denied('kept'))
  })

  test('a binding may only warn', async () => {
    await enforce({ validations: [{ expression: 'false', message: 'careful' }] }, { validationActions: ['Warn'] })
    const answer = await server.pipeline.handle({
      ...configMaps,
      user: users.admin,
      verb: 'create',
      body: { metadata: { name: 'x' } },
    })
    expect(answer).toMatchObject({ warnings: ["Validation failed for ValidatingAdmissionPolicy 'p' with binding 'b': careful"] })
  })

  test('a binding narrows the policy', async () => {
    await enforce(
      { validations: [{ expression: 'false', message: 'no' }] },
      { matchResources: { objectSelector: { matchLabels: { a: 'b' } } } },
    )
    expect(await create('free')).toMatchObject({ metadata: { name: 'free' } })
    expect(await refusal(create('x', { metadata: { name: 'x', labels: { a: 'b' } } }))).toEqual(denied('no'))
  })

  test('parameters are objects, by name or by selector; there may have to be some', async () => {
    const parametrised = {
      paramKind: { apiVersion: 'v1', kind: 'ConfigMap' },
      matchConditions: [{ name: 'c', expression: '!has(object.metadata.labels)' }],
      validations: [
        {
          expression: 'object.metadata.name.startsWith(params.data.prefix)',
          messageExpression: '"must start with " + params.data.prefix',
        },
      ],
    }
    await enforce(parametrised, { paramRef: { selector: { matchLabels: { use: 'yes' } }, parameterNotFoundAction: 'Deny' } })
    expect(await refusal(create('x'))).toEqual(
      denied('failed to configure binding: no params found for policy binding with `Deny` parameterNotFoundAction'),
    )
  })

  test('parameters that are there are used', async () => {
    await create('limits', { data: { prefix: 'web-' } })
    await enforce(
      {
        paramKind: { apiVersion: 'v1', kind: 'ConfigMap' },
        validations: [
          {
            expression: 'object.metadata.name.startsWith(params.data.prefix)',
            messageExpression: '"must start with " + params.data.prefix',
          },
        ],
      },
      { paramRef: { name: 'limits', parameterNotFoundAction: 'Deny' } },
    )
    expect(await refusal(create('x'))).toEqual(denied('must start with web-'))
    expect(await create('web-1')).toMatchObject({ metadata: { name: 'web-1' } })
  })

  test.each<[object, string]>([
    [
      { validations: [{ expression: 'object.x +' }] },
      'ValidatingAdmissionPolicy.admissionregistration.k8s.io "p" is invalid: spec.validations[0].expression: Invalid value: ' +
        '"object.x +": compilation failed: ERROR: <input>:1:11: Syntax error: unexpected token: EOF\n | object.x +\n | ..........^',
    ],
    [
      { validations: [{ expression: '1 + 1' }] },
      'ValidatingAdmissionPolicy.admissionregistration.k8s.io "p" is invalid: spec.validations[0].expression: Invalid value: ' +
        '"1 + 1": must evaluate to bool but got int',
    ],
    [
      { validations: [{ expression: 'params.x' }] },
      'ValidatingAdmissionPolicy.admissionregistration.k8s.io "p" is invalid: spec.validations[0].expression: Invalid value: ' +
        `"params.x": compilation failed: ERROR: <input>:1:1: undeclared reference to 'params' (in container '')\n | params.x\n | ^`,
    ],
  ])('expressions that do not compile are refused: %j', async (spec, message) => {
    expect(await refusal(createPolicy(spec))).toEqual({ code: 422, reason: 'Invalid', message })
  })
})

describe('the status of a policy tells what the types of its subjects do not bear out', () => {
  test.each<[string, unknown]>([
    ['object.data.all(k, k.size() < 5)', { observedGeneration: 1, typeChecking: {} }],
    [
      'object.dat.all(k, true)',
      {
        observedGeneration: 1,
        typeChecking: {
          expressionWarnings: [
            {
              fieldRef: 'spec.validations[0].expression',
              warning: "v1, Kind=ConfigMap: ERROR: <input>:1:7: undefined field 'dat'\n | object.dat.all(k, true)\n | ......^\n",
            },
          ],
        },
      },
    ],
  ])('%s', async (expression, expected) => {
    await createPolicy({ validations: [{ expression }] })
    const at = { group, version: 'v1', resource: 'validatingadmissionpolicies', name: 'p' }
    await vi.waitFor(async () => expect(await admin.call({ ...at, verb: 'get' })).toMatchObject({ status: expected }))
  })
})

describe('mutating policies', () => {
  const apply = (expression: string) => ({ patchType: 'ApplyConfiguration', applyConfiguration: { expression } })
  const json = (expression: string) => ({ patchType: 'JSONPatch', jsonPatch: { expression } })

  test('merge what an expression makes, and patch', async () => {
    await enforceMutation([
      apply('Object{metadata: Object.metadata{labels: {"by": request.userInfo.username}}, data: {"b": "2"}}'),
      json('[JSONPatch{op: "add", path: "/data/" + jsonpatch.escapeKey("c"), value: object.data.b + "!"}]'),
    ])
    expect(await create('x', { data: { a: '1' } })).toMatchObject({
      metadata: { labels: { by: 'kubernetes-admin' } },
      data: { a: '1', b: '2', c: '2!' },
    })
  })

  test('a patch whose test fails changes nothing', async () => {
    await enforceMutation([
      json('[JSONPatch{op: "test", path: "/data/a", value: "9"}, JSONPatch{op: "remove", path: "/data/a"}]'),
    ])
    expect(await create('x', { data: { a: '1' } })).toMatchObject({ data: { a: '1' } })
  })

  test('what fails refuses the request', async () => {
    await enforceMutation([apply('Object{data: {"a": object.none}}')])
    expect(await refusal(create('x'))).toEqual({
      code: 403,
      reason: 'Invalid',
      message: `policy 'p' with binding 'b' denied request: expression 'Object{data: {"a": object.none}}' resulted in error: no such key: none`,
    })
  })

  test('what can only be replaced whole may not be merged', async () => {
    await enforceMutation([apply('Object{spec: Object.spec{accessModes: ["ReadWriteOnce"]}}')], {
      matchConstraints: { resourceRules: [{ ...writes.resourceRules[0], resources: ['persistentvolumeclaims'] }] },
    })
    const spec = { accessModes: ['ReadOnlyMany'], resources: { requests: { storage: '1Gi' } } }
    const body = { metadata: { name: 'x' }, spec }
    const attempt = admin.call({ ...configMaps, resource: 'persistentvolumeclaims', verb: 'create', body })
    const { message } = await refusal(attempt)
    expect(message).toMatch(/invalid ApplyConfiguration: may not mutate atomic arrays, maps or structs: \.spec\.accessModes$/)
  })

  test('only what its conditions let through', async () => {
    await enforceMutation([apply('Object{data: {"a": "1"}}')], {
      matchConditions: [{ name: 'c', expression: 'object.metadata.name != "x"' }],
    })
    expect([(await create('x')).data, (await create('y')).data]).toEqual([undefined, { a: '1' }])
  })
})
