import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Pod } from '../api/core/pod.ts'
import type { Target } from '../api/transport.ts'
import { type VirtualClock, virtualClock } from '../lib/clock.ts'
import { callsOn, configMap, configMaps, namespaces, pod, pods, refusal } from '../test/contract/calls.ts'
import { admissionSteps } from './admission-steps.ts'
import { type TestServer, testServer } from './testing.ts'

const cluster = (resource: string, group = '') => ({ group, version: 'v1', resource })
const nodes = cluster('nodes')
const priorityClasses = cluster('priorityclasses', 'scheduling.k8s.io')
const storageClasses = cluster('storageclasses', 'storage.k8s.io')
const volumes = cluster('persistentvolumes')
const serviceAccounts: Target = { ...configMaps, resource: 'serviceaccounts' }
const claims: Target = { ...configMaps, resource: 'persistentvolumeclaims' }

let clock: VirtualClock
let server: TestServer
beforeEach(async () => {
  clock = virtualClock()
  server = await testServer({ clock, admission: admissionSteps, issueToken: () => Promise.resolve({}) })
})
afterEach(() => server.stop())
const { create, patch, remove } = callsOn(() => server.transport())
const createPod = (name: string, spec: object = {}, metadata: object = {}) =>
  create<Pod>(pods, pod(name, { ...metadata }, { ...spec }))

describe('ServiceAccount', () => {
  const mountPath = '/var/run/secrets/kubernetes.io/serviceaccount'

  test('a pod gets the default account and a token of it in every container', async () => {
    await create(serviceAccounts, { metadata: { name: 'default' }, imagePullSecrets: [{ name: 'pull' }] })
    const { spec } = await createPod('a', {
      initContainers: [{ name: 'init', image: 'x' }],
      containers: [
        { name: 'main', image: 'x' },
        { name: 'own', image: 'x', volumeMounts: [{ name: 'v', mountPath }] },
      ],
      volumes: [{ name: 'v', emptyDir: {} }],
    })
    expect(spec).toMatchObject({ serviceAccountName: 'default', serviceAccount: 'default', imagePullSecrets: [{ name: 'pull' }] })
    const volume = spec.volumes?.find(({ name }) => name.startsWith('kube-api-access-'))
    expect(volume).toEqual({
      name: expect.stringMatching(/^kube-api-access-[a-z0-9]{5}$/),
      projected: {
        defaultMode: 420,
        sources: [
          { serviceAccountToken: { expirationSeconds: 3607, path: 'token' } },
          { configMap: { name: 'kube-root-ca.crt', items: [{ key: 'ca.crt', path: 'ca.crt' }] } },
          { downwardAPI: { items: [{ path: 'namespace', fieldRef: { apiVersion: 'v1', fieldPath: 'metadata.namespace' } }] } },
        ],
      },
    })
    const mount = { name: volume?.name, readOnly: true, mountPath }
    expect(spec.initContainers?.[0]?.volumeMounts).toEqual([mount])
    expect(spec.containers.map(each => each.volumeMounts)).toEqual([[mount], [{ name: 'v', mountPath }]])
  })

  test.each([
    ['the pod', { automountServiceAccountToken: false }, {}],
    ['the account', {}, { automountServiceAccountToken: false }],
  ])('%s may do without a token', async (_who, spec, account) => {
    await create(serviceAccounts, { metadata: { name: 'default' }, ...account })
    expect((await createPod('a', spec)).spec.volumes).toBeUndefined()
  })

  test('the default account is waited for, any other has to be there', async () => {
    expect(await refusal(createPod('a', { serviceAccountName: 'none' }))).toMatchObject({
      code: 403,
      message: 'pods "a" is forbidden: error looking up service account default/none: serviceaccount "none" not found',
    })
    const early = createPod('b')
    await clock.advance(250)
    await create(serviceAccounts, { metadata: { name: 'default' } })
    await clock.advance(100)
    expect((await early).spec.serviceAccountName).toBe('default')
  })

  test('mirror pods are left alone', async () => {
    const { spec } = await createPod('a', {}, { annotations: { 'kubernetes.io/config.mirror': 'x' } })
    expect(spec.serviceAccountName).toBeUndefined()
  })
})

describe('with an account', () => {
  beforeEach(() => create(serviceAccounts, { metadata: { name: 'default' }, automountServiceAccountToken: false }))

  describe('Priority', () => {
    test('comes from the class', async () => {
      await create(priorityClasses, { metadata: { name: 'high' }, value: 1000, preemptionPolicy: 'Never' })
      expect((await createPod('a', { priorityClassName: 'high' })).spec).toMatchObject({
        priority: 1000,
        preemptionPolicy: 'Never',
      })
      expect((await createPod('b', { priorityClassName: 'system-node-critical' })).spec.priority).toBe(2_000_001_000)
    })

    test('is the default class, or 0', async () => {
      expect((await createPod('a')).spec).toMatchObject({ priority: 0, preemptionPolicy: 'PreemptLowerPriority' })
      await create(priorityClasses, { metadata: { name: 'usual' }, value: 7, globalDefault: true })
      expect((await createPod('b')).spec).toMatchObject({ priority: 7, priorityClassName: 'usual' })
    })

    test('there is one default class', async () => {
      await create(priorityClasses, { metadata: { name: 'usual' }, value: 7, globalDefault: true })
      expect(
        await refusal(create(priorityClasses, { metadata: { name: 'other' }, value: 8, globalDefault: true })),
      ).toMatchObject({
        code: 403,
        message:
          'priorityclasses.scheduling.k8s.io "other" is forbidden: PriorityClass usual is already marked as default. Only one default can exist',
      })
      await patch(priorityClasses, 'usual', 'merge', { description: 'x' })
    })

    test.each([
      [{ priorityClassName: 'none' }, 'pods "a" is forbidden: no PriorityClass with name none was found'],
      [
        { priority: 5 },
        'pods "a" is forbidden: the integer value of priority (5) must not be provided in pod spec; priority admission controller computed 0 from the given PriorityClass name',
      ],
    ])('%j is refused', async (spec, message) => {
      expect(await refusal(createPod('a', spec))).toMatchObject({ code: 403, message })
    })
  })

  test('DefaultTolerationSeconds', async () => {
    const seconds = (key: string) => ({ key, operator: 'Exists', effect: 'NoExecute', tolerationSeconds: 300 })
    const both = ['node.kubernetes.io/not-ready', 'node.kubernetes.io/unreachable'] as const
    expect((await createPod('a')).spec.tolerations).toEqual(both.map(seconds))
    const own = { key: both[0], operator: 'Exists', effect: 'NoExecute' }
    expect((await createPod('b', { tolerations: [own] })).spec.tolerations).toEqual([own, seconds(both[1])])
    const all = { operator: 'Exists' }
    expect((await createPod('c', { tolerations: [all] })).spec.tolerations).toEqual([all])
  })

  test('NamespaceLifecycle', async () => {
    expect(await refusal(create({ ...configMaps, namespace: 'none' }, configMap('a')))).toMatchObject({
      code: 404,
      message: 'namespaces "none" not found',
    })
    await create(namespaces, { metadata: { name: 'going' } })
    const inside = { ...configMaps, namespace: 'going' }
    await create(inside, configMap('a'))
    await remove(namespaces, 'going')
    expect(await refusal(create(inside, configMap('b')))).toMatchObject({
      code: 403,
      message: 'configmaps "b" is forbidden: unable to create new content in namespace going because it is being terminated',
      details: {
        causes: [{ reason: 'NamespaceTerminating', message: 'namespace going is being terminated', field: 'metadata.namespace' }],
      },
    })
    await patch(inside, 'a', 'merge', { data: { x: '1' } })
    await remove(inside, 'a')
  })
})

describe('storage', () => {
  const claim = (name: string, spec: object = {}) => ({
    metadata: { name },
    spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } }, ...spec },
  })
  const storageClass = (name: string, isDefault: boolean) =>
    create(storageClasses, {
      metadata: { name, annotations: { 'storageclass.kubernetes.io/is-default-class': String(isDefault) } },
      provisioner: 'p',
    })

  test('a claim without a class gets the newest default', async () => {
    expect((await create(claims, claim('before'))).spec).not.toHaveProperty('storageClassName')
    await storageClass('old', true)
    await clock.advance(1_000)
    await storageClass('b', true)
    await storageClass('a', true)
    await storageClass('other', false)
    expect((await create(claims, claim('after'))).spec).toMatchObject({ storageClassName: 'a' })
    expect((await create(claims, claim('none', { storageClassName: '' }))).spec).toMatchObject({ storageClassName: '' })
  })

  test('claims and volumes are protected while in use', async () => {
    expect((await create(claims, claim('a'))).metadata.finalizers).toEqual(['kubernetes.io/pvc-protection'])
    const volume = { capacity: { storage: '1Gi' }, accessModes: ['ReadWriteOnce'], hostPath: { path: '/x' } }
    const made = await create(volumes, { metadata: { name: 'v', finalizers: ['a/b'] }, spec: volume })
    expect(made.metadata.finalizers).toEqual(['a/b', 'kubernetes.io/pv-protection'])
  })
})

test('a new node takes no pods before it is ready', async () => {
  const notReady = { key: 'node.kubernetes.io/not-ready', effect: 'NoSchedule' }
  expect((await create(nodes, { metadata: { name: 'n' } })).spec).toMatchObject({ taints: [notReady] })
  const other = { key: 'a', effect: 'NoExecute' }
  expect((await create(nodes, { metadata: { name: 'm' }, spec: { taints: [other] } })).spec).toMatchObject({
    taints: [other, notReady],
  })
})
