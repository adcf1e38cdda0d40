import { expect, test } from 'vitest'
import type { Pod } from '../../api/core/pod.ts'
import type { PodDisruptionBudget } from '../../api/policy/pod-disruption-budget.ts'
import { timestamp } from '../../lib/clock.ts'
import { goSelectorText } from '../shared/selector-text.ts'
import { podWith } from '../shared/test-objects.ts'
import { disruptedOf, expectationOf, failedStatusOf, healthy, needsScale, staleAt, statusOf } from './plan.ts'

const now = Date.UTC(2026, 0, 1, 1)
const ago = (seconds: number) => timestamp(now - seconds * 1000)
type Budget = PodDisruptionBudget
const budget = (spec: Partial<Budget['spec']>, status: Partial<Budget['status']> = {}): Budget =>
  ({
    metadata: { name: 'b', namespace: 'default', generation: 3 },
    spec,
    status: { disruptionsAllowed: 0, currentHealthy: 0, desiredHealthy: 0, expectedPods: 0, ...status },
  }) as Budget

test.each<[string, Partial<Budget['spec']>, number, number, [expected: number, desired: number], boolean]>([
  ['one may be missing', { maxUnavailable: 1 }, 10, 7, [10, 9], true],
  ['more may be missing than there are', { maxUnavailable: 5 }, 3, 3, [3, 0], true],
  ['none may be missing', { maxUnavailable: 0 }, 3, 3, [3, 3], true],
  ['a share may be missing, rounded up', { maxUnavailable: '10%' }, 15, 15, [15, 13], true],
  ['all may be missing', { maxUnavailable: '100%' }, 4, 4, [4, 0], true],
  ['a number must stay: the pods count, not their controllers', { minAvailable: 2 }, 10, 5, [5, 2], false],
  ['more must stay than there are', { minAvailable: 9 }, 3, 3, [3, 9], false],
  ['a share must stay, rounded up', { minAvailable: '28%' }, 10, 10, [10, 3], true],
  ['a share of all that are wanted, not of those that are there', { minAvailable: '50%' }, 10, 4, [10, 5], true],
  ['nothing is asked', {}, 10, 10, [0, 0], false],
])('what a budget expects: %s', (_, spec, scale, pods, [expectedPods, desiredHealthy], asksScale) => {
  expect(expectationOf(budget(spec), { scale, pods })).toEqual({ expectedPods, desiredHealthy })
  expect(needsScale(budget(spec))).toBe(asksScale)
})

const pod = (name: string, { isReady = true, isTerminating = false } = {}): Pod =>
  podWith({
    metadata: { name, ...(isTerminating && { deletionTimestamp: ago(5) }) },
    status: { conditions: [{ type: 'Ready', status: isReady ? 'True' : 'False' }] },
  })

test('healthy is who is ready, not going, and not about to be evicted', () => {
  const pods = [pod('a'), pod('b', { isReady: false }), pod('c', { isTerminating: true }), pod('d'), pod('e')]
  const disrupted = disruptedOf(pods, budget({}, { disruptedPods: { d: ago(10), e: ago(121), gone: ago(1) } }).status, now)
  expect(healthy(pods, disrupted, now)).toBe(2)
})

test('the evicted are forgotten once they go, are gone, or did not go within two minutes', () => {
  const pods = [pod('going', { isTerminating: true }), pod('waited'), pod('late'), pod('later'), pod('other')]
  const disruptedPods = { going: ago(5), waited: ago(30), late: ago(119), later: ago(121), gone: ago(1) }
  const { overdue, ...rest } = disruptedOf(pods, budget({}, { disruptedPods }).status, now)
  expect(rest).toEqual({ pods: { waited: ago(30), late: ago(119) }, recheckAt: now + 1000 })
  expect(overdue.map(({ metadata }) => metadata.name)).toEqual(['later'])
  expect(disruptedOf(pods, budget({}).status, now)).toEqual({ pods: {}, overdue: [], recheckAt: undefined })
})

test.each<[string, number, number, number, number, 'True' | 'False', string]>([
  ['some to spare', 10, 7, 10, 3, 'True', 'SufficientPods'],
  ['none to spare', 10, 10, 10, 0, 'False', 'InsufficientPods'],
  ['too few', 10, 10, 3, 0, 'False', 'InsufficientPods'],
  ['nobody is expected: the first to come are not protected yet', 0, 0, 2, 0, 'False', 'InsufficientPods'],
])('the status: %s', (_, expectedPods, desiredHealthy, currentHealthy, allowed, status, reason) => {
  const disrupted = { pods: {}, overdue: [], recheckAt: undefined }
  expect(statusOf(budget({}), { expectedPods, desiredHealthy }, currentHealthy, disrupted, now)).toEqual({
    observedGeneration: 3,
    disruptionsAllowed: allowed,
    currentHealthy,
    desiredHealthy,
    expectedPods,
    conditions: [
      { type: 'DisruptionAllowed', status, reason, message: '', observedGeneration: 3, lastTransitionTime: timestamp(now) },
    ],
  })
})

test('a condition keeps its time while it says the same; a failure allows nothing and keeps the rest', () => {
  const before = {
    type: 'DisruptionAllowed',
    status: 'False',
    reason: 'InsufficientPods',
    message: '',
    lastTransitionTime: ago(99),
  }
  const other = { ...before, type: 'Other' }
  const known = budget(
    {},
    { disruptionsAllowed: 2, currentHealthy: 7, observedGeneration: 2, conditions: [before, other] as never },
  )
  expect(failedStatusOf(known, 'no such kind', now)).toEqual({
    ...known.status,
    disruptionsAllowed: 0,
    conditions: [{ ...before, reason: 'SyncFailed', message: 'no such kind', observedGeneration: 2 }, other],
  })
  const disrupted = { pods: { a: ago(1) }, overdue: [], recheckAt: now }
  const status = statusOf(known, { expectedPods: 1, desiredHealthy: 0 }, 1, disrupted, now)
  expect([status.conditions?.[0]?.lastTransitionTime, status.disruptedPods]).toEqual([timestamp(now), { a: ago(1) }])
})

const target = { type: 'DisruptionTarget', status: 'True', reason: 'EvictionByEvictionAPI', lastTransitionTime: ago(60) } as const
test.each<[string, object, number | undefined]>([
  ['said a minute ago', { status: { conditions: [target] } }, now + 60_000],
  ['never said', {}, undefined],
  ['taken back', { status: { conditions: [{ ...target, status: 'False' }] } }, undefined],
  ['said by the kubelet', { status: { conditions: [{ ...target, reason: 'TerminationByKubelet' }] } }, undefined],
  ['and it goes', { metadata: { deletionTimestamp: ago(1) }, status: { conditions: [target] } }, undefined],
  ['and it has ended', { status: { phase: 'Failed', conditions: [target] } }, undefined],
  ['said without a time', { status: { conditions: [{ ...target, lastTransitionTime: undefined }] } }, 0],
])('when a pod is no longer believed to be disrupted: %s', (_, over, expected) => {
  expect(staleAt(podWith(over))).toBe(expected)
})

test('a selector is printed as upstream prints it', () => {
  const matchExpressions = [{ key: 'tier', operator: 'In', values: ['a', 'b'] }]
  expect(goSelectorText({ matchLabels: { b: '2', a: '1' }, matchExpressions })).toBe(
    '&LabelSelector{MatchLabels:map[string]string{a: 1,b: 2,},MatchExpressions:[]LabelSelectorRequirement{LabelSelectorRequirement{Key:tier,Operator:In,Values:[a b],},},}',
  )
})
