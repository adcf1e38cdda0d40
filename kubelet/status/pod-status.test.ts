import { expect, test } from 'vitest'
import { deadContainer, sampleContainer, samplePod, sampleSandbox } from '../samples.ts'
import { computePodStatus, type PodStatusInput } from './pod-status.ts'

const now = Date.UTC(2026, 0, 1)
const compute = (overrides: Partial<PodStatusInput> = {}) => {
  const pod = overrides.pod ?? samplePod()
  return computePodStatus({
    pod,
    previous: pod.status,
    runtime: { sandboxes: [sampleSandbox()], containers: [sampleContainer('app')] },
    runtimeName: 'docker',
    nodeIps: ['192.168.0.10', 'fd00::1'],
    now,
    firstSeenAt: now - 5000,
    startErrors: new Map(),
    probes: { isStarted: () => true, isReady: () => true },
    terminationMessages: new Map(),
    isTerminal: false,
    ...overrides,
  })
}
const verdict = { reason: 'Evicted', message: 'too much', disruption: 'too much' }

test.each<[string, Partial<PodStatusInput>, object]>([
  [
    'a running pod',
    {},
    {
      phase: 'Running',
      podIP: '10.244.0.2',
      podIPs: [{ ip: '10.244.0.2' }],
      hostIP: '192.168.0.10',
      hostIPs: [{ ip: '192.168.0.10' }, { ip: 'fd00::1' }],
      startTime: '2025-12-31T23:59:55Z',
      qosClass: 'BestEffort',
    },
  ],
  ['in the network of the node', { pod: samplePod({ hostNetwork: true }) }, { podIP: '192.168.0.10' }],
  [
    'a finished phase is final',
    { previous: { phase: 'Failed', reason: 'Evicted', message: 'm' } },
    { phase: 'Failed', reason: 'Evicted', message: 'm' },
  ],
  [
    'the start is remembered',
    { previous: { phase: 'Running', startTime: '2020-01-01T00:00:00Z' } },
    { startTime: '2020-01-01T00:00:00Z' },
  ],
  ['a verdict fails the pod', { verdict }, { phase: 'Failed', reason: 'Evicted', message: 'too much' }],
  [
    'what was stopped before it ran has failed',
    { isTerminal: true, runtime: { sandboxes: [], containers: [] } },
    {
      phase: 'Failed',
      containerStatuses: [
        expect.objectContaining({ state: { terminated: expect.objectContaining({ reason: 'ContainerStatusUnknown' }) } }),
      ],
    },
  ],
  [
    'whose turn had never come stays as it was',
    {
      isTerminal: true,
      pod: samplePod({
        initContainers: [
          { name: 'first', image: 'app:1' },
          { name: 'second', image: 'app:1' },
        ],
      }),
      runtime: { sandboxes: [], containers: [] },
    },
    {
      initContainerStatuses: [
        { name: 'first', state: { terminated: { exitCode: 137, reason: 'ContainerStatusUnknown' } } },
        { name: 'second', state: { waiting: { reason: 'PodInitializing' } } },
      ],
      containerStatuses: [{ name: 'app', state: { waiting: { reason: 'PodInitializing' } } }],
    },
  ],
  [
    'a static pod does not finish when it is stopped: its phase is what its containers make it',
    {
      isTerminal: true,
      pod: samplePod({}, { annotations: { 'kubernetes.io/config.source': 'file' } }),
      runtime: { sandboxes: [], containers: [deadContainer('app', 143)] },
    },
    { phase: 'Running' },
  ],
  [
    'what was stopped and succeeded has succeeded',
    { isTerminal: true, runtime: { sandboxes: [], containers: [deadContainer('app', 0)] } },
    { phase: 'Succeeded' },
  ],
  [
    'what ran and is gone when all is over ended somehow',
    {
      isTerminal: true,
      runtime: { sandboxes: [], containers: [] },
      previous: samplePod({}, {}, { phase: 'Running', containerStatuses: [{ name: 'app', state: { running: {} } }] }).status,
    },
    {
      phase: 'Failed',
      containerStatuses: [
        expect.objectContaining({
          ready: false,
          state: { terminated: expect.objectContaining({ exitCode: 137, reason: 'ContainerStatusUnknown' }) },
        }),
      ],
    },
  ],
])('%s', (_title, overrides, expected) => expect(compute(overrides)).toMatchObject(expected))

test('conditions come in order: others, DisruptionTarget, our own', () => {
  const pod = samplePod({}, {}, { conditions: [{ type: 'theirs', status: 'True' }] })
  expect(compute({ pod, verdict }).conditions?.map(({ type, status }) => `${type}=${status}`)).toEqual([
    'theirs=True',
    'DisruptionTarget=True',
    'PodReadyToStartContainers=True',
    'Initialized=True',
    'Ready=False',
    'ContainersReady=False',
    'PodScheduled=True',
  ])
})

test('status and conditions say which generation of the spec they are about', () => {
  const { observedGeneration, conditions } = compute({ pod: samplePod({}, { generation: 7 }) })
  expect([observedGeneration, ...new Set(conditions?.map(condition => condition.observedGeneration))]).toEqual([7, 7])
})

test('a reason goes with its phase', () => {
  const { phase, reason } = compute({ previous: { phase: 'Pending', reason: 'R' } })
  expect([phase, reason]).toEqual(['Running', undefined])
})
