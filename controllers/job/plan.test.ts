import { describe, expect, test } from 'vitest'
import type { Job } from '../../api/batch/job.ts'
import type { Pod } from '../../api/core/pod.ts'
import { type Failures, noFailures } from './backoff.ts'
import { takeCensus } from './census.ts'
import { newCondition } from './conditions.ts'
import { endOf } from './finish.ts'
import { plan } from './plan.ts'
import { compareProgress, leaving } from './removal.ts'
import { countIn, foldIn } from './tally.ts'
import { jobPod, jobWith } from './testing.ts'

const now = Date.UTC(2026, 0, 1) + 100_000
const many = (count: number, make: (i: number) => Pod) => Array.from({ length: count }, (_, i) => make(i))
const running = (count: number, traits = {}) => many(count, () => jobPod('Running', traits))
const indexed = { completionMode: 'Indexed' } as const
const perIndex = { ...indexed, backoffLimitPerIndex: 2 } as const

describe('which pods a job needs', () => {
  const just: Failures = { count: 2, lastAt: now - 5_000 }
  const terminating = (count: number) => many(count, () => jobPod('Running', { deleted: true, node: 'n' }))
  type Expected = { create?: number | number[]; remove?: number; waitInMs?: number }
  test.each<[string, Job, Pod[], Failures, Expected]>([
    ['it starts', jobWith(), [], noFailures, { create: 2 }],
    ['it starts, without completions', jobWith({ completions: undefined as never }), [], noFailures, { create: 2 }],
    ['enough', jobWith(), running(2), noFailures, {}],
    ['one is missing', jobWith(), running(1), noFailures, { create: 1 }],
    ['no more than are still to succeed', jobWith({}, { succeeded: 4 }), [], noFailures, { create: 1 }],
    ['more than are still to succeed', jobWith({}, { succeeded: 4 }), running(2), noFailures, { remove: 1 }],
    ['more than may run at a time', jobWith(), running(5), noFailures, { remove: 3 }],
    [
      'after a success without completions the others go on',
      jobWith({ completions: undefined as never }, { succeeded: 1 }),
      running(1),
      noFailures,
      {},
    ],
    ['a pod has just failed', jobWith(), running(1), just, { waitInMs: 15_000 }],
    ['some time ago', jobWith(), running(1), { ...just, lastAt: now - 21_000 }, { create: 1 }],
    ['no more than 500 at a time', jobWith({ parallelism: 900, completions: 900 }), [], noFailures, { create: 500 }],
    ['nor fewer', jobWith({ parallelism: 1 }), running(700), noFailures, { remove: 500 }],
    ['suspended: none', jobWith({ suspend: true }), running(3), noFailures, { remove: 3 }],
    ['those that end are replaced', jobWith(), terminating(2), noFailures, { create: 2 }],
    ['or waited for', jobWith({ podReplacementPolicy: 'Failed' }), [...terminating(1), ...running(0)], noFailures, { create: 1 }],
    ['more of them than may run', jobWith({ podReplacementPolicy: 'Failed' }), terminating(4), noFailures, {}],
    ['a failure policy waits for them as well', jobWith({ podFailurePolicy: { rules: [] } }), terminating(2), noFailures, {}],
    ['the first indexes', jobWith(indexed), [], noFailures, { create: [0, 1] }],
    [
      'the next ones',
      jobWith(indexed, { completedIndexes: '0,2' }),
      [jobPod('Running', { index: 1 })],
      noFailures,
      { create: [3] },
    ],
    [
      'an index that ends is taken anew',
      jobWith(indexed),
      [jobPod('Running', { index: 0, deleted: true, node: 'n' })],
      noFailures,
      { create: [0, 1] },
    ],
    [
      'or waited for',
      jobWith({ ...indexed, podReplacementPolicy: 'Failed' }),
      [jobPod('Running', { index: 0, deleted: true, node: 'n' })],
      noFailures,
      { create: [1] },
    ],
    [
      'indexes that have failed are over',
      jobWith(perIndex, { failedIndexes: '0,2', completedIndexes: '1' }),
      [],
      noFailures,
      { create: [3, 4] },
    ],
    [
      'an index that has just failed waits, another does not',
      jobWith(perIndex),
      [jobPod('Failed', { index: 0, before: 0, at: 95 })],
      noFailures,
      { create: [1] },
    ],
    [
      'all wait: as long as the first must',
      jobWith({ ...perIndex, completions: 2 }),
      [jobPod('Failed', { index: 0, before: 1, at: 95 }), jobPod('Failed', { index: 1, before: 0, ignored: 1, at: 93 })],
      noFailures,
      { waitInMs: 13_000 },
    ],
    [
      'failures of the job as a whole do not matter then',
      jobWith({ ...perIndex, completions: 1 }),
      [jobPod('Failed', { index: 0, before: 0, at: 80 })],
      { count: 5, lastAt: now },
      { create: [0] },
    ],
    [
      'pods without a valid index go first, and nothing is made meanwhile',
      jobWith({ ...indexed, parallelism: 4 }),
      [jobPod('Running'), jobPod('Running', { index: 5 }), jobPod('Running', { index: 0 }), jobPod('Pending', { index: 0 })],
      noFailures,
      { remove: 3 },
    ],
  ])('%s', (_name, job, pods, failures, { create = 0, remove = 0, waitInMs }) => {
    const planned = plan(takeCensus(job, pods), failures, now)
    expect(planned.create).toEqual(typeof create === 'number' ? Array.from({ length: create }, () => undefined) : create)
    expect(planned.remove).toHaveLength(remove)
    expect(planned.waitInMs).toBe(waitInMs)
  })
})

describe('of two pods the one that has come less far goes', () => {
  const ready = (seconds: number) =>
    ({ ...jobPod('Running', { node: 'n' }), status: { phase: 'Running', conditions: [readySince(seconds)] } }) as unknown as Pod
  const readySince = (seconds: number) => ({ type: 'Ready', status: 'True', lastTransitionTime: `2026-01-01T00:00:${seconds}Z` })
  const created = (creationTimestamp: string) => {
    const pod = jobPod('Running', { node: 'n' })
    return { ...pod, metadata: { ...pod.metadata, creationTimestamp } }
  }
  test.each<[string, Pod, Pod]>([
    ['on no node', jobPod('Running'), jobPod('Pending', { node: 'n' })],
    ['pending', jobPod('Pending', { node: 'n' }), jobPod('Running', { node: 'n' })],
    ['not ready', jobPod('Running', { node: 'n' }), jobPod('Running', { node: 'n', ready: true })],
    ['ready later', ready(20), ready(10)],
    ['restarted more often', jobPod('Running', { node: 'n', restarts: 3 }), jobPod('Running', { node: 'n', restarts: 1 })],
    ['younger', created('2026-01-01T00:00:09Z'), created('2026-01-01T00:00:08Z')],
  ])('%s', (_name, goes, stays) => {
    expect(compareProgress(goes, stays)).toBeLessThan(0)
    expect(compareProgress(stays, goes)).toBeGreaterThan(0)
    expect(leaving(jobWith(), [stays, goes], 1)).toEqual([goes])
  })
})

describe('whether a job has to stop', () => {
  const started = '2026-01-01T00:00:00Z'
  const because = (type: string, reason: string, message: string) => newCondition(type, reason, message, now)
  const target = because('FailureTarget', 'PodFailurePolicy', 'that pod')
  const met = because('SuccessCriteriaMet', 'SuccessPolicy', 'that rule')
  const limit = because('FailureTarget', 'BackoffLimitExceeded', 'Job has reached the specified backoff limit')
  const deadline = because('FailureTarget', 'DeadlineExceeded', 'Job was active longer than specified deadline')
  const failJob = { rules: [{ action: 'FailJob' as const, onExitCodes: { operator: 'In' as const, values: [3] } }] }
  const onFailure = (backoffLimit: number) => jobWith({ restartPolicy: 'OnFailure', backoffLimit })
  test.each<[string, Job, Pod[], object | undefined]>([
    ['it goes on', jobWith(), [jobPod('Failed'), jobPod('Running', { restarts: 99 })], undefined],
    ['it has met its criteria before', jobWith({ backoffLimit: 0 }, { failed: 9, conditions: [met] }), [], met],
    ['it was failing before', jobWith({}, { conditions: [target] }), [], { ...target, type: 'Failed' }],
    ['a condition that says False says nothing', jobWith({}, { conditions: [{ ...target, status: 'False' }] }), [], undefined],
    [
      'the failure policy comes before the limit',
      jobWith({ backoffLimit: 0, podFailurePolicy: failJob }),
      [jobPod('Failed', { name: 'p', exitCode: 3 })],
      {
        ...target,
        message: 'Container main for pod default/p failed with exit code 3 matching FailJob rule at index 0',
      },
    ],
    ['as many failures as it may have', jobWith({ backoffLimit: 1 }), [jobPod('Failed')], undefined],
    ['one more', jobWith({ backoffLimit: 1 }, { failed: 1 }), [jobPod('Failed')], limit],
    [
      'counted, uncounted and new',
      jobWith({ backoffLimit: 2 }, { failed: 1, uncountedTerminatedPods: { failed: ['x'] } }),
      [jobPod('Failed')],
      limit,
    ],
    [
      'counted failures are not counted again',
      jobWith({ backoffLimit: 1 }, { failed: 1 }),
      [jobPod('Failed', { released: true })],
      undefined,
    ],
    ['a pod that was deleted has failed', jobWith({ backoffLimit: 0 }), [jobPod('Running', { deleted: true })], limit],
    [
      'restarts, as many as it may have',
      onFailure(3),
      [jobPod('Running', { restarts: 1 }), jobPod('Pending', { restarts: 1 })],
      undefined,
    ],
    ['one more', onFailure(3), [jobPod('Running', { restarts: 1 }), jobPod('Pending', { restarts: 2 })], limit],
    ['any restart where none is allowed', onFailure(0), [jobPod('Running', { restarts: 1 })], limit],
    ['none where none is allowed', onFailure(0), [jobPod('Running')], undefined],
    ['restarts of pods that have ended do not count', onFailure(1), [jobPod('Succeeded', { restarts: 9 })], undefined],
    ['its time is up', jobWith({ activeDeadlineSeconds: 100 }), [], deadline],
    ['almost', jobWith({ activeDeadlineSeconds: 101 }), [], undefined],
    ['not while it is suspended', jobWith({ activeDeadlineSeconds: 1, suspend: true }), [], undefined],
    ['the limit comes before the deadline', jobWith({ activeDeadlineSeconds: 1, backoffLimit: 0 }, { failed: 1 }), [], limit],
    [
      'all indexes are over, one has failed',
      jobWith(perIndex, { completedIndexes: '0-3' }),
      [jobPod('Failed', { index: 4, before: 2 })],
      because('FailureTarget', 'FailedIndexes', 'Job has failed indexes'),
    ],
    ['indexes are left', jobWith(perIndex, { completedIndexes: '0-2' }), [jobPod('Failed', { index: 4, before: 2 })], undefined],
    [
      'an index may fail again',
      jobWith(perIndex, { completedIndexes: '0-3' }),
      [jobPod('Failed', { index: 4, before: 1 })],
      undefined,
    ],
    [
      'more failed indexes than it may have',
      jobWith({ ...perIndex, maxFailedIndexes: 1 }, { failedIndexes: '1,2' }),
      [],
      because('FailureTarget', 'MaxFailedIndexesExceeded', 'Job has exceeded the specified maximal number of failed indexes'),
    ],
    [
      'its success policy is met',
      jobWith({ ...indexed, successPolicy: { rules: [{ succeededCount: 1 }] } }),
      [jobPod('Succeeded', { index: 1 })],
      because('SuccessCriteriaMet', 'SuccessPolicy', 'Matched rules at index 0'),
    ],
    [
      'failure comes before success',
      jobWith({ ...perIndex, maxFailedIndexes: 0, successPolicy: { rules: [{ succeededCount: 1 }] } }, { failedIndexes: '0' }),
      [jobPod('Succeeded', { index: 1 })],
      because('FailureTarget', 'MaxFailedIndexesExceeded', 'Job has exceeded the specified maximal number of failed indexes'),
    ],
  ])('%s', (_name, job, pods, expected) => {
    expect(endOf(takeCensus(job, pods), started, now)).toEqual(expected)
  })
})

describe('counting', () => {
  const count = (job: Job, pods: Pod[], end?: ReturnType<typeof newCondition>, released: string[] = []) => {
    const status = structuredClone(job.status) as Job['status'] & object
    const census = takeCensus(job, pods, new Set(released))
    const { release, changed, isFull } = countIn(status as never, census, end)
    const { uncountedTerminatedPods: uncounted, completedIndexes, failedIndexes, succeeded } = status
    return {
      release: release.map(pod => pod.metadata.name),
      changed,
      isFull,
      uncounted,
      completedIndexes,
      failedIndexes,
      succeeded,
    }
  }
  const named = (phase: 'Running' | 'Succeeded' | 'Failed', name: string, traits = {}) => jobPod(phase, { name, ...traits })

  test('pods that have ended are written down, and may go', () => {
    const pods = [
      named('Succeeded', 's'),
      named('Failed', 'f'),
      named('Running', 'r'),
      named('Failed', 'old', { released: true }),
    ]
    expect(count(jobWith(), pods)).toMatchObject({
      release: ['s', 'f'],
      changed: true,
      uncounted: { succeeded: ['uid-s'], failed: ['uid-f'] },
    })
  })

  test('those that are written down already are not written down twice, but may go', () => {
    const status = { uncountedTerminatedPods: { succeeded: ['uid-s'], failed: ['uid-f'] } }
    expect(count(jobWith({}, status), [named('Succeeded', 's'), named('Failed', 'f')])).toMatchObject({
      release: ['s', 'f'],
      changed: false,
      uncounted: status.uncountedTerminatedPods,
    })
  })

  test('a pod whose finalizer was taken off a moment ago is left alone, although the cache still shows it', () => {
    expect(count(jobWith(), [named('Succeeded', 's')], undefined, ['uid-s'])).toMatchObject({ release: [], uncounted: {} })
  })

  test('a pod that was failed and succeeds after all stays failed', () => {
    const status = { uncountedTerminatedPods: { failed: ['uid-s'] } }
    expect(count(jobWith({}, status), [named('Succeeded', 's')])).toMatchObject({
      release: ['s'],
      changed: false,
      uncounted: { failed: ['uid-s'] },
    })
  })

  test('when a job fails, pods that still run have failed; when it succeeds, they have not', () => {
    const failure = newCondition('FailureTarget', 'x', '', now)
    const success = newCondition('SuccessCriteriaMet', 'x', '', now)
    expect(count(jobWith(), [named('Running', 'r')], failure)).toMatchObject({ release: ['r'], uncounted: { failed: ['uid-r'] } })
    expect(count(jobWith(), [named('Running', 'r')], success)).toMatchObject({ release: ['r'], uncounted: {} })
  })

  test('a job that is being deleted lets all of its pods go', () => {
    const ending = jobWith({}, {}, { deletionTimestamp: '2026-01-01T00:00:00Z' })
    expect(count(ending, [named('Running', 'r')])).toMatchObject({ release: ['r'], uncounted: {}, changed: false })
  })

  test('indexes are written down as such', () => {
    const job = jobWith(indexed, { completedIndexes: '0,1', succeeded: 2 })
    const pods = [
      named('Succeeded', 'c', { index: 3 }),
      named('Succeeded', 'b', { index: 1 }),
      named('Succeeded', 'x', { index: 7 }),
    ]
    expect(count(job, pods)).toMatchObject({
      release: ['b', 'c', 'x'],
      completedIndexes: '0,1,3',
      succeeded: 3,
      uncounted: {},
      changed: true,
    })
  })

  test('indexes that the job no longer has are forgotten', () => {
    const job = jobWith({ ...indexed, completions: 3 }, { completedIndexes: '0,2-4', succeeded: 4 })
    expect(count(job, [])).toMatchObject({ completedIndexes: '0,2', succeeded: 2, changed: true })
  })

  test('a failed pod of an index stays until its replacement is there', () => {
    const failed = named('Failed', 'f', { index: 0, before: 0 })
    expect(count(jobWith(perIndex), [failed])).toMatchObject({ release: [], uncounted: {}, failedIndexes: '' })
    expect(count(jobWith(perIndex), [failed, named('Running', 'r', { index: 0 })])).toMatchObject({
      release: ['f'],
      uncounted: { failed: ['uid-f'] },
    })
    const last = named('Failed', 'f', { index: 0, before: 2 })
    expect(count(jobWith(perIndex), [last])).toMatchObject({
      release: ['f'],
      failedIndexes: '0',
      uncounted: { failed: ['uid-f'] },
    })
  })

  test('no more than 500 at a time', () => {
    const pods = many(700, i => named(i % 2 === 0 ? 'Succeeded' : 'Failed', `p${i}`))
    const { release, isFull, uncounted } = count(jobWith(), pods)
    expect([release.length, isFull, uncounted?.succeeded?.length, uncounted?.failed?.length]).toEqual([500, true, 250, 250])
  })

  test('UIDs of pods without the finalizer become numbers', () => {
    const status = { succeeded: 1, uncountedTerminatedPods: { succeeded: ['a', 'b'], failed: ['c'] } }
    expect(foldIn(status, new Set(['b']))).toBe(true)
    expect(status).toEqual({ succeeded: 2, failed: 1, uncountedTerminatedPods: { succeeded: ['b'] } })
    expect(foldIn(status, new Set(['b']))).toBe(false)
  })
})
