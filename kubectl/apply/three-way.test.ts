import { expect, test } from 'vitest'
import { schemaOf } from './schema.ts'
import { threeWayPatch } from './three-way.ts'

const merge = (mergeKey: string, items: object) => ({
  type: 'array',
  'x-kubernetes-patch-merge-key': mergeKey,
  'x-kubernetes-patch-strategy': 'merge',
  items,
})
const document = {
  components: {
    schemas: {
      'io.x.Thing': {
        'x-kubernetes-group-version-kind': [{ group: 'x', version: 'v1', kind: 'Thing' }],
        type: 'object',
        properties: {
          spec: { allOf: [{ $ref: '#/components/schemas/io.x.Spec' }], description: 'What is wanted.' },
          finalizers: { type: 'array', 'x-kubernetes-patch-strategy': 'merge', items: { type: 'string' } },
        },
      },
      'io.x.Spec': {
        type: 'object',
        properties: {
          containers: merge('name', { $ref: '#/components/schemas/io.x.Container' }),
          args: { type: 'array', items: { type: 'string' } },
          volumes: {
            ...merge('name', { type: 'object', properties: { name: {}, emptyDir: {}, configMap: {} } }),
            'x-kubernetes-patch-strategy': 'merge,retainKeys',
          },
          strategy: {
            type: 'object',
            'x-kubernetes-patch-strategy': 'retainKeys',
            properties: { type: { type: 'string' }, rolling: { type: 'object' } },
          },
          labels: { type: 'object', additionalProperties: { type: 'string' } },
        },
      },
      'io.x.Container': {
        type: 'object',
        properties: { name: { type: 'string' }, image: { type: 'string' }, env: merge('name', { type: 'object' }) },
      },
    },
  },
}
const schema = schemaOf(document, { group: 'x', version: 'v1', kind: 'Thing' })
const patch = (original: object, modified: object, current: object) =>
  threeWayPatch(original as never, modified as never, current as never, schema)

test('nothing to do gives an empty patch, whatever others have added', () => {
  const mine = { spec: { args: ['a'], containers: [{ name: 'a', image: 'x' }] } }
  const live = {
    spec: { args: ['a'], containers: [{ name: 'a', image: 'x', pull: 'Always' }, { name: 'injected' }], replicas: 3 },
  }
  expect(patch(mine, mine, live)).toEqual({})
})

test.each([
  ['a changed field', { spec: { n: 1 } }, { spec: { n: 2 } }, { spec: { n: 1, other: 9 } }, { spec: { n: 2 } }],
  [
    'a field that was dropped is removed',
    { spec: { n: 1, m: 1 } },
    { spec: { n: 1 } },
    { spec: { n: 1, m: 1 } },
    { spec: { m: null } },
  ],
  ['a dropped field that is gone already', { spec: { m: 1 } }, { spec: {} }, { spec: {} }, {}],
  ['what others set stays', {}, { spec: { n: 1 } }, { spec: { n: 1, theirs: 1 } }, {}],
  [
    'a plain list is replaced whole',
    { spec: { args: ['a'] } },
    { spec: { args: ['a', 'b'] } },
    { spec: { args: ['a'] } },
    { spec: { args: ['a', 'b'] } },
  ],
  [
    'a label that was dropped',
    { spec: { labels: { a: '1', b: '2' } } },
    { spec: { labels: { a: '1' } } },
    { spec: { labels: { a: '1', b: '2', c: '3' } } },
    { spec: { labels: { b: null } } },
  ],
])('%s', (_, original, modified, current, expected) => {
  expect(patch(original, modified, current)).toEqual(expected)
})

test('a list with a merge key is patched item by item, in the order that is asked for', () => {
  const original = {
    spec: {
      containers: [
        { name: 'a', image: '1' },
        { name: 'old', image: '1' },
      ],
    },
  }
  const modified = {
    spec: {
      containers: [
        { name: 'new', image: '1' },
        { name: 'a', image: '2' },
      ],
    },
  }
  const current = {
    spec: {
      containers: [
        { name: 'a', image: '1', pull: 'Always' },
        { name: 'old', image: '1' },
        { name: 'injected', image: '9' },
      ],
    },
  }
  expect(patch(original, modified, current)).toEqual({
    spec: {
      '$setElementOrder/containers': [{ name: 'new' }, { name: 'a' }],
      containers: [
        { name: 'new', image: '1' },
        { image: '2', name: 'a' },
        { $patch: 'delete', name: 'old' },
      ],
    },
  })
})

test('a list of plain values with strategy merge loses what was dropped and gains what is new', () => {
  expect(patch({ finalizers: ['a', 'b'] }, { finalizers: ['b', 'c'] }, { finalizers: ['a', 'b', 'theirs'] })).toEqual({
    '$deleteFromPrimitiveList/finalizers': ['a'],
    '$setElementOrder/finalizers': ['b', 'c'],
    finalizers: ['c'],
  })
})

test('a union keeps only the keys that are asked for', () => {
  const current = { spec: { strategy: { type: 'Rolling', rolling: { surge: 1 } } } }
  expect(patch({}, { spec: { strategy: { type: 'Recreate' } } }, current)).toEqual({
    spec: { strategy: { type: 'Recreate', $retainKeys: ['type'] } },
  })
})

test('an item that is a union keeps only what is asked for; a new one is whole', () => {
  const current = { spec: { volumes: [{ name: 'a', emptyDir: {} }] } }
  const modified = {
    spec: {
      volumes: [
        { name: 'a', configMap: { name: 'c' } },
        { name: 'b', emptyDir: {} },
      ],
    },
  }
  expect(patch({}, modified, current)).toEqual({
    spec: {
      '$setElementOrder/volumes': [{ name: 'a' }, { name: 'b' }],
      volumes: [
        { $retainKeys: ['configMap', 'name'], configMap: { name: 'c' }, name: 'a' },
        { emptyDir: {}, name: 'b' },
      ],
    },
  })
})
