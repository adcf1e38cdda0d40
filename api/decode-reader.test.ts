import { describe, expect, test } from 'vitest'
import { type Random, seededRandom } from '../lib/random.ts'
import { Pod } from './core/pod.ts'
import { readerOf, unread } from './decode-reader.ts'
import { kinds } from './kinds.ts'
import { type Shape, shapeOf } from './shape.ts'

const samples: Readonly<Record<string, unknown>> = {
  bool: true,
  'resource.Quantity': '1024Mi',
  'intstr.IntOrString': '25%',
  '[]uint8': 'YWJj',
}

function sampleOf(shape: Shape, random: Random, depth: number): unknown {
  switch (shape.type) {
    case 'object': {
      const fields = [...shape.fields].filter(([, field]) => random.below(3) > 0 && (depth > 0 || field.type === 'value'))
      return Object.fromEntries(fields.toReversed().map(([key, field]) => [key, sampleOf(field, random, depth - 1)]))
    }
    case 'list':
      return shape.item ? [sampleOf(shape.item, random, depth - 1)] : []
    case 'map':
      return shape.item ? { some: sampleOf(shape.item, random, depth - 1) } : {}
    case 'free':
      return { anything: [1, null, { goes: '' }] }
    case 'value':
      if (shape.goType === 'v1.Time') return '2026-02-03T04:05:06Z'
      return samples[shape.goType] ?? (/^(int|float)/.test(shape.goType) ? 7 : 'text')
  }
}

test.each(kinds.filter(kind => !kind.dynamic).map(kind => [kind.kind, kind] as const))(
  '%s is read as its schema reads it',
  (_, kind) => {
    const random = seededRandom(1)
    let read = 0
    for (let round = 0; round < 40; round++) {
      const value = sampleOf(shapeOf(kind.schema), random, 7)
      const made = readerOf(kind.schema)(value)
      if (made === unread) continue
      read++
      expect(JSON.stringify(made)).toBe(JSON.stringify(kind.schema.parse(value)))
    }
    // Schemas that hold themselves in two forms are left to zod.
    if (kind.kind !== 'CustomResourceDefinition') expect(read).toBe(40)
  },
)

describe('a value is left to the schema', () => {
  const pod = (spec: object) => ({ metadata: { name: 'web' }, spec: { containers: [{ name: 'web', image: 'nginx' }], ...spec } })
  test.each<[string, object]>([
    ['a field that nobody knows', pod({ unheardOf: 1 })],
    ['a field that has no value', pod({ nodeName: undefined })],
    ['a number for a text', pod({ nodeName: 5 })],
    ['a number that does not fit', pod({ priority: 2 ** 31 })],
    ['half a number', pod({ priority: 0.5 })],
    ['a number that is not exact', pod({ terminationGracePeriodSeconds: 2 ** 53 })],
    ['half a port', pod({ containers: [{ name: 'web', readinessProbe: { tcpSocket: { port: 80.5 } } }] })],
    ['a quantity without quotes', pod({ overhead: { cpu: 1 } })],
    ['a list for a map', pod({ nodeSelector: [] })],
    ['null in a list', pod({ containers: [null] })],
    ['a quantity that is none', pod({ overhead: { cpu: 'much' } })],
    ['a prototype', JSON.parse('{"metadata":{"labels":{"__proto__":"x"}}}') as object],
  ])('that has %s', (_, value) => expect(readerOf(Pod.schema)(value)).toBe(unread))

  test('but not a port, which has a number or a name', () => {
    const withPort = (port: unknown) => pod({ containers: [{ name: 'web', readinessProbe: { tcpSocket: { port } } }] })
    for (const port of [8080, 'http']) {
      expect(readerOf(Pod.schema)(withPort(port))).toEqual(Pod.schema.parse(withPort(port)))
    }
  })

  test('but not for null and zero values: they are absent', () => {
    const read = readerOf(Pod.schema)
    expect(read(pod({ nodeName: '', hostNetwork: false, tolerations: [], nodeSelector: {}, affinity: null }))).toEqual(
      read(pod({})),
    )
  })
})
