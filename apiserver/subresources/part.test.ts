import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { callsOn, pod, pods, refusal } from '../../test/contract/calls.ts'
import { type TestServer, testServer } from '../testing.ts'

let server: TestServer
beforeEach(async () => {
  server = await testServer()
})
afterEach(() => server.stop())
const { call, create, get, patch, update } = callsOn(() => server.transport())

const requests = { cpu: '100m', memory: '64Mi' }
const limits = { cpu: '200m', memory: '128Mi', 'ephemeral-storage': '1Gi' }
const containers = [
  { name: 'main', image: 'x', resources: { requests, limits } },
  { name: 'other', image: 'x' },
]
const initContainers = [
  { name: 'setup', image: 'x' },
  { name: 'side', image: 'x', restartPolicy: 'Always', resources: { requests: { cpu: '10m' } } },
]
const debug = { name: 'debug', image: 'busybox', targetContainerName: 'main' }
type PodView = {
  metadata: { generation?: number }
  spec: Record<string, unknown[] | undefined> & { containers: (typeof containers)[number][] }
}
const view = (value: unknown) => value as PodView

describe('ephemeral containers', () => {
  const at = { subresource: 'ephemeralcontainers' }
  const add = (...ephemeralContainers: object[]) => patch(pods, 'a', 'strategic', { spec: { ephemeralContainers } }, at)
  beforeEach(() => create(pods, pod('a', {}, { containers })))

  test('are added one after the other, with defaults, and count as a new generation', async () => {
    await add(debug)
    const both = view(await add({ name: 'second', image: 'busybox' }))
    expect(both.spec.ephemeralContainers).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ name: 'debug', terminationMessagePolicy: 'File', imagePullPolicy: 'Always' }),
        expect.objectContaining({ name: 'second' }),
      ]),
    )
    expect(both.metadata.generation).toBe(3)
    expect(await call({ ...pods, verb: 'get', name: 'a', ...at })).toEqual(await get(pods, 'a'))
  })

  test('by PUT as well, which changes nothing else', async () => {
    const old = view(await get(pods, 'a'))
    const body = {
      ...old,
      metadata: { ...old.metadata, labels: { x: 'y' } },
      spec: { ...old.spec, hostNetwork: true, ephemeralContainers: [debug] },
    }
    const { metadata, spec } = view(await update(pods, 'a', body, at))
    expect(spec).toMatchObject({ ephemeralContainers: [debug] })
    expect(spec.hostNetwork).toBeUndefined()
    expect(metadata).not.toHaveProperty('labels')
  })

  test.each<[string, object[], string | RegExp]>([
    ['changed', [{ ...debug, image: 'other' }], /existing ephemeral containers "debug" may not be changed/],
    ['without an image', [{ name: 'new' }], /spec\.ephemeralContainers\[\d\]\.image: Required value/],
    [
      'with ports',
      [{ name: 'new', image: 'x', ports: [{ containerPort: 1 }] }],
      /ports: Forbidden: cannot be set for an Ephemeral Container/,
    ],
    ['named like another', [{ name: 'main', image: 'x' }], /Duplicate value: "main"/],
    ['that look at nobody', [{ name: 'new', image: 'x', targetContainerName: 'no' }], /targetContainerName: Not found: "no"/],
  ])('%s are refused', async (_what, list, message) => {
    await add(debug)
    const status = await refusal(add(...list))
    expect(status.code).toBe(422)
    expect(status.message).toMatch(message)
  })

  test('are never removed', async () => {
    await add(debug)
    const old = view(await get(pods, 'a'))
    const status = await refusal(update(pods, 'a', { ...old, spec: { ...old.spec, ephemeralContainers: [] } }, at))
    expect(status).toMatchObject({
      code: 422,
      details: { causes: [{ field: 'spec.ephemeralContainers', reason: 'FieldValueForbidden' }] },
    })
  })

  test('do not come in by the front door, and not to static pods', async () => {
    const spec = { ephemeralContainers: [debug] }
    expect((await refusal(patch(pods, 'a', 'strategic', { spec }))).code).toBe(422)
    await create(pods, pod('mirror', { annotations: { 'kubernetes.io/config.mirror': 'x' } }, { containers }))
    const status = await refusal(patch(pods, 'mirror', 'strategic', { spec }, at))
    expect(status.message).toContain('static pods do not support ephemeral containers')
  })
})

describe('resize', () => {
  const at = { subresource: 'resize' }
  const resize = (spec: object, name = 'a') => patch(pods, name, 'strategic', { spec }, at)
  beforeEach(() => create(pods, pod('a', {}, { containers, initContainers })))

  test('changes cpu and memory of containers and sidecars, and nothing else', async () => {
    const result = view(
      await resize({
        containers: [{ name: 'main', image: 'ignored', resources: { requests: { cpu: '150m' }, limits: { memory: '256Mi' } } }],
        initContainers: [{ name: 'side', resources: { requests: { cpu: '20m' } } }],
        nodeSelector: { ignored: 'too' },
      }),
    )
    expect(result.spec.containers[0]).toMatchObject({
      image: 'x',
      resources: {
        requests: { cpu: '150m', memory: '64Mi' },
        limits: { cpu: '200m', memory: '256Mi', 'ephemeral-storage': '1Gi' },
      },
    })
    expect(result.spec.initContainers?.[1]).toMatchObject({ resources: { requests: { cpu: '20m' } } })
    expect(result.spec.nodeSelector).toBeUndefined()
    expect(result.metadata.generation).toBe(2)
  })

  test('a container without amounts may get some', async () => {
    const result = view(await resize({ containers: [{ name: 'other', resources: { requests: { cpu: '10m' } } }] }))
    expect(result.spec.containers[1]).toMatchObject({ resources: { requests: { cpu: '10m' } } })
  })

  test.each<[string, object, string]>([
    [
      'another resource',
      { containers: [{ name: 'main', resources: { limits: { 'ephemeral-storage': '2Gi' } } }] },
      'spec: Forbidden: only cpu and memory resources are mutable',
    ],
    [
      'taking away',
      { initContainers: [{ name: 'side', resources: { requests: { cpu: null } } }] },
      'spec.initContainers[1].resources.requests: Forbidden: resource requests cannot be removed',
    ],
    [
      'an init container that has run',
      { initContainers: [{ name: 'setup', resources: { requests: { cpu: '1' } } }] },
      'spec: Forbidden: resources for non-sidecar init containers are immutable',
    ],
    [
      'one container more',
      { containers: [{ name: 'new', image: 'x' }] },
      'spec.containers: Forbidden: containers may not be added or removed on resize',
    ],
    [
      'more asked for than allowed',
      { containers: [{ name: 'main', resources: { requests: { cpu: '1' } } }] },
      'must be less than or equal to cpu limit of 200m',
    ],
  ])('%s is refused', async (_what, spec, message) => {
    const status = await refusal(resize(spec))
    expect(status.code).toBe(422)
    expect(status.message).toContain(message)
  })

  test('the class of a pod stays', async () => {
    await create(pods, pod('plain', {}, { containers: [{ name: 'main', image: 'x' }] }))
    const status = await refusal(resize({ containers: [{ name: 'main', resources: { requests: { cpu: '1' } } }] }, 'plain'))
    expect(status.message).toBe(
      'Pod "plain" is invalid: spec: Invalid value: "BestEffort": Pod QOS Class may not change as a result of resizing',
    )
  })

  test('through the front door amounts stay as they are', async () => {
    const spec = { containers: [{ name: 'main', resources: { requests: { cpu: '150m' } } }] }
    expect((await refusal(patch(pods, 'a', 'strategic', { spec }))).code).toBe(422)
  })
})
