import { describe, expect, test } from 'vitest'
import { ConfigMap } from '../api/core/config-map.ts'
import { Namespace } from '../api/core/namespace.ts'
import { Pod } from '../api/core/pod.ts'
import type { AnyKind } from '../api/kind.ts'
import type { KubeObject } from '../api/transport.ts'
import { deepFreeze } from '../lib/json.ts'
import { planDeletion } from './deletion.ts'

const now = Date.UTC(2026, 0, 1, 12)
const at = (seconds: number) => new Date(now + seconds * 1000).toISOString().replace('.000Z', 'Z')

const object = (metadata: object, more: object = {}) =>
  deepFreeze({ apiVersion: 'v1', kind: 'X', metadata: { name: 'x', ...metadata }, ...more }) as unknown as KubeObject
const running = (metadata: object = {}) =>
  object(metadata, { spec: { nodeName: 'n', terminationGracePeriodSeconds: 30 }, status: { phase: 'Running' } })

describe('what a DELETE does', () => {
  test.each<[string, AnyKind, KubeObject, Parameters<typeof planDeletion>[2], string, object]>([
    ['a plain object goes at once, as it was', ConfigMap, object({}), {}, 'remove', { deletionTimestamp: undefined }],
    [
      'a finalizer holds it',
      ConfigMap,
      object({ finalizers: ['a/b'], generation: 1 }),
      {},
      'mark',
      { deletionTimestamp: at(0), deletionGracePeriodSeconds: 0, finalizers: ['a/b'], generation: 2 },
    ],
    [
      'Foreground adds a finalizer',
      ConfigMap,
      object({}),
      { propagationPolicy: 'Foreground' },
      'mark',
      { finalizers: ['foregroundDeletion'], deletionTimestamp: at(0) },
    ],
    ['Orphan adds a finalizer', ConfigMap, object({}), { propagationPolicy: 'Orphan' }, 'mark', { finalizers: ['orphan'] }],
    [
      'Background takes the finalizers of the other policies off',
      ConfigMap,
      object({ finalizers: ['orphan', 'foregroundDeletion'] }),
      { propagationPolicy: 'Background' },
      'remove',
      { finalizers: undefined },
    ],
    [
      'without a policy an existing finalizer decides',
      ConfigMap,
      object({ finalizers: ['orphan'] }),
      {},
      'mark',
      { finalizers: ['orphan'] },
    ],
    [
      'a second DELETE of a held object changes nothing',
      ConfigMap,
      object({ finalizers: ['a/b'], deletionTimestamp: at(-60), deletionGracePeriodSeconds: 0, generation: 2 }),
      {},
      'none',
      { deletionTimestamp: at(-60), generation: 2 },
    ],
    [
      'a running pod gets its grace',
      Pod,
      running({ generation: 1 }),
      {},
      'mark',
      { deletionTimestamp: at(30), deletionGracePeriodSeconds: 30, generation: 2 },
    ],
    ['the caller may set the grace', Pod, running(), { gracePeriodSeconds: 5 }, 'mark', { deletionTimestamp: at(5) }],
    ['a negative grace is one second', Pod, running(), { gracePeriodSeconds: -3 }, 'mark', { deletionGracePeriodSeconds: 1 }],
    ['no grace removes at once', Pod, running(), { gracePeriodSeconds: 0 }, 'remove', { deletionGracePeriodSeconds: 0 }],
    [
      'an unscheduled pod goes at once',
      Pod,
      object({}, { spec: { terminationGracePeriodSeconds: 30 }, status: { phase: 'Pending' } }),
      {},
      'remove',
      { deletionGracePeriodSeconds: 0 },
    ],
    [
      'a finished pod goes at once',
      Pod,
      object({}, { spec: { nodeName: 'n', terminationGracePeriodSeconds: 30 }, status: { phase: 'Succeeded' } }),
      {},
      'remove',
      { deletionGracePeriodSeconds: 0 },
    ],
    [
      'a pod with a finalizer stays after its grace',
      Pod,
      running({ finalizers: ['a/b'] }),
      { gracePeriodSeconds: 0 },
      'mark',
      { deletionGracePeriodSeconds: 0, finalizers: ['a/b'] },
    ],
    [
      'a second DELETE does not lengthen the grace',
      Pod,
      running({ deletionTimestamp: at(20), deletionGracePeriodSeconds: 30 }),
      { gracePeriodSeconds: 60 },
      'none',
      { deletionTimestamp: at(20) },
    ],
    [
      'a second DELETE may shorten it, counted from the first',
      Pod,
      running({ deletionTimestamp: at(20), deletionGracePeriodSeconds: 30, generation: 2 }),
      { gracePeriodSeconds: 15 },
      'mark',
      { deletionTimestamp: at(5), deletionGracePeriodSeconds: 15, generation: 2 },
    ],
    [
      'but not into the past: then a second is left',
      Pod,
      running({ deletionTimestamp: at(20), deletionGracePeriodSeconds: 30 }),
      { gracePeriodSeconds: 5 },
      'mark',
      { deletionTimestamp: at(0), deletionGracePeriodSeconds: 1 },
    ],
    [
      'zero ends the grace',
      Pod,
      running({ deletionTimestamp: at(20), deletionGracePeriodSeconds: 30 }),
      { gracePeriodSeconds: 0 },
      'remove',
      { deletionTimestamp: at(0), deletionGracePeriodSeconds: 0 },
    ],
  ])('%s', (_name, kind, old, options, action, metadata) => {
    const plan = planDeletion(kind, old, options, now)
    expect(plan.action).toBe(action)
    const looked = Object.keys(metadata).map(key => [key, (plan.object.metadata as Record<string, unknown>)[key]])
    expect(Object.fromEntries(looked)).toEqual(metadata)
  })

  test('a namespace is marked and held by its own finalizer', () => {
    const namespace = object({}, { spec: { finalizers: ['kubernetes'] }, status: { phase: 'Active' } })
    const { action, object: marked } = planDeletion(Namespace, namespace, {}, now)
    expect(action).toBe('mark')
    expect(marked).toMatchObject({ metadata: { deletionTimestamp: at(0) }, status: { phase: 'Terminating' } })
  })
})
