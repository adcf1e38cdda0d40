import { Job } from '../../api/batch/job.ts'
import { Pod } from '../../api/core/pod.ts'
import { keyOf } from '../../api/keys.ts'
import { apiVersionOf } from '../../api/kind.ts'
import type { Controller, ListerOf } from '../../client/controller.ts'
import { controllerOf, on } from '../../client/watches.ts'
import { hasFinalizer } from './census.ts'
import { isOver } from './conditions.ts'
import { isOurs, openPodIndex, openPods } from './ownership.ts'
import { releasePod } from './pods.ts'

/** Lets go of pods that keep the tracking finalizer although no job will ever count them (pkg/controller/job, syncOrphanPod). */
export const jobOrphans: Controller = {
  name: 'job-orphans',
  watches: [
    on(Pod, ({ type, object }, lister) => (type !== 'deleted' && isForsaken(object as Pod, lister) ? [keyOf(object)] : [])),
    on(Job, ({ type, object }, lister) => {
      if (type !== 'deleted' && !isOver((object as Job).status)) return []
      return openPods(lister(Pod), object).filter(hasFinalizer).map(keyOf)
    }),
  ],
  writes: [Pod],
  // All pods of a job may come at once, and each needs one write.
  concurrency: 32,
  indexes: [openPodIndex],
  async reconcile(context, key) {
    const pod = context.lister(Pod).get(key)
    if (!pod || !isForsaken(pod, context.lister)) return
    const text = `no job counts ${pod.metadata.name} any more, so nothing need keep it`
    await releasePod(context, pod, { rule: 'job/forsaken', text, data: { controller: controllerOf(pod)?.name ?? 'none' } })
  },
}

/** Whether a pod waits to be counted by nobody, by a job that is gone, or by one that is over. */
function isForsaken(pod: Pod, lister: ListerOf): boolean {
  if (!hasFinalizer(pod)) return false
  const controller = controllerOf(pod)
  if (!controller) return true
  if (controller.kind !== Job.kind || controller.apiVersion !== apiVersionOf(Job)) return false
  const job = lister(Job).get(keyOf({ metadata: { name: controller.name, namespace: pod.metadata.namespace } }))
  if (job?.metadata.uid !== controller.uid) return true
  return isOurs(job) && isOver(job.status)
}
