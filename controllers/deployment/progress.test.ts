import { expect, test } from 'vitest'
import { Deployment, type DeploymentCondition, type DeploymentStatus } from '../../api/apps/deployment.ts'
import { ReplicaSet } from '../../api/apps/replica-set.ts'
import { timestamp } from '../../lib/clock.ts'
import { deploymentInput } from '../testing.ts'
import { deadlineInMs, pauseConditions, rolloutStatus } from './progress.ts'

const start = Date.UTC(2026, 0, 1)

function deployment(status: DeploymentStatus, spec: Record<string, unknown> = {}): Deployment {
  const input = deploymentInput({ progressDeadlineSeconds: 60 })
  return Deployment.schema.parse({ ...input, spec: { ...input.spec, ...spec }, status })
}

function progressing(reason: string, status: 'True' | 'False' | 'Unknown' = 'True'): DeploymentCondition[] {
  const at = timestamp(start)
  return [{ type: 'Progressing', status, reason, message: '', lastUpdateTime: at, lastTransitionTime: at }]
}

/** The only set there is, at its full size of four. */
function fresh(available: number): ReplicaSet {
  const { template, selector } = deploymentInput().spec
  return ReplicaSet.schema.parse({
    metadata: { name: 'web-1', namespace: 'default' },
    spec: { replicas: 4, selector, template },
    status: { replicas: 4, readyReplicas: available, availableReplicas: available },
  })
}

const counts = (available: number) => ({
  replicas: 4,
  updatedReplicas: 4,
  readyReplicas: available,
  availableReplicas: available,
})

test.each<[string, DeploymentCondition[], number, number, number, string]>([
  ['more are available than before', progressing('NewReplicaSetCreated'), 1, 2, 10, 'True ReplicaSetUpdated @10'],
  ['all are available', progressing('ReplicaSetUpdated'), 3, 4, 10, 'True NewReplicaSetAvailable @10'],
  ['nothing moves, in time', progressing('ReplicaSetUpdated'), 2, 2, 60, 'True ReplicaSetUpdated @0'],
  ['nothing moves for too long', progressing('ReplicaSetUpdated'), 2, 2, 61, 'False ProgressDeadlineExceeded @61'],
  [
    'it was too late and still is',
    progressing('ProgressDeadlineExceeded', 'False'),
    2,
    2,
    10,
    'False ProgressDeadlineExceeded @0',
  ],
  [
    'it was too late and moves after all',
    progressing('ProgressDeadlineExceeded', 'False'),
    2,
    3,
    90,
    'True ReplicaSetUpdated @90',
  ],
  ['it was complete, and pods come and go', progressing('NewReplicaSetAvailable'), 2, 3, 999, 'True NewReplicaSetAvailable @0'],
  ['it was complete and lost pods long ago', progressing('NewReplicaSetAvailable'), 2, 2, 999, 'True NewReplicaSetAvailable @0'],
  ['nobody has said anything yet', [], 2, 2, 999, 'none'],
])('%s', (_name, conditions, before, after, seconds, expected) => {
  const target = deployment({ ...counts(before), conditions })
  const status = rolloutStatus(target, { fresh: fresh(after), old: [] }, start + seconds * 1000)
  const told = status.conditions?.find(({ type }) => type === 'Progressing')
  const at = (Date.parse(told?.lastUpdateTime ?? '') - start) / 1000
  expect(told ? `${told.status} ${told.reason} @${at}` : 'none').toBe(expected)
})

test('the transition time changes with the status only', () => {
  const later = start + 30_000
  const moved = rolloutStatus(
    deployment({ ...counts(1), conditions: progressing('NewReplicaSetCreated') }),
    { fresh: fresh(2), old: [] },
    later,
  )
  expect(moved.conditions?.find(({ type }) => type === 'Progressing')).toMatchObject({
    lastUpdateTime: timestamp(later),
    lastTransitionTime: timestamp(start),
  })
})

test('without a deadline nothing is said about progress', () => {
  const target = deployment(
    { ...counts(2), conditions: progressing('ReplicaSetUpdated') },
    { progressDeadlineSeconds: 2 ** 31 - 1 },
  )
  const { conditions } = rolloutStatus(target, { fresh: fresh(2), old: [] }, start)
  expect(conditions?.map(({ type }) => type)).toEqual(['Available'])
  expect(deadlineInMs(target, target.status, start)).toBeUndefined()
  expect(pauseConditions(deployment({}, { paused: true, progressDeadlineSeconds: 2 ** 31 - 1 }), start)).toBeUndefined()
})

test.each<[string, DeploymentCondition[], boolean, string | undefined]>([
  ['a pause begins', progressing('NewReplicaSetAvailable'), true, 'DeploymentPaused'],
  ['a pause goes on', progressing('DeploymentPaused', 'Unknown'), true, undefined],
  ['a pause ends', progressing('DeploymentPaused', 'Unknown'), false, 'DeploymentResumed'],
  ['no pause', progressing('ReplicaSetUpdated'), false, undefined],
  ['a lack of progress stays told', progressing('ProgressDeadlineExceeded', 'False'), true, undefined],
])('%s', (_name, conditions, paused, expected) => {
  expect(pauseConditions(deployment({ conditions }, { paused }), start)?.[0]?.reason).toBe(expected)
})

test.each<[string, DeploymentStatus, Record<string, unknown>, number | undefined]>([
  ['a second after the deadline', { ...counts(2), conditions: progressing('ReplicaSetUpdated') }, {}, 51_000],
  ['never when it is complete', { ...counts(4), conditions: progressing('NewReplicaSetAvailable') }, {}, undefined],
  ['never when pods are lost later', { ...counts(2), conditions: progressing('NewReplicaSetAvailable') }, {}, undefined],
  ['never when it has been told', { ...counts(2), conditions: progressing('ProgressDeadlineExceeded', 'False') }, {}, undefined],
  ['never while paused', { ...counts(2), conditions: progressing('DeploymentPaused', 'Unknown') }, { paused: true }, undefined],
])('looked at again: %s', (_name, status, spec, expected) => {
  const target = deployment(status, spec)
  expect(deadlineInMs(target, target.status, start + 10_000)).toBe(expected)
})
