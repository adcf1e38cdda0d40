import { expect, test } from 'vitest'
import { type ContainerStatus, containersOf } from '../pod-types.ts'
import type { ContainerState } from '../runtime/runtime.ts'
import { deadContainer, sampleContainer, samplePod } from '../samples.ts'
import { type ContainerStatusInput, computeContainerStatuses } from './container-status.ts'
import { statusPatch } from './status-patch.ts'

function statuses(
  containers: ContainerState[],
  overrides: Partial<ContainerStatusInput> & { spec?: object } = {},
): ContainerStatus[] {
  const { spec = {}, ...input } = overrides
  return computeContainerStatuses({
    containers: containersOf(samplePod(spec).spec),
    restartPolicy: 'Always',
    isDeleting: false,
    hasInitContainers: false,
    runtime: { sandboxes: [], containers },
    runtimeName: 'docker',
    previous: [],
    startErrors: new Map(),
    probes: { isStarted: () => true, isReady: () => true },
    terminationMessages: new Map(),
    ...input,
  })
}

const previous = (more: Partial<ContainerStatus>): ContainerStatus[] => [
  { name: 'app', image: 'app:1', imageID: '', ready: true, restartCount: 2, state: {}, lastState: {}, ...more },
]
const ended = { exitCode: 1, reason: 'Error', startedAt: '1970-01-01T00:00:02Z', finishedAt: '1970-01-01T00:00:03Z' }
const crashLoop = new Map([['app', { reason: 'CrashLoopBackOff', message: 'back-off 10s' }]])

test.each<[string, ContainerState[], Partial<ContainerStatusInput>, Partial<ContainerStatus>]>([
  [
    'not made yet',
    [],
    {},
    { state: { waiting: { reason: 'ContainerCreating' } }, ready: false, started: false, restartCount: 0 },
  ],
  ['waiting for init containers', [], { hasInitContainers: true }, { state: { waiting: { reason: 'PodInitializing' } } }],
  [
    'running',
    [sampleContainer('app')],
    {},
    {
      state: { running: { startedAt: '1970-01-01T00:00:02Z' } },
      containerID: 'docker://app-0',
      imageID: 'sha256:app',
      ready: true,
      started: true,
    },
  ],
  [
    'running, not ready',
    [sampleContainer('app')],
    { probes: { isStarted: () => true, isReady: () => false } },
    { started: true, ready: false },
  ],
  [
    'running, not started',
    [sampleContainer('app')],
    { probes: { isStarted: () => false, isReady: () => true } },
    { started: false, ready: false },
  ],
  ['created only', [sampleContainer('app', { state: 'created' })], {}, { state: { waiting: {} } }],
  [
    'ended',
    [deadContainer('app', 1)],
    { terminationMessages: new Map([['app-0', 'last words']]) },
    { state: { terminated: { ...ended, message: 'last words', containerID: 'docker://app-0' } }, ready: false },
  ],
  [
    'restarted: the instance before is the last state',
    [sampleContainer('app', { attempt: 1 }), deadContainer('app', 1)],
    {},
    { restartCount: 1, lastState: { terminated: { ...ended, containerID: 'docker://app-0' } } },
  ],
  [
    'in back-off the end moves to the last state',
    [deadContainer('app', 1)],
    { startErrors: crashLoop },
    {
      state: { waiting: { reason: 'CrashLoopBackOff', message: 'back-off 10s' } },
      lastState: { terminated: { ...ended, containerID: 'docker://app-0' } },
    },
  ],
  [
    'an error of old says nothing about a container that will not start again',
    [deadContainer('app', 1)],
    { startErrors: crashLoop, restartPolicy: 'Never' },
    { state: { terminated: { ...ended, containerID: 'docker://app-0' } }, lastState: {} },
  ],
  [
    'a pod being deleted starts nothing again',
    [deadContainer('app', 1)],
    { startErrors: crashLoop, isDeleting: true },
    { state: { terminated: { ...ended, containerID: 'docker://app-0' } } },
  ],
  [
    'vanished while it ran',
    [],
    { previous: previous({ state: { running: {} } }) },
    {
      restartCount: 3,
      lastState: { terminated: expect.objectContaining({ exitCode: 137, reason: 'ContainerStatusUnknown' }) as never },
    },
  ],
  ['vanished with its pod', [], { previous: previous({ state: { running: {} } }), isDeleting: true }, { restartCount: 2 }],
  [
    'lost by the runtime',
    [sampleContainer('app', { state: 'unknown' })],
    { previous: previous({ state: { running: {} } }) },
    {
      restartCount: 3,
      state: {
        terminated: {
          exitCode: 137,
          reason: 'ContainerStatusUnknown',
          message: 'The container could not be located when the pod was terminated',
          containerID: 'docker://app-0',
        },
      },
    },
  ],
  [
    'an end that is known stays known',
    [],
    { previous: previous({ state: { terminated: ended } }) },
    { state: { terminated: ended } },
  ],
])('%s', (_title, containers, input, expected) => {
  expect(statuses(containers, input)[0]).toMatchObject(expected)
})

test('an init container is ready when it has succeeded', () => {
  const spec = { initContainers: [{ name: 'i', image: 'app:1' }] }
  const of = (container: ContainerState) => statuses([container], { spec })[0]
  expect(of(deadContainer('i', 0))).toMatchObject({ ready: true, started: false })
  expect(of(deadContainer('i', 1))).toMatchObject({ ready: false, started: false })
  expect(of(sampleContainer('i'))).toMatchObject({ ready: false, started: true })
})

test('a patch holds what differs, keeps other people’s conditions, and names what is gone', () => {
  const theirs = { type: 'theirs', status: 'True' as const }
  const pod = samplePod(
    {},
    {},
    {
      phase: 'Running',
      reason: 'Old',
      podIPs: [{ ip: '1' }],
      podIP: '1',
      conditions: [theirs, { type: 'Ready', status: 'False', reason: 'R' }],
    },
  )
  const ready = { type: 'Ready', status: 'True' as const }
  expect(statusPatch(pod, { phase: 'Running', podIP: '2', podIPs: [{ ip: '2' }], conditions: [theirs, ready] })).toEqual({
    metadata: { uid: 'uid-1' },
    status: {
      podIP: '2',
      podIPs: [{ $patch: 'replace' }, { ip: '2' }],
      reason: null,
      conditions: [{ ...ready, reason: null, message: null }],
    },
  })
  expect(statusPatch(pod, { ...pod.status, conditions: [{ type: 'Ready', status: 'False', reason: 'R' }] })).toBeUndefined()
})
