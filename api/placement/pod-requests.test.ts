import { describe, expect, test } from 'vitest'
import { type ContainerNeeds, podLimits, podRequests } from './pod-requests.ts'
import { qosClassOf } from './qos.ts'

const asks = (cpu: string, memory = '0', restartPolicy?: string): ContainerNeeds => ({
  resources: { requests: { cpu, memory } },
  restartPolicy,
})
const Mi = 1024 * 1024

describe('what a pod requests', () => {
  test.each([
    ['containers add up', { containers: [asks('100m', '64Mi'), asks('0.2', '64Mi')] }, { cpu: 300, memory: 128 * Mi }],
    [
      'init containers run one after the other',
      { containers: [asks('100m')], initContainers: [asks('500m'), asks('300m')] },
      { cpu: 500, memory: 0 },
    ],
    [
      'sidecars stay: they count beside the containers and under the init containers after them',
      { containers: [asks('100m')], initContainers: [asks('200m', '0', 'Always'), asks('300m'), asks('50m', '0', 'Always')] },
      { cpu: 500, memory: 0 },
    ],
    [
      'an init container does not carry sidecars that start after it',
      { containers: [asks('100m')], initContainers: [asks('600m'), asks('200m', '0', 'Always')] },
      { cpu: 600, memory: 0 },
    ],
    [
      'pod-level values replace cpu and memory, overhead comes on top',
      {
        containers: [asks('1', '1Gi')],
        resources: { requests: { cpu: '2', 'ephemeral-storage': '9' } },
        overhead: { cpu: '10m' },
      },
      { cpu: 2010, memory: 1024 * Mi },
    ],
    [
      'other resources count as they are',
      { containers: [{ resources: { requests: { 'example.com/gpu': '2', 'ephemeral-storage': '1Gi' } } }] },
      { 'example.com/gpu': 2, 'ephemeral-storage': 1024 * Mi },
    ],
    ['nothing', { containers: [{}] }, {}],
  ])('%s', (_, spec, expected) => expect(podRequests(spec)).toEqual(expected))

  test('what is assumed of containers that say nothing', () => {
    const containers = [asks('0'), { resources: { requests: { memory: '1Mi' } } }]
    expect(podRequests({ containers }, { cpu: 100, memory: 200 * Mi })).toEqual({ cpu: 100, memory: Mi })
  })

  const resizing = (reason?: string) => ({
    containerStatuses: [
      { name: 'main', resources: { requests: { cpu: '300m' } }, allocatedResources: { cpu: '200m', memory: '64Mi' } },
    ],
    initContainerStatuses: [{ name: 'init', resources: { requests: { cpu: '9' } } }],
    conditions: reason ? [{ type: 'PodResizePending', reason }] : [],
  })
  test.each([
    ['what is held counts while a resize is under way', '100m', undefined, 300],
    ['what is asked for counts when it is more', '2', 'Deferred', 2000],
    ['what is asked for in vain does not count', '2', 'Infeasible', 300],
  ])('%s', (_, cpu, reason, expected) => {
    const spec = { containers: [{ name: 'main', ...asks(cpu) }], initContainers: [{ name: 'init', ...asks('50m') }] }
    expect(podRequests(spec, undefined, resizing(reason))).toEqual({ cpu: expected, memory: 64 * Mi })
  })

  test('overhead raises only limits that exist', () => {
    const spec = { containers: [{ resources: { limits: { cpu: '1' } } }], overhead: { cpu: '250m', memory: '1Mi' } }
    expect(podLimits(spec)).toEqual({ cpu: 1250 })
  })
})

describe('quality of service', () => {
  const both = { cpu: '1', memory: '1Gi' }
  const guaranteed = { resources: { requests: both, limits: both } }
  test.each([
    ['BestEffort', { containers: [{}] }],
    ['BestEffort', { containers: [{ resources: { requests: { cpu: '0' }, limits: { 'example.com/gpu': '1' } } }] }],
    ['Guaranteed', { containers: [guaranteed] }],
    ['Guaranteed', { containers: [guaranteed], initContainers: [guaranteed] }],
    ['Burstable', { containers: [guaranteed, {}] }],
    ['Burstable', { containers: [guaranteed], initContainers: [{ resources: { requests: { cpu: '1' } } }] }],
    ['Burstable', { containers: [{ resources: { requests: both, limits: { cpu: '1' } } }] }],
    ['Burstable', { containers: [{ resources: { limits: both, requests: { cpu: '500m', memory: '1Gi' } } }] }],
    [
      'Guaranteed',
      {
        containers: [
          { resources: { requests: { cpu: '1', memory: '1Gi' }, limits: { cpu: '2', memory: '1Gi' } } },
          { resources: { requests: { cpu: '2', memory: '1Gi' }, limits: { cpu: '1', memory: '1Gi' } } },
        ],
      },
    ],
    ['Guaranteed', { containers: [{}], resources: { requests: both, limits: both } }],
    ['Burstable', { containers: [guaranteed], resources: { requests: { cpu: '1' } } }],
  ])('%s: %j', (expected, spec) => expect(qosClassOf(spec)).toBe(expected))
})
