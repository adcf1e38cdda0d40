import { Job } from '../../api/batch/job.ts'
import type { JobStatus } from '../../api/batch/job-spec.ts'
import type { Pod } from '../../api/core/pod.ts'
import type { Draft } from '../../api/kind.ts'
import type { ReconcileContext } from '../../client/controller.ts'
import { copy } from '../../lib/json.ts'
import { inParallel } from '../shared/in-parallel.ts'
import type { Failures } from './backoff.ts'
import type { Census } from './census.ts'
import { type JobCondition, newCondition, setCondition, trueCondition } from './conditions.ts'
import { releasePod } from './pods.ts'
import { countIn, foldIn, uncountedIn } from './tally.ts'

/** What is remembered of a job between runs. Who starts anew without it waits for nobody, and counts as well as before. */
export interface Memory {
  readonly uid: string
  failures: Failures
  /** Pods whose finalizer has been taken off and that the cache may still show with it. */
  released: ReadonlySet<string>
}

interface Tracked {
  readonly status: Draft<JobStatus>
  readonly end: JobCondition | undefined
  readonly memory: Memory
  readonly failures: Failures
  readonly isNews: boolean
}

/**
 * Counts pods that have ended, in two writes: their UIDs into the status; then, with their finalizers off, as numbers. Between the two
 * either the UID or the finalizer tells that a pod is not counted yet.
 */
export async function track(
  context: ReconcileContext,
  census: Census,
  { status, end, memory, failures, isNews }: Tracked,
): Promise<void> {
  const held = new Set(census.pods.filter(census.isTracked).map(({ metadata }) => metadata.uid))
  const folded = foldIn(status, held)
  const { release, changed, isFull } = countIn(status, census, end)
  const interim = end && end.type !== 'Failed' && !trueCondition(status, end.type)
  if (interim) status.conditions = [...(status.conditions ?? []), end]

  let written = census.job
  if (isNews || folded || changed || interim) {
    written = await writeStatus(context, written, status, census)
    memory.failures = failures
  }
  const failure = await releaseAll(context, release, held, memory)
  // What was not written is still to be said: the start of a job that is over as soon as it goes on.
  const counted = copy(written === census.job ? status : written.status) as Draft<JobStatus>
  const hasFolded = foldIn(counted, held)
  if (failure !== undefined) {
    if (hasFolded) await writeStatus(context, written, counted, census)
    throw failure.error
  }
  const final = end && !isFull && finalCondition(end, context.clock.now())
  const isFinal = final && uncountedIn(counted) === 0 && (counted.terminating ?? 0) === 0
  if (isFinal) {
    setCondition(counted, final)
    if (final.type === 'Complete') counted.completionTime = final.lastTransitionTime
  }
  if (!hasFolded && !isFinal) return
  await writeStatus(context, written, counted, census)
  if (isFinal) tellEnd(context, census.job, counted, final)
}

/** Takes the finalizers off, all that will come off. Those that did are `held` no more. */
async function releaseAll(
  context: ReconcileContext,
  pods: readonly Pod[],
  held: Set<string>,
  memory: Memory,
): Promise<{ error: unknown } | undefined> {
  const released = new Set(memory.released)
  try {
    await inParallel(pods, async pod => {
      const text = `${pod.metadata.name} is counted, and need not be kept for that`
      await releasePod(context, pod, { rule: 'job/release', text, data: { phase: pod.status.phase } })
      held.delete(pod.metadata.uid)
      released.add(pod.metadata.uid)
    })
    return undefined
  } catch (error) {
    return { error }
  } finally {
    memory.released = released
  }
}

/** What a condition that a job must stop becomes when all has stopped. */
function finalCondition({ type, reason = '', message = '' }: JobCondition, now: number): JobCondition {
  return newCondition(type === 'SuccessCriteriaMet' ? 'Complete' : 'Failed', reason, message, now)
}

async function writeStatus({ client }: ReconcileContext, job: Job, status: Draft<JobStatus>, { pods }: Census): Promise<Job> {
  const { active = 0, succeeded = 0, failed = 0, terminating = 0 } = status
  const data = { active, succeeded, failed, terminating, uncounted: uncountedIn(status), pods: pods.length }
  const text = `${active} pods are active, ${succeeded} have succeeded, ${failed} have failed`
  return client.updateStatus(Job, { ...job, status }, { note: { rule: 'job/status', text, data } })
}

function tellEnd(
  { events }: ReconcileContext,
  job: Job,
  status: JobStatus,
  { type, reason = '', message = '' }: JobCondition,
): void {
  if (type === 'Failed') return events.record(job, 'Warning', reason, message)
  const { completions } = job.spec
  if (completions !== undefined && (status.succeeded ?? 0) > completions) {
    const tooMany = 'Too many succeeded pods running after completion count reached'
    events.record(job, 'Warning', 'TooManySucceededPods', tooMany)
  }
  events.record(job, 'Normal', 'Completed', 'Job completed')
}
