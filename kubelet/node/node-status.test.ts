import { expect, test } from 'vitest'
import { defaultKubeletConfig, type KubeletConfig } from '../config.ts'
import { imaginaryMachine } from '../testing.ts'
import { allocatableOf, amountOf } from './capacity.ts'
import { computeNodeStatus, hasChanged, type NodeFacts } from './node-status.ts'

const gib = 2 ** 30
const facts = (overrides: Partial<NodeFacts> = {}): NodeFacts => ({
  nodeName: 'node-a',
  config: defaultKubeletConfig,
  machine: imaginaryMachine(),
  filesystem: { capacityInBytes: 100 * gib, availableInBytes: 50 * gib, inodes: 10, inodesFree: 5 },
  runtimeVersion: 'docker://20.10.24',
  images: [],
  problems: [],
  pressures: [],
  now: 0,
  ...overrides,
})
const reserving = (overrides: Partial<KubeletConfig>): KubeletConfig => ({ ...defaultKubeletConfig, ...overrides })

test.each([
  ['less the hard thresholds', {}, { cpu: '4', memory: '8286208Ki', 'ephemeral-storage': '94371840Ki', pods: '110' }],
  [
    'less what is reserved',
    { systemReserved: { cpu: '500m', memory: '1Gi' }, kubeReserved: { cpu: '250m', 'ephemeral-storage': '10Gi' } },
    { cpu: '3250m', memory: '7237632Ki', 'ephemeral-storage': '83886080Ki' },
  ],
  ['never below nothing', { systemReserved: { cpu: '9', memory: '99Gi' } }, { cpu: '0m', memory: '0Ki' }],
])('allocatable is the capacity %s', (_title, config, expected) => {
  const capacity = { cpu: '4', memory: '8Gi', 'ephemeral-storage': '100Gi', pods: '110' }
  expect(allocatableOf(capacity, reserving(config))).toMatchObject(expected)
})

test.each([
  ['10%', 999, 99],
  ['1Ki', 5, 1024],
  [undefined, 5, 0],
])('%s of %i is %i', (text, total, expected) => expect(amountOf(text, total)).toBe(expected))

test.each([
  [[], { status: 'True', reason: 'KubeletReady', message: 'kubelet is posting ready status' }],
  [['a'], { status: 'False', reason: 'KubeletNotReady', message: 'a' }],
  [['a', 'b'], { status: 'False', reason: 'KubeletNotReady', message: '[a, b]' }],
])('problems %j', (problems, expected) => {
  const { conditions } = computeNodeStatus(facts({ problems }), [])
  expect(conditions?.at(-1)).toMatchObject({ type: 'Ready', ...expected })
})

test('a condition remembers when it changed, not when it was told', () => {
  const first = computeNodeStatus(facts(), []).conditions ?? []
  const later = computeNodeStatus(facts({ now: 60_000, pressures: ['DiskPressure'] }), first).conditions ?? []
  expect(later.map(({ type, status, lastTransitionTime }) => [type, status, lastTransitionTime?.slice(14, 19)])).toEqual([
    ['MemoryPressure', 'False', '00:00'],
    ['DiskPressure', 'True', '01:00'],
    ['PIDPressure', 'False', '00:00'],
    ['Ready', 'True', '00:00'],
  ])
  expect(later[1]).toMatchObject({ reason: 'KubeletHasDiskPressure', message: 'kubelet has disk pressure' })
})

test('a later heartbeat alone is no change', () => {
  const first = computeNodeStatus(facts(), [])
  const second = computeNodeStatus(facts({ now: 60_000 }), first.conditions ?? [])
  expect(hasChanged(first, second)).toBe(false)
  expect(hasChanged(first, computeNodeStatus(facts({ pressures: ['PIDPressure'] }), first.conditions ?? []))).toBe(true)
  expect(hasChanged(first, { ...second, capacity: { cpu: '8' } })).toBe(true)
})

test('the fifty largest images are listed, digests first, five names each', () => {
  const image = (id: number) => ({
    id: String(id),
    tags: [`t${id}:1`, `t${id}:2`, `t${id}:3`],
    digests: [`d${id}@1`, `d${id}@2`, `d${id}@3`],
    sizeInBytes: id,
    user: '',
  })
  const { images } = computeNodeStatus(facts({ images: Array.from({ length: 60 }, (_, i) => image(i)) }), [])
  expect(images).toHaveLength(50)
  expect(images?.[0]).toEqual({ names: ['d59@1', 'd59@2', 'd59@3', 't59:1', 't59:2'], sizeBytes: 59 })
})
