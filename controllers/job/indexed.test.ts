import { expect, test } from 'vitest'
import { Job } from '../../api/batch/job.ts'
import { Pod } from '../../api/core/pod.ts'
import { ApiError } from '../../api/errors.ts'
import { type TestCluster, testCluster } from '../testing.ts'
import { trackingFinalizer } from './census.ts'
import { job } from './controller.ts'
import { indexKey, indexOf } from './pod-index.ts'
import { activePods, bind, ends, jobInput, told } from './testing.ts'

const pi = { namespace: 'default', name: 'pi' }
const indexed = (spec: Parameters<typeof jobInput>[0] = {}) =>
  jobInput({ completionMode: 'Indexed', completions: 4, parallelism: 2, ...spec })
const statusOf = async ({ client }: TestCluster) => (await client.get(Job, pi)).status
const truths = async (cluster: TestCluster) =>
  ((await statusOf(cluster)).conditions ?? [])
    .filter(({ status }) => status === 'True')
    .map(({ type, reason }) => `${type} ${reason}`)

/** Waits until pods of exactly these indexes are active, and answers them. */
async function working(cluster: TestCluster, ...indexes: number[]): Promise<Record<number, Pod>> {
  let found: Record<number, Pod> = {}
  await cluster.eventually(async () => {
    const pods = await activePods(cluster)
    expect(pods.map(indexOf).sort()).toEqual(indexes)
    expect((await statusOf(cluster)).active ?? 0).toBe(indexes.length)
    found = Object.fromEntries(pods.map(pod => [indexOf(pod), pod]))
  })
  return found
}

test('each pod of an indexed job knows its index, and has it in its names', async () => {
  await using cluster = await testCluster([job()])
  await cluster.client.create(Job, indexed())
  const { 1: pod } = await working(cluster, 0, 1)
  expect(pod?.metadata).toMatchObject({
    generateName: 'pi-1-',
    labels: { [indexKey]: '1', 'batch.kubernetes.io/job-name': 'pi' },
    annotations: { [indexKey]: '1' },
  })
  expect(pod?.spec.hostname).toBe('pi-1')
  expect(pod?.spec.containers[0]?.env).toEqual([
    {
      name: 'JOB_COMPLETION_INDEX',
      valueFrom: { fieldRef: { apiVersion: 'v1', fieldPath: `metadata.labels['${indexKey}']` } },
    },
  ])
})

test('an indexed job works off its indexes, the lowest first, and is complete when all have succeeded', async () => {
  await using cluster = await testCluster([job()])
  await cluster.client.create(Job, indexed())
  let pods = await working(cluster, 0, 1)
  await ends(cluster, pods[1])
  pods = await working(cluster, 0, 2)
  expect(await statusOf(cluster)).toMatchObject({ completedIndexes: '1', succeeded: 1 })
  await ends(cluster, pods[2])
  pods = await working(cluster, 0, 3)
  expect(await statusOf(cluster)).toMatchObject({ completedIndexes: '1,2', succeeded: 2 })
  await ends(cluster, pods[0])
  await ends(cluster, pods[3])
  await cluster.eventually(async () => expect(await truths(cluster)).toContain('Complete CompletionsReached'))
  expect(await statusOf(cluster)).toMatchObject({ completedIndexes: '0-3', succeeded: 4, uncountedTerminatedPods: {} })
})

test('an index whose pod failed is tried again, by a pod of the same index', async () => {
  await using cluster = await testCluster([job()])
  await cluster.client.create(Job, indexed())
  const pods = await working(cluster, 0, 1)
  await ends(cluster, pods[0], 1)
  await cluster.advance(12_000)
  await working(cluster, 0, 1)
  expect(await statusOf(cluster)).toMatchObject({ failed: 1 })
})

test('an elastic job grows and shrinks with its parallelism, and forgets indexes that it no longer has', async () => {
  await using cluster = await testCluster([job()])
  await cluster.client.create(Job, indexed({ completions: 2, parallelism: 2 }))
  await working(cluster, 0, 1)
  const resize = (size: number) => cluster.client.patch(Job, pi, 'merge', { spec: { completions: size, parallelism: size } })
  await resize(4)
  const pods = await working(cluster, 0, 1, 2, 3)
  await ends(cluster, pods[3])
  await cluster.eventually(async () => expect(await statusOf(cluster)).toMatchObject({ completedIndexes: '3', succeeded: 1 }))
  await resize(2)
  await working(cluster, 0, 1)
  const { completedIndexes = '', succeeded = 0, failed = 0 } = await statusOf(cluster)
  expect({ completedIndexes, succeeded, failed }).toEqual({ completedIndexes: '', succeeded: 0, failed: 0 })
  await ends(cluster, pods[0])
  await ends(cluster, pods[1])
  await cluster.eventually(async () => expect(await truths(cluster)).toContain('Complete CompletionsReached'))
  expect(await statusOf(cluster)).toMatchObject({ completedIndexes: '0,1', succeeded: 2 })
})

test('failures are limited per index: the others go on, and in the end the job has failed indexes', async () => {
  await using cluster = await testCluster([job()])
  await cluster.client.create(Job, indexed({ completions: 3, parallelism: 3, backoffLimitPerIndex: 1 }))
  let pods = await working(cluster, 0, 1, 2)
  expect(pods[0]?.metadata.annotations).toMatchObject({ 'batch.kubernetes.io/job-index-failure-count': '0' })
  await ends(cluster, pods[0], 1)
  await working(cluster, 1, 2)
  // Uncounted until its replacement has taken over the count.
  expect((await statusOf(cluster)).failed ?? 0).toBe(0)
  await cluster.advance(12_000)
  pods = await working(cluster, 0, 1, 2)
  expect(pods[0]?.metadata.annotations).toMatchObject({ 'batch.kubernetes.io/job-index-failure-count': '1' })
  await cluster.eventually(async () => expect(await statusOf(cluster)).toMatchObject({ failed: 1, failedIndexes: '' }))
  await ends(cluster, pods[0], 1)
  await working(cluster, 1, 2)
  await cluster.advance(60_000)
  await working(cluster, 1, 2)
  expect(await statusOf(cluster)).toMatchObject({ failedIndexes: '0', failed: 2 })
  await ends(cluster, pods[1])
  await ends(cluster, pods[2])
  await cluster.eventually(async () =>
    expect(await truths(cluster)).toEqual(['FailureTarget FailedIndexes', 'Failed FailedIndexes']),
  )
  expect(await statusOf(cluster)).toMatchObject({ completedIndexes: '1,2', failedIndexes: '0', succeeded: 2, failed: 2 })
  await cluster.eventually(async () => expect(await told(cluster)).toContain('Warning FailedIndexes Job has failed indexes'))
})

test('an index waits for its own failures only', async () => {
  await using cluster = await testCluster([job()])
  await cluster.client.create(Job, indexed({ completions: 2, parallelism: 2, backoffLimitPerIndex: 5 }))
  let pods = await working(cluster, 0, 1)
  for (const seconds of [10, 20]) {
    await ends(cluster, pods[0], 1)
    await working(cluster, 1)
    await cluster.advance(seconds * 1000 - 2_000)
    await working(cluster, 1)
    await cluster.advance(3_000)
    pods = await working(cluster, 0, 1)
  }
  await ends(cluster, pods[1], 1)
  await working(cluster, 0)
  await cluster.advance(11_000)
  await working(cluster, 0, 1)
})

test('too many failed indexes end a job at once', async () => {
  await using cluster = await testCluster([job()])
  await cluster.client.create(Job, indexed({ parallelism: 4, backoffLimitPerIndex: 0, maxFailedIndexes: 1 }))
  const pods = await working(cluster, 0, 1, 2, 3)
  await ends(cluster, pods[3], 1)
  await working(cluster, 0, 1, 2)
  await ends(cluster, pods[1], 1)
  await cluster.eventually(async () =>
    expect(await truths(cluster)).toEqual(['FailureTarget MaxFailedIndexesExceeded', 'Failed MaxFailedIndexesExceeded']),
  )
  expect(await statusOf(cluster)).toMatchObject({ failedIndexes: '1,3', failed: 4 })
  const message = 'Warning MaxFailedIndexesExceeded Job has exceeded the specified maximal number of failed indexes'
  await cluster.eventually(async () => expect(await told(cluster)).toContain(message))
})

test('a success policy ends a job early: what still runs is removed and has not failed', async () => {
  await using cluster = await testCluster([job()])
  const successPolicy = { rules: [{ succeededIndexes: '7' }, { succeededIndexes: '0-2', succeededCount: 2 }] }
  await cluster.client.create(Job, indexed({ completions: 8, parallelism: 4, successPolicy }))
  const pods = await working(cluster, 0, 1, 2, 3)
  await bind(cluster, pods[1])
  await ends(cluster, pods[2])
  await working(cluster, 0, 1, 3, 4)
  await ends(cluster, pods[0])
  await cluster.eventually(async () => expect(await truths(cluster)).toEqual(['SuccessCriteriaMet SuccessPolicy']))
  expect(await statusOf(cluster)).toMatchObject({ terminating: 1, ready: 0 })
  await cluster.client.delete(Pod, (pods[1] as Pod).metadata, { gracePeriodSeconds: 0 })
  await cluster.eventually(async () =>
    expect(await truths(cluster)).toEqual(['SuccessCriteriaMet SuccessPolicy', 'Complete SuccessPolicy']),
  )
  const { conditions, succeeded, failed = 0, completedIndexes, completionTime } = await statusOf(cluster)
  expect({ succeeded, failed, completedIndexes }).toEqual({ succeeded: 2, failed: 0, completedIndexes: '0,2' })
  expect(conditions?.map(({ message }) => message)).toEqual(['Matched rules at index 1', 'Matched rules at index 1'])
  expect(completionTime).toBeDefined()
})

test('of two pods with one index, and of pods without a valid one, those that are too many go', async () => {
  await using cluster = await testCluster([job()])
  await cluster.client.create(Job, indexed({ completions: 2 }))
  const pods = await working(cluster, 0, 1)
  const { labels, ownerReferences, annotations } = (pods[0] as Pod).metadata
  const intruder = (name: string, index: string | undefined) => ({
    metadata: {
      namespace: 'default',
      name,
      labels,
      ownerReferences,
      annotations: index === undefined ? {} : { ...annotations, [indexKey]: index },
    },
    spec: { restartPolicy: 'Never' as const, containers: [{ name: 'main', image: 'busybox:1.36' }] },
  })
  await cluster.ready([pods[0] as Pod])
  for (const [name, index] of [
    ['twin', '0'],
    ['beyond', '2'],
    ['without', undefined],
  ] as const) {
    await cluster.client.create(Pod, intruder(name, index))
  }
  await cluster.eventually(async () =>
    expect((await cluster.pods()).map(({ metadata }) => metadata.uid).sort()).toEqual(
      [pods[0]?.metadata.uid, pods[1]?.metadata.uid].sort(),
    ),
  )
  expect((await statusOf(cluster)).failed ?? 0).toBe(0)
})

test('in a namespace that goes, a failed pod does not wait for a replacement that cannot come', async () => {
  let isEnding = false
  await using cluster = await testCluster([job()], {
    before({ verb, resource }) {
      if (!isEnding || verb !== 'create' || resource !== 'pods') return
      const causes = [{ reason: 'NamespaceTerminating', message: 'namespace default is being terminated' }]
      throw new ApiError('Forbidden', 'being terminated', { details: { causes } })
    },
  })
  await cluster.client.create(
    Job,
    jobInput({ completionMode: 'Indexed', completions: 1, parallelism: 1, backoffLimitPerIndex: 2 }),
  )
  await cluster.eventually(async () => expect(await activePods(cluster)).toHaveLength(1))
  const [pod] = (await activePods(cluster)) as [Pod]
  isEnding = true
  await ends(cluster, pod, 1)
  await cluster.advance(5_000)
  expect((await cluster.client.get(Pod, pod.metadata)).metadata.finalizers).toEqual([trackingFinalizer])
  await cluster.advance(60_000)
  expect((await cluster.client.get(Pod, pod.metadata)).metadata.finalizers ?? []).toEqual([])
  expect((await cluster.client.get(Job, { namespace: 'default', name: 'pi' })).status.active ?? 0).toBe(0)
})
