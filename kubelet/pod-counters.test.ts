import { expect, test } from 'vitest'
import type { Pod } from '../api/core/pod.ts'
import type { Change } from '../client/informer.ts'
import { virtualClock } from '../lib/clock.ts'
import { kubeletMetrics } from './metrics.ts'
import { podCounters } from './pod-counters.ts'
import { countedRuntime } from './runtime/counted-runtime.ts'
import type { ContainerConfig, ContainerRuntime } from './runtime/runtime.ts'
import { samplePod } from './samples.ts'

const change = (type: string, uid: string, status: object = {}) =>
  ({ type, object: samplePod({}, { uid }, status) }) as unknown as Change<Pod>

test('a start lasts from the first sight of a pod until it runs; one that was begun before counts for nothing', async () => {
  const clock = virtualClock()
  const metrics = kubeletMetrics()
  const counters = podCounters({ metrics, clock })
  const started = () => metrics.podStartSeconds.family().samples.filter(({ suffix }) => suffix !== '_bucket')
  counters.seen([change('added', 'new'), change('added', 'old', { phase: 'Pending', startTime: '2026-01-01T00:00:00Z' })])
  await clock.advance(3000)
  counters.seen([change('updated', 'new', { phase: 'Pending' }), change('updated', 'old', { phase: 'Running' })])
  counters.seen([change('updated', 'new', { phase: 'Running' })])
  await clock.advance(3000)
  counters.seen([change('updated', 'new', { phase: 'Running' })])
  expect(started().map(({ suffix, value }) => [suffix, value])).toEqual([
    ['_sum', 3],
    ['_count', 1],
  ])
})

test('probes are counted by what they say, until the pod is gone', () => {
  const metrics = kubeletMetrics()
  const counters = podCounters({ metrics, clock: virtualClock() })
  const pod = samplePod()
  for (const outcome of ['success', 'success', 'failure', 'error'] as const) counters.probed(pod, 'app', 'liveness', outcome)
  const labels = { container: 'app', namespace: 'default', pod: 'web', pod_uid: 'uid-1', probe_type: 'Liveness' }
  expect(metrics.probes.family().samples).toEqual([
    { labels: { ...labels, result: 'successful' }, value: 2 },
    { labels: { ...labels, result: 'failed' }, value: 1 },
    { labels: { ...labels, result: 'unknown' }, value: 1 },
  ])
  counters.seen([change('deleted', 'uid-1')])
  expect(metrics.probes.family().samples).toEqual([])
})

test('operations of the runtime are counted, timed, and their failures too', async () => {
  const clock = virtualClock()
  const metrics = kubeletMetrics()
  const plain = {
    list: async () => {
      await clock.sleep(100)
      return { sandboxes: [], containers: [] }
    },
    createContainer: async () => Promise.reject(new Error('no')),
    images: {},
  } as unknown as ContainerRuntime
  const runtime = countedRuntime({ runtime: plain, metrics, clock })
  const listed = runtime.list()
  await clock.advance(100)
  expect(await listed).toEqual({ sandboxes: [], containers: [] })
  await expect(runtime.createContainer('s', { role: 'sidecar' } as ContainerConfig)).rejects.toThrow('no')
  expect(metrics.operations.family().samples.map(({ labels, value }) => [labels?.operation_type, value])).toEqual([
    ['list_containers', 1],
    ['create_container', 1],
  ])
  expect(metrics.operationErrors.family().samples).toEqual([{ labels: { operation_type: 'create_container' }, value: 1 }])
  expect(metrics.startedContainers.family().samples).toEqual([{ labels: { container_type: 'init_container' }, value: 1 }])
  const sum = metrics.operationSeconds.family().samples.find(({ suffix }) => suffix === '_sum')
  expect(sum).toMatchObject({ labels: { operation_type: 'list_containers' }, value: 0.1 })
})
