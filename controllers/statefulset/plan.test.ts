import { describe, expect, test } from 'vitest'
import type { StatefulSet } from '../../api/apps/stateful-set.ts'
import type { PersistentVolumeClaim } from '../../api/core/persistent-volume-claim.ts'
import type { Pod } from '../../api/core/pod.ts'
import type { OwnerReference } from '../../api/transport.ts'
import { timestamp } from '../../lib/clock.ts'
import { seededRandom } from '../../lib/random.ts'
import { podWith } from '../shared/test-objects.ts'
import { ordinalOf } from './names.ts'
import { plan, type View } from './plan.ts'
import { claimOwners, isStale, isUpToDate } from './retention.ts'
import { statusOf } from './status.ts'

const now = Date.UTC(2026, 0, 1, 1)

interface Wishes {
  name?: string
  replicas?: number
  start?: number
  policy?: string
  strategy?: object
  minReadySeconds?: number
  retention?: { whenDeleted: string; whenScaled: string }
  templates?: string[]
  status?: object
}

function setWith({ name = 'web', replicas = 3, start, templates, ...wishes }: Wishes = {}): StatefulSet {
  return {
    metadata: { name, namespace: 'default', uid: 'uid-set', generation: 4 },
    spec: {
      replicas,
      ...(start !== undefined && { ordinals: { start } }),
      podManagementPolicy: wishes.policy ?? 'OrderedReady',
      updateStrategy: wishes.strategy ?? { type: 'RollingUpdate', rollingUpdate: { partition: 0 } },
      minReadySeconds: wishes.minReadySeconds,
      persistentVolumeClaimRetentionPolicy: wishes.retention ?? { whenDeleted: 'Retain', whenScaled: 'Retain' },
      volumeClaimTemplates: templates?.map(template => ({ metadata: { name: template } })),
      selector: {},
    },
    status: wishes.status ?? {},
  } as unknown as StatefulSet
}

/**
 * Pods in a few letters each: `0` is web-0, ready, of the new revision; `o` of the old one, `p` pending, `u` running but not ready,
 * `f` failed, `s` succeeded, `t` told to end, `y` ready for 5 seconds only.
 */
function podsOf(text: string): Pod[] {
  return text
    .split(' ')
    .filter(Boolean)
    .map(word => {
      const ordinal = Number.parseInt(word, 10)
      const has = (letter: string) => word.includes(letter)
      const phase = has('p') ? 'Pending' : has('f') ? 'Failed' : has('s') ? 'Succeeded' : 'Running'
      const isReady = phase === 'Running' && !has('u')
      const since = timestamp(now - (has('y') ? 5_000 : 600_000))
      const name = `web-${ordinal}`
      return podWith({
        metadata: {
          name,
          labels: { 'statefulset.kubernetes.io/pod-name': name, 'controller-revision-hash': has('o') ? 'old' : 'new' },
          ...(has('t') && { deletionTimestamp: timestamp(now) }),
        },
        status: {
          phase,
          conditions: [{ type: 'Ready', status: isReady ? 'True' : 'False', lastTransitionTime: since }],
        },
      })
    })
}

function viewOf(set: StatefulSet, pods: string, claims: readonly PersistentVolumeClaim[] = []): View {
  const claimOf = (name: string) => claims.find(({ metadata }) => metadata.name === name)
  return { set, pods: podsOf(pods), current: 'old', update: 'new', claimOf, now }
}

/** What is planned, phase by phase: `+2 new` creates, `-2 scale` deletes. */
function told(view: View): string {
  const { phases } = plan(view)
  const words = phases.flat().map(step => {
    if (step.do === 'create') return `+${step.ordinal} ${step.revision}`
    const ordinal = ordinalOf(view.set, step.pod)
    return step.do === 'delete' ? `-${ordinal} ${step.rule}` : `${step.do} ${ordinal}`
  })
  return words.join(', ')
}

describe('OrderedReady', () => {
  test.each([
    ['', '+0 new', 'the first'],
    ['0', '+1 new', 'the next, when the one before is available'],
    ['0p', '', 'a pending one is waited for'],
    ['0u', '', 'so is one that is not ready'],
    ['0t', '', 'and one that ends'],
    ['0 2', '+1 new', 'a gap is filled before all else'],
    ['0u 2', '', 'but not before the lower ones are well'],
    ['0 1f 2', '-1 finished', 'a failed one goes'],
    ['0 1s 2', '-1 finished', 'so does one that succeeded'],
    ['0 1ft 2', '', 'unless it is going already'],
    ['0u 1f 2', '', 'and only when those before it are well'],
    ['0 1 2', '', 'nothing is to be done'],
    ['0 1 2 3 4', '-4 scale', 'the highest goes first'],
    ['0 1 2 3 4t', '', 'and is waited for'],
    ['0 1 2 3 4u', '-4 scale', 'also when it is the one that is not well'],
    ['0 1 2 3u 4', '-4 scale', 'a lower one that is not well does not hold a well one up'],
    ['0 1 2 3u 4u', '', 'but one that is not well waits for the lower one'],
    ['0 1 2 3f 4f', '-4 scale', 'nobody waits for what has finished'],
    ['0 1 2 3u 4f', '', 'but for what may still come up'],
    ['0 1u 2 3', '', 'nobody goes while a place is not well'],
    ['0 1 3', '+2 new', 'places are filled before pods beyond them go'],
    ['0o 1o 2o', '-2 update', 'an update begins at the top'],
    ['0o 1o 2u', '', 'and waits for the new pod'],
    ['0o 1o 2', '-1 update', 'then goes down'],
    ['0o 1o 2ou', '', 'a broken old pod blocks it (a known issue upstream)'],
    ['0o 1o 2o 3', '-3 scale', 'scaling goes before updating'],
  ])('pods "%s": %s (%s)', (pods, expected) => {
    expect(told(viewOf(setWith(), pods))).toBe(expected)
  })

  test('what it waits for can be told', () => {
    expect(plan(viewOf(setWith(), '0 1u')).waitsFor).toBe('web-1 to be ready')
    expect(plan(viewOf(setWith(), '0 1 2t')).waitsFor).toBe('web-2 to be gone')
    expect(plan(viewOf(setWith(), '0 1 2')).waitsFor).toBeUndefined()
  })

  test('minReadySeconds counts for filling, for scaling and for updating', () => {
    const set = setWith({ minReadySeconds: 10 })
    expect(told(viewOf(set, '0y'))).toBe('')
    expect(told(viewOf(set, '0 1 2 3y 4y'))).toBe('')
    expect(told(viewOf(set, '0o 1o 2y'))).toBe('')
    expect(told(viewOf(setWith({ minReadySeconds: 5 }), '0y'))).toBe('+1 new')
  })
})

describe('Parallel', () => {
  test.each([
    ['', '+0 new, +1 new, +2 new', 'all at once'],
    ['0u 1f', '-1 finished, +2 new', 'nobody waits for anybody'],
    ['0 1 2 3u 4t 5', '-5 scale, -3 scale', 'all that are too many at once'],
    ['0 1 4', '+2 new, -4 scale', 'up and down at once'],
    ['0o 1o 2o', '-2 update', 'updates still one by one'],
    ['0o 1o 2u', '', 'and waiting for the new pod'],
    ['0o 1o 2f', '-2 finished', 'a finished pod is deleted once'],
  ])('pods "%s": %s (%s)', (pods, expected) => {
    expect(told(viewOf(setWith({ policy: 'Parallel' }), pods))).toBe(expected)
  })
})

describe('which revision', () => {
  const partition = (count: number) => ({ strategy: { type: 'RollingUpdate', rollingUpdate: { partition: count } } })
  const parallel = { policy: 'Parallel' }
  test.each<[Wishes, string, string, string]>([
    [{ ...parallel, ...partition(2) }, '', '+0 old, +1 old, +2 new', 'below the partition the current one'],
    [{ ...parallel, ...partition(9) }, '', '+0 old, +1 old, +2 old', 'a partition above all: nothing new'],
    [{ ...parallel, ...partition(1), start: 5 }, '', '+5 old, +6 new, +7 new', 'the partition counts places, not ordinals'],
    [{ ...partition(2) }, '0o 1o 2o', '-2 update', 'updates stop at the partition'],
    [{ ...partition(2) }, '0o 1o 2', '', 'there'],
    [{ ...partition(1), start: 5 }, '5o 6o 7', '-6 update', 'also when the numbers begin elsewhere'],
    [{ strategy: { type: 'OnDelete' } }, '0o 1o 2o', '', 'OnDelete: nothing by itself'],
    [{ strategy: { type: 'OnDelete' } }, '0o 2o', '+1 new', 'OnDelete: always the new one'],
    [
      { ...parallel, strategy: { type: 'RollingUpdate' }, status: { currentReplicas: 2 } },
      '',
      '+0 old, +1 old, +2 new',
      'without a rollingUpdate block, as many as are of the current one',
    ],
  ])('%o, pods "%s": %s (%s)', (wishes, pods, expected) => {
    expect(told(viewOf(setWith(wishes), pods))).toBe(expected)
  })
})

describe('retention', () => {
  const [pod] = podsOf('1') as [Pod]
  const ofSet = { apiVersion: 'apps/v1', kind: 'StatefulSet', name: 'web', uid: 'uid-set', controller: true }
  const ofPod = { apiVersion: 'v1', kind: 'Pod', name: 'web-1', uid: 'uid-web-1', controller: true }
  const foreign: OwnerReference = { apiVersion: 'v1', kind: 'ConfigMap', name: 'x', uid: 'uid-x' }
  const claim = (...ownerReferences: OwnerReference[]) =>
    ({ metadata: { name: 'data-web-1', ownerReferences } }) as unknown as PersistentVolumeClaim
  const names = (owners: readonly OwnerReference[]) => owners.map(({ kind }) => kind).join(' ')

  test.each([
    ['Retain', 'Retain', 'in', '', ''],
    ['Retain', 'Retain', 'out', '', ''],
    ['Delete', 'Retain', 'in', 'StatefulSet', ''],
    ['Delete', 'Retain', 'out', 'StatefulSet', ''],
    ['Retain', 'Delete', 'in', '', ''],
    ['Retain', 'Delete', 'out', 'Pod', ''],
    ['Delete', 'Delete', 'in', 'StatefulSet', ''],
    ['Delete', 'Delete', 'out', 'Pod', ''],
  ])('whenDeleted %s, whenScaled %s, pod %s of range: owned by "%s"', (whenDeleted, whenScaled, where, expected) => {
    const set = setWith({ retention: { whenDeleted, whenScaled }, replicas: where === 'in' ? 2 : 1 })
    const holder = { ordinal: 1, pod }
    for (const present of [
      [] as OwnerReference[],
      [ofSet],
      [ofPod],
      [ofSet, ofPod],
      [foreign],
      [{ ...ofSet, controller: false }],
    ]) {
      const others = names(present).includes('ConfigMap') ? 'ConfigMap ' : ''
      const wanted = claimOwners(set, holder, present)
      expect(names(wanted)).toBe(`${others}${expected}`.trim())
      expect(isUpToDate(claim(...wanted), set, holder)).toBe(true)
      const isRight =
        names(present) === names(wanted) && present.every(({ kind, controller }) => kind === 'ConfigMap' || controller)
      expect(isUpToDate(claim(...present), set, holder)).toBe(isRight)
    }
  })

  test('beside another controller ours go, and none is added', () => {
    const set = setWith({ retention: { whenDeleted: 'Delete', whenScaled: 'Delete' } })
    const holder = { ordinal: 1, pod }
    const other = { ...foreign, controller: true }
    expect(isUpToDate(claim(other), set, holder)).toBe(true)
    expect(isUpToDate(claim(other, ofSet), set, holder)).toBe(false)
    expect(claimOwners(set, holder, [other, ofSet, ofPod])).toEqual([other])
  })

  test('owners of the same name from before are not touched, and a pod from before makes the claim stale', () => {
    const before = { ...ofPod, uid: 'uid-before' }
    const set = setWith({ retention: { whenDeleted: 'Delete', whenScaled: 'Delete' }, templates: ['data'], replicas: 2 })
    expect(isUpToDate(claim(before), set, { ordinal: 1, pod })).toBe(true)
    expect(isUpToDate(claim({ ...ofSet, uid: 'uid-earlier' }), set, { ordinal: 1, pod })).toBe(true)
    expect(isStale(claim(before), set, { ordinal: 1 })).toBe(true)
    expect(isStale(claim(before), setWith(), { ordinal: 1 })).toBe(false)
    const ofFirst = { ...claim(ofSet), metadata: { ...claim(ofSet).metadata, name: 'data-web-0' } }
    const first = podsOf('0').map(each => ({
      ...each,
      spec: { ...each.spec, volumes: [{ name: 'data', persistentVolumeClaim: { claimName: 'data-web-0' } }] },
    })) as Pod[]
    const view = { ...viewOf(set, '', [ofFirst, claim(before)]), pods: first }
    expect(plan(view)).toMatchObject({ phases: [[]], waitsFor: 'claim data-web-1 to be gone' })
  })
})

test.each([
  ['web', 'web-0', 0],
  ['web', 'web-12', 12],
  ['web', 'web', undefined],
  ['web', 'web-', undefined],
  ['web', 'other-1', undefined],
  ['web-1', 'web-1-2', 2],
  ['web', 'web-1-2', undefined],
  ['web', 'web-99999999999', undefined],
])('the ordinal in set %s of %s is %s', (name, podName, expected) => {
  expect(ordinalOf(setWith({ name }), podWith({ metadata: { name: podName } }))).toBe(expected)
})

describe('status', () => {
  const revisions = { current: 'old', update: 'new', collisionCount: 0 }
  test.each([
    ['0o 1o 2u', { replicas: 3, readyReplicas: 2, currentReplicas: 2, updatedReplicas: 1, availableReplicas: 2 }, 'old'],
    ['0o 1ot 2', { replicas: 3, readyReplicas: 3, currentReplicas: 1, updatedReplicas: 1, availableReplicas: 3 }, 'old'],
    ['0 1 2', { replicas: 3, readyReplicas: 3, currentReplicas: 3, updatedReplicas: 3, availableReplicas: 3 }, 'new'],
    ['0 1 2 3', { replicas: 4, readyReplicas: 4, updatedReplicas: 4 }, 'old'],
    ['0 1 2u', { replicas: 3, readyReplicas: 2, updatedReplicas: 3 }, 'old'],
  ])('of "%s"', (pods, expected, currentRevision) => {
    const status = statusOf(setWith(), podsOf(pods), revisions, undefined, now)
    expect(status).toMatchObject({ ...expected, observedGeneration: 4, currentRevision, updateRevision: 'new' })
  })

  test('a pod that was just deleted for the update is no longer one of the current revision', () => {
    const pods = podsOf('0o 1o 2o')
    expect(statusOf(setWith(), pods, revisions, pods[2], now).currentReplicas).toBe(2)
  })

  test("others' conditions stay", () => {
    const conditions = [{ type: 'Mine', status: 'True' }]
    expect(statusOf(setWith({ status: { conditions } }), [], revisions, undefined, now).conditions).toEqual(conditions)
  })
})

test('from any pods whatever, in either order, the set comes to rest with its pods at the new revision', () => {
  const random = seededRandom(7)
  const letters = ['', 'o', 'u', 'p', 'f', 's', 't', 'ot']
  const any = random.below
  for (let round = 0; round < 300; round++) {
    const set = setWith({ replicas: any(5), start: any(3), policy: any(2) ? 'Parallel' : 'OrderedReady' })
    const start = set.spec.ordinals?.start ?? 0
    const pods = new Map<number, string>()
    for (let ordinal = 0; ordinal < 8; ordinal++) if (any(2)) pods.set(ordinal, letters[any(letters.length)] ?? '')
    let rounds = 0
    for (let isBusy = true; isBusy; ) {
      if (++rounds > 100) throw new Error(`round ${round} does not come to rest`)
      const text = [...pods].map(([ordinal, state]) => `${ordinal}${state}`).join(' ')
      const { phases, oneByOne } = plan(viewOf(set, text))
      const steps = phases.flat()
      if (oneByOne) expect(steps.length).toBeLessThanOrEqual(1)
      expect(steps.filter(step => step.do === 'delete' && step.rule === 'update').length).toBeLessThanOrEqual(1)
      for (const step of steps) {
        if (step.do === 'create') pods.set(step.ordinal, 'p')
        else pods.delete(ordinalOf(set, step.pod) ?? -1)
      }
      isBusy = steps.length > 0
      // What a kubelet does: pods that end are gone, those that start become ready.
      for (const [ordinal, state] of pods) {
        if (state.includes('t')) pods.delete(ordinal)
        else if (/[pu]/.test(state)) pods.set(ordinal, state.includes('o') ? 'o' : '')
        else continue
        isBusy = true
      }
    }
    const expected = Array.from({ length: set.spec.replicas }, (_, index) => [start + index, ''])
    expect([...pods].sort(([a], [b]) => a - b)).toEqual(expected)
  }
})
