import { expect, test } from 'vitest'
import { Job } from '../../api/batch/job.ts'
import { timestamp } from '../../lib/clock.ts'
import { type TestCluster, testCluster } from '../testing.ts'
import { ttlAfterFinished } from './controller.ts'
import { expiresAt } from './plan.ts'

const pi = { namespace: 'default', name: 'pi' }
const at = Date.UTC(2026, 0, 1)

const jobWith = (type: string, ttl: number | undefined, over: { status?: string; deleted?: boolean; time?: string } = {}): Job =>
  ({
    metadata: { name: 'pi', namespace: 'default', ...(over.deleted && { deletionTimestamp: timestamp(at) }) },
    spec: { ...(ttl !== undefined && { ttlSecondsAfterFinished: ttl }) },
    status: { conditions: [{ type, status: over.status ?? 'True', lastTransitionTime: over.time ?? timestamp(at) }] },
  }) as unknown as Job

test.each<[string, Job, number | undefined]>([
  ['complete', jobWith('Complete', 10), at + 10_000],
  ['failed', jobWith('Failed', 10), at + 10_000],
  ['at once', jobWith('Complete', 0), at],
  ['no time to live', jobWith('Complete', undefined), undefined],
  ['not over', jobWith('Complete', 10, { status: 'False' }), undefined],
  ['about to be over', jobWith('SuccessCriteriaMet', 10), undefined],
  ['nobody knows when', jobWith('Complete', 10, { time: '' }), undefined],
  ['being deleted', jobWith('Complete', 10, { deleted: true }), undefined],
])('a job expires: %s', (_name, job, expected) => {
  expect(expiresAt(job)).toBe(expected)
})

async function finishedJob({ client, clock }: TestCluster, ttlSecondsAfterFinished: number) {
  const template = { spec: { restartPolicy: 'Never' as const, containers: [{ name: 'main', image: 'busybox:1.36' }] } }
  const job = await client.create(Job, { metadata: pi, spec: { template, ttlSecondsAfterFinished } })
  const now = timestamp(clock.now())
  const condition = (type: string) => ({ type, status: 'True' as const, lastTransitionTime: now, reason: 'x' })
  const conditions = [condition('SuccessCriteriaMet'), condition('Complete')]
  await client.updateStatus(Job, { ...job, status: { conditions, startTime: now, completionTime: now } })
}

test('a job that is over goes when its time is up, after its pods', async () => {
  await using cluster = await testCluster([ttlAfterFinished])
  await finishedJob(cluster, 30)
  await cluster.advance(29_000)
  expect((await cluster.client.get(Job, pi)).metadata.deletionTimestamp).toBeUndefined()
  await cluster.advance(2_000)
  const { metadata } = await cluster.client.get(Job, pi)
  expect(metadata.deletionTimestamp).toBeDefined()
  expect(metadata.finalizers).toEqual(['foregroundDeletion'])
})

test('a job that is given more time stays, even when that is news', async () => {
  await using cluster = await testCluster([ttlAfterFinished], { delayWatchOf: 'jobs' })
  await finishedJob(cluster, 30)
  await cluster.advance(29_900)
  await cluster.client.patch(Job, pi, 'merge', { spec: { ttlSecondsAfterFinished: 60 } })
  await cluster.advance(20_000)
  expect((await cluster.client.get(Job, pi)).metadata.deletionTimestamp).toBeUndefined()
  await cluster.advance(20_000)
  expect((await cluster.client.get(Job, pi)).metadata.deletionTimestamp).toBeDefined()
})
