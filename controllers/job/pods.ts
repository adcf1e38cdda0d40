import { Job } from '../../api/batch/job.ts'
import { Pod } from '../../api/core/pod.ts'
import { ignore, isReason } from '../../api/errors.ts'
import type { ReconcileContext } from '../../client/controller.ts'
import { copy } from '../../lib/json.ts'
import { isNamespaceEnding } from '../shared/api-causes.ts'
import { inParallel } from '../shared/in-parallel.ts'
import { podFromTemplate } from '../shared/pod-from-template.ts'
import { isReady } from '../shared/pod-state.ts'
import { slowStart } from '../shared/slow-start.ts'
import { type Census, hasFinalizer, trackingFinalizer } from './census.ts'
import { isCounted } from './failure-policy.ts'
import type { JobPlan } from './plan.ts'
import { addIndexVariable, failuresBefore, indexedNameBase, indexMetadata } from './pod-index.ts'

/** What became of a plan: by how much there are more or fewer pods now, and the first error. */
export interface Outcome {
  readonly created: number
  readonly removed: number
  readonly removedReady: number
  /** Its namespace goes: there will never be another pod. */
  readonly isNamespaceEnding?: boolean
  readonly error?: unknown
}

const nothingDone: Outcome = { created: 0, removed: 0, removedReady: 0 }

/** Makes the pods that a plan wants, in slow start. */
export async function createPods(context: ReconcileContext, census: Census, { create, wanted }: JobPlan): Promise<Outcome> {
  if (create.length === 0) return nothingDone
  const { client, events } = context
  const { job, active } = census
  const make = podMaker(census)
  const data = { wanted, active: active.length, create: create.length, succeeded: census.succeeded, failed: census.failed }
  const text = `${active.length} of ${wanted} wanted pods are active: ${create.length} more ${create.length === 1 ? 'is' : 'are'} created`
  const indexes = create.values()
  const { succeeded, ...rest } = await slowStart(create.length, async () => {
    const index = indexes.next().value
    const note = { rule: 'job/create', text, data: index === undefined ? data : { ...data, index } }
    try {
      const pod = await client.create(Pod, make(index), { note })
      events.record(job, 'Normal', 'SuccessfulCreate', `Created pod: ${pod.metadata.name}`)
    } catch (error) {
      if (!isNamespaceEnding(error)) events.record(job, 'Warning', 'FailedCreate', `Error creating: ${(error as Error).message}`)
      throw error
    }
  })
  return { ...nothingDone, created: succeeded, ...rest }
}

function podMaker({ job, awaitingReplacement, failedIndexes }: Census) {
  const { namespace, name } = job.metadata
  const template = copy(job.spec.template)
  const finalizers = new Set([...(template.metadata.finalizers ?? []), trackingFinalizer])
  template.metadata.finalizers = [...finalizers]
  if (job.spec.completionMode === 'Indexed') addIndexVariable(template)
  const { metadata, spec } = podFromTemplate(template, Job, job)
  return (index: number | undefined) => {
    if (index === undefined) return { metadata: { ...metadata, namespace, generateName: `${name}-` }, spec }
    const replaced = awaitingReplacement.get(index)
    const added = indexMetadata(index, failedIndexes && failuresOf(job, replaced))
    return {
      metadata: {
        ...metadata,
        namespace,
        generateName: indexedNameBase(name, index),
        labels: { ...metadata.labels, ...added.labels },
        annotations: { ...metadata.annotations, ...added.annotations },
      },
      spec: { ...spec, hostname: `${name}-${index}` },
    }
  }
}

/** How many pods of an index failed, the one that is to be replaced included. */
function failuresOf({ spec }: Job, replaced: Pod | undefined): { counted: number; ignored: number } {
  if (!replaced) return { counted: 0, ignored: 0 }
  const { counted, ignored } = failuresBefore(replaced)
  return isCounted(spec.podFailurePolicy, replaced) ? { counted: counted + 1, ignored } : { counted, ignored: ignored + 1 }
}

/** Removes pods that are too many. They lose the finalizer first, so that they do not count as failed. */
export async function removePods(
  context: ReconcileContext,
  { job, active }: Census,
  { remove, wanted }: JobPlan,
): Promise<Outcome> {
  const why = job.spec.suspend ? 'the job is suspended' : 'there are more pods than the job needs, and this one has come less far'
  const data = { wanted, active: active.length, remove: remove.length }
  return deleteAll(context, job, remove, { rule: 'job/remove', text: why, data }, async pod => {
    const note = { rule: 'job/release', text: 'a pod that is too many does not count as failed', data: {} }
    await releasePod(context, pod, note)
  })
}

/** Ends the pods of a job that is over. They keep the finalizer until they are counted. */
export async function endPods(context: ReconcileContext, { job, active }: Census, why: string): Promise<Outcome> {
  return deleteAll(context, job, active, { rule: 'job/end', text: `the job is over: ${why}`, data: { active: active.length } })
}

type WriteNote = Parameters<typeof releasePod>[2]

async function deleteAll(
  { client, events }: ReconcileContext,
  job: Job,
  pods: readonly Pod[],
  note: WriteNote,
  before: (pod: Pod) => Promise<void> = async () => {},
): Promise<Outcome> {
  let [removed, removedReady] = [0, 0]
  const act = async (pod: Pod) => {
    const { uid, name } = pod.metadata
    await before(pod)
    try {
      await client.delete(Pod, pod.metadata, { preconditions: { uid }, note })
      events.record(job, 'Normal', 'SuccessfulDelete', `Deleted pod: ${name}`)
    } catch (error) {
      // Conflict: the name belongs to another pod by now. Either way this one is gone.
      if (!isReason(error, 'NotFound', 'Conflict')) {
        events.record(job, 'Warning', 'FailedDelete', `Error deleting: ${(error as Error).message}`)
        throw error
      }
    }
    removed += 1
    if (isReady(pod)) removedReady += 1
  }
  try {
    await inParallel(pods, act)
    return { created: 0, removed, removedReady }
  } catch (error) {
    return { created: 0, removed, removedReady, error }
  }
}

/** Takes the finalizer off a pod; one that is gone already is as good. A Conflict is not: the pod may still have it, and would count twice. */
export async function releasePod(
  { client }: Pick<ReconcileContext, 'client'>,
  pod: Pod,
  note: { rule: string; text: string; data: object },
): Promise<void> {
  if (!hasFinalizer(pod)) return
  const patch = { metadata: { uid: pod.metadata.uid, '$deleteFromPrimitiveList/finalizers': [trackingFinalizer] } }
  await client.patch(Pod, pod.metadata, 'strategic', patch, { note }).catch(ignore('NotFound'))
}
