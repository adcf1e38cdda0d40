import type { Job } from '../../api/batch/job.ts'
import { Event } from '../../api/core/event.ts'
import { Pod } from '../../api/core/pod.ts'
import type { InputOf } from '../../api/kind.ts'
import { timestamp } from '../../lib/clock.ts'
import { copy } from '../../lib/json.ts'
import { podWith } from '../shared/test-objects.ts'
import type { TestCluster } from '../testing.ts'
import { trackingFinalizer } from './census.ts'
import { indexKey } from './pod-index.ts'

type Given = Partial<InputOf<typeof Job>['spec']> & { name?: string; restartPolicy?: 'Never' | 'OnFailure' }

/** A job for tests: one pod that is to succeed once, unless told otherwise. */
export function jobInput({ name = 'pi', restartPolicy = 'Never', ...spec }: Given = {}) {
  return {
    metadata: { namespace: 'default', name },
    spec: { template: { spec: { restartPolicy, containers: [{ name: 'main', image: 'busybox:1.36' }] } }, ...spec },
  } satisfies InputOf<typeof Job>
}

/** A job as the server hands it out, for tables. */
export function jobWith(
  { restartPolicy = 'Never', ...spec }: Partial<Job['spec']> & { restartPolicy?: string } = {},
  status: Job['status'] = {},
  metadata: Partial<Job['metadata']> = {},
): Job {
  return {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: {
      ...{ name: 'pi', namespace: 'default', uid: 'pi-uid', resourceVersion: '1', creationTimestamp: '2026-01-01T00:00:00Z' },
      ...metadata,
    },
    spec: {
      ...{ parallelism: 2, completions: 5, backoffLimit: 6, completionMode: 'NonIndexed', suspend: false },
      ...{ podReplacementPolicy: 'TerminatingOrFailed' },
      template: { metadata: {}, spec: { restartPolicy, containers: [{ name: 'main' }] } },
      ...spec,
    },
    status,
  } as unknown as Job
}

type Phase = 'Pending' | 'Running' | 'Succeeded' | 'Failed'

interface Traits {
  name?: string
  index?: number
  /** Counted already. */
  released?: boolean
  ready?: boolean
  deleted?: boolean
  /** Failures of the index before this pod. */
  before?: number
  ignored?: number
  restarts?: number
  exitCode?: number
  condition?: string
  /** When it ended, in seconds after the beginning of 2026. */
  at?: number
  node?: string
}

let serial = 0

/** A pod of a job, for tables. */
export function jobPod(phase: Phase, traits: Traits = {}): Pod {
  const { index, released, ready, deleted, before, ignored, restarts = 0, exitCode, condition, at, node } = traits
  const name = traits.name ?? `pod-${++serial}`
  const time = (seconds: number) => timestamp(Date.UTC(2026, 0, 1) + seconds * 1000)
  const terminated = exitCode !== undefined || at !== undefined
  const annotations = {
    ...(index !== undefined && { [indexKey]: String(index) }),
    ...(before !== undefined && { 'batch.kubernetes.io/job-index-failure-count': String(before) }),
    ...(ignored !== undefined && { 'batch.kubernetes.io/job-index-ignored-failure-count': String(ignored) }),
  }
  const state = terminated ? { terminated: { exitCode: exitCode ?? 1, ...(at !== undefined && { finishedAt: time(at) }) } } : {}
  return podWith({
    metadata: {
      name,
      annotations,
      finalizers: released ? [] : [trackingFinalizer],
      ...(deleted && { deletionTimestamp: time(0), deletionGracePeriodSeconds: 0 }),
    },
    spec: { ...(node && { nodeName: node }) },
    status: {
      phase,
      conditions: [
        ...(ready ? [{ type: 'Ready', status: 'True' as const, lastTransitionTime: time(0) }] : []),
        ...(condition ? [{ type: condition, status: 'True' as const }] : []),
      ],
      containerStatuses: [{ name: 'main', restartCount: restarts, state, image: '', imageID: '', ready: ready === true }],
    },
  } as Parameters<typeof podWith>[0])
}

/** What a kubelet says when a pod has ended: all containers with one exit code. */
export async function ends(
  cluster: TestCluster,
  pod: Pod | undefined,
  exitCode = 0,
  conditions: Pod['status']['conditions'] = [],
) {
  if (!pod) throw new Error('no such pod')
  const at = timestamp(cluster.clock.now())
  const terminated = { exitCode, finishedAt: at, startedAt: at, reason: exitCode === 0 ? 'Completed' : 'Error' }
  const fresh = copy(await cluster.client.get(Pod, pod.metadata))
  Object.assign(fresh.status, {
    phase: exitCode === 0 ? 'Succeeded' : 'Failed',
    conditions,
    containerStatuses: fresh.spec.containers.map(({ name, image }) => ({
      ...{ name, image, imageID: '', ready: false, started: false, restartCount: 0, state: { terminated } },
    })),
  })
  await cluster.client.updateStatus(Pod, fresh)
}

/** Puts a pod on a node, so that a deletion has to wait for the kubelet. */
export async function bind(cluster: TestCluster, pod: Pod | undefined, node = 'node-1') {
  if (!pod) throw new Error('no such pod')
  await cluster.client.createSubresource(Pod, pod.metadata, 'binding', {
    apiVersion: 'v1',
    kind: 'Binding',
    metadata: { name: pod.metadata.name },
    target: { kind: 'Node', name: node },
  })
}

/** The pods that neither have ended nor been told to, oldest first. */
export async function activePods(cluster: TestCluster): Promise<Pod[]> {
  return (await cluster.pods()).filter(({ status }) => status.phase !== 'Succeeded' && status.phase !== 'Failed')
}

/** What was told, in order: `Warning BackoffLimitExceeded Job has ...`. */
export async function told(cluster: TestCluster): Promise<string[]> {
  const { items } = await cluster.client.list(Event)
  const inOrder = [...items].sort((a, b) => Number(a.metadata.resourceVersion) - Number(b.metadata.resourceVersion))
  return inOrder.map(({ type, reason, message }) => `${type} ${reason} ${message}`)
}
