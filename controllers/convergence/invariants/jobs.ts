import { CronJob } from '../../../api/batch/cron-job.ts'
import { Job } from '../../../api/batch/job.ts'
import { Pod } from '../../../api/core/pod.ts'
import { isActive, isReady } from '../../shared/pod-state.ts'
import type { Invariant } from '../story.ts'
import { controlledBy, differences, isTrue, said } from './words.ts'

const tracking = 'batch.kubernetes.io/job-tracking'
const hasEnded = ({ status }: Job) => isTrue(status.conditions, 'Complete') || isTrue(status.conditions, 'Failed')

/** How many numbers `0-2,5` names. */
const countOf = (indexes: string | undefined) =>
  (indexes ? indexes.split(',') : []).reduce((sum, part) => {
    const [first = 0, last = first] = part.split('-').map(Number)
    return sum + last - first + 1
  }, 0)

/** Jobs are over, or wait because they were told to; whoever is over has nobody left to count and nobody at work. */
export const jobsAreOver: Invariant = picture =>
  picture.of(Job).flatMap(job => {
    const { spec, status, metadata } = job
    const own = controlledBy(picture.of(Pod, metadata.namespace), job)
    const active = own.filter(isActive)
    const complaints: string[] = []
    const complain = (what: string) => void complaints.push(said(job, what))
    const isOver = hasEnded(job)
    if (!isOver && !spec.suspend && spec.parallelism !== 0) complain(`is not over: ${JSON.stringify(status)}`)
    if (isOver && active.length > 0) complain('is over and has pods at work')
    if (spec.suspend && active.length > 0) complain('is suspended and has pods at work')
    if (isTrue(status.conditions, 'Complete') && isTrue(status.conditions, 'Failed')) complain('is complete and failed')
    if (isTrue(status.conditions, 'Complete') !== (status.completionTime !== undefined)) complain('has the wrong completionTime')
    const uncounted = [...(status.uncountedTerminatedPods?.succeeded ?? []), ...(status.uncountedTerminatedPods?.failed ?? [])]
    if (uncounted.length > 0) complain(`has not counted ${uncounted}`)
    const { completions } = spec
    const succeeded = status.succeeded ?? 0
    if (spec.completionMode === 'Indexed' && countOf(status.completedIndexes) !== succeeded) {
      complain(`says succeeded ${succeeded} and indexes ${status.completedIndexes}`)
    }
    const isEnough = completions === undefined ? succeeded > 0 : succeeded >= completions
    if (isTrue(status.conditions, 'Complete') && !spec.successPolicy && !isEnough) complain(`is complete with ${succeeded}`)
    const ttl = spec.ttlSecondsAfterFinished
    const end = status.conditions?.find(({ type, status }) => (type === 'Complete' || type === 'Failed') && status === 'True')
    const until = Date.parse(end?.lastTransitionTime ?? '') + (ttl ?? 0) * 1000
    if (ttl !== undefined && until < picture.now - 1_000) complain(`should have gone ${(picture.now - until) / 1000} s ago`)
    return [
      ...complaints,
      ...differences(job, status, { active: active.length, ready: active.filter(isReady).length, terminating: 0 }),
    ]
  })

/** No pod is kept for a job that has counted it, or that is gone. */
export const noPodWaitsToBeCounted: Invariant = picture =>
  picture.of(Pod).flatMap(pod => {
    if (!pod.metadata.finalizers?.includes(tracking)) return []
    const job = picture
      .of(Job, pod.metadata.namespace)
      .find(({ metadata }) => pod.metadata.ownerReferences?.some(({ uid }) => uid === metadata.uid))
    if (!job) return [said(pod, 'waits to be counted by a job that is gone')]
    return hasEnded(job) || !isActive(pod) ? [said(pod, 'still waits to be counted')] : []
  })

/** Cron jobs know who is at work, and keep no more of the others than they should. */
export const cronJobsKeepOrder: Invariant = picture =>
  picture.of(CronJob).flatMap(cron => {
    const own = controlledBy(picture.of(Job, cron.metadata.namespace), cron)
    const atWork = own.filter(job => !hasEnded(job))
    const [known, names] = [(cron.status.active ?? []).map(({ name }) => name ?? ''), atWork.map(job => job.metadata.name)]
    const complaints: string[] = []
    if (known.sort().join() !== names.sort().join()) complaints.push(said(cron, `says active ${known}, but it is ${names}`))
    const { successfulJobsHistoryLimit: good = 3, failedJobsHistoryLimit: bad = 1 } = cron.spec
    const [succeeded, failed] = [
      own.filter(job => isTrue(job.status.conditions, 'Complete')),
      own.filter(job => isTrue(job.status.conditions, 'Failed')),
    ]
    if (succeeded.length > good) complaints.push(said(cron, `keeps ${succeeded.length} jobs that succeeded instead of ${good}`))
    if (failed.length > bad) complaints.push(said(cron, `keeps ${failed.length} jobs that failed instead of ${bad}`))
    return complaints
  })
