import { describe, expect, test } from 'vitest'
import { decode } from '../decode.ts'
import type { AnyKind } from '../kind.ts'
import { MutatingAdmissionPolicy } from './mutating-admission-policy.ts'
import { ValidatingAdmissionPolicy, ValidatingAdmissionPolicyBinding } from './validating-admission-policy.ts'
import { MutatingWebhookConfiguration, ValidatingWebhookConfiguration } from './webhook-configuration.ts'

const faults = (kind: AnyKind, body: object) => {
  const { object } = decode(kind, { metadata: { name: 'x' }, ...body }, 'Strict')
  return kind.validate(object).map(({ field, message }) => `${field}: ${message}`)
}

const hook = {
  name: 'a.example.com',
  clientConfig: { url: 'https://a' },
  sideEffects: 'None',
  admissionReviewVersions: ['v1'],
  rules: [{ operations: ['CREATE'], apiGroups: ['*'], apiVersions: ['*'], resources: ['*'] }],
}

test('defaults of webhooks', () => {
  const { object } = decode(MutatingWebhookConfiguration, { metadata: { name: 'x' }, webhooks: [hook] }, 'Strict')
  expect(object.webhooks?.[0]).toEqual({
    ...hook,
    rules: [{ ...hook.rules[0], scope: '*' }],
    failurePolicy: 'Fail',
    matchPolicy: 'Equivalent',
    namespaceSelector: {},
    objectSelector: {},
    timeoutSeconds: 10,
    reinvocationPolicy: 'Never',
  })
})

describe('faults of webhooks', () => {
  const rule = hook.rules[0]
  test.each<[object, string[]]>([
    [{}, []],
    [
      { name: 'a.b' },
      ['webhooks[0].name: Invalid value: "a.b": should be a domain with at least three segments separated by dots'],
    ],
    [{ sideEffects: 'Some' }, ['webhooks[0].sideEffects: Unsupported value: "Some": supported values: "None", "NoneOnDryRun"']],
    [{ sideEffects: undefined }, ['webhooks[0].sideEffects: Required value: must specify one of None, NoneOnDryRun']],
    [
      { timeoutSeconds: 31 },
      ['webhooks[0].timeoutSeconds: Invalid value: 31: the timeout value must be between 1 and 30 seconds'],
    ],
    [{ admissionReviewVersions: [] }, ['webhooks[0].admissionReviewVersions: Required value: must specify one of v1, v1beta1']],
    [
      { admissionReviewVersions: ['v9'] },
      ['webhooks[0].admissionReviewVersions: Invalid value: ["v9"]: must include at least one of v1, v1beta1'],
    ],
    [{ clientConfig: {} }, ['webhooks[0].clientConfig: Required value: exactly one of url or service is required']],
    [
      { clientConfig: { url: 'http://a?b' } },
      [
        `webhooks[0].clientConfig.url: Invalid value: "http": 'https' is the only allowed URL scheme; desired format: https://host[/path]`,
        'webhooks[0].clientConfig.url: Invalid value: "b": query parameters are not permitted in the URL',
      ],
    ],
    [
      { clientConfig: { service: { name: 'a', namespace: 'b', path: '/a//b' } } },
      ['webhooks[0].clientConfig.service.path: Invalid value: "/a//b": segment[1] may not be empty'],
    ],
    [
      { rules: [{ ...rule, operations: ['*', 'CREATE'] }] },
      [`webhooks[0].rules[0].operations: Invalid value: ["*","CREATE"]: if '*' is present, must not specify other operations`],
    ],
    [
      { rules: [{ ...rule, resources: ['*/*', 'pods'] }] },
      [`webhooks[0].rules[0].resources: Invalid value: ["*/*","pods"]: if '*/*' is present, must not specify other resources`],
    ],
    [
      { rules: [{ ...rule, resources: ['pods/*', 'pods/log'] }] },
      [`webhooks[0].rules[0].resources[1]: Invalid value: "pods/log": if 'pods/*' is present, must not specify pods/log`],
    ],
    [{ matchConditions: [{ name: 'c', expression: ' ' }] }, ['webhooks[0].matchConditions[0].expression: Required value']],
  ])('%j', (more, expected) => {
    expect(faults(ValidatingWebhookConfiguration, { webhooks: [{ ...hook, ...more }] })).toEqual(expected)
  })
  test('names are taken once', () => {
    expect(faults(ValidatingWebhookConfiguration, { webhooks: [hook, hook] })).toEqual([
      'webhooks[1].name: Duplicate value: "a.example.com"',
    ])
  })
})

describe('faults of policies', () => {
  const matchConstraints = { resourceRules: hook.rules }
  const policy = { matchConstraints, validations: [{ expression: 'true' }] }
  const both = 'Required value: validations or auditAnnotations must contain at least one item'
  test.each<[AnyKind, object, string[]]>([
    [ValidatingAdmissionPolicy, policy, []],
    [
      ValidatingAdmissionPolicy,
      {},
      ['spec.matchConstraints: Required value', `spec.validations: ${both}`, `spec.auditAnnotations: ${both}`],
    ],
    [
      ValidatingAdmissionPolicy,
      { ...policy, variables: [{ name: 'a-b', expression: '' }] },
      [
        'spec.variables[0].name: Invalid value: "a-b": must be a valid CEL identifier',
        'spec.variables[0].expression: Required value: expression is not specified',
      ],
    ],
    [ValidatingAdmissionPolicy, { ...policy, paramKind: { apiVersion: 'v1' } }, ['spec.paramKind.kind: Required value']],
    [
      ValidatingAdmissionPolicyBinding,
      { policyName: 'p', validationActions: ['Deny', 'Warn'] },
      [
        'spec.validationActions: Invalid value: ["Deny","Warn"]: must not contain both Deny and Warn (repeating the same ' +
          'validation failure information in the API response and headers serves no purpose)',
      ],
    ],
    [
      ValidatingAdmissionPolicyBinding,
      { validationActions: ['Deny'], paramRef: { name: 'a', selector: {} } },
      [
        'spec.policyName: Required value',
        'spec.paramRef.name: Forbidden: name and selector are mutually exclusive',
        'spec.paramRef.selector: Forbidden: name and selector are mutually exclusive',
        'spec.paramRef.parameterNotFoundAction: Required value',
      ],
    ],
    [
      MutatingAdmissionPolicy,
      { matchConstraints, mutations: [{ patchType: 'JSONPatch' }] },
      [
        'spec.mutations[0].jsonPatch: Required value: must be specified when patchType is JSONPatch',
        'spec.reinvocationPolicy: Required value',
      ],
    ],
  ])('%#', (kind, spec, expected) => {
    expect(faults(kind, { spec })).toEqual(expected)
  })
})
