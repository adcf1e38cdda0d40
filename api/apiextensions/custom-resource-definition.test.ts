import { describe, expect, test } from 'vitest'
import { tryDecode } from '../decode.ts'
import { jsonSchemaOf } from '../json-schema.ts'
import { CustomResourceDefinition } from './custom-resource-definition.ts'
import type { JsonSchemaProps } from './json-schema-props.ts'

type Body = Record<string, unknown>

const version = (schema: unknown, more: Body = {}) => ({
  name: 'v1',
  served: true,
  storage: true,
  schema: { openAPIV3Schema: schema },
  ...more,
})
const plainSchema = { type: 'object', properties: { spec: { type: 'object', properties: { size: { type: 'integer' } } } } }
const names = { plural: 'boats', kind: 'Boat' }

function definition(spec: Body = {}, metadata: Body = {}): Body {
  return {
    metadata: { name: 'boats.harbour.test', ...metadata },
    spec: { group: 'harbour.test', scope: 'Namespaced', names, versions: [version(plainSchema)], ...spec },
  }
}

function read(body: unknown) {
  const result = tryDecode(CustomResourceDefinition, body)
  if (!result.ok) throw new Error(result.error)
  CustomResourceDefinition.default(result.object)
  return result
}

const faults = (body: unknown, old?: unknown) =>
  CustomResourceDefinition.validate(read(body).object as never, old === undefined ? undefined : (read(old).object as never)).map(
    ({ field, message }) => `${field}: ${message}`,
  )
const faultsOf = (schema: unknown, more?: Body) =>
  faults(definition({ versions: [version(schema, more)] })).map(text =>
    text.replace('spec.versions[0].schema.openAPIV3Schema', 'S'),
  )
const withSpec = (spec: JsonSchemaProps | Body) => faultsOf({ type: 'object', properties: { spec } })

test('names, conversion and stored versions are filled in', () => {
  const { object } = read(definition())
  expect(object.spec.names).toEqual({ plural: 'boats', kind: 'Boat', singular: 'boat', listKind: 'BoatList' })
  expect(object.spec.conversion).toEqual({ strategy: 'None' })
  expect(object.status.storedVersions).toEqual(['v1'])
  expect(faults(definition())).toEqual([])
})

test('a schema is read whole, and what is unknown in it is told', () => {
  const schema = {
    type: 'object',
    properties: {
      spec: {
        type: 'object',
        additionalProperties: { type: 'string', wrong: 1 },
        default: { a: null, b: [null] },
        'x-kubernetes-validations': [{ rule: 'true', odd: 1 }],
      },
      list: { type: 'array', items: { type: 'string', enum: ['a', null], nope: {} } },
      flag: { type: 'object', additionalProperties: true },
    },
  }
  const { object, unknown } = read(definition({ versions: [version(schema)] }))
  expect(unknown).toEqual([
    'unknown field "spec.versions[0].schema.openAPIV3Schema.properties.spec.additionalProperties.wrong"',
    'unknown field "spec.versions[0].schema.openAPIV3Schema.properties.spec.x-kubernetes-validations[0].odd"',
    'unknown field "spec.versions[0].schema.openAPIV3Schema.properties.list.items.nope"',
  ])
  const { properties = {} } = (object.spec.versions[0] as { schema: { openAPIV3Schema: JsonSchemaProps } }).schema.openAPIV3Schema
  expect(properties.spec?.default).toEqual({ a: null, b: [null] })
  expect(properties.list?.items).toEqual({ type: 'string', enum: ['a', null] })
  expect(properties.flag?.additionalProperties).toBe(true)
})

test('the schema of schemas refers to itself', () => {
  const { definitions } = jsonSchemaOf(CustomResourceDefinition)
  const props = definitions['io.k8s.api.apiextensions.v1.JSONSchemaProps']
  expect(JSON.stringify(props?.properties?.properties)).toContain('JSONSchemaProps')
})

describe('what a definition may say', () => {
  test.each<[string, Body, string[]]>([
    [
      'its name',
      definition({}, { name: 'boats.other' }),
      ['metadata.name: Invalid value: "boats.other": must be spec.names.plural+"."+spec.group'],
    ],
    [
      'its group',
      definition({ group: 'harbour' }, { name: 'boats.harbour' }),
      ['spec.group: Invalid value: "harbour": should be a domain with at least one dot'],
    ],
    [
      'its scope',
      definition({ scope: 'World' }),
      ['spec.scope: Unsupported value: "World": supported values: "Cluster", "Namespaced"'],
    ],
    [
      'a schema',
      definition({ versions: [{ name: 'v1', served: true, storage: true }] }),
      ['spec.versions[0].schema.openAPIV3Schema: Required value'],
    ],
    [
      'the kind of a list',
      definition({ names: { ...names, listKind: 'Boat' } }),
      ['spec.names.listKind: Invalid value: "Boat": kind and listKind may not be the same'],
    ],
    [
      'no webhook without the strategy',
      definition({ conversion: { strategy: 'None', webhook: { conversionReviewVersions: ['v1'] } } }),
      ['spec.conversion.conversionReviewVersions: Forbidden: should not be set when strategy is not set to Webhook'],
    ],
    [
      'a webhook',
      definition({
        conversion: {
          strategy: 'Webhook',
          webhook: { clientConfig: { url: 'http://x/y?q=1' }, conversionReviewVersions: ['v9'] },
        },
      }),
      [
        `spec.conversion.webhookClientConfig.url: Invalid value: "http": 'https' is the only allowed URL scheme; desired format: https://host[/path]`,
        'spec.conversion.webhookClientConfig.url: Invalid value: "q=1": query parameters are not permitted in the URL',
        'spec.conversion.conversionReviewVersions: Invalid value: ["v9"]: must include at least one of v1, v1beta1',
      ],
    ],
    [
      'approval',
      definition({ group: 'x.k8s.io' }, { name: 'boats.x.k8s.io' }),
      [
        'metadata.annotations[api-approved.kubernetes.io]: Required value: protected groups must have approval annotation "api-approved.kubernetes.io", see https://github.com/kubernetes/enhancements/pull/1111',
      ],
    ],
  ])('%s', (_, body, expected) => {
    expect(faults(body)).toEqual(expected)
  })

  test('exactly one version is stored, and none comes twice', () => {
    const twice = faults(definition({ versions: [version(plainSchema), version(plainSchema)] }))
    expect(twice.map(text => text.replace(/value: .*: must/, 'must'))).toEqual([
      'spec.versions: Invalid must contain unique version names',
      'spec.versions: Invalid must have exactly one version marked as storage version',
    ])
  })

  test('what others rely on does not change', () => {
    const established = {
      ...definition(),
      status: { conditions: [{ type: 'Established', status: 'True' }], storedVersions: ['v1', 'v0'] },
    }
    const changed = { ...definition({ scope: 'Cluster' }), status: established.status }
    expect(faults(changed, established)).toEqual([
      'spec.scope: Invalid value: "Cluster": field is immutable',
      'status.storedVersions[1]: Invalid value: "v0": missing from spec.versions; v0 was previously a storage version, and must remain in spec.versions until a storage migration ensures no data remains persisted in v0 and removes v0 from status.storedVersions',
    ])
  })
})

describe('what a version may say', () => {
  test.each<[string, Body, string[]]>([
    [
      'columns',
      { additionalPrinterColumns: [{ name: 'A', type: 'text', jsonPath: 'spec.a' }] },
      [
        'spec.versions[0].additionalPrinterColumns[0].type: Invalid value: "text": must be one of boolean,date,integer,number,string',
        'spec.versions[0].additionalPrinterColumns[0].JSONPath: Invalid value: "spec.a": must be a simple json path starting with .',
      ],
    ],
    [
      'scale',
      { subresources: { scale: { specReplicasPath: '.size', statusReplicasPath: '' } } },
      [
        'spec.versions[0].subresources.scale.specReplicasPath: Invalid value: ".size": should be a json path under .spec',
        'spec.versions[0].subresources.scale.statusReplicasPath: Required value',
      ],
    ],
    [
      'selectable fields',
      {
        selectableFields: [
          { jsonPath: '.spec.size' },
          { jsonPath: '.spec.size' },
          { jsonPath: '.spec' },
          { jsonPath: '.spec.none' },
        ],
      },
      [
        'spec.versions[0].selectableFields[1].jsonPath: Duplicate value: ".spec.size"',
        'spec.versions[0].selectableFields[2].jsonPath: Invalid value: ".spec": must point to a field of type string, boolean or integer. Enum string fields and strings with formats are allowed.',
        'spec.versions[0].selectableFields[3].jsonPath: Invalid value: ".spec.none": is an invalid path: does not refer to a valid field',
      ],
    ],
    [
      'a warning only when deprecated',
      { deprecationWarning: 'old' },
      ['spec.versions[0].deprecationWarning: Invalid value: "old": can only be set for deprecated versions'],
    ],
  ])('%s', (_, more, expected) => {
    expect(faultsOf(plainSchema, more)).toEqual(expected)
  })
})

describe('structural schemas', () => {
  test.each<[string, unknown, string[]]>([
    ['no type', { properties: {} }, ['S.type: Required value: must not be empty at the root']],
    [
      'no type of a field',
      { type: 'object', properties: { a: {} } },
      ['S.properties[a].type: Required value: must not be empty for specified object fields'],
    ],
    [
      'no items',
      { type: 'object', properties: { a: { type: 'array' } } },
      ['S.properties[a].items: Required value: must be specified'],
    ],
    [
      'a type inside anyOf',
      { type: 'object', properties: { a: { type: 'string', anyOf: [{ type: 'string' }] } } },
      ['S.properties[a].anyOf[0].type: Forbidden: must be empty to be structural'],
    ],
    [
      'int-or-string',
      {
        type: 'object',
        properties: { a: { 'x-kubernetes-int-or-string': true, anyOf: [{ type: 'integer' }, { type: 'string' }] } },
      },
      [],
    ],
    [
      'a field that only a junctor knows',
      { type: 'object', oneOf: [{ required: ['a'], properties: { a: { minimum: 1 } } }] },
      ['S.properties[a]: Required value: because it is defined in S.oneOf[0].properties[a]'],
    ],
    [
      'more than a name in metadata',
      { type: 'object', properties: { metadata: { type: 'object', properties: { labels: { type: 'object' } } } } },
      [
        'S.properties[metadata]: Forbidden: must not specify anything other than name and generateName, but metadata is implicitly specified',
      ],
    ],
    [
      'additionalProperties at the root',
      { type: 'object', additionalProperties: { type: 'string' } },
      ['S.additionalProperties: Forbidden: must not be used at the root'],
    ],
    [
      'a pattern that is none',
      { type: 'object', properties: { a: { type: 'string', pattern: '(' } } },
      [
        expect.stringMatching(
          /^S\.properties\[a\]\.pattern: Invalid value: "\(": must be a valid regular expression, but isn't: /,
        ),
      ],
    ],
    [
      'a definition',
      { type: 'object', definitions: { a: { type: 'string' } } },
      ['S.definitions: Forbidden: definitions is not supported'],
    ],
    ['nullable', { type: 'object', nullable: true }, ['S.nullable: Forbidden: nullable cannot be true at the root']],
  ] as [string, unknown, string[]][])('%s', (_, schema, expected) => {
    expect(faultsOf(schema).map(text => text.replaceAll('spec.versions[0].schema.openAPIV3Schema', 'S'))).toEqual(expected)
  })
})

describe('lists and rules', () => {
  const item = { type: 'object', properties: { name: { type: 'string' } } }
  const at = 'S.properties[spec]'
  test.each<[string, Body, string[]]>([
    [
      'a set of objects that can be told apart by nothing',
      { type: 'array', 'x-kubernetes-list-type': 'set', items: item },
      [
        `${at}.items.x-kubernetes-map-type: Invalid value: null: must be atomic as item of a list with x-kubernetes-list-type=set`,
      ],
    ],
    [
      'a map without keys',
      { type: 'array', 'x-kubernetes-list-type': 'map', items: item },
      [`${at}.x-kubernetes-list-map-keys: Required value: must not be empty if x-kubernetes-list-type is map`],
    ],
    [
      'a key that may be absent',
      { type: 'array', 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': ['name'], items: item },
      [
        `${at}.items.properties[name].default: Required value: this property is in x-kubernetes-list-map-keys, so it must have a default or be a required property`,
      ],
    ],
    [
      'a rule with an unknown reason',
      { type: 'object', 'x-kubernetes-validations': [{ rule: 'true', reason: 'Because', fieldPath: '.none' }] },
      [
        `${at}.x-kubernetes-validations[0].reason: Unsupported value: "Because": supported values: "FieldValueDuplicate", "FieldValueForbidden", "FieldValueInvalid", "FieldValueRequired"`,
        `${at}.x-kubernetes-validations[0].fieldPath: Invalid value: ".none": must be a valid path`,
      ],
    ],
    [
      'a default of the wrong type',
      { type: 'integer', default: 'many' },
      [`${at}.default: Invalid value: "string": ${at}.default in body must be of type integer: "string"`],
    ],
    [
      'a default with unknown fields',
      { type: 'object', default: { a: 1 } },
      [`${at}.default: Invalid value: {"a":1}: must not have unknown fields`],
    ],
  ])('%s', (_, spec, expected) => {
    const found = withSpec(spec).map(text =>
      text.replaceAll('spec.versions[0].schema.openAPIV3Schema', 'S').replace('in body', 'in body'),
    )
    expect(found).toEqual(expected.map(text => text.replace(`${at}.default in body`, ' in body')))
  })
})
