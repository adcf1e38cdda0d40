import { expect, test } from 'vitest'
import { CronJob } from '../../api/batch/cron-job.ts'
import { Job } from '../../api/batch/job.ts'
import type { InputOf } from '../../api/kind.ts'
import { controllerOf } from '../../client/watches.ts'
import { job } from '../job/controller.ts'
import { activePods, ends, told } from '../job/testing.ts'
import { type TestCluster, testCluster } from '../testing.ts'
import { cronJob } from './controller.ts'

const tick = { namespace: 'default', name: 'tick' }
const minute = 60_000
const controllers = () => [cronJob({ localZone: 'UTC' }), job()]

function cronJobInput(spec: Partial<InputOf<typeof CronJob>['spec']> = {}) {
  const template = { spec: { restartPolicy: 'Never' as const, containers: [{ name: 'main', image: 'busybox:1.36' }] } }
  return {
    metadata: tick,
    spec: {
      schedule: '*/5 * * * *',
      jobTemplate: { metadata: { labels: { app: 'tick' }, annotations: { note: 'x' } }, spec: { template } },
      ...spec,
    },
  } satisfies InputOf<typeof CronJob>
}

const jobsOf = async ({ client }: TestCluster) =>
  [...(await client.list(Job)).items].sort((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1))
const namesOf = async (cluster: TestCluster) => (await jobsOf(cluster)).map(({ metadata }) => metadata.name)
const statusOf = async ({ client }: TestCluster) => (await client.get(CronJob, tick)).status
const activeOf = async (cluster: TestCluster) => ((await statusOf(cluster)).active ?? []).map(({ name }) => name)
const nameAt = (ms: number) => `tick-${Math.floor(ms / minute)}`
const start = Date.UTC(2026, 0, 1)
const eventsOf = async (cluster: TestCluster) =>
  (await told(cluster)).filter(text => !text.includes('pod:') && !text.includes('Job completed'))

test('a job is started at its time, once, named by the minute', async () => {
  await using cluster = await testCluster(controllers())
  const created = await cluster.client.create(CronJob, cronJobInput({ timeZone: 'Asia/Tokyo' }))
  await cluster.advance(5 * minute - 1000)
  expect(await namesOf(cluster)).toEqual([])
  await cluster.advance(2000)
  await cluster.eventually(async () => expect(await activeOf(cluster)).toEqual([nameAt(start + 5 * minute)]))
  const [made] = (await jobsOf(cluster)) as [Job]
  expect(made.metadata).toMatchObject({
    name: nameAt(start + 5 * minute),
    labels: { app: 'tick' },
    annotations: { note: 'x', 'batch.kubernetes.io/cronjob-scheduled-timestamp': '2026-01-01T09:05:00+09:00' },
  })
  expect(controllerOf(made)).toMatchObject({ kind: 'CronJob', name: 'tick', uid: created.metadata.uid })
  expect(await statusOf(cluster)).toMatchObject({
    lastScheduleTime: '2026-01-01T00:05:00Z',
    active: [{ kind: 'Job', apiVersion: 'batch/v1', name: made.metadata.name, namespace: 'default', uid: made.metadata.uid }],
  })
  await cluster.restart()
  await cluster.advance(minute)
  expect(await namesOf(cluster)).toHaveLength(1)
  await ends(cluster, (await activePods(cluster))[0])
  await cluster.eventually(async () => {
    const { completionTime } = (await cluster.client.get(Job, made.metadata)).status
    expect(completionTime).toBeDefined()
    expect(await statusOf(cluster)).toEqual({ lastScheduleTime: '2026-01-01T00:05:00Z', lastSuccessfulTime: completionTime })
  })
  await cluster.eventually(async () =>
    expect(await eventsOf(cluster)).toEqual([
      `Normal SuccessfulCreate Created job ${made.metadata.name}`,
      `Normal SawCompletedJob Saw completed job: ${made.metadata.name}, condition: Complete`,
    ]),
  )
})

test('18: a cron job starts only the newest missed run, when it has been suspended or nobody was there', async () => {
  await using cluster = await testCluster(controllers())
  await cluster.client.create(CronJob, cronJobInput({ suspend: true }))
  await cluster.advance(62 * minute)
  expect(await namesOf(cluster)).toEqual([])
  await cluster.client.patch(CronJob, tick, 'merge', { spec: { suspend: false } })
  await cluster.eventually(async () => expect(await namesOf(cluster)).toEqual([nameAt(start + 60 * minute)]))
})

test('jobs may run side by side, where nothing else is said', async () => {
  await using cluster = await testCluster(controllers())
  await cluster.client.create(CronJob, cronJobInput())
  await cluster.advance(11 * minute)
  expect(await activeOf(cluster)).toEqual([nameAt(start + 5 * minute), nameAt(start + 10 * minute)])
})

test('Forbid waits for the last job, and says so; when it has ended, the missed run is started', async () => {
  await using cluster = await testCluster(controllers())
  await cluster.client.create(CronJob, cronJobInput({ concurrencyPolicy: 'Forbid' }))
  await cluster.advance(16 * minute)
  expect(await activeOf(cluster)).toEqual([nameAt(start + 5 * minute)])
  const why = 'Normal JobAlreadyActive Not starting job because prior execution is running and concurrency policy is Forbid'
  await cluster.eventually(async () => expect(await eventsOf(cluster)).toContain(why))
  await ends(cluster, (await activePods(cluster))[0])
  await cluster.eventually(async () => expect(await activeOf(cluster)).toEqual([nameAt(start + 15 * minute)]))
})

test('Replace removes the last job first', async () => {
  await using cluster = await testCluster(controllers())
  await cluster.client.create(CronJob, cronJobInput({ concurrencyPolicy: 'Replace' }))
  await cluster.advance(11 * minute)
  const [first, second] = [nameAt(start + 5 * minute), nameAt(start + 10 * minute)]
  expect(await activeOf(cluster)).toEqual([second])
  expect(await namesOf(cluster)).toEqual([second])
  await cluster.eventually(async () => expect(await eventsOf(cluster)).toContain(`Normal SuccessfulDelete Deleted job ${first}`))
})

test('a run that is late beyond its deadline is given up, and that is said', async () => {
  await using cluster = await testCluster(controllers())
  await cluster.client.create(CronJob, cronJobInput({ schedule: '*/5 * * * *', startingDeadlineSeconds: 120, suspend: true }))
  await cluster.advance(8 * minute)
  await cluster.client.patch(CronJob, tick, 'merge', { spec: { suspend: false } })
  await cluster.advance(minute)
  expect(await namesOf(cluster)).toEqual([])
  await cluster.advance(2 * minute)
  expect(await namesOf(cluster)).toEqual([nameAt(start + 10 * minute)])
})

test('of the jobs that are over, only as many are kept as wanted', async () => {
  await using cluster = await testCluster(controllers())
  const input = cronJobInput({ successfulJobsHistoryLimit: 2, failedJobsHistoryLimit: 0 })
  await cluster.client.create(CronJob, { ...input, spec: { ...input.spec, jobTemplate: withBackoffLimit(0) } })
  for (let run = 1; run <= 5; run++) {
    await cluster.advance(5 * minute)
    await cluster.eventually(async () => expect(await activePods(cluster)).toHaveLength(1))
    await ends(cluster, (await activePods(cluster))[0], run === 3 ? 1 : 0)
    await cluster.advance(minute / 10)
  }
  await cluster.eventually(async () =>
    expect(await namesOf(cluster)).toEqual([4, 5].map(run => nameAt(start + run * 5 * minute))),
  )
  expect(await activeOf(cluster)).toEqual([])
})
const withBackoffLimit = (backoffLimit: number) => {
  const { jobTemplate } = cronJobInput().spec
  return { ...jobTemplate, spec: { ...jobTemplate.spec, backoffLimit } }
}

test('a job that somebody deletes leaves the list', async () => {
  await using cluster = await testCluster(controllers())
  await cluster.client.create(CronJob, cronJobInput())
  await cluster.advance(6 * minute)
  const [name = ''] = await activeOf(cluster)
  await cluster.client.delete(Job, { namespace: 'default', name: name as string }, { propagationPolicy: 'Background' })
  await cluster.eventually(async () => expect(await activeOf(cluster)).toEqual([]))
  await cluster.eventually(async () =>
    expect(await eventsOf(cluster)).toContain(`Normal MissingJob Active job went missing: ${name}`),
  )
  await cluster.advance(minute)
  expect(await namesOf(cluster)).toEqual([])
})

test('a job that was created and forgotten is found again by its name', async () => {
  let lost = false
  await using cluster = await testCluster(controllers(), {
    before: ({ verb, resource, subresource, cause }) => {
      if (
        !lost &&
        verb === 'update' &&
        resource === 'cronjobs' &&
        subresource === 'status' &&
        cause?.actor === 'cronjob-controller'
      ) {
        lost = true
        throw new Error('the power failed')
      }
    },
  })
  await cluster.client.create(CronJob, cronJobInput())
  await cluster.advance(6 * minute)
  expect(lost).toBe(true)
  const name = nameAt(start + 5 * minute)
  expect(await namesOf(cluster)).toEqual([name])
  expect(await activeOf(cluster)).toEqual([name])
  const message = `Warning UnexpectedJob Saw a job that the controller did not create or forgot: ${name}`
  await cluster.eventually(async () => expect(await eventsOf(cluster)).toContain(message))
})

test('somebody else has a job of that name: it is left alone', async () => {
  await using cluster = await testCluster(controllers())
  const template = { spec: { restartPolicy: 'Never' as const, containers: [{ name: 'main', image: 'busybox:1.36' }] } }
  const name = nameAt(start + 5 * minute)
  await cluster.client.create(Job, { metadata: { namespace: 'default', name }, spec: { template, suspend: true } })
  await cluster.client.create(CronJob, cronJobInput())
  await cluster.advance(6 * minute)
  expect(await statusOf(cluster)).toEqual({})
  await cluster.advance(5 * minute)
  expect(await activeOf(cluster)).toEqual([nameAt(start + 10 * minute)])
})

test('a changed schedule counts from its next time on', async () => {
  await using cluster = await testCluster(controllers())
  await cluster.client.create(CronJob, cronJobInput({ schedule: '0 12 * * *' }))
  await cluster.advance(12 * minute)
  await cluster.client.patch(CronJob, tick, 'merge', { spec: { schedule: '*/5 * * * *' } })
  await cluster.advance(2 * minute)
  expect(await namesOf(cluster)).toEqual([])
  await cluster.advance(2 * minute)
  expect(await namesOf(cluster)).toEqual([nameAt(start + 15 * minute)])
})

test('a schedule that never comes is told', async () => {
  await using cluster = await testCluster(controllers())
  await cluster.client.create(CronJob, cronJobInput({ schedule: '0 0 31 2 *' }))
  const why = 'time difference between two schedules is less than 1 second'
  await cluster.eventually(async () =>
    expect(await eventsOf(cluster)).toEqual([`Warning InvalidSchedule invalid schedule: 0 0 31 2 * : ${why}`]),
  )
  expect(cluster.clock.now()).toBeLessThan(start + minute)
})

test('an idle cron job sets one timer and writes nothing', async () => {
  const calls: string[] = []
  await using cluster = await testCluster([cronJob({ localZone: 'UTC' })], {
    before: ({ verb, resource, cause }) => {
      if (cause?.actor === 'cronjob-controller') calls.push(`${verb} ${resource}`)
    },
  })
  await cluster.advance(1000)
  const before = cluster.clock.timers
  await cluster.client.create(CronJob, cronJobInput({ schedule: '0 0 1 7 *' }))
  await cluster.advance(1000)
  expect(cluster.clock.timers).toBe(before + 1)
  await cluster.advance(180 * minute)
  expect(calls).toEqual([])
})
