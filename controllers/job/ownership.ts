import { Job } from '../../api/batch/job.ts'
import { jobLabels } from '../../api/batch/job-defaults.ts'
import { Pod } from '../../api/core/pod.ts'
import { keyOf } from '../../api/keys.ts'
import { fromLabelSelector, matchesLabels } from '../../api/selectors.ts'
import type { Index, Watch } from '../../client/controller.ts'
import type { Lister } from '../../client/informer.ts'
import { controllerOf } from '../../client/watches.ts'
import { isFinished } from '../shared/pod-state.ts'
import { hasFinalizer } from './census.ts'

/** `spec.managedBy` of the jobs that are this cluster's own; those of others are left alone. */
const ownName = 'kubernetes.io/job-controller'

export function isOurs({ spec }: Job): boolean {
  return (spec.managedBy ?? ownName) === ownName
}

const indexName = 'selection'
const byHand = (namespace = '') => `by hand in ${namespace}`

/** Files jobs under the UID that their pods are labelled with; those that select by hand under their namespace. */
export const adopterIndex: Index = {
  kind: Job,
  name: indexName,
  values: object => {
    const { metadata, spec } = object as Job
    return [spec.manualSelector ? byHand(metadata.namespace) : metadata.uid]
  },
}

/** Wakes the jobs that might adopt a pod which nobody controls. */
export const wouldAdopt: Watch['keys'] = ({ type, object }, lister) => {
  if (type === 'deleted' || controllerOf(object)) return []
  const { namespace, labels = {} } = object.metadata
  const jobs = lister(Job)
  const uid = labels[jobLabels.selecting]
  const candidates = [...(uid === undefined ? [] : jobs.by(indexName, uid)), ...jobs.by(indexName, byHand(namespace))]
  const matching = candidates.filter(
    ({ metadata, spec }) => metadata.namespace === namespace && matchesLabels(fromLabelSelector(spec.selector), labels),
  )
  return matching.map(keyOf)
}

const openName = 'of a job, and not done with'

/**
 * Files pods under the UID of the job that controls them, until they have ended and are counted: from then on they change nothing. So
 * the work for a job goes by how many pods it runs at a time, not by how many it has run.
 */
export const openPodIndex: Index = {
  kind: Pod,
  name: openName,
  values: object => {
    const pod = object as Pod
    const controller = controllerOf(pod)
    return controller?.kind !== Job.kind || (isFinished(pod) && !hasFinalizer(pod)) ? [] : [controller.uid]
  },
}

/** The pods that a job controls and is not done with. */
export function openPods(pods: Lister<Pod>, { metadata }: { metadata: { uid: string } }): readonly Pod[] {
  return pods.by(openName, metadata.uid)
}
