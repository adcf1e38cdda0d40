import { expect, test } from 'vitest'
import { ApiError } from '../api/errors.ts'
import { schemaOf } from './apply/schema.ts'
import { readManifest } from './manifest.ts'
import { likelyField, manifestComplaint } from './manifest-faults.ts'

const text = { type: 'string' }
const container = { type: 'object', properties: { name: text, image: text, ports: { type: 'array', items: { type: 'object' } } } }
const podSpec = {
  type: 'object',
  properties: { containers: { type: 'array', items: container }, nodeName: text, hostNetwork: { type: 'boolean' } },
}
const document = {
  components: {
    schemas: {
      Web: {
        'x-kubernetes-group-version-kind': [{ group: 'x', version: 'v1', kind: 'Web' }],
        type: 'object',
        properties: {
          metadata: { type: 'object', properties: { name: text, labels: { type: 'object', additionalProperties: text } } },
          spec: {
            type: 'object',
            properties: { replicas: { type: 'integer' }, template: { type: 'object', properties: { spec: podSpec } } },
          },
        },
      },
    },
  },
}
const schema = schemaOf(document, { group: 'x', version: 'v1', kind: 'Web' })

test.each([
  ['spec.replcas', 'replicas'],
  ['spec.Replicas', 'replicas'],
  ['spec.template.spec.containers[0].imgae', 'image'],
  ['spec.ports', 'spec.template.spec.containers[].ports'],
  ['spec.hostNetwork', 'spec.template.spec.hostNetwork'],
  ['spec.nothingLikeIt', undefined],
  ['metadata.lables', 'labels'],
  ['spce', 'spec'],
  ['spec.nowhere.at.all', undefined],
])('%s probably means %s', (path, expected) => {
  expect(schema && likelyField(schema, path)).toBe(expected)
})

const [manifest] = readManifest(
  `kind: Web
metadata: {name: web}
spec:
  replcas: 2
  replicas: two
  template:
    spec:
      containers:
        - name: a
          image: x
        - imag: y
          name: b
`,
  'web.yaml',
)
const complain = (error: unknown) => {
  if (!manifest) throw new Error('no manifest')
  return manifestComplaint(error, { manifest, doing: 'creating', schema: async () => schema })
}
const strict = 'strict decoding error: unknown field "spec.template.spec.containers[1].imag", unknown field "spec.replcas"'

test.each<[string, unknown, string]>([
  [
    'unknown fields on creation, in the order of the file',
    new ApiError('BadRequest', `Web in version "v1" cannot be handled as a Web: ${strict}`),
    `error: web.yaml:4:3: unknown field "spec.replcas" (did you mean "replicas"?)
error: web.yaml:11:11: unknown field "spec.template.spec.containers[1].imag" (did you mean "image"?)`,
  ],
  [
    'unknown fields on a patch, where lists have other indices',
    new ApiError('Invalid', ' "" is invalid', {
      details: {
        causes: [
          {
            field: 'patch',
            message: 'Invalid value: "{}": strict decoding error: unknown field "spec.template.spec.containers[7].imag"',
          },
        ],
      },
    }),
    'error: web.yaml:11:11: unknown field "spec.template.spec.containers[7].imag" (did you mean "image"?)',
  ],
  [
    'a duplicate field',
    new ApiError('BadRequest', 'strict decoding error: duplicate field "spec.replicas"'),
    'error: web.yaml:5:3: duplicate field "spec.replicas"',
  ],
  [
    'a wrong type',
    new ApiError('BadRequest', 'json: cannot unmarshal string into Go struct field WebSpec.spec.replicas of type int32'),
    'error: web.yaml:5:3: spec.replicas must be a whole number, not string',
  ],
  [
    'a value that is not allowed',
    new ApiError('Invalid', '', {
      details: { kind: 'Web', name: 'web', causes: [{ field: 'spec.template.spec.containers[1].name', message: 'Invalid' }] },
    }),
    'The Web "web" is invalid: spec.template.spec.containers[1].name: Invalid (web.yaml:12:11)',
  ],
  [
    'what the server has against it as a whole',
    new ApiError('Forbidden', 'no'),
    'Error from server (Forbidden): error when creating "web.yaml": no',
  ],
  ['what is wrong with it here', new Error('it has no name'), 'error: web.yaml:1:1: it has no name'],
])('%s', async (_, error, expected) => {
  expect(await complain(error)).toBe(expected)
})

test('without a schema there is a place, but no suggestion', async () => {
  if (!manifest) throw new Error('no manifest')
  const error = new ApiError('BadRequest', 'strict decoding error: unknown field "spec.replcas"')
  const unreachable = async () => {
    throw new Error('not now')
  }
  expect(await manifestComplaint(error, { manifest, doing: 'creating', schema: unreachable })).toBe(
    'error: web.yaml:4:3: unknown field "spec.replcas"',
  )
})
