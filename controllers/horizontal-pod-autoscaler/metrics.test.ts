import { describe, expect, test } from 'vitest'
import { ApiError } from '../../api/errors.ts'
import { kinds } from '../../api/kinds.ts'
import { PodMetrics } from '../../api/metrics/pod-metrics.ts'
import type { Target } from '../../api/transport.ts'
import type { Client } from '../../client/client.ts'
import { goSelectorText } from '../shared/selector-text.ts'
import { metricsClient } from './metrics.ts'
import { milliOf } from './usages.ts'

const web = { namespace: 'default', selector: 'app=web', names: [] }
const at = '2026-01-01T00:00:00Z'
const container = (name: string, usage: Record<string, string>) => ({ name, usage })

/** Metrics from an API that answers so. */
const metricsFrom = (answer: (target: Partial<Target>) => unknown) =>
  metricsClient({
    client: {
      list: async (_, options) => answer(options ?? {}),
      read: async (target: Target) => answer(target),
    } as Pick<Client, 'list' | 'read'>,
    figures: async ({ client, selector }) => (await client.list(PodMetrics, { labelSelector: selector })).items,
    now: 0,
    kindsOf: (group, kind) => kinds.filter(each => each.group === group && each.kind === kind),
  })

describe('what pods use of a resource', () => {
  const items = [
    {
      metadata: { name: 'both' },
      timestamp: at,
      window: '1m0.5s',
      containers: [container('main', { cpu: '123456789n', memory: '10Mi' }), container('side', { cpu: '1m' })],
    },
    { metadata: { name: 'one' }, timestamp: at, window: '10s', containers: [container('main', { cpu: '1', memory: '1Gi' })] },
    { metadata: { name: 'none' }, timestamp: at, window: '10s', containers: [] },
  ]
  const metrics = metricsFrom(() => ({ items }))
  const read = async (resource: string, name = '') =>
    Object.fromEntries([...(await metrics.resource(resource, name, web))].map(([pod, { milli }]) => [pod, milli]))

  test('containers together, each rounded up to a thousandth; a pod that lacks one figure has none', async () => {
    expect([await read('cpu'), await read('memory')]).toEqual([{ both: 125n, one: 1000n }, { one: 2n ** 30n * 1000n }])
  })

  test('one container of each', async () => {
    expect([await read('cpu', 'side'), await read('memory', 'side'), await read('cpu', 'other')]).toEqual([{ both: 1n }, {}, {}])
  })

  test('when, and over how long', async () => {
    const [usage] = (await metrics.resource('cpu', '', web)).values()
    expect(usage).toMatchObject({ at: Date.parse(at), windowInMs: 60_500 })
  })
})

test('a metric of pods was taken over a minute, unless it says otherwise, in the words of either version', async () => {
  const value = (name: string, more: object) => ({ describedObject: { name }, timestamp: at, value: '1500m', ...more })
  const items = [value('a', {}), value('b', { windowSeconds: 30 }), value('c', { window: 20 })]
  const usages = await metricsFrom(() => ({ items })).ofPods('qps', 'default', 'app=web', '')
  expect([...usages].map(([name, { milli, windowInMs }]) => [name, milli, windowInMs])).toEqual([
    ['a', 1500n, 60_000],
    ['b', 1500n, 30_000],
    ['c', 1500n, 20_000],
  ])
})

describe('an object has one figure', () => {
  const object = { apiVersion: 'v1', kind: 'Service', name: 'web' }
  test.each<[string, () => unknown, object, string]>([
    [
      'two',
      () => ({ items: [{ value: '1' }, { value: '2' }] }),
      {},
      'the custom metrics API server returned 2 results when we asked for exactly one',
    ],
    ['none', () => ({}), {}, 'the custom metrics API server returned 0 results when we asked for exactly one'],
    [
      'a kind that nobody knows',
      () => ({}),
      { kind: 'Sail' },
      'unable to map kind Sail to resource: no matches for kind "Sail" in group ""',
    ],
    [
      'a metric that the adapter does not know',
      () => {
        throw new ApiError('NotFound', 'the server could not find the metric qps for services web')
      },
      {},
      'the server could not find the metric qps for services web',
    ],
  ])('%s', async (_, answer, about, why) => {
    const asked = metricsFrom(answer).ofObject('qps', 'default', { ...object, ...about }, '')
    await expect(asked).rejects.toThrow(`unable to fetch metrics from custom metrics API: ${why}`)
  })
})

test('no series outside, no figure', async () => {
  const asked = metricsFrom(() => ({ items: [] })).external('depth', 'default', '')
  await expect(asked).rejects.toThrow('no metrics returned from external metrics API')
})

test.each([
  ['1', 1000n],
  ['100m', 100n],
  ['1n', 1n],
  ['-1n', -1n],
  ['9E', 2n ** 63n - 1n],
  ['1Gi', 2n ** 30n * 1000n],
])('%s in thousandths', (text, milli) => expect(milliOf(text)).toBe(milli))

test('selectors as upstream’s messages show them', () => {
  const selector = {
    matchLabels: { b: '2', a: '1' },
    matchExpressions: [{ key: 'tier', operator: 'In', values: ['x', 'y'] }],
  }
  expect(goSelectorText(selector)).toBe(
    '&LabelSelector{MatchLabels:map[string]string{a: 1,b: 2,},MatchExpressions:[]LabelSelectorRequirement{LabelSelectorRequirement{Key:tier,Operator:In,Values:[x y],},},}',
  )
  expect(goSelectorText(undefined)).toBe('nil')
})
