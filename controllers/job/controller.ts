import { Job } from '../../api/batch/job.ts'
import type { JobStatus } from '../../api/batch/job-spec.ts'
import { Pod } from '../../api/core/pod.ts'
import type { Draft } from '../../api/kind.ts'
import { fromLabelSelector, matchesLabels } from '../../api/selectors.ts'
import type { Controller, ReconcileContext } from '../../client/controller.ts'
import { either, on, ownerKeys } from '../../client/watches.ts'
import { timestamp } from '../../lib/clock.ts'
import { copy } from '../../lib/json.ts'
import { claim } from '../shared/claims.ts'
import { controllerIndex, orphansIn } from '../shared/owner-references.ts'
import { type Failures, failuresAfter, noFailures } from './backoff.ts'
import { type Census, hasFinalizer, takeCensus, trackingFinalizer } from './census.ts'
import { isOver, type JobCondition, newCondition, setCondition } from './conditions.ts'
import { deadlineLeft, endOf, isComplete } from './finish.ts'
import { adopterIndex, isOurs, openPodIndex, openPods, wouldAdopt } from './ownership.ts'
import { plan } from './plan.ts'
import { createPods, endPods, type Outcome, removePods } from './pods.ts'
import { type Memory, track } from './track.ts'

/** Runs pods until as many have succeeded as a job asks for, and counts each of them exactly once (pkg/controller/job). */
export function job(): Controller {
  const memories = new Map<string, Memory>()
  return {
    name: 'job',
    watches: [on(Job), on(Pod, either(ownerKeys(Job), wouldAdopt))],
    writes: [Pod, Job],
    indexes: [controllerIndex(Pod), openPodIndex, adopterIndex],
    async reconcile(context, key) {
      const job = context.lister(Job).get(key)
      if (!job || isOver(job.status) || !isOurs(job)) {
        memories.delete(key)
        return
      }
      const known = memories.get(key)
      const memory =
        known?.uid === job.metadata.uid ? known : { uid: job.metadata.uid, failures: noFailures, released: new Set<string>() }
      memories.set(key, memory)
      return sync(context, job, memory)
    },
  }
}

async function sync(context: ReconcileContext, job: Job, memory: Memory) {
  const { completionMode: mode } = job.spec
  if (mode !== undefined && mode !== 'NonIndexed' && mode !== 'Indexed') {
    context.events.record(job, 'Warning', 'UnknownCompletionMode', 'Skipped Job sync because completion mode is unknown')
    return
  }
  const pods = await podsOf(context, job)
  const shown = new Set(pods.filter(hasFinalizer).map(({ metadata }) => metadata.uid))
  memory.released = new Set([...memory.released].filter(uid => shown.has(uid)))

  const census = takeCensus(job, pods, memory.released)
  const now = context.clock.now()
  const status = copy(job.status)
  if (status.startTime === undefined && !job.spec.suspend) status.startTime = timestamp(now)
  const failures = failuresAfter(memory.failures, census.newlySucceeded, census.newlyFailed)
  const { end, outcome, waitInMs, conditionChanged } = await act(context, census, failures, status)

  const active = census.active.length + outcome.created - outcome.removed
  const ready = census.ready - outcome.removedReady
  const terminating = census.terminating + outcome.removed
  const isNews = active !== (job.status.active ?? 0) || ready !== job.status.ready || terminating !== job.status.terminating
  Object.assign(status, { active, ready, terminating })
  // Who waits for a replacement that cannot come would keep the namespace from going, and with it the job itself.
  const counted = outcome.isNamespaceEnding ? { ...census, awaitingReplacement: new Map<number, Pod>() } : census
  await track(context, counted, { status, end, memory, failures, isNews: isNews || conditionChanged })
  if (outcome.error !== undefined) throw outcome.error
  const waits = [waitInMs, end ? undefined : deadlineLeft(census, status.startTime, now)].filter(wait => wait !== undefined)
  return waits.length === 0 ? undefined : { requeueAfterMs: Math.max(0, Math.min(...waits)) }
}

/** The pods that the job is not done with, after adopting and releasing. */
async function podsOf(context: ReconcileContext, job: Job): Promise<readonly Pod[]> {
  const pods = context.lister(Pod)
  const candidates = [...openPods(pods, job), ...orphansIn(pods, job.metadata.namespace)]
  const selector = fromLabelSelector(job.spec.selector)
  const matches = (pod: Pod) => matchesLabels(selector, pod.metadata.labels ?? {})
  return claim(context, Job, job, Pod, candidates, matches, { finalizer: trackingFinalizer })
}

interface Acted {
  /** Why the job stops; absent also while some of its pods could not be told to end. */
  readonly end: JobCondition | undefined
  readonly outcome: Outcome
  readonly waitInMs?: number | undefined
  readonly conditionChanged: boolean
}

/** Ends the pods of a job that is to stop; makes and removes those of a job that goes on, and says whether it is suspended. */
async function act(context: ReconcileContext, census: Census, failures: Failures, status: Draft<JobStatus>): Promise<Acted> {
  const { job, active } = census
  const now = context.clock.now()
  const end = endOf(census, status.startTime, now)
  if (end) {
    const outcome = await endPods(context, census, end.message ?? end.type)
    const allEnding = outcome.removed === active.length
    return { end: allEnding ? end : undefined, outcome, conditionChanged: false }
  }
  const isGoing = job.metadata.deletionTimestamp === undefined
  const next = isGoing ? plan(census, failures, now) : { create: [], remove: [], wanted: 0 }
  const outcome = next.remove.length > 0 ? await removePods(context, census, next) : await createPods(context, census, next)
  const { waitInMs } = next
  if (isComplete(census, active.length + outcome.created - outcome.removed)) {
    const message = 'Reached expected number of succeeded pods'
    return { end: newCondition('SuccessCriteriaMet', 'CompletionsReached', message, now), outcome, conditionChanged: false }
  }
  return { end: undefined, outcome, waitInMs, conditionChanged: isGoing && sayWhetherSuspended(context, job, status, now) }
}

function sayWhetherSuspended({ events }: ReconcileContext, job: Job, status: Draft<JobStatus>, now: number): boolean {
  const { suspend } = job.spec
  const condition = suspend
    ? newCondition('Suspended', 'JobSuspended', 'Job suspended', now)
    : newCondition('Suspended', 'JobResumed', 'Job resumed', now, 'False')
  if (!setCondition(status, condition)) return false
  events.record(job, 'Normal', suspend ? 'Suspended' : 'Resumed', condition.message)
  // A resumed job has all of its time again.
  if (suspend) delete status.startTime
  return true
}
