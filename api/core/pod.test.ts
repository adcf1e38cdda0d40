import { describe, expect, test } from 'vitest'
import { Deployment } from '../apps/deployment.ts'
import { made } from '../testing.ts'
import { Pod } from './pod.ts'
import { isLatest } from './pod-defaults.ts'

const web = { name: 'web', image: 'nginx' }
const now = Date.UTC(2026, 0, 1, 1)
const creationTimestamp = '2026-01-01T00:00:00Z'

describe('defaults', () => {
  test.each([
    ['nginx', true],
    ['nginx:latest', true],
    ['nginx:1.25', false],
    ['host:5000/nginx', true],
    ['host:5000/nginx:1', false],
    ['nginx@sha256:abc', false],
    ['nginx:latest@sha256:abc', false],
  ])('the image %s is pulled always: %s', (image, expected) => {
    expect(isLatest(image)).toBe(expected)
    const policy = expected ? 'Always' : 'IfNotPresent'
    expect(made(Pod, { spec: { containers: [{ name: 'a', image }] } }).spec.containers[0]?.imagePullPolicy).toBe(policy)
  })

  const resources = { limits: { cpu: '1', memory: '1Gi' }, requests: { cpu: '0.1234567' } }
  const spec = { containers: [{ ...web, resources }], initContainers: [{ ...web, name: 'i', resources }] }

  test('a pod requests what it is limited to, and amounts are rounded up', () => {
    const requests = { cpu: '124m', memory: '1Gi' }
    const pod = made(Pod, { spec })
    expect(pod.spec.containers[0]?.resources.requests).toEqual(requests)
    expect(pod.spec.initContainers?.[0]?.resources.requests).toEqual(requests)
  })

  test('a template does not', () => {
    const deployment = made(Deployment, { spec: { template: { spec } } })
    expect(deployment.spec.template.spec.containers[0]?.resources.requests).toEqual({ cpu: '124m' })
  })

  test('a pod on the host’s network takes the ports it names; a template does not', () => {
    const onHost = { hostNetwork: true, containers: [{ ...web, ports: [{ containerPort: 80 }] }] }
    expect(made(Pod, { spec: onHost }).spec.containers[0]?.ports?.[0]?.hostPort).toBe(80)
    const template = made(Deployment, { spec: { template: { spec: onHost } } }).spec.template
    expect(template.spec.containers[0]?.ports?.[0]).not.toHaveProperty('hostPort')
  })

  test('a volume without a source is an empty folder, a probe’s zeros are its defaults, an account has two names', () => {
    const livenessProbe = { tcpSocket: { port: 1 }, timeoutSeconds: 0, failureThreshold: 0 }
    const pod = made(Pod, {
      spec: { serviceAccount: 'robot', volumes: [{ name: 'v' }], containers: [{ ...web, livenessProbe }] },
    })
    expect(pod.spec.volumes).toEqual([{ name: 'v', emptyDir: {} }])
    expect(pod.spec.containers[0]?.livenessProbe).toMatchObject({ timeoutSeconds: 1, failureThreshold: 3 })
    expect(pod.spec.serviceAccountName).toBe('robot')
  })
})

describe('life', () => {
  test('a new pod is Pending and has its class; gates hold it back', () => {
    const pod = made(Pod, { metadata: { creationTimestamp }, spec: { containers: [web], schedulingGates: [{ name: 'g' }] } })
    Pod.prepareForCreate(pod)
    expect(pod.status).toEqual({
      phase: 'Pending',
      qosClass: 'BestEffort',
      conditions: [
        {
          type: 'PodScheduled',
          status: 'False',
          reason: 'SchedulingGated',
          message: 'Scheduling is blocked due to non-empty scheduling gates',
          lastTransitionTime: creationTimestamp,
        },
      ],
    })
  })

  test.each([
    [{}, {}, undefined, 0],
    [{ nodeName: 'n' }, {}, undefined, 30],
    [{ nodeName: 'n' }, {}, 5, 5],
    [{ nodeName: 'n' }, {}, 0, 0],
    [{ nodeName: 'n' }, {}, -1, 1],
    [{ nodeName: 'n', terminationGracePeriodSeconds: -7 }, {}, undefined, 1],
    [{ nodeName: 'n' }, { phase: 'Succeeded' }, 30, 0],
    [{ nodeName: 'n' }, { phase: 'Failed' }, undefined, 0],
  ])('spec %j, status %j, asked for %s: %d s', (spec, status, requested, expected) => {
    const pod = made(Pod, { spec: { containers: [web], ...spec }, status })
    expect(Pod.deletion.gracePeriodSeconds?.(pod, requested)).toBe(expected)
  })
})

describe('columns', () => {
  const cells = (body: { metadata?: object; spec?: object; status?: object }) => {
    const spec = { containers: [web, { ...web, name: 'log' }], ...body.spec }
    const pod = made(Pod, { ...body, metadata: { creationTimestamp, ...body.metadata }, spec })
    return Object.fromEntries(Pod.columns.map(({ name, value }) => [name, value(pod, now)]))
  }
  const running = { name: 'web', ready: true, restartCount: 0, state: { running: {} } }
  const ended = (exitCode: number, reason?: string) => ({ name: 'web', state: { terminated: { exitCode, reason } } })
  const waiting = (reason: string) => ({ name: 'web', state: { waiting: { reason } } })
  const init = {
    initContainers: [
      { ...web, name: 'i1' },
      { ...web, name: 'i2' },
    ],
  }
  const sidecar = { initContainers: [{ ...web, name: 'i1', restartPolicy: 'Always' }] }
  const ready = { conditions: [{ type: 'Ready', status: 'True' }] }

  test('of a pod that runs', () => {
    const lastState = { terminated: { exitCode: 1, finishedAt: '2026-01-01T00:57:30Z' } }
    const status = {
      phase: 'Running',
      podIPs: [{ ip: '10.0.0.1' }],
      containerStatuses: [
        { ...running, restartCount: 3, lastState },
        { ...ended(1), name: 'log' },
      ],
      conditions: [{ type: 'gate', status: 'True' }],
    }
    const gates = [{ conditionType: 'gate' }, { conditionType: 'other' }]
    expect(cells({ spec: { nodeName: 'n', readinessGates: gates }, status })).toEqual({
      Ready: '1/2',
      Status: 'ExitCode:1',
      Restarts: '3 (2m30s ago)',
      Age: '60m',
      IP: '10.0.0.1',
      Node: 'n',
      'Nominated Node': '<none>',
      'Readiness Gates': '1/2',
    })
  })

  test.each([
    ['Pending', {}, { phase: 'Pending' }],
    ['Evicted', {}, { phase: 'Failed', reason: 'Evicted' }],
    ['SchedulingGated', {}, { conditions: [{ type: 'PodScheduled', status: 'False', reason: 'SchedulingGated' }] }],
    ['Init:0/2', { spec: init }, { initContainerStatuses: [waiting('PodInitializing'), waiting('PodInitializing')] }],
    ['Init:1/2', { spec: init }, { initContainerStatuses: [ended(0), { name: 'i2', state: { running: {} } }] }],
    ['Init:Error', { spec: init }, { initContainerStatuses: [ended(1, 'Error')] }],
    ['Init:ExitCode:2', { spec: init }, { initContainerStatuses: [ended(2)] }],
    [
      'Init:Signal:9',
      { spec: init },
      { initContainerStatuses: [{ name: 'i1', state: { terminated: { exitCode: 137, signal: 9 } } }] },
    ],
    ['Init:CrashLoopBackOff', { spec: init }, { initContainerStatuses: [waiting('CrashLoopBackOff')] }],
    [
      'Running',
      { spec: sidecar },
      { phase: 'Running', initContainerStatuses: [{ ...running, name: 'i1', started: true }], containerStatuses: [running] },
    ],
    ['ContainerCreating', {}, { containerStatuses: [waiting('ContainerCreating')] }],
    ['CrashLoopBackOff', {}, { phase: 'Running', containerStatuses: [waiting('CrashLoopBackOff'), running] }],
    ['ErrImagePull', {}, { containerStatuses: [waiting('ErrImagePull'), waiting('CrashLoopBackOff')] }],
    ['OOMKilled', {}, { phase: 'Running', containerStatuses: [ended(137, 'OOMKilled')] }],
    ['Completed', {}, { phase: 'Succeeded', containerStatuses: [ended(0, 'Completed')] }],
    ['Running', {}, { phase: 'Running', ...ready, containerStatuses: [ended(0, 'Completed'), running] }],
    ['NotReady', {}, { phase: 'Running', containerStatuses: [ended(0, 'Completed'), running] }],
    ['Terminating', { metadata: { deletionTimestamp: creationTimestamp } }, { phase: 'Running', containerStatuses: [running] }],
    ['Unknown', { metadata: { deletionTimestamp: creationTimestamp } }, { phase: 'Running', reason: 'NodeLost' }],
    [
      'Completed',
      { metadata: { deletionTimestamp: creationTimestamp } },
      { phase: 'Succeeded', containerStatuses: [ended(0, 'Completed')] },
    ],
  ])('status %s', (expected, body, status) => {
    expect(cells({ ...body, status }).Status).toBe(expected)
  })

  test('a sidecar counts as a container', () => {
    const status = {
      initContainerStatuses: [{ ...running, name: 'i1', started: true, restartCount: 2 }],
      containerStatuses: [running],
    }
    expect(cells({ spec: sidecar, status })).toMatchObject({ Ready: '2/3', Restarts: '2' })
  })

  test('a finished pod says so beside its row', () => {
    expect(Pod.rowConditions?.(made(Pod, { status: { phase: 'Failed' } }))).toEqual([
      { type: 'Completed', status: 'True', reason: 'Failed', message: 'The pod failed.' },
    ])
    expect(Pod.rowConditions?.(made(Pod, {}))).toBeUndefined()
  })
})
