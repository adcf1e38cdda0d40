import { CronJob } from '../../../api/batch/cron-job.ts'
import { Job } from '../../../api/batch/job.ts'
import { Pod } from '../../../api/core/pod.ts'
import { controllerOf } from '../../../client/watches.ts'
import type { Onlooker } from '../stage.ts'
import { specChanges } from './moments-pods.ts'
import { controlledBy, isTrue, said } from './words.ts'

const tracking = 'batch.kubernetes.io/job-tracking'

/** What a job has counted stays counted, and what it has become it stays. */
export const countersOnlyRise: Onlooker = ({ object, previous, type }) => {
  if (type !== 'put' || object.kind !== Job.kind || !previous) return []
  const [now, then] = [object as Job, previous as Job]
  const complaints: string[] = []
  const rises = (name: 'succeeded' | 'failed') => {
    if ((now.status[name] ?? 0) < (then.status[name] ?? 0)) {
      complaints.push(said(object, `goes from ${name} ${then.status[name]} to ${now.status[name] ?? 0}`))
    }
  }
  if (now.spec.completionMode !== 'Indexed') rises('succeeded')
  rises('failed')
  for (const condition of ['Complete', 'Failed']) {
    const is = isTrue(now.status.conditions, condition)
    if (isTrue(then.status.conditions, condition) && !is) complaints.push(said(object, `is no longer ${condition}`))
  }
  return complaints
}

/** A job's counters are the pods that it made: each once, as it ended. */
export function everyPodCountsOnce(): Onlooker {
  const made = new Map<string, number>()
  const ended = new Map<string, { succeeded: number; either: number }>()
  const hasEnded = ({ status }: Job) => isTrue(status.conditions, 'Complete') || isTrue(status.conditions, 'Failed')
  return ({ object, previous, type, actor }) => {
    if (object.kind === Pod.kind) {
      const uid = controllerOf(object)?.uid ?? ''
      // Who was counted, left and is taken in again counts as another.
      const isNew = type === 'put' && (previous && controllerOf(previous)?.uid) !== uid
      if (isNew) made.set(uid, (made.get(uid) ?? 0) + 1)
      const isTracked = (each: typeof previous) => each?.metadata.finalizers?.includes(tracking) ?? false
      if (!isTracked(previous) || (type === 'put' && isTracked(object)) || actor !== 'job-controller') return []
      const known = ended.get(uid) ?? { succeeded: 0, either: 0 }
      const { phase } = (object as Pod).status
      // Who is told to end has failed for the job, however it ends in the end.
      if (phase === 'Succeeded' && object.metadata.deletionTimestamp) known.either++
      else if (phase === 'Succeeded') known.succeeded++
      ended.set(uid, known)
      return []
    }
    if (object.kind !== Job.kind || type !== 'put' || !hasEnded(object as Job) || !previous || hasEnded(previous as Job))
      return []
    const { spec, status, metadata } = object as Job
    const all = made.get(metadata.uid) ?? 0
    const { succeeded, either } = ended.get(metadata.uid) ?? { succeeded: 0, either: 0 }
    const complaints: string[] = []
    if ((status.succeeded ?? 0) + (status.failed ?? 0) > all) {
      complaints.push(said(object, `counts ${status.succeeded} and ${status.failed} of ${all} pods`))
    }
    const counted = status.succeeded ?? 0
    if (spec.completionMode !== 'Indexed' && (counted < succeeded || counted > succeeded + either)) {
      complaints.push(said(object, `counts ${counted} that succeeded, and they were ${succeeded}`))
    }
    return complaints
  }
}

/** Whoever forbids jobs beside each other, or replaces them, has one at most. */
export function noJobBesideAnother(): Onlooker {
  const specs = specChanges()
  return (commit, picture) => {
    specs.note(commit)
    const { object, previous, type, time } = commit
    if (object.kind !== Job.kind || previous || type !== 'put') return []
    const cron = picture.byUid(controllerOf(object)?.uid ?? '') as CronJob | undefined
    if (cron?.kind !== CronJob.kind || cron.spec.concurrencyPolicy === 'Allow' || specs.at(cron.metadata.uid) >= time) return []
    const atWork = controlledBy(picture.of(Job, object.metadata.namespace), cron).filter(
      ({ status, metadata }) =>
        !isTrue(status.conditions, 'Complete') && !isTrue(status.conditions, 'Failed') && !metadata.deletionTimestamp,
    )
    // Those that were started under another policy may still be at work.
    const known = new Set((cron.status.active ?? []).map(({ uid }) => uid))
    const others = atWork.filter(({ metadata }) => metadata.uid !== object.metadata.uid && known.has(metadata.uid))
    return others.length > 0
      ? [said(cron, `started ${object.metadata.name} beside ${others.map(({ metadata }) => metadata.name)}`)]
      : []
  }
}
