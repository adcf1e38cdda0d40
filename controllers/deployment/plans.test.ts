import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Deployment } from '../../api/apps/deployment.ts'
import { ReplicaSet } from '../../api/apps/replica-set.ts'
import type { InputOf } from '../../api/kind.ts'
import { fnv32a, templateHash } from '../shared/template-hash.ts'
import { deploymentInput } from '../testing.ts'
import { withRevision, withSize } from './annotations.ts'
import { planCleanup } from './history.ts'
import { limitsOf } from './limits.ts'
import { isResized, planScaling } from './proportional.ts'
import { versionsOf } from './replica-sets.ts'
import { planRolling, type Resize, sizeOfFresh } from './rolling.ts'

type Strategy = NonNullable<InputOf<typeof Deployment>['spec']>['strategy']

function deployment(replicas: number, strategy: Strategy = {}, more: Record<string, unknown> = {}): Deployment {
  const rollingUpdate = { maxSurge: '25%', maxUnavailable: '25%', ...strategy?.rollingUpdate }
  const type = strategy?.type ?? 'RollingUpdate'
  const spec = {
    ...deploymentInput({ replicas }).spec,
    strategy: type === 'Recreate' ? { type } : { type, rollingUpdate },
    ...more,
  }
  return Deployment.schema.parse({ ...deploymentInput(), spec, status: {} })
}

let age = 0
function set(
  name: string,
  replicas: number,
  {
    available = replicas,
    image = 'old:1',
    max,
    desired,
    revision,
    ...rest
  }: Record<string, never> | Record<string, unknown> = {},
): ReplicaSet {
  const { template } = deploymentInput({ image: String(image) }).spec
  const annotations = {
    ...(max !== undefined && { 'deployment.kubernetes.io/max-replicas': String(max) }),
    ...(desired !== undefined && { 'deployment.kubernetes.io/desired-replicas': String(desired) }),
    ...(revision !== undefined && { 'deployment.kubernetes.io/revision': String(revision) }),
  }
  const creationTimestamp = new Date(Date.UTC(2026, 0, 1) + age++ * 1000).toISOString()
  return ReplicaSet.schema.parse({
    metadata: { name, namespace: 'default', uid: name, creationTimestamp, annotations, ...(rest.metadata as object) },
    spec: { replicas, selector: { matchLabels: { app: 'web' } }, template },
    status: { replicas: rest.actual ?? replicas, readyReplicas: available, availableReplicas: available },
  })
}
const fresh = (replicas: number, available = replicas, more: Record<string, unknown> = {}) =>
  set('new', replicas, { available, image: 'web:1', ...more })
const sizes = (steps: readonly Resize[]) => Object.fromEntries(steps.map(step => [step.set.metadata.name, step.to]))

test('pods of a set that is smaller already and has not said so yet are not counted on', () => {
  const five = deployment(5, { rollingUpdate: { maxSurge: 2, maxUnavailable: 1 } })
  const old = [set('old', 2, { available: 3, actual: 3 })]
  expect(sizes(planRolling(five, { fresh: fresh(5, 3), old }))).toEqual({ old: 1 })
})

test.each([
  [1, '25%', '25%', 1, 0],
  [2, '25%', '25%', 1, 0],
  [3, '25%', '25%', 1, 0],
  [4, '25%', '25%', 1, 1],
  [10, '25%', '25%', 3, 2],
  [10, 0, 0, 0, 1],
  [10, '0%', '5%', 0, 1],
  [10, 2, 20, 2, 10],
  [0, 1, 1, 1, 0],
])('%i replicas, surge %s, unavailable %s: %i and %i', (replicas, maxSurge, maxUnavailable, surge, unavailable) => {
  expect(limitsOf(deployment(replicas, { rollingUpdate: { maxSurge, maxUnavailable } }))).toEqual({
    replicas,
    surge,
    unavailable,
  })
})

test('recreation neither surges nor leaves pods out', () => {
  expect(limitsOf(deployment(4, { type: 'Recreate' }))).toEqual({ replicas: 4, surge: 0, unavailable: 0 })
})

test('a rolling update of ten, step by step', () => {
  const ten = deployment(10)
  expect(sizeOfFresh(ten, 0, 10)).toBe(3)
  expect(sizes(planRolling(ten, { fresh: fresh(3, 0), old: [set('old', 10)] }))).toEqual({ old: 8 })
  expect(sizes(planRolling(ten, { fresh: fresh(3, 0), old: [set('old', 8)] }))).toEqual({ new: 5 })
  expect(planRolling(ten, { fresh: fresh(5, 0), old: [set('old', 8)] })).toEqual([])
  expect(sizes(planRolling(ten, { fresh: fresh(5, 2), old: [set('old', 8)] }))).toEqual({ old: 6 })
  expect(sizes(planRolling(ten, { fresh: fresh(10, 10), old: [set('old', 3)] }))).toEqual({ old: 0 })
  expect(planRolling(ten, { fresh: fresh(10, 10), old: [set('old', 0)] })).toEqual([])
})

test.each<[string, ReplicaSet, ReplicaSet[], Record<string, number>]>([
  ['a new set that is too large shrinks first', fresh(12), [set('old', 2)], { new: 10 }],
  [
    'pods that serve nobody go first, from the oldest set on',
    fresh(3, 0),
    [set('a', 5, { available: 2 }), set('b', 5, { available: 4 })],
    { a: 3 },
  ],
  ['both unhealthy and healthy ones in one step', fresh(5, 5), [set('a', 8, { available: 6 })], { a: 3 }],
  ['missing new pods count against the old', fresh(5, 0), [set('a', 8)], {}],
])('rolling: %s', (_name, newSet, old, expected) => {
  expect(sizes(planRolling(deployment(10), { fresh: newSet, old }))).toEqual(expected)
})

test('every step of a rolling update keeps to the limits, and it comes to an end', () => {
  const percent = fc.integer({ min: 0, max: 100 }).map(value => `${value}%`)
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 30 }), percent, percent, (replicas, maxSurge, maxUnavailable) => {
      const target = deployment(replicas, { rollingUpdate: { maxSurge, maxUnavailable } })
      const { surge, unavailable } = limitsOf(target)
      const state = { new: 0, old: replicas, available: 0 }
      for (let step = 0; step < 200; step++) {
        const planned = sizes(planRolling(target, { fresh: fresh(state.new, state.available), old: [set('old', state.old)] }))
        Object.assign(state, planned)
        expect(state.new + state.old).toBeLessThanOrEqual(replicas + surge)
        expect(state.available + state.old).toBeGreaterThanOrEqual(replicas - unavailable)
        if (Object.keys(planned).length > 0) continue
        if (state.available === state.new) break
        state.available += 1
      }
      expect(state).toEqual({ new: replicas, old: 0, available: replicas })
    }),
    { numRuns: 30 },
  )
})

test('proportional scaling: ten to fifteen in mid-rollout', () => {
  const sets = [set('old', 8, { max: 13, desired: 10 }), fresh(5, 5, { max: 13, desired: 10 })]
  const target = deployment(15, { rollingUpdate: { maxSurge: 3 } })
  expect(isResized(target, sets)).toBe(true)
  expect(sizes(planScaling(target, versionsOf(target, sets)))).toEqual({ old: 11, new: 7 })
})

test.each<[string, number, ReplicaSet[], Record<string, number>]>([
  ['one set in use gets it all', 7, [set('a', 3), set('b', 0), fresh(0)], { a: 7 }],
  ['none in use: the new one does', 7, [set('a', 0), fresh(0)], { new: 7 }],
  ['none in use and no new one: the newest', 7, [set('a', 0), set('b', 0)], { b: 7 }],
  ['it has its size already', 3, [fresh(3)], {}],
  ['a saturated new set: the old ones go', 4, [set('a', 2, { max: 5 }), fresh(4, 4, { desired: 4, max: 5 })], { a: 0 }],
  ['to nothing', 0, [set('a', 4, { max: 10 }), fresh(5, 5, { max: 10 })], { new: 0, a: 0 }],
  ['shrinking', 5, [set('a', 8, { max: 13 }), fresh(5, 5, { max: 13 })], { a: 4, new: 3 }],
  ['no memory and no status: only the leftover is given', 10, [set('a', 2), fresh(2)], { new: 11, a: 2 }],
])('scaling: %s', (_name, replicas, sets, expected) => {
  const target = deployment(replicas)
  expect(sizes(planScaling(target, versionsOf(target, sets)))).toEqual(expected)
})

test('proportional scaling always ends at what is allowed, whatever the sets', () => {
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: 1, max: 20 }), { minLength: 2, maxLength: 4 }),
      fc.integer({ min: 0, max: 60 }),
      (counts, replicas) => {
        const max = counts.reduce((a, b) => a + b)
        const sets = counts.map((count, i) => set(`s${i}`, count, { max, desired: max }))
        const target = deployment(replicas)
        const planned = sizes(planScaling(target, versionsOf(target, sets)))
        const total = Object.values(planned).reduce((a, b) => a + b, 0)
        expect(total).toBe(replicas > 0 ? replicas + limitsOf(target).surge : 0)
        expect(Object.values(planned).every(size => size >= 0)).toBe(true)
      },
    ),
    { numRuns: 100 },
  )
})

test('the new set is the oldest with the same template, whatever its hash label says', () => {
  const target = deployment(1)
  const twin = fresh(0)
  const labeled = ReplicaSet.schema.parse({
    ...twin,
    metadata: { ...twin.metadata, name: 'older', creationTimestamp: '2020-01-01T00:00:00Z' },
    spec: { ...twin.spec, template: { ...twin.spec.template, metadata: { labels: { app: 'web', 'pod-template-hash': 'x' } } } },
  })
  const other = set('old', 1)
  expect(versionsOf(target, [twin, other, labeled])).toEqual({ fresh: labeled, old: [twin, other] })
})

test('history: the lowest revisions go, but only those without pods, and no other in their stead', () => {
  const sets = [
    set('r3', 0, { revision: 3 }),
    set('r1', 0, { revision: 1 }),
    set('r2', 0, { revision: 2, actual: 1 }),
    set('r4', 0, { revision: 4 }),
    set('leaving', 0, { revision: 0, metadata: { deletionTimestamp: '2026-01-01T00:00:00Z' } }),
  ]
  const names = (limit: number) =>
    planCleanup(deployment(1, {}, { revisionHistoryLimit: limit }), sets).map(({ metadata }) => metadata.name)
  expect(names(10)).toEqual([])
  expect(names(3)).toEqual(['r1'])
  expect(names(2)).toEqual(['r1'])
  expect(names(1)).toEqual(['r1', 'r3'])
  expect(names(0)).toEqual(['r1', 'r3', 'r4'])
  expect(names(2 ** 31 - 1)).toEqual([])
})

test('revisions go up only, and an earlier number is remembered when a version comes back', () => {
  const target = Deployment.schema.parse({
    ...deploymentInput(),
    metadata: {
      name: 'web',
      annotations: {
        team: 'blue',
        'kubectl.kubernetes.io/last-applied-configuration': '{}',
        'deployment.kubernetes.io/revision': '7',
      },
    },
  })
  const first = withRevision({}, target, 1)
  expect(first).toEqual({ team: 'blue', 'deployment.kubernetes.io/revision': '1' })
  expect(withRevision(first, target, 1)).toEqual(first)
  const again = withRevision(first, target, 3)
  expect(again).toEqual({ ...first, 'deployment.kubernetes.io/revision': '3', 'deployment.kubernetes.io/revision-history': '1' })
  expect(withRevision(again, target, 5)['deployment.kubernetes.io/revision-history']).toBe('1,3')
  expect(withSize({}, { replicas: 4, surge: 1, unavailable: 1 })).toEqual({
    'deployment.kubernetes.io/desired-replicas': '4',
    'deployment.kubernetes.io/max-replicas': '5',
  })
})

test('the hash depends on the template and the collisions, not on the order of its fields', () => {
  const { template } = deployment(1).spec
  const reordered = Object.fromEntries(Object.entries(template).reverse()) as typeof template
  const hash = templateHash(template)
  expect(hash).toMatch(/^[bcdfghjklmnpqrstvwxz2456789]{1,10}$/)
  expect(templateHash(reordered)).toBe(hash)
  expect(new Set([hash, templateHash(template, 0), templateHash(template, 1)]).size).toBe(3)
  expect(templateHash(deployment(1, {}, { template: deploymentInput({ image: 'web:2' }).spec.template }).spec.template)).not.toBe(
    hash,
  )
  expect(fnv32a(new TextEncoder().encode('foobar'))).toBe(0xbf9cf968)
})
