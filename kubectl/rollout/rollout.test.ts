import { describe, expect, test } from 'vitest'
import type { Deployment } from '../../api/apps/deployment.ts'
import type { ReplicaSet } from '../../api/apps/replica-set.ts'
import type { Pod } from '../../api/core/pod.ts'
import { noColours } from '../print/colour.ts'
import { byRevision } from './deployments.ts'
import { historyText } from './history.ts'
import { budgetLine, rollingLimits, rolloutPicture } from './picture.ts'
import { keptTemplate, ofReplicaSet } from './revisions.ts'
import { rolloutStatus, statusOf } from './status.ts'
import { switches } from './switches.ts'
import { keptToRestore, restoredAnnotations, revisionToRestore } from './undo.ts'
import { versionsOf } from './versions.ts'
import { waitingReason, waitingReasons } from './waiting-reason.ts'
import type { Workload } from './workloads.ts'

const template = (image: string, labels: object = {}) => ({
  metadata: { labels: { app: 'web', ...labels } },
  spec: { containers: [{ name: 'main', image }] },
})

function deployment(status: object = {}, more: { generation?: number; spec?: object; revision?: number } = {}): Deployment {
  const { generation = 2, spec = {}, revision = 2 } = more
  const annotations = { 'deployment.kubernetes.io/revision': String(revision) }
  return {
    metadata: { name: 'web', namespace: 'default', uid: 'd', generation, annotations },
    spec: { replicas: 4, template: template('new'), strategy: { type: 'RollingUpdate', rollingUpdate: {} }, ...spec },
    status: { observedGeneration: 2, ...status },
  } as unknown as Deployment
}

function replicaSet(
  name: string,
  image: string,
  revision: number,
  counts: [wanted: number, there: number, available: number],
): ReplicaSet {
  const [replicas, there, availableReplicas] = counts
  return {
    metadata: {
      name,
      uid: name,
      creationTimestamp: `2026-01-0${revision}T00:00:00Z`,
      annotations: { 'deployment.kubernetes.io/revision': String(revision) },
      ownerReferences: [{ kind: 'Deployment', name: 'web', uid: 'd', controller: true }],
    },
    spec: { replicas, template: template(image, { 'pod-template-hash': name }) },
    status: { replicas: there, availableReplicas },
  } as unknown as ReplicaSet
}

const waiting = (what: string) => `Waiting for deployment "web" rollout to finish: ${what}...`

test.each<[object, string, boolean]>([
  [{ observedGeneration: 1 }, 'Waiting for deployment spec update to be observed...', false],
  [{ replicas: 4, updatedReplicas: 1 }, waiting('1 out of 4 new replicas have been updated'), false],
  [{}, waiting('0 out of 4 new replicas have been updated'), false],
  [{ replicas: 5, updatedReplicas: 4 }, waiting('1 old replicas are pending termination'), false],
  [{ replicas: 4, updatedReplicas: 4, availableReplicas: 3 }, waiting('3 of 4 updated replicas are available'), false],
  [{ replicas: 4, updatedReplicas: 4, availableReplicas: 4 }, 'deployment "web" successfully rolled out', true],
])('a deployment with the status %j', (status, text, isDone) => {
  expect(rolloutStatus(deployment(status))).toEqual({ text, isDone })
})

test('a rollout that is stuck or is another one than asked for is an error', () => {
  const stuck = deployment({ conditions: [{ type: 'Progressing', reason: 'ProgressDeadlineExceeded' }] })
  expect(() => rolloutStatus(stuck)).toThrow('deployment "web" exceeded its progress deadline')
  expect(() => rolloutStatus(deployment(), 3)).toThrow('desired revision (3) is different from the running revision (2)')
  expect(rolloutStatus(deployment({ replicas: 4, updatedReplicas: 4, availableReplicas: 4 }), 2).isDone).toBe(true)
})

const rolling = { type: 'RollingUpdate', rollingUpdate: { partition: 0 } }

function workload(kind: Workload['kind'], updateStrategy: object, status: object, generation = 1): Workload {
  const metadata = { name: 'web', namespace: 'default', uid: 'w', generation }
  const object = { metadata, spec: { replicas: 3, template: template('new'), updateStrategy }, status }
  return { kind, object } as unknown as Workload
}

const seen = { observedGeneration: 1 }
const partition = (count: number) => ({ ...rolling, rollingUpdate: { partition: count } })

test.each<[object, object, string, boolean]>([
  [rolling, {}, 'Waiting for statefulset spec update to be observed...', false],
  [rolling, { ...seen, readyReplicas: 1 }, 'Waiting for 2 pods to be ready...', false],
  [
    rolling,
    { ...seen, readyReplicas: 3, updatedReplicas: 1 },
    'Waiting for partitioned roll out to finish: 1 out of 3 new pods have been updated...',
    false,
  ],
  [
    partition(2),
    { ...seen, readyReplicas: 3, updatedReplicas: 1 },
    'partitioned roll out complete: 1 new pods have been updated...',
    true,
  ],
  [
    { type: 'RollingUpdate' },
    { ...seen, readyReplicas: 3, updatedReplicas: 1, updateRevision: 'web-b', currentRevision: 'web-a' },
    'waiting for statefulset rolling update to complete 1 pods at revision web-b...',
    false,
  ],
  [
    { type: 'RollingUpdate' },
    { ...seen, readyReplicas: 3, currentReplicas: 3, updateRevision: 'web-b', currentRevision: 'web-b' },
    'statefulset rolling update complete 3 pods at revision web-b...',
    true,
  ],
])('a stateful set with the strategy %j and the status %j', (strategy, status, text, isDone) => {
  expect(statusOf(workload('StatefulSet', strategy, status))).toEqual({ text, isDone })
})

const daemons = (what: string) => `Waiting for daemon set "web" rollout to finish: ${what}...`
test.each<[object, string, boolean]>([
  [{ observedGeneration: 0 }, 'Waiting for daemon set spec update to be observed...', false],
  [{ ...seen, desiredNumberScheduled: 3 }, daemons('0 out of 3 new pods have been updated'), false],
  [
    { ...seen, desiredNumberScheduled: 3, updatedNumberScheduled: 3, numberAvailable: 2 },
    daemons('2 of 3 updated pods are available'),
    false,
  ],
  [
    { ...seen, desiredNumberScheduled: 3, updatedNumberScheduled: 3, numberAvailable: 3 },
    'daemon set "web" successfully rolled out',
    true,
  ],
])('a daemon set with the status %j', (status, text, isDone) => {
  expect(statusOf(workload('DaemonSet', rolling, status))).toEqual({ text, isDone })
})

test.each(['StatefulSet', 'DaemonSet'] as const)('a %s that is updated by hand has no rollout to follow', kind => {
  expect(() => statusOf(workload(kind, { type: 'OnDelete' }, seen))).toThrow(
    'rollout status is only available for RollingUpdate strategy type',
  )
})

test('a kept revision is a patch; undo goes to the last but one, or to the number', () => {
  const keep = (revision: number, image: string) =>
    ({ revision, data: { spec: { template: { ...template(image), $patch: 'replace' } } } }) as never
  const kept = [keep(1, 'a'), keep(2, 'b'), keep(4, 'c')]
  expect(keptTemplate(keptToRestore(kept, 0))).toEqual(template('b'))
  expect(keptToRestore(kept, 4)).toBe(kept[2])
  expect(() => keptToRestore(kept, 3)).toThrow('unable to find specified revision 3 in history')
  expect(() => keptToRestore(kept.slice(0, 1), 0)).toThrow('no last revision to roll back to')
})

test('every workload can be restarted, only deployments can be paused', () => {
  const set = workload('StatefulSet', rolling, seen)
  const restarted = {
    spec: { template: { metadata: { annotations: { 'kubectl.kubernetes.io/restartedAt': '1970-01-01T00:00:00Z' } } } },
  }
  expect(switches.restart.patch(set, 0)).toEqual(restarted)
  expect(switches.pause.patch(set, 0)).toBeUndefined()
  expect(switches.resume.patch(workload('DaemonSet', rolling, seen), 0)).toBeUndefined()
  expect(switches.pause.patch({ kind: 'Deployment', object: deployment() }, 0)).toEqual({ spec: { paused: true } })
})

describe('versions', () => {
  const [first, second] = [replicaSet('web-1', 'old', 1, [0, 0, 0]), replicaSet('web-2', 'new', 2, [4, 4, 4])]
  const stranger = { ...second, metadata: { ...second.metadata, ownerReferences: [] } }

  test('the set of the present template is the new one, whatever its hash; strangers do not count', () => {
    expect(versionsOf(deployment(), [second, stranger, first])).toEqual({ fresh: second, old: [first] })
    expect(versionsOf(deployment({}, { spec: { template: template('newest') } }), [second, first]).fresh).toBeUndefined()
  })

  test('undo goes back to the last but one, or to the revision that is asked for', () => {
    const sets = byRevision({ fresh: second, old: [first] })
    expect(revisionToRestore(sets, 0, 'web')).toBe(first)
    expect(revisionToRestore(sets, 2, 'web')).toBe(second)
    expect(() => revisionToRestore(sets, 7, 'web')).toThrow('unable to find specified revision 7 in history')
    expect(() => revisionToRestore([second], 0, 'web')).toThrow('no rollout history found for deployment "web"')
  })

  test("undo brings a revision's annotations back and leaves the deployment its own", () => {
    const own = { 'deployment.kubernetes.io/revision': '2', 'kubectl.kubernetes.io/last-applied-configuration': '{}', gone: 'x' }
    const then = { 'deployment.kubernetes.io/revision': '1', team: 'a' }
    expect(restoredAnnotations(own, then)).toEqual({
      'deployment.kubernetes.io/revision': '2',
      'kubectl.kubernetes.io/last-applied-configuration': '{}',
      team: 'a',
    })
  })

  test('the history lists revisions and why they were made', () => {
    const told = {
      ...second,
      metadata: { ...second.metadata, annotations: { ...second.metadata.annotations, 'kubernetes.io/change-cause': 'faster' } },
    }
    expect(historyText([first, told].map(ofReplicaSet), false)).toBe(
      'REVISION  CHANGE-CAUSE\n1         <none>\n2         faster\n',
    )
    expect(historyText([], false)).toBe('No rollout history found.')
    expect(historyText([ofReplicaSet(told)], true)).toContain('kubernetes.io/change-cause: faster')
  })
})

function pod(name: string, more: { owner?: string; nodeName?: string; status?: object; deleted?: boolean } = {}): Pod {
  const { owner = 'web-2', nodeName = 'n1', status = {}, deleted } = more
  return {
    metadata: {
      name,
      ownerReferences: [{ uid: owner, controller: true }],
      ...(deleted && { deletionTimestamp: '2026-01-01T00:00:00Z' }),
    },
    spec: { nodeName, containers: [{ name: 'main' }] },
    status,
  } as unknown as Pod
}

const container = (state: object, more: object = {}) => ({
  containerStatuses: [{ name: 'main', ready: false, restartCount: 0, state, ...more }],
})
const condition = (type: string, status: string, message?: string) => ({ conditions: [{ type, status, message }] })

test.each<[string, Pod, string | undefined]>([
  ['ready', pod('a', { status: condition('Ready', 'True') }), undefined],
  ['on its way out', pod('a', { deleted: true }), 'terminating'],
  ['new', pod('a', { nodeName: '' }), 'waits for the scheduler'],
  [
    'without a node',
    pod('a', { nodeName: '', status: condition('PodScheduled', 'False', '0/3 nodes') }),
    'not scheduled: 0/3 nodes',
  ],
  [
    'without its image',
    pod('a', { status: container({ waiting: { reason: 'ImagePullBackOff', message: 'no such image' } }) }),
    'container main: ImagePullBackOff: no such image',
  ],
  [
    'crashed',
    pod('a', { status: container({ terminated: { exitCode: 3 } }, { restartCount: 2 }) }),
    'container main ended with exit code 3 (2 restarts)',
  ],
  ['not ready', pod('a', { status: container({ running: {} }) }), 'container main runs but is not ready'],
  ['on its way up', pod('a', { status: container({ waiting: { reason: 'PodInitializing' } }) }), 'starting'],
])('a pod that is %s waits for: %s', (_, value, reason) => {
  expect(waitingReason(value)).toBe(reason)
})

test('pods that wait for the same are counted together', () => {
  const pods = ['a', 'b'].map(name => pod(name, { nodeName: '' }))
  expect(waitingReasons([pod('c', { deleted: true }), ...pods])).toEqual(['2 pods: waits for the scheduler', 'c: terminating'])
})

test.each([
  [10, { maxSurge: '25%', maxUnavailable: '25%' }, { surge: 3, unavailable: 2 }],
  [4, { maxSurge: 2, maxUnavailable: 0 }, { surge: 2, unavailable: 0 }],
  [1, { maxSurge: 0, maxUnavailable: '10%' }, { surge: 0, unavailable: 1 }],
  [2, { maxSurge: 1, maxUnavailable: 5 }, { surge: 1, unavailable: 2 }],
  [4, undefined, { surge: 1, unavailable: 1 }],
])('%d replicas under %j', (replicas, rolling, expected) => {
  expect(rollingLimits(replicas, rolling as never)).toEqual(expected)
})

test('the picture shows both versions, the budget and what it waits for', () => {
  const sets = [replicaSet('web-1', 'old', 1, [2, 2, 2]), replicaSet('web-2', 'new', 2, [3, 3, 1])]
  const rolling = deployment(
    { replicas: 5, availableReplicas: 3 },
    { spec: { strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: 1, maxUnavailable: 1 } } } },
  )
  const lines = rolloutPicture(rolling, sets, [pod('web-2-a', { nodeName: '' })], { colours: noColours, columns: 58 })
  expect(lines.map(line => line.trimEnd())).toEqual([
    '  new web-2 rev 2   ██▒▒▒▒    1/3 available, 2 not yet',
    '  old web-1 rev 1   ████      2/2 available',
    '  4 wanted; at most 5 at a time (surge 1): 5 now; at leas…',
    '  waits: web-2-a: waits for the scheduler',
  ])
  expect(budgetLine(rolling)).toBe(
    '  4 wanted; at most 5 at a time (surge 1): 5 now; at least 3 available (1 may be missing): 3 now',
  )
})
