import { expect, test } from 'vitest'
import { ReplicaSet } from '../../api/apps/replica-set.ts'
import { ApiError } from '../../api/errors.ts'
import type { KubeObject } from '../../api/transport.ts'
import { on, ownerKeys } from '../../client/watches.ts'
import { isNamespaceEnding } from './api-causes.ts'
import { planClaims } from './claims.ts'
import { controllerReference } from './owner-references.ts'
import { availableAt, isActive, isAvailable, isReady } from './pod-state.ts'
import { slowStart } from './slow-start.ts'
import { podWith } from './test-objects.ts'

const metadata = { name: 'web', namespace: 'default', uid: 'web-uid', resourceVersion: '1', creationTimestamp: '' }
const owner: KubeObject = { apiVersion: 'apps/v1', kind: 'ReplicaSet', metadata }
const ending: KubeObject = { ...owner, metadata: { ...metadata, deletionTimestamp: 'now' } }

function candidate(controllerUid: string | undefined, matches: boolean, deletionTimestamp?: string): KubeObject {
  const ownerReferences = controllerUid ? [{ ...controllerReference(ReplicaSet, owner), uid: controllerUid }] : []
  const labels = { app: matches ? 'web' : 'other' }
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { ...metadata, name: 'pod', labels, ownerReferences, ...(deletionTimestamp && { deletionTimestamp }) },
  }
}

test.each<[string, KubeObject, KubeObject, string]>([
  ['ours and matching', owner, candidate('web-uid', true), 'owned'],
  ['ours and no longer matching', owner, candidate('web-uid', false), 'released'],
  ["another's, matching or not", owner, candidate('another', true), 'ignored'],
  ["nobody's and matching", owner, candidate(undefined, true), 'adopted'],
  ["nobody's and not matching", owner, candidate(undefined, false), 'ignored'],
  ["nobody's, but on its way out", owner, candidate(undefined, true, 'now'), 'ignored'],
  ['an owner on its way out adopts nothing', ending, candidate(undefined, true), 'ignored'],
  ['nor does it release anything', ending, candidate('web-uid', false), 'ignored'],
  ['but keeps what is its own', ending, candidate('web-uid', true), 'owned'],
])('claims: %s', (_name, claimant, pod, expected) => {
  const { owned, adopt, release } = planClaims(claimant, [pod], each => each.metadata.labels?.app === 'web')
  const fate = owned.length > 0 ? 'owned' : adopt.length > 0 ? 'adopted' : release.length > 0 ? 'released' : 'ignored'
  expect(fate).toBe(expected)
})

test('slow start doubles its batches', async () => {
  const batches: number[] = []
  let inFlight = 0
  const { succeeded, error } = await slowStart(11, async () => {
    if (inFlight++ === 0) queueMicrotask(() => batches.push(inFlight))
    await new Promise(resolve => setImmediate(resolve))
    inFlight -= 1
  })
  expect({ succeeded, error, batches }).toEqual({ succeeded: 11, error: undefined, batches: [1, 2, 4, 4] })
})

test('slow start stops after the first batch with a failure', async () => {
  let calls = 0
  const broken = new Error('broken')
  const answer = await slowStart(100, async () => {
    if (++calls === 5) throw broken
  })
  expect({ calls, ...answer }).toEqual({ calls: 7, succeeded: 6, error: broken })
})

test('slow start stops where the namespace goes, and that is no failure', async () => {
  const causes = [{ reason: 'NamespaceTerminating' }]
  let calls = 0
  const answer = await slowStart(100, async () => {
    if (++calls >= 3) throw new ApiError('Forbidden', 'no', { details: { causes } })
  })
  expect({ calls, ...answer }).toEqual({ calls: 3, succeeded: 2, isNamespaceEnding: true })
})

test.each([
  ['Pending', undefined, true],
  ['Running', undefined, true],
  ['Unknown', undefined, true],
  ['Running', '2026-01-01T00:00:00Z', false],
  ['Succeeded', undefined, false],
  ['Failed', undefined, false],
] as const)('a pod that is %s (told to end: %s) is active: %s', (phase, deletionTimestamp, expected) => {
  expect(isActive(podWith({ status: { phase }, metadata: { ...(deletionTimestamp && { deletionTimestamp }) } }))).toBe(expected)
})

test('a ready pod is available after minReadySeconds', () => {
  const since = Date.UTC(2026, 0, 1)
  const ready = podWith({
    status: { conditions: [{ type: 'Ready', status: 'True', lastTransitionTime: '2026-01-01T00:00:00Z' }] },
  })
  const unready = podWith({
    status: { conditions: [{ type: 'Ready', status: 'False', lastTransitionTime: '2026-01-01T00:00:00Z' }] },
  })
  expect([isReady(ready), isReady(unready)]).toEqual([true, false])
  expect(availableAt(ready, 10)).toBe(since + 10_000)
  expect([9_999, 10_000].map(ms => isAvailable(ready, 10, since + ms))).toEqual([false, true])
  expect(isAvailable(ready, 0, since - 1)).toBe(true)
  expect(isAvailable(unready, 0, since + 99_000)).toBe(false)
})

test('a change wakes the controller of an object, and after a change of hands both', () => {
  const keys = (object: KubeObject, previous?: KubeObject) =>
    on(ReplicaSet, ownerKeys(ReplicaSet)).keys({ type: 'modified', object, revision: 1, ...(previous && { previous }) }, () => {
      throw new Error('not needed')
    })
  const owned = (name: string, kind = 'ReplicaSet', apiVersion = 'apps/v1') => ({
    ...owner,
    metadata: { ...metadata, ownerReferences: [{ apiVersion, kind, name, uid: name, controller: true }] },
  })
  expect(keys(owned('a'))).toEqual(['default/a'])
  expect(keys(owned('a', 'Job'))).toEqual([])
  expect(keys(owned('a', 'ReplicaSet', 'extensions/v1'))).toEqual([])
  expect(keys(owner)).toEqual([])
  expect(keys(owner, owned('a'))).toEqual(['default/a'])
  expect(keys(owned('b'), owned('a'))).toEqual(['default/a', 'default/b'])
})

test('only the cause of an error says that a namespace ends', () => {
  const causes = [{ reason: 'NamespaceTerminating', message: 'namespace x is being terminated', field: 'metadata.namespace' }]
  expect(isNamespaceEnding(new ApiError('Forbidden', 'no', { details: { causes } }))).toBe(true)
  expect(isNamespaceEnding(new ApiError('Forbidden', 'being terminated'))).toBe(false)
})
