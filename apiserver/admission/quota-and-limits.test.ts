import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Pod } from '../../api/core/pod.ts'
import type { ResourceQuota } from '../../api/core/resource-quota.ts'
import { ApiError } from '../../api/errors.ts'
import type { Target } from '../../api/transport.ts'
import { systemClock } from '../../lib/clock.ts'
import { memoryStore } from '../../storage/memory.ts'
import type { Store } from '../../storage/store.ts'
import { callsOn, configMap, configMaps, namespaces, pod, pods, refusal } from '../../test/contract/calls.ts'
import type { AdmissionStep } from '../admission.ts'
import { type TestServer, testServer } from '../testing.ts'
import { resourceQuota } from './resource-quota.ts'

let server: TestServer
beforeEach(async () => {
  server = await testServer()
})
afterEach(() => server.stop())
const { create, get, update, patch } = callsOn(() => server.transport())

const inDefault = (resource: string): Target => ({ ...configMaps, resource })
const quotas = inDefault('resourcequotas')
const limitRanges = inDefault('limitranges')
const claims = inDefault('persistentvolumeclaims')
const classes: Target = { group: 'storage.k8s.io', version: 'v1', resource: 'storageclasses' }
const containers = (...resources: object[]) => resources.map((each, i) => ({ name: `c${i}`, image: 'x', resources: each }))
const createPod = (name: string, ...resources: object[]) =>
  create<Pod>(pods, pod(name, {}, { containers: containers(...resources) }))

describe('a quota', () => {
  /** One that somebody has counted already. */
  async function quota(name: string, hard: Record<string, string>, spec: object = {}, used: Record<string, string> = {}) {
    await create(quotas, { metadata: { name }, spec: { hard, ...spec } })
    const none = Object.fromEntries(Object.keys(hard).map(each => [each, '0']))
    await patch(quotas, name, 'merge', { status: { hard, used: { ...none, ...used } } }, { subresource: 'status' })
  }
  const used = async (name: string) => ((await get(quotas, name)) as unknown as ResourceQuota).status.used

  test('is charged for what is created, and refuses what is too much', async () => {
    await quota('q', { pods: '2', 'requests.cpu': '1', configmaps: '1' })
    await createPod('a', { requests: { cpu: '600m' } })
    expect(await used('q')).toEqual({ pods: '1', 'requests.cpu': '600m', configmaps: '0' })
    expect(await refusal(createPod('b', { requests: { cpu: '500m' } }))).toMatchObject({
      code: 403,
      message:
        'pods "b" is forbidden: exceeded quota: q, requested: requests.cpu=500m, used: requests.cpu=600m, limited: requests.cpu=1',
    })
    expect(await refusal(createPod('b', {}, { requests: { cpu: '1m' } }))).toMatchObject({
      message: 'pods "b" is forbidden: failed quota: q: must specify requests.cpu for: c0',
    })
    await create(configMaps, configMap('a'))
    expect((await refusal(create(configMaps, configMap('b')))).message).toBe(
      'configmaps "b" is forbidden: exceeded quota: q, requested: configmaps=1, used: configmaps=1, limited: configmaps=1',
    )
    expect(await used('q')).toEqual({ pods: '1', 'requests.cpu': '600m', configmaps: '1' })
  })

  test('is not charged for what somebody refuses, wherever in the list that somebody is', async () => {
    const refuses: AdmissionStep = {
      name: 'Refuses',
      operations: ['CREATE'],
      check({ object }) {
        if (object.metadata.name === 'bad') throw new ApiError('Forbidden', 'no')
      },
    }
    await server.stop()
    server = await testServer({ admission: [resourceQuota, refuses] })
    await quota('q', { configmaps: '2' })
    expect((await refusal(create(configMaps, configMap('bad')))).message).toBe('no')
    await create(configMaps, configMap('good'))
    expect(await used('q')).toEqual({ configmaps: '1' })
  })

  test('that nobody has counted yet limits nothing, one that is half counted lets nothing in', async () => {
    await create(quotas, { metadata: { name: 'q' }, spec: { hard: { pods: '0' } } })
    await createPod('a', {})
    await patch(quotas, 'q', 'merge', { status: { hard: { pods: '9' } } }, { subresource: 'status' })
    expect((await refusal(createPod('b', {}))).message).toBe(
      'pods "b" is forbidden: status unknown for quota: q, resources: pods',
    )
  })

  test('is not charged by a dry run, nor for another namespace', async () => {
    await quota('q', { configmaps: '1' })
    await create(configMaps, configMap('a'), { options: { dryRun: true } })
    await create(namespaces, { metadata: { name: 'other' } })
    await create({ ...configMaps, namespace: 'other' }, configMap('a'))
    expect(await used('q')).toEqual({ configmaps: '0' })
  })

  test('counts only what its scopes are about', async () => {
    await quota('best', { pods: '1' }, { scopes: ['BestEffort'] })
    const matchExpressions = [{ scopeName: 'PriorityClass', operator: 'In', values: ['system-node-critical'] }]
    await quota('high', { pods: '1' }, { scopeSelector: { matchExpressions } })
    await createPod('a', { requests: { cpu: '1' } })
    expect([await used('best'), await used('high')]).toEqual([{ pods: '0' }, { pods: '0' }])
    await createPod('b', {})
    expect((await refusal(createPod('c', {}))).message).toContain('exceeded quota: best, requested: pods=1')
    const critical = { containers: containers({ requests: { cpu: '1' } }), priorityClassName: 'system-node-critical' }
    await create(pods, pod('d', {}, critical))
    expect([await used('best'), await used('high')]).toEqual([{ pods: '1' }, { pods: '1' }])
  })

  test('is charged for what grows', async () => {
    await quota('q', { 'requests.storage': '3Gi' })
    const claim = (storage: string) => ({
      spec: { storageClassName: 'elastic', accessModes: ['ReadWriteOnce'], resources: { requests: { storage } } },
    })
    await create(classes, { metadata: { name: 'elastic' }, provisioner: 'example.com/p', allowVolumeExpansion: true })
    await create(claims, { metadata: { name: 'a' }, ...claim('1Gi') })
    await patch(claims, 'a', 'merge', { status: { phase: 'Bound' } }, { subresource: 'status' })
    await patch(claims, 'a', 'merge', claim('3Gi'))
    expect(await used('q')).toEqual({ 'requests.storage': '3Gi' })
    expect((await refusal(patch(claims, 'a', 'merge', claim('4Gi')))).message).toContain(
      'exceeded quota: q, requested: requests.storage=1Gi, used: requests.storage=3Gi, limited: requests.storage=3Gi',
    )
  })

  test('lets in as many as fit of those who come at once, and is written once for all of them', async () => {
    await quota('q', { configmaps: '7' })
    await quota('r', { 'count/configmaps': '100' })
    const before = Number((await get(quotas, 'q')).metadata.resourceVersion)
    const tries = await Promise.allSettled(Array.from({ length: 20 }, (_, i) => create(configMaps, configMap(`m${i}`))))
    expect(tries.filter(({ status }) => status === 'fulfilled')).toHaveLength(7)
    expect([await used('q'), await used('r')]).toEqual([{ configmaps: '7' }, { 'count/configmaps': '7' }])
    const writes = Number((await get(quotas, 'q')).metadata.resourceVersion) - before
    expect(writes).toBeLessThan(4 + 7)
  })

  test('is charged again when somebody else was faster', async () => {
    await server.stop()
    const inner = memoryStore({ clock: systemClock })
    let losses = 0
    const put: Store['put'] = (key, ...rest) => {
      if (losses === 0 || !key.includes('/resourcequotas/')) return inner.put(key, ...rest)
      losses--
      return Promise.resolve(undefined)
    }
    server = await testServer({ store: { ...inner, put } })
    await quota('q', { configmaps: '2' })
    losses = 3
    await create(configMaps, configMap('a'))
    expect([losses, await used('q')]).toEqual([0, { configmaps: '1' }])
    losses = 100
    expect(await refusal(create(configMaps, configMap('b')))).toMatchObject({ code: 409, reason: 'Conflict' })
  })
})

describe('limits', () => {
  const limit = (...limits: object[]) => create(limitRanges, { metadata: { name: 'l' }, spec: { limits } })

  test('give containers what they do not ask for, and say so', async () => {
    await limit({ type: 'Container', default: { cpu: '500m', memory: '1Gi' }, defaultRequest: { cpu: '100m' } })
    const initContainers = [{ name: 'i', image: 'x' }]
    const { metadata, spec } = await create<Pod>(
      pods,
      pod('a', {}, { containers: containers({ limits: { cpu: '1' } }), initContainers }),
    )
    expect(spec.containers[0]?.resources).toEqual({ limits: { cpu: '1', memory: '1Gi' }, requests: { cpu: '1', memory: '1Gi' } })
    expect(spec.initContainers?.[0]?.resources).toEqual({
      limits: { cpu: '500m', memory: '1Gi' },
      requests: { cpu: '100m', memory: '1Gi' },
    })
    expect(metadata.annotations?.['kubernetes.io/limit-ranger']).toBe(
      'LimitRanger plugin set: memory request for container c0; memory limit for container c0; cpu, memory request for init container i; cpu, memory limit for init container i',
    )
  })

  const bounds = { min: { cpu: '100m' }, max: { cpu: '1' } }
  test.each([
    [
      'Container',
      [{ requests: { cpu: '50m' }, limits: { cpu: '1' } }],
      'minimum cpu usage per Container is 100m, but request is 50m',
    ],
    ['Container', [{ requests: { cpu: '1' }, limits: { cpu: '2' } }], 'maximum cpu usage per Container is 1, but limit is 2'],
    [
      'Pod',
      [{}],
      '[minimum cpu usage per Pod is 100m.  No request is specified, maximum cpu usage per Pod is 1.  No limit is specified]',
    ],
    ['Pod', [{ limits: { cpu: '600m' } }, { limits: { cpu: '600m' } }], 'maximum cpu usage per Pod is 1, but limit is 1200m'],
  ])('of a %s refuse %j', async (type, resources, why) => {
    await limit({ type, ...bounds })
    expect(await refusal(createPod('a', ...resources))).toMatchObject({ code: 403, message: `pods "a" is forbidden: ${why}` })
  })

  test('of a ratio', async () => {
    await limit({ type: 'Container', maxLimitRequestRatio: { memory: '2' } })
    expect((await refusal(createPod('a', { requests: { memory: '1Gi' }, limits: { memory: '3Gi' } }))).message).toContain(
      'memory max limit to request ratio per Container is 2, but provided ratio is 3.000000',
    )
    expect((await refusal(createPod('a', {}))).message).toContain('but no request is specified or request is 0')
    await createPod('a', { requests: { memory: '1Gi' }, limits: { memory: '2Gi' } })
  })

  test('of claims hold when they grow, too', async () => {
    await limit({ type: 'PersistentVolumeClaim', min: { storage: '1Gi' }, max: { storage: '2Gi' } })
    const claim = (storage: string) => ({
      metadata: { name: 'a' },
      spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage } } },
    })
    expect((await refusal(create(claims, claim('500Mi')))).message).toBe(
      'persistentvolumeclaims "a" is forbidden: minimum storage usage per PersistentVolumeClaim is 1Gi, but request is 500Mi',
    )
    const made = await create(claims, claim('1Gi'))
    await patch(claims, 'a', 'merge', { status: { phase: 'Bound' } }, { subresource: 'status' })
    const grown = { ...made, ...claim('3Gi') }
    expect((await refusal(update(claims, 'a', grown))).message).toContain(
      'maximum storage usage per PersistentVolumeClaim is 2Gi',
    )
  })
})
