import { expect, test } from 'vitest'
import type { ContainerStatus } from '../pod-types.ts'
import { samplePod } from '../samples.ts'
import { containersReadyCondition, initializedCondition, mergeConditions, readyCondition } from './conditions.ts'

const image = 'app:1'
const status = (name: string, more: Partial<ContainerStatus> = {}): ContainerStatus => ({
  name,
  image: '',
  imageID: '',
  ready: false,
  restartCount: 0,
  state: { waiting: {} },
  lastState: {},
  ...more,
})
const ready = (name: string) => status(name, { ready: true, started: true, state: { running: {} } })
const { spec } = samplePod({
  initContainers: [
    { name: 'i', image },
    { name: 's', image, restartPolicy: 'Always' },
  ],
  containers: [
    { name: 'a', image },
    { name: 'b', image },
  ],
})

test.each([
  ['no statuses at all', undefined, 'Pending', { status: 'False', reason: 'UnknownContainerStatuses' }],
  [
    'some missing, some not done',
    [status('s')],
    'Pending',
    {
      status: 'False',
      reason: 'ContainersNotInitialized',
      message: 'containers with unknown status: [i], containers with incomplete status: [s]',
    },
  ],
  ['all done', [status('i', { ready: true }), ready('s')], 'Pending', { status: 'True' }],
  ['a regular container has started', [status('i'), status('s'), ready('a')], 'Running', { status: 'True' }],
  ['succeeded', [status('i'), status('s')], 'Succeeded', { status: 'True', reason: 'PodCompleted' }],
])('Initialized: %s', (_title, statuses, phase, expected) => {
  expect(initializedCondition(spec, statuses, phase)).toEqual({ type: 'Initialized', ...expected })
})

test.each([
  ['no statuses', undefined, 'Pending', { status: 'False', reason: 'UnknownContainerStatuses' }],
  ['all ready, sidecar too', [ready('s'), ready('a'), ready('b')], 'Running', { status: 'True' }],
  [
    'sidecars come first in the text',
    [status('s'), status('b')],
    'Running',
    {
      status: 'False',
      reason: 'ContainersNotReady',
      message: 'containers with unknown status: [a], containers with unready status: [s b]',
    },
  ],
  ['succeeded', [status('s'), status('a'), status('b')], 'Succeeded', { status: 'False', reason: 'PodCompleted' }],
  ['failed', [status('s'), status('a'), status('b')], 'Failed', { status: 'False', reason: 'PodFailed' }],
])('ContainersReady: %s', (_title, statuses, phase, expected) => {
  expect(containersReadyCondition(spec, statuses, phase)).toEqual({ type: 'ContainersReady', ...expected })
})

test('Ready copies what the containers say, and waits for the gates', () => {
  const gated = samplePod({ readinessGates: [{ conditionType: 'x' }, { conditionType: 'y' }] }).spec
  const yes = { type: 'ContainersReady', status: 'True' } as const
  const no = { type: 'ContainersReady', status: 'False', reason: 'R', message: 'm' } as const
  expect(readyCondition(gated, no, [])).toEqual({ type: 'Ready', status: 'False', reason: 'R', message: 'm' })
  expect(readyCondition(gated, yes, [{ type: 'y', status: 'False' }])).toEqual({
    type: 'Ready',
    status: 'False',
    reason: 'ReadinessGatesNotReady',
    message:
      'corresponding condition of pod readiness gate "x" does not exist., the status of pod readiness gate "y" is not "True", but False',
  })
  const open = [
    { type: 'x', status: 'True' as const },
    { type: 'y', status: 'True' as const },
  ]
  expect(readyCondition(gated, yes, open)).toEqual({ type: 'Ready', status: 'True' })
})

test('a transition is stamped only when the status changes; other people keep their conditions', () => {
  const old = [
    { type: 'theirs', status: 'True' as const, lastTransitionTime: 'then' },
    { type: 'Ready', status: 'True' as const, lastTransitionTime: 'then' },
    { type: 'Initialized', status: 'False' as const, lastTransitionTime: 'then', reason: 'R' },
  ]
  expect(
    mergeConditions(
      old,
      [
        { type: 'Ready', status: 'True' },
        { type: 'Initialized', status: 'True' },
      ],
      'now',
    ),
  ).toEqual([
    { type: 'theirs', status: 'True', lastTransitionTime: 'then' },
    { type: 'Ready', status: 'True', lastTransitionTime: 'then' },
    { type: 'Initialized', status: 'True', lastTransitionTime: 'now' },
  ])
})
