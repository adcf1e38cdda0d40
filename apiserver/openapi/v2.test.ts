import { describe, expect, test } from 'vitest'
import { apiVersionOf } from '../../api/kind.ts'
import { bodyKinds, kinds } from '../../api/kinds.ts'
import { openApiV2 } from './v2.ts'
import { encodeSwagger } from './v2-protobuf.ts'
import { openApiDocument } from './v3.ts'

const groupVersions = [...new Set(kinds.map(apiVersionOf))]
const inGroup = (groupVersion: string) => (kind: (typeof kinds)[number]) => apiVersionOf(kind) === groupVersion
const swagger = openApiV2(
  groupVersions.map(groupVersion =>
    openApiDocument(kinds.filter(inGroup(groupVersion)), bodyKinds.filter(inGroup(groupVersion))),
  ),
)
const definition = (name: string) => swagger.definitions[name] as { properties: Record<string, Record<string, unknown>> }

describe('OpenAPI v2', () => {
  test('every reference leads somewhere', () => {
    const references = [...JSON.stringify(swagger).matchAll(/"\$ref":"([^"]+)"/g)].map(([, name = '']) => name)
    expect(references.length).toBeGreaterThan(400)
    for (const name of new Set(references)) expect(swagger.definitions).toHaveProperty([name.slice('#/definitions/'.length)])
  })

  test('says of a field what merging needs', () => {
    expect(definition('io.k8s.api.core.v1.PodSpec').properties.containers).toMatchObject({
      type: 'array',
      items: { $ref: '#/definitions/io.k8s.api.core.v1.Container' },
      'x-kubernetes-patch-merge-key': 'name',
      'x-kubernetes-patch-strategy': 'merge',
    })
    expect(definition('io.k8s.apimachinery.pkg.api.resource.Quantity')).toMatchObject({ type: 'string' })
    expect(definition('io.k8s.apimachinery.pkg.util.intstr.IntOrString')).toMatchObject({
      type: 'string',
      format: 'int-or-string',
    })
  })

  test('has operations with plain parameters and a body', () => {
    const { patch, parameters } = swagger.paths['/apis/apps/v1/namespaces/{namespace}/deployments/{name}'] as {
      patch: { parameters: { name: string; in: string; type?: string }[]; consumes: string[] }
      parameters: object[]
    }
    expect(patch).toMatchObject({ 'x-kubernetes-group-version-kind': { group: 'apps', version: 'v1', kind: 'Deployment' } })
    expect(patch.consumes).toContain('application/strategic-merge-patch+json')
    expect(patch.parameters.map(({ name, in: where, type }) => [name, where, type])).toEqual(
      expect.arrayContaining([
        ['body', 'body', undefined],
        ['dryRun', 'query', 'string'],
        ['fieldValidation', 'query', 'string'],
        ['force', 'query', 'boolean'],
      ]),
    )
    expect(parameters).toContainEqual({
      name: 'name',
      in: 'path',
      required: true,
      type: 'string',
      uniqueItems: true,
      description: expect.any(String),
    })
  })
})

/** Reads protobuf without knowing the messages: field number -> values, which may be messages again. */
function fieldsOf(bytes: Uint8Array): Map<number, Uint8Array[]> {
  const fields = new Map<number, Uint8Array[]>()
  let at = 0
  const varint = () => {
    let value = 0
    for (let shift = 0; ; shift += 7) {
      const byte = bytes[at++] ?? 0
      value |= (byte & 127) << shift
      if (byte < 128) return value
    }
  }
  while (at < bytes.length) {
    const tag = varint()
    const length = (tag & 7) === 2 ? varint() : 0
    const value = (tag & 7) === 2 ? bytes.subarray(at, at + length) : Uint8Array.of(varint())
    at += length
    fields.set(tag >> 3, [...(fields.get(tag >> 3) ?? []), value])
  }
  return fields
}

const textOf = (bytes: Uint8Array | undefined) => Buffer.from(bytes ?? []).toString()
const only = (fields: Map<number, Uint8Array[]>, number: number) => fieldsOf(fields.get(number)?.[0] ?? new Uint8Array())

describe('as protobuf', () => {
  const document = fieldsOf(encodeSwagger(swagger))

  test('names the version and every definition and path', () => {
    expect(textOf(document.get(1)?.[0])).toBe('2.0')
    const names = (fields: Map<number, Uint8Array[]>, number: number) =>
      (fields.get(number) ?? []).map(entry => textOf(fieldsOf(entry).get(1)?.[0]))
    expect(names(only(document, 9), 1)).toEqual(Object.keys(swagger.definitions))
    expect(names(only(document, 8), 2)).toEqual(Object.keys(swagger.paths))
  })

  test('a schema keeps its type, properties, requirements and extensions', () => {
    const entry = only(document, 9)
      .get(1)
      ?.map(fieldsOf)
      .find(fields => textOf(fields.get(1)?.[0]) === 'io.k8s.api.core.v1.PodSpec')
    const schema = only(entry ?? new Map(), 2)
    expect(textOf(only(schema, 22).get(1)?.[0])).toBe('object')
    const containers = only(schema, 25)
      .get(1)
      ?.map(fieldsOf)
      .find(fields => textOf(fields.get(1)?.[0]) === 'containers')
    const property = only(containers ?? new Map(), 2)
    expect(textOf(only(only(property, 23), 1).get(1)?.[0])).toBe('#/definitions/io.k8s.api.core.v1.Container')
    const extensions = (property.get(31) ?? [])
      .map(fieldsOf)
      .map(fields => [textOf(fields.get(1)?.[0]), textOf(only(fields, 2).get(2)?.[0])])
    expect(extensions).toContainEqual(['x-kubernetes-patch-merge-key', '"name"'])
  })
})
