import { CronJob } from '../../../api/batch/cron-job.ts'
import { Job } from '../../../api/batch/job.ts'
import { Pod } from '../../../api/core/pod.ts'
import type { Random } from '../../../lib/random.ts'
import { aNamespace, type Deed, named, oneOf, pick, pickObject, propagation, type Theme } from '../theme.ts'

const template = (restartPolicy: 'Never' | 'OnFailure') => ({
  spec: { restartPolicy, containers: [{ name: 'main', image: 'work:1', resources: { requests: { cpu: '10m' } } }] },
})

/** Jobs of every sort. */
function jobSpec(random: Random): object {
  const common = {
    parallelism: 1 + random.below(4),
    ...(random.below(2) && { ttlSecondsAfterFinished: random.below(60) }),
    ...(random.below(6) === 0 && { activeDeadlineSeconds: 60 }),
    ...(random.below(4) === 0 && { suspend: true }),
  }
  const completions = 1 + random.below(5)
  const indexed = { ...common, completionMode: 'Indexed', completions }
  const never = template('Never')
  return pick(
    random,
    () => ({ ...common, completions, backoffLimit: random.below(7), template: never }),
    () => ({ ...common, backoffLimit: 6, template: never }),
    () => ({ ...common, completions, backoffLimit: 4, template: template('OnFailure') }),
    () => ({ ...indexed, backoffLimit: 6, template: never }),
    () => ({ ...indexed, backoffLimitPerIndex: random.below(3), template: never }),
    () => ({ ...indexed, backoffLimitPerIndex: 1, maxFailedIndexes: random.below(3), template: never }),
    () => ({ ...indexed, template: never, successPolicy: { rules: [{ succeededCount: Math.min(completions, 2) }] } }),
    () => ({
      ...{ ...common, completions, template: never, podReplacementPolicy: 'Failed' },
      podFailurePolicy: {
        rules: [
          { action: 'FailJob', onExitCodes: { operator: 'In', values: [42] } },
          { action: 'Ignore', onPodConditions: [{ type: 'DisruptionTarget' }] },
        ],
      },
    }),
  )()
}

const create: Deed = ({ random, client }) => {
  const metadata = { namespace: aNamespace(random), name: pick(random, 'pi', 'sum', 'sort') }
  const spec = jobSpec(random)
  return {
    text: `job ${named({ metadata })}: ${JSON.stringify({ ...spec, template: undefined })}`,
    act: () => client.create(Job, { metadata, spec: spec as never }),
  }
}

const change: Deed = ({ random, client, picture }) => {
  const job = oneOf(random, picture.of(Job))
  if (!job) return undefined
  const spec = pickObject(
    random,
    { suspend: !job.spec.suspend },
    { parallelism: random.below(5) },
    { ttlSecondsAfterFinished: random.below(100) },
    { completions: 1 + random.below(6), parallelism: 1 + random.below(6) },
  )
  return {
    text: `job ${named(job)}: ${JSON.stringify(spec)}`,
    act: () => client.patch(Job, job.metadata, 'merge', { spec }),
  }
}

const remove: Deed = ({ random, client, picture }) => {
  const job = oneOf(random, picture.of(Job))
  if (!job) return undefined
  const propagationPolicy = propagation(random)
  return {
    text: `job ${named(job)}: deleted, ${propagationPolicy}`,
    act: () => client.delete(Job, job.metadata, { propagationPolicy }),
  }
}

const endPod: Deed = ({ random, client, picture }) => {
  const pod = oneOf(
    random,
    picture.of(Pod).filter(({ metadata }) => metadata.labels?.['batch.kubernetes.io/job-name']),
  )
  return pod && { text: `pod ${named(pod)}: deleted`, act: () => client.delete(Pod, pod.metadata) }
}

export const jobs: Theme = {
  name: 'jobs',
  opening: [create, create],
  deeds: [create, create, create, change, change, change, remove, endPod],
  async calm({ client, picture }) {
    for (const job of picture.of(Job)) {
      if (job.spec.suspend) await client.patch(Job, job.metadata, 'merge', { spec: { suspend: false } })
    }
  },
}

const createCron: Deed = ({ random, client }) => {
  const metadata = { namespace: aNamespace(random), name: pick(random, 'nightly', 'often') }
  const spec = {
    schedule: pick(random, '* * * * *', '*/2 * * * *', '@every 45s', '@hourly'),
    concurrencyPolicy: pick(random, 'Allow', 'Forbid', 'Replace'),
    successfulJobsHistoryLimit: random.below(3),
    failedJobsHistoryLimit: random.below(2),
    ...(random.below(3) === 0 && { startingDeadlineSeconds: 30 }),
    ...(random.below(3) === 0 && { timeZone: 'Asia/Kathmandu' }),
    jobTemplate: { spec: jobSpec(random) as never },
  }
  return {
    text: `cron job ${named({ metadata })}: ${spec.schedule}, ${spec.concurrencyPolicy}`,
    act: () => client.create(CronJob, { metadata, spec }),
  }
}
const changeCron: Deed = ({ random, client, picture }) => {
  const cron = oneOf(random, picture.of(CronJob))
  if (!cron) return undefined
  const spec = pickObject(
    random,
    { suspend: !cron.spec.suspend },
    { schedule: pick(random, '* * * * *', '*/3 * * * *') },
    { concurrencyPolicy: pick(random, 'Allow', 'Forbid', 'Replace') },
    { successfulJobsHistoryLimit: random.below(3) },
  )
  return {
    text: `cron job ${named(cron)}: ${JSON.stringify(spec)}`,
    act: () => client.patch(CronJob, cron.metadata, 'merge', { spec }),
  }
}
const removeCron: Deed = ({ random, client, picture }) => {
  const cron = oneOf(random, picture.of(CronJob))
  if (!cron) return undefined
  const propagationPolicy = propagation(random)
  return {
    text: `cron job ${named(cron)}: deleted, ${propagationPolicy}`,
    act: () => client.delete(CronJob, cron.metadata, { propagationPolicy }),
  }
}

export const cronJobs: Theme = {
  name: 'cron jobs',
  opening: [createCron, createCron],
  deeds: [createCron, createCron, changeCron, changeCron, removeCron],
  /** What fires every minute never rests. */
  async calm({ client, picture }) {
    for (const { metadata } of picture.of(CronJob)) await client.patch(CronJob, metadata, 'merge', { spec: { suspend: true } })
  },
}
