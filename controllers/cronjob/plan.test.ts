import { describe, expect, test } from 'vitest'
import type { CronJob } from '../../api/batch/cron-job.ts'
import type { Job } from '../../api/batch/job.ts'
import { timestamp } from '../../lib/clock.ts'
import { dueOf, nextOf, waitForNext } from './due.ts'
import { beyondHistory, jobName, startOf, upkeep } from './plan.ts'

const minute = 60_000
const created = '2026-01-01T00:00:00Z'
const at = (text: string) => Date.parse(`2026-01-${text}Z`)

function cronJobWith(spec: Partial<CronJob['spec']> = {}, status: CronJob['status'] = {}): CronJob {
  return {
    apiVersion: 'batch/v1',
    kind: 'CronJob',
    metadata: { name: 'tick', namespace: 'default', uid: 'tick-uid', resourceVersion: '1', creationTimestamp: created },
    spec: {
      ...{ schedule: '0 * * * *', concurrencyPolicy: 'Allow', suspend: false },
      ...{ successfulJobsHistoryLimit: 3, failedJobsHistoryLimit: 1 },
      ...spec,
    },
    status,
  } as CronJob
}

function jobWith(name: string, end?: 'Complete' | 'Failed', status: Partial<Job['status']> = {}): Job {
  const conditions = end ? [{ type: end, status: 'True' }] : []
  return { metadata: { name, uid: name }, spec: {}, status: { conditions, ...status } } as unknown as Job
}

describe('the newest run that is due', () => {
  test.each<[string, Partial<CronJob['spec']>, string | undefined, string, string | undefined, string]>([
    ['none yet', {}, undefined, '01T00:59:59', undefined, 'none'],
    ['the first', {}, undefined, '01T01:00:00', '01T01:00:00', 'none'],
    ['the next', {}, '01T01:00:00', '01T02:30:00', '01T02:00:00', 'none'],
    ['one that has been started', {}, '01T02:00:00', '01T02:30:00', undefined, 'none'],
    ['the last of a few', {}, '01T01:00:00', '01T09:30:00', '01T09:00:00', 'few'],
    ['the last of a hundred', {}, '01T00:00:00', '05T04:30:00', '05T04:00:00', 'few'],
    ['the last of more', {}, '01T00:00:00', '05T05:30:00', '05T05:00:00', 'many'],
    ['a deadline makes them fewer', { startingDeadlineSeconds: 7200 }, '01T00:00:00', '09T05:30:00', '09T05:00:00', 'few'],
    ['a deadline that has just passed', { startingDeadlineSeconds: 10 }, '01T00:00:00', '09T05:30:00', undefined, 'none'],
    ['weekdays only', { schedule: '30 6-16/4 * * 1-5' }, '02T14:30:00', '05T07:00:00', '05T06:30:00', 'none'],
    ['weekdays only, several', { schedule: '30 6-16/4 * * 1-5' }, '02T06:30:00', '05T11:00:00', '05T10:30:00', 'few'],
    ['uneven gaps', { schedule: '0 0,12-14 * * *' }, '01T14:00:00', '03T14:30:00', '03T14:00:00', 'few'],
    ['an interval counts from the last run', { schedule: '@every 1h' }, '01T00:10:00', '01T05:00:00', '01T04:10:00', 'few'],
  ])('%s', (_name, spec, last, now, expected, missed) => {
    const cronJob = cronJobWith(spec, last === undefined ? {} : { lastScheduleTime: timestamp(at(last)) })
    const due = dueOf(cronJob, at(now), nextOf(cronJob.spec, 'UTC'), true)
    expect({ latest: due?.latest && timestamp(due.latest), missed: due?.missed }).toEqual({
      latest: expected && timestamp(at(expected)),
      missed,
    })
  })

  test('a schedule that never comes has none', () => {
    const cronJob = cronJobWith({ schedule: '59 23 31 2 *' })
    expect(dueOf(cronJob, at('02T00:00:00'), nextOf(cronJob.spec, 'UTC'), true)).toBeUndefined()
  })

  test.each<[string, Partial<CronJob['spec']>, string]>([
    ['its own zone', { schedule: '0 9 * * *', timeZone: 'Asia/Tokyo' }, '2026-01-02T00:00:00Z'],
    ['where it is, if it names none', { schedule: '0 9 * * *' }, '2026-01-01T14:00:00Z'],
    ['a zone in the schedule, as once was allowed', { schedule: 'CRON_TZ=Asia/Tokyo 0 9 * * *' }, '2026-01-02T00:00:00Z'],
  ])('a schedule is meant in %s', (_name, spec, expected) => {
    expect(timestamp(nextOf(cronJobWith(spec).spec, 'America/New_York')(at('01T00:00:00')) ?? 0)).toBe(expected)
  })
})

test.each<[string, string | undefined, string, number]>([
  ['the first run', undefined, '01T00:20:00', 40 * minute],
  ['the next one, when this one has been started', '01T03:00:00', '01T03:00:01', 60 * minute - 1000],
  ['the next one, when some were missed', '01T03:00:00', '01T09:10:00', 50 * minute],
])('waits for %s, and a moment longer', (_name, last, now, expected) => {
  const cronJob = cronJobWith({}, last === undefined ? {} : { lastScheduleTime: timestamp(at(last)) })
  expect(waitForNext(cronJob, at(now), nextOf(cronJob.spec, 'UTC'))).toBe(expected + 100)
})

describe('whether a run is started', () => {
  const ref = (name: string) => ({ name, uid: name, namespace: 'default' })
  const run = (spec: Partial<CronJob['spec']>, now: string, active: string[] = [], last?: string) => {
    const cronJob = cronJobWith(spec, last === undefined ? {} : { lastScheduleTime: timestamp(at(last)) })
    const started = startOf(cronJob, active.map(ref), at(now), nextOf(cronJob.spec, 'UTC'))
    return started && { at: started.at && timestamp(started.at), tell: started.tell.map(each => each.join(' ')) }
  }
  const nine = '2026-01-01T09:00:00Z'
  const forbidden = 'Normal JobAlreadyActive Not starting job because prior execution is running and concurrency policy is Forbid'
  const tooMany =
    'Warning TooManyMissedTimes too many missed start times. Set or decrease .spec.startingDeadlineSeconds or check clock skew'

  test('18: a cron job starts only the newest missed run', () => {
    expect(run({}, '01T09:30:00')).toEqual({ at: nine, tell: [] })
  })
  test('even when very many were missed, and says so', () => {
    expect(run({}, '09T09:30:00')).toEqual({ at: '2026-01-09T09:00:00Z', tell: [tooMany] })
  })
  test('none is due', () => expect(run({}, '01T00:30:00')).toEqual({ at: undefined, tell: [] }))
  test('it has been started', () => {
    expect(run({}, '01T09:30:00', [], '01T09:00:00')).toEqual({ at: undefined, tell: [] })
    expect(run({}, '01T09:30:00', [jobName(cronJobWith(), at('01T09:00:00'))])).toEqual({ at: undefined, tell: [] })
  })
  test('within the deadline', () => {
    expect(run({ startingDeadlineSeconds: 1801 }, '01T09:30:00')).toEqual({ at: nine, tell: [] })
    expect(run({ startingDeadlineSeconds: 1800 }, '01T09:30:00')).toEqual({ at: undefined, tell: [] })
  })
  test('another still runs', () => {
    expect(run({ concurrencyPolicy: 'Allow' }, '01T09:30:00', ['other'])).toEqual({ at: nine, tell: [] })
    expect(run({ concurrencyPolicy: 'Replace' }, '01T09:30:00', ['other'])).toEqual({ at: nine, tell: [] })
    expect(run({ concurrencyPolicy: 'Forbid' }, '01T09:30:00', ['other'])).toEqual({ at: undefined, tell: [forbidden] })
    expect(run({ concurrencyPolicy: 'Forbid' }, '01T09:30:00')).toEqual({ at: nine, tell: [] })
  })
  test('it never comes', () => expect(run({ schedule: '0 0 31 2 *' }, '02T00:00:00')).toBeUndefined())
  test('18: names are those of the minute', () => {
    expect(jobName(cronJobWith(), at('01T09:00:00'))).toBe(`tick-${at('01T09:00:00') / minute}`)
    expect(jobName(cronJobWith(), at('01T09:00:59'))).toBe(`tick-${at('01T09:00:00') / minute}`)
  })
})

describe('upkeep', () => {
  const active = ['done', 'failed', 'runs', 'gone'].map(name => ({ name, uid: name }))

  test('what has ended or cannot be seen leaves the list, what is not in it is noticed', () => {
    const jobs = [
      jobWith('done', 'Complete', { completionTime: '2026-01-01T03:00:00Z' }),
      jobWith('failed', 'Failed'),
      jobWith('runs'),
      jobWith('surprise'),
      jobWith('old', 'Complete', { completionTime: '2026-01-01T01:00:00Z' }),
    ]
    const { unexpected, missing, ...rest } = upkeep(cronJobWith({}, { active }), jobs)
    expect({
      ...rest,
      unexpected: unexpected.map(({ metadata }) => metadata.name),
      missing: missing.map(({ name }) => name),
    }).toEqual({
      active: [active[2], active[3]],
      lastSuccessfulTime: '2026-01-01T03:00:00Z',
      tell: [
        ['Normal', 'SawCompletedJob', 'Saw completed job: done, condition: Complete'],
        ['Normal', 'SawCompletedJob', 'Saw completed job: failed, condition: Failed'],
      ],
      unexpected: ['surprise'],
      missing: ['gone'],
    })
  })

  test('an earlier success does not take the place of a later one', () => {
    const jobs = [jobWith('a', 'Complete', { completionTime: '2026-01-01T01:00:00Z' })]
    const lastSuccessfulTime = '2026-01-01T02:00:00Z'
    expect(upkeep(cronJobWith({}, { lastSuccessfulTime }), jobs).lastSuccessfulTime).toBe(lastSuccessfulTime)
  })

  const started = (name: string, end: 'Complete' | 'Failed' | undefined, hour?: number) =>
    jobWith(name, end, hour === undefined ? {} : { startTime: `2026-01-01T0${hour}:00:00Z` })
  test.each<[string, number, number, Job[], string[]]>([
    ['within bounds', 3, 1, [started('a', 'Complete', 1), started('b', 'Failed', 1)], []],
    [
      'those that started first go',
      1,
      1,
      [
        started('b', 'Complete', 2),
        started('a', 'Complete', 1),
        started('d', 'Failed', 4),
        started('c', 'Failed', 3),
        started('r', undefined, 0),
      ],
      ['a', 'c'],
    ],
    ['those that never started stay longest', 1, 1, [started('x', 'Complete'), started('a', 'Complete', 1)], ['a']],
    ['names decide between equals', 1, 1, [started('b', 'Complete', 1), started('a', 'Complete', 1)], ['a']],
    ['none are kept', 0, 0, [started('a', 'Complete', 1), started('b', 'Failed', 1)], ['a', 'b']],
  ])('history: %s', (_name, successfulJobsHistoryLimit, failedJobsHistoryLimit, jobs, expected) => {
    const { spec } = cronJobWith({ successfulJobsHistoryLimit, failedJobsHistoryLimit })
    expect(beyondHistory(spec, jobs).map(({ metadata }) => metadata.name)).toEqual(expected)
  })
})
