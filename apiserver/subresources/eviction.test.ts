import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { ApiError } from '../../api/errors.ts'
import { virtualClock } from '../../lib/clock.ts'
import { callsOn, configMaps, pod, pods, refusal } from '../../test/contract/calls.ts'
import type { AdmissionStep } from '../admission.ts'
import { type TestServer, testServer } from '../testing.ts'

let server: TestServer
beforeEach(async () => {
  server = await testServer({ clock: virtualClock() })
})
afterEach(() => server.stop())
const { create, get, patch } = callsOn(() => server.transport())

const budgets = { ...configMaps, group: 'policy', resource: 'poddisruptionbudgets' }
const labels = { app: 'web' }
const status = { subresource: 'status' }
const evict = (name = 'a', body: object = {}) => create(pods, { metadata: { name }, ...body }, { name, subresource: 'eviction' })

async function running(name = 'a', isReady = true): Promise<void> {
  await create(pods, pod(name, { labels }, { nodeName: 'n' }))
  const conditions = [{ type: 'Ready', status: isReady ? 'True' : 'False' }]
  await patch(pods, name, 'merge', { status: { phase: 'Running', conditions } }, status)
}

async function budget(figures: object, spec: object = {}, name = 'b'): Promise<void> {
  await create(budgets, { metadata: { name }, spec: { selector: { matchLabels: labels }, minAvailable: 1, ...spec } })
  const counted = { observedGeneration: 1, expectedPods: 2, ...figures }
  await patch(budgets, name, 'merge', { status: counted }, status)
}

const isGoing = async (name = 'a') => (await get(pods, name)).metadata.deletionTimestamp !== undefined

test('a budget pays for it', async () => {
  await running()
  await budget({ disruptionsAllowed: 2, currentHealthy: 3, desiredHealthy: 1 })
  await evict()
  expect(await isGoing()).toBe(true)
  const disruptedPods = { a: expect.stringMatching(/^\d{4}-/) }
  expect(await get(budgets, 'b')).toMatchObject({ status: { disruptionsAllowed: 1, disruptedPods } })
})

test('admission is asked first, and may change how the pod goes', async () => {
  const seen: unknown[] = []
  const step: AdmissionStep = {
    name: 'Watcher',
    operations: ['CREATE'],
    subresources: ['eviction'],
    admit({ object }) {
      if (object.metadata.name === 'a') Object.assign(object, { deleteOptions: { gracePeriodSeconds: 7 } })
    },
    check({ kind, objectKind, name, subresource, isDryRun }) {
      seen.push([kind.kind, objectKind?.kind, name, subresource, isDryRun])
      if (subresource && name === 'b') throw new ApiError('Forbidden', 'stays')
    },
  }
  await server.stop()
  server = await testServer({ clock: virtualClock(), admission: [step] })
  await running()
  await running('b')
  expect((await refusal(evict('b'))).message).toBe('stays')
  expect(await isGoing('b')).toBe(false)
  await evict('a')
  expect((await get(pods, 'a')).metadata.deletionGracePeriodSeconds).toBe(7)
  expect(seen.slice(-2)).toEqual([
    ['Pod', 'Eviction', 'b', 'eviction', false],
    ['Pod', 'Eviction', 'a', 'eviction', false],
  ])
})

test('the last one it may pay for says so', async () => {
  await running()
  await budget({ disruptionsAllowed: 1, currentHealthy: 2, desiredHealthy: 1 })
  await evict()
  const condition = { type: 'DisruptionAllowed', status: 'False', reason: 'InsufficientPods', observedGeneration: 1 }
  expect(await get(budgets, 'b')).toMatchObject({ status: { disruptionsAllowed: 0, conditions: [condition] } })
  await running('c')
  expect((await refusal(evict('c'))).code).toBe(429)
})

const allowed = (reason: string, message = '') => ({
  conditions: [{ type: 'DisruptionAllowed', status: 'False', reason, message, lastTransitionTime: '2026-01-01T00:00:00Z' }],
})
test.each<[string, object, string, number | undefined]>([
  ['too few are healthy', { currentHealthy: 1, desiredHealthy: 1 }, 'needs 1 healthy pods and has 1 currently', undefined],
  ['nobody has counted', { observedGeneration: 0 }, 'is still being processed by the server.', 10],
  [
    'counting fails',
    allowed('SyncFailed', 'no scale'),
    'does not allow evicting pods currently because it failed sync: no scale',
    undefined,
  ],
  [
    'something else is the matter',
    { currentHealthy: 3, desiredHealthy: 1, ...allowed('Odd', 'wait') },
    'does not allow evicting pods currently (Odd): wait',
    undefined,
  ],
])('a budget refuses: %s', async (_, figures, why, retryAfterSeconds) => {
  await running()
  await budget({ disruptionsAllowed: 0, ...figures })
  const told = await refusal(evict())
  expect(told).toMatchObject({
    code: 429,
    reason: 'TooManyRequests',
    message: "Cannot evict pod as it would violate the pod's disruption budget.",
    details: { causes: [{ reason: 'DisruptionBudget', message: `The disruption budget b ${why}` }] },
  })
  expect(told.details?.retryAfterSeconds).toBe(retryAfterSeconds)
  expect(await isGoing()).toBe(false)
})

test('of two budgets none can decide', async () => {
  await running()
  await budget({ disruptionsAllowed: 1 })
  await budget({ disruptionsAllowed: 1 }, {}, 'c')
  const told = await refusal(evict())
  expect(told).toMatchObject({
    code: 500,
    message: 'This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.',
  })
  expect(told).not.toHaveProperty('reason')
})

describe('no budget is asked', () => {
  test.each([['Pending'], ['Succeeded'], ['Failed']])('for a pod that is %s', async phase => {
    await create(pods, pod('a', { labels }, { nodeName: 'n' }))
    await patch(pods, 'a', 'merge', { status: { phase } }, status)
    await budget({ disruptionsAllowed: 0 })
    await evict()
    const left = await get(pods, 'a').catch(() => undefined)
    expect(left?.metadata.deletionTimestamp !== undefined || left === undefined).toBe(true)
  })

  test.each<[string, object, object, boolean]>([
    ['if it lets them go', {}, { unhealthyPodEvictionPolicy: 'AlwaysAllow' }, true],
    ['if enough others are well', { currentHealthy: 2, desiredHealthy: 2 }, {}, true],
    ['but not if too few are', { currentHealthy: 1, desiredHealthy: 2 }, {}, false],
  ])('for one that is not ready, %s', async (_, figures, spec, goes) => {
    await running('a', false)
    await budget({ disruptionsAllowed: 0, ...figures }, spec)
    await (goes ? evict() : refusal(evict()))
    expect(await isGoing()).toBe(goes)
  })

  test('for a pod that none is about', async () => {
    await running()
    await budget({ disruptionsAllowed: 0 }, { selector: { matchLabels: { app: 'db' } } })
    await evict()
    expect(await isGoing()).toBe(true)
  })
})

test('a dry run asks, but spends nothing', async () => {
  await running()
  await budget({ disruptionsAllowed: 1 })
  await evict('a', { deleteOptions: { dryRun: ['All'] } })
  expect(await isGoing()).toBe(false)
  expect(await get(budgets, 'b')).toMatchObject({ status: { disruptionsAllowed: 1 } })
  await patch(budgets, 'b', 'merge', { status: { disruptionsAllowed: 0 } }, status)
  expect((await refusal(evict('a', { deleteOptions: { dryRun: ['All'] } }))).code).toBe(429)
})

test('old clients send policy/v1beta1', async () => {
  await running()
  await evict('a', { apiVersion: 'policy/v1beta1', kind: 'Eviction' })
  expect(await isGoing()).toBe(true)
})

test('a pod that is another version than was meant stays', async () => {
  await running()
  const preconditions = { resourceVersion: '1' }
  expect(await refusal(evict('a', { deleteOptions: { preconditions } }))).toMatchObject({ code: 409 })
  const { resourceVersion } = (await get(pods, 'a')).metadata
  await evict('a', { deleteOptions: { preconditions: { resourceVersion } } })
  expect(await isGoing()).toBe(true)
})
