import { expect, test } from 'vitest'
import { Job } from '../../api/batch/job.ts'
import { Pod } from '../../api/core/pod.ts'
import { ApiError } from '../../api/errors.ts'
import { controllerOf } from '../../client/watches.ts'
import { type TestCluster, testCluster } from '../testing.ts'
import { trackingFinalizer } from './census.ts'
import { job } from './controller.ts'
import { jobOrphans } from './orphans.ts'
import { activePods, bind, ends, jobInput, told } from './testing.ts'

const pi = { namespace: 'default', name: 'pi' }
const statusOf = async ({ client }: TestCluster) => (await client.get(Job, pi)).status
const truths = async (cluster: TestCluster) =>
  ((await statusOf(cluster)).conditions ?? [])
    .filter(({ status }) => status === 'True')
    .map(({ type, reason }) => `${type} ${reason}`)

/** So many pods of the job are active. */
const active = (cluster: TestCluster, count: number) =>
  cluster.eventually(async () => {
    expect(await activePods(cluster)).toHaveLength(count)
    expect((await statusOf(cluster)).active ?? 0).toBe(count)
  })

test('a job runs its pods, a few at a time, and is complete when enough have succeeded', async () => {
  await using cluster = await testCluster([job()])
  const created = await cluster.client.create(Job, jobInput({ parallelism: 2, completions: 3 }))
  await active(cluster, 2)
  const [first, second] = await activePods(cluster)
  expect(first?.metadata).toMatchObject({
    generateName: 'pi-',
    finalizers: [trackingFinalizer],
    labels: {
      'controller-uid': created.metadata.uid,
      'batch.kubernetes.io/controller-uid': created.metadata.uid,
      'job-name': 'pi',
      'batch.kubernetes.io/job-name': 'pi',
    },
  })
  expect(controllerOf(first as Pod)).toMatchObject({
    kind: 'Job',
    name: 'pi',
    uid: created.metadata.uid,
    blockOwnerDeletion: true,
  })
  await cluster.ready([first as Pod])
  await cluster.eventually(async () => expect(await statusOf(cluster)).toMatchObject({ active: 2, ready: 1, terminating: 0 }))
  await cluster.advance(5_000)
  await ends(cluster, first)
  await ends(cluster, second)
  await active(cluster, 1)
  expect(await statusOf(cluster)).toMatchObject({ succeeded: 2, uncountedTerminatedPods: {} })
  await ends(cluster, (await activePods(cluster))[0])
  await cluster.eventually(async () => {
    const { conditions = [], ...status } = await statusOf(cluster)
    expect(status).toEqual({
      startTime: '2026-01-01T00:00:00Z',
      completionTime: conditions[1]?.lastTransitionTime,
      succeeded: 3,
      ready: 0,
      terminating: 0,
      uncountedTerminatedPods: {},
    })
    expect(conditions.map(({ type, reason, message }) => [type, reason, message])).toEqual([
      ['SuccessCriteriaMet', 'CompletionsReached', 'Reached expected number of succeeded pods'],
      ['Complete', 'CompletionsReached', 'Reached expected number of succeeded pods'],
    ])
  })
  const pods = await cluster.pods()
  expect(pods.map(({ metadata }) => metadata.finalizers ?? [])).toEqual([[], [], []])
  await cluster.eventually(async () => expect(await told(cluster)).toContain('Normal Completed Job completed'))
  expect((await told(cluster)).sort()).toEqual(
    ['Normal Completed Job completed', ...pods.map(pod => `Normal SuccessfulCreate Created pod: ${pod.metadata.name}`)].sort(),
  )
})

test('a job without completions is complete after one success, when the others have ended as well', async () => {
  await using cluster = await testCluster([job()])
  await cluster.client.create(Job, jobInput({ parallelism: 2 }))
  await active(cluster, 2)
  const [first, second] = await activePods(cluster)
  await ends(cluster, first)
  await active(cluster, 1)
  await cluster.advance(60_000)
  expect(await truths(cluster)).toEqual([])
  await ends(cluster, second)
  await cluster.eventually(async () =>
    expect(await truths(cluster)).toEqual(['SuccessCriteriaMet CompletionsReached', 'Complete CompletionsReached']),
  )
  expect(await statusOf(cluster)).toMatchObject({ succeeded: 2 })
})

test('17: jobs count pods through finalizers, so that deleted pods still count', async () => {
  await using cluster = await testCluster([job()])
  await cluster.client.create(Job, jobInput({ parallelism: 2, completions: 4, backoffLimit: 9 }))
  await active(cluster, 2)
  const [first, second] = (await activePods(cluster)) as [Pod, Pod]
  await ends(cluster, first)
  await cluster.client.delete(Pod, first.metadata, { gracePeriodSeconds: 0 })
  await cluster.client.delete(Pod, second.metadata, { gracePeriodSeconds: 0 })
  await cluster.eventually(async () => expect(await statusOf(cluster)).toMatchObject({ succeeded: 1, failed: 1 }))
  await cluster.eventually(async () => {
    const names = (await cluster.client.list(Pod)).items.map(({ metadata }) => metadata.name)
    expect(names).not.toContain(first.metadata.name)
    expect(names).not.toContain(second.metadata.name)
  })
})

test('17: a pod that ended while the controller was away is counted once, however often it starts', async () => {
  await using cluster = await testCluster([job()])
  await cluster.client.create(Job, jobInput({ parallelism: 1, completions: 3 }))
  for (const done of [1, 2]) {
    await active(cluster, 1)
    const [pod] = await activePods(cluster)
    const restarting = cluster.restart()
    await ends(cluster, pod)
    await restarting
    await cluster.restart()
    await cluster.eventually(async () => expect((await statusOf(cluster)).succeeded).toBe(done))
  }
})

test('17: the UIDs of ended pods are in the status before their finalizers go, and numbers only after', async () => {
  const order: string[] = []
  await using cluster = await testCluster([job()], {
    before: ({ verb, resource, subresource, body, cause }) => {
      if (cause?.actor !== 'job-controller') return
      const { status } = (body ?? {}) as Partial<Job>
      if (resource === 'jobs' && subresource === 'status') {
        const { succeeded = 0, uncountedTerminatedPods: { succeeded: uncounted = [] } = {} } = status ?? {}
        order.push(`counted ${succeeded} uncounted ${uncounted.length}`)
      }
      if (resource === 'pods' && verb === 'patch') order.push('finalizer removed')
    },
  })
  await cluster.client.create(Job, jobInput({ completions: 2 }))
  await active(cluster, 1)
  order.length = 0
  await ends(cluster, (await activePods(cluster))[0])
  await cluster.eventually(async () => expect((await statusOf(cluster)).succeeded).toBe(1))
  expect(order).toEqual(['counted 0 uncounted 1', 'finalizer removed', 'counted 1 uncounted 0'])
})

test('a failed pod is replaced after 10 s, 20 s, 40 s, ..., and the wait starts anew after a success', async () => {
  await using cluster = await testCluster([job()])
  await cluster.client.create(Job, jobInput({ completions: 9, backoffLimit: 9 }))
  for (const seconds of [10, 20, 40, 80]) {
    await active(cluster, 1)
    await ends(cluster, (await activePods(cluster))[0], 1)
    const failedAt = cluster.clock.now()
    await active(cluster, 0)
    await cluster.advance(failedAt + seconds * 1000 - 100 - cluster.clock.now())
    expect(await activePods(cluster)).toEqual([])
    await cluster.advance(1_100)
    expect(await activePods(cluster)).toHaveLength(1)
  }
  await ends(cluster, (await activePods(cluster))[0])
  await cluster.advance(100)
  await active(cluster, 1)
  await ends(cluster, (await activePods(cluster))[0], 1)
  await cluster.advance(11_000)
  await active(cluster, 1)
})

test('17: with Never each failed pod counts towards the back-off limit', async () => {
  await using cluster = await testCluster([job()])
  await cluster.client.create(Job, jobInput({ parallelism: 2, completions: 4, backoffLimit: 1 }))
  await active(cluster, 2)
  const [first, second] = (await activePods(cluster)) as [Pod, Pod]
  await bind(cluster, second)
  await ends(cluster, first, 1)
  await cluster.advance(15_000)
  await active(cluster, 2)
  await ends(
    cluster,
    (await activePods(cluster)).find(pod => pod.metadata.uid !== second.metadata.uid),
    1,
  )
  await cluster.eventually(async () => expect(await truths(cluster)).toEqual(['FailureTarget BackoffLimitExceeded']))
  expect(await statusOf(cluster)).toMatchObject({ failed: 3, terminating: 1 })
  // Only when the last pod is gone is it over.
  await cluster.advance(60_000)
  expect(await truths(cluster)).toEqual(['FailureTarget BackoffLimitExceeded'])
  await cluster.client.delete(Pod, second.metadata, { gracePeriodSeconds: 0 })
  await cluster.eventually(async () =>
    expect(await truths(cluster)).toEqual(['FailureTarget BackoffLimitExceeded', 'Failed BackoffLimitExceeded']),
  )
  const { completionTime, failed } = await statusOf(cluster)
  expect({ completionTime, failed }).toEqual({ completionTime: undefined, failed: 3 })
  const message = 'Warning BackoffLimitExceeded Job has reached the specified backoff limit'
  await cluster.eventually(async () => expect(await told(cluster)).toContain(message))
})

test('17: with OnFailure the restarts of containers count, and the job fails with its pod still running', async () => {
  await using cluster = await testCluster([job()])
  await cluster.client.create(Job, jobInput({ restartPolicy: 'OnFailure', backoffLimit: 3 }))
  await active(cluster, 1)
  const restarted = async (restartCount: number) => {
    const [pod] = (await activePods(cluster)) as [Pod]
    const statuses = [{ name: 'main', image: '', imageID: '', ready: true, restartCount, state: {} }]
    await cluster.client.updateStatus(Pod, {
      ...pod,
      status: { ...pod.status, phase: 'Running', containerStatuses: statuses },
    } as Pod)
  }
  await restarted(2)
  await cluster.advance(5_000)
  expect(await truths(cluster)).toEqual([])
  await restarted(3)
  await cluster.eventually(async () =>
    expect(await truths(cluster)).toEqual(['FailureTarget BackoffLimitExceeded', 'Failed BackoffLimitExceeded']),
  )
  expect(await statusOf(cluster)).toMatchObject({ failed: 1 })
})

test('a job that is active for too long fails', async () => {
  await using cluster = await testCluster([job()])
  await cluster.client.create(Job, jobInput({ activeDeadlineSeconds: 30 }))
  await active(cluster, 1)
  await cluster.advance(25_000)
  expect(await truths(cluster)).toEqual([])
  await cluster.advance(10_000)
  await cluster.eventually(async () =>
    expect(await truths(cluster)).toEqual(['FailureTarget DeadlineExceeded', 'Failed DeadlineExceeded']),
  )
  expect(await cluster.pods()).toEqual([])
  await cluster.eventually(async () =>
    expect(await told(cluster)).toContain('Warning DeadlineExceeded Job was active longer than specified deadline'),
  )
})

test('a suspended job has no pods and no deadline; resumed, it has all of its time again', async () => {
  await using cluster = await testCluster([job()])
  await cluster.client.create(Job, jobInput({ suspend: true, activeDeadlineSeconds: 60 }))
  await cluster.eventually(async () => expect(await truths(cluster)).toEqual(['Suspended JobSuspended']))
  expect((await statusOf(cluster)).startTime).toBeUndefined()
  await cluster.advance(100_000)
  const suspend = (value: boolean) => cluster.client.patch(Job, pi, 'merge', { spec: { suspend: value } })
  await suspend(false)
  await active(cluster, 1)
  expect((await statusOf(cluster)).conditions).toMatchObject([
    { type: 'Suspended', status: 'False', reason: 'JobResumed', message: 'Job resumed' },
  ])
  await cluster.advance(50_000)
  await suspend(true)
  await active(cluster, 0)
  expect((await statusOf(cluster)).startTime).toBeUndefined()
  // Pods that are removed because of that have not failed.
  expect(await cluster.pods()).toEqual([])
  await cluster.advance(100_000)
  expect((await statusOf(cluster)).failed ?? 0).toBe(0)
  await suspend(false)
  await active(cluster, 1)
  await cluster.advance(50_000)
  expect(await truths(cluster)).toEqual([])
  await cluster.advance(15_000)
  await cluster.eventually(async () =>
    expect(await truths(cluster)).toEqual(['FailureTarget DeadlineExceeded', 'Failed DeadlineExceeded']),
  )
  const events = (await told(cluster)).filter(text => !text.includes('pod:'))
  expect(events.slice(0, 2)).toEqual(['Normal Suspended Job suspended', 'Normal Resumed Job resumed'])
})

test('changed parallelism adds and removes pods; those that go have not failed', async () => {
  await using cluster = await testCluster([job()])
  await cluster.client.create(Job, jobInput({ parallelism: 2, completions: 9 }))
  await active(cluster, 2)
  const [kept] = (await activePods(cluster)) as [Pod]
  await cluster.ready([kept])
  await cluster.client.patch(Job, pi, 'merge', { spec: { parallelism: 5 } })
  await active(cluster, 5)
  await cluster.client.patch(Job, pi, 'merge', { spec: { parallelism: 1 } })
  await active(cluster, 1)
  expect((await activePods(cluster)).map(({ metadata }) => metadata.uid)).toEqual([kept.metadata.uid])
  expect(await statusOf(cluster)).toMatchObject({ active: 1, ready: 1, terminating: 0 })
  expect((await statusOf(cluster)).failed ?? 0).toBe(0)
})

test('pods that end are replaced only when they have ended, where the job says so', async () => {
  await using cluster = await testCluster([job()])
  await cluster.client.create(Job, jobInput({ podReplacementPolicy: 'Failed', backoffLimit: 9 }))
  await active(cluster, 1)
  const [pod] = (await activePods(cluster)) as [Pod]
  await bind(cluster, pod)
  await cluster.client.delete(Pod, pod.metadata)
  await cluster.advance(60_000)
  expect(await activePods(cluster)).toEqual([])
  expect(await statusOf(cluster)).toMatchObject({ terminating: 1 })
  // Until it has ended, it has not failed.
  expect((await statusOf(cluster)).failed ?? 0).toBe(0)
  await ends(cluster, pod, 137)
  await cluster.advance(15_000)
  await active(cluster, 1)
  expect(await statusOf(cluster)).toMatchObject({ failed: 1, terminating: 0 })
})

test('pods that are to end are replaced at once by default', async () => {
  await using cluster = await testCluster([job()])
  await cluster.client.create(Job, jobInput({ backoffLimit: 9 }))
  await active(cluster, 1)
  const [pod] = (await activePods(cluster)) as [Pod]
  await bind(cluster, pod)
  await cluster.advance(60_000)
  await cluster.client.delete(Pod, pod.metadata)
  await cluster.advance(15_000)
  await active(cluster, 1)
  expect(await statusOf(cluster)).toMatchObject({ failed: 1, terminating: 1 })
})

test('a job that is managed by others is left alone', async () => {
  await using cluster = await testCluster([job()])
  await cluster.client.create(Job, jobInput({ managedBy: 'example.com/kueue' }))
  await cluster.client.create(Job, jobInput({ name: 'ours', managedBy: 'kubernetes.io/job-controller' }))
  await cluster.eventually(async () => expect(await cluster.pods()).toHaveLength(1))
  await cluster.advance(5_000)
  expect((await cluster.pods()).map(pod => controllerOf(pod)?.name)).toEqual(['ours'])
  expect(await statusOf(cluster)).toEqual({})
})

test('an orphan that matches is adopted, with the finalizer; a pod that no longer matches is released without it', async () => {
  await using cluster = await testCluster([job(), jobOrphans])
  const selector = { matchLabels: { app: 'pi' } }
  const template = { metadata: { labels: { app: 'pi' } }, spec: jobInput().spec.template.spec }
  const orphan = await cluster.client.create(Pod, {
    metadata: { namespace: 'default', name: 'orphan', labels: { app: 'pi' } },
    spec: template.spec,
  })
  await cluster.client.create(Job, jobInput({ manualSelector: true, selector, template, completions: 2 }))
  await active(cluster, 1)
  const get = () => cluster.client.get(Pod, orphan.metadata)
  expect((await get()).metadata.finalizers).toEqual([trackingFinalizer])
  await cluster.client.patch(Pod, orphan.metadata, 'merge', { metadata: { labels: { app: 'other' } } })
  await cluster.eventually(async () => {
    const { metadata } = await get()
    expect({ controller: controllerOf(await get()), finalizers: metadata.finalizers ?? [] }).toEqual({
      controller: undefined,
      finalizers: [],
    })
  })
  await cluster.eventually(async () => expect(await activePods(cluster)).toHaveLength(2))
  expect((await statusOf(cluster)).active).toBe(1)
})

test('pods whose job is gone or over lose the finalizer, so that they can go', async () => {
  await using cluster = await testCluster([job(), jobOrphans])
  await cluster.client.create(Job, jobInput({ parallelism: 2, completions: 2 }))
  await active(cluster, 2)
  await cluster.client.delete(Job, pi, { propagationPolicy: 'Background' })
  await cluster.eventually(async () =>
    expect((await cluster.pods()).map(({ metadata }) => metadata.finalizers ?? [])).toEqual([[], []]),
  )
  const stray = { namespace: 'default', name: 'stray', finalizers: [trackingFinalizer] }
  await cluster.client.create(Pod, { metadata: stray, spec: { containers: [{ name: 'a', image: 'a' }] } })
  await cluster.eventually(async () => expect((await cluster.client.get(Pod, stray)).metadata.finalizers ?? []).toEqual([]))
})

test('a job that is being deleted makes no more pods, and lets go of those it has', async () => {
  await using cluster = await testCluster([job()])
  await cluster.client.create(Job, jobInput({ parallelism: 2, completions: 5 }))
  await active(cluster, 2)
  await cluster.client.delete(Job, pi, { propagationPolicy: 'Foreground' })
  await cluster.eventually(async () =>
    expect((await cluster.pods()).map(({ metadata }) => metadata.finalizers ?? [])).toEqual([[], []]),
  )
  const [first] = (await cluster.pods()) as [Pod]
  await cluster.client.delete(Pod, first.metadata, { gracePeriodSeconds: 0 })
  await cluster.advance(60_000)
  expect(await cluster.pods()).toHaveLength(1)
})

test('a pod that cannot be made is told, and tried again', async () => {
  let refused = 2
  await using cluster = await testCluster([job()], {
    before: ({ verb, resource }) => {
      if (verb === 'create' && resource === 'pods' && refused-- > 0) throw new ApiError('Forbidden', 'exceeded quota: q')
    },
  })
  await cluster.client.create(Job, jobInput({ parallelism: 8, completions: 8 }))
  await active(cluster, 8)
  await cluster.eventually(async () =>
    expect(await told(cluster)).toContain('Warning FailedCreate Error creating: exceeded quota: q'),
  )
})

test.each(['InternalError', 'Conflict'] as const)(
  'a finalizer that cannot be removed (%s) delays the count, not the others',
  async reason => {
    let broken = true
    await using cluster = await testCluster([job()], {
      before: ({ verb, resource, name }) => {
        if (broken && verb === 'patch' && resource === 'pods' && name === stuck) throw new ApiError(reason, 'no')
      },
    })
    let stuck = ''
    await cluster.client.create(Job, jobInput({ parallelism: 2, completions: 2 }))
    await active(cluster, 2)
    const [first, second] = (await activePods(cluster)) as [Pod, Pod]
    stuck = first.metadata.name
    await ends(cluster, first)
    await ends(cluster, second)
    await cluster.eventually(async () =>
      expect(await statusOf(cluster)).toMatchObject({
        succeeded: 1,
        uncountedTerminatedPods: { succeeded: [first.metadata.uid] },
      }),
    )
    broken = false
    await cluster.eventually(async () => expect(await truths(cluster)).toContain('Complete CompletionsReached'))
    expect(await statusOf(cluster)).toMatchObject({ succeeded: 2, uncountedTerminatedPods: {} })
  },
)

test('late news of the pods do not make it count or create anything twice', async () => {
  await using cluster = await testCluster([job()], { delayWatchOf: 'pods' })
  await cluster.client.create(Job, jobInput({ parallelism: 3, completions: 6 }))
  let created = 0
  while (created < 6) {
    await cluster.advance(3_000)
    for (const pod of await activePods(cluster)) {
      created += 1
      await ends(cluster, pod)
    }
  }
  await cluster.eventually(async () => expect(await truths(cluster)).toContain('Complete CompletionsReached'))
  expect(await statusOf(cluster)).toMatchObject({ succeeded: 6 })
  expect(await cluster.pods()).toHaveLength(6)
})

test('a job that had all it needs while it was suspended is complete as soon as it goes on', async () => {
  await using cluster = await testCluster([job()])
  const { client } = cluster
  const { metadata, spec } = await client.create(Job, jobInput({ suspend: true, completions: 1 }))
  const labels = spec.selector?.matchLabels ?? {}
  const found = { namespace: 'default', name: 'found', labels }
  await client.create(Pod, { metadata: found, spec: { ...spec.template.spec, restartPolicy: 'Never' } as never })
  await ends(cluster, await client.get(Pod, found))
  await cluster.eventually(async () => expect(await truths(cluster)).toContain('SuccessCriteriaMet CompletionsReached'))
  await client.patch(Job, metadata, 'merge', { spec: { suspend: false } })
  await cluster.eventually(async () => expect(await truths(cluster)).toContain('Complete CompletionsReached'))
})
