import { ReplicaSet } from '../../api/apps/replica-set.ts'
import { Pod } from '../../api/core/pod.ts'
import { ReplicationController } from '../../api/core/replication-controller.ts'
import { isReason } from '../../api/errors.ts'
import { fromLabelMap, fromLabelSelector, matchesLabels } from '../../api/selectors.ts'
import type { Controller, ReconcileContext } from '../../client/controller.ts'
import { controllerOf, either, on, ownerKeys } from '../../client/watches.ts'
import { deepEqual } from '../../lib/json.ts'
import { isNamespaceEnding } from '../shared/api-causes.ts'
import { claim } from '../shared/claims.ts'
import { adopterKeys, controlledBy, controllerIndex, orphansIn } from '../shared/owner-references.ts'
import { podFromTemplate } from '../shared/pod-from-template.ts'
import { isActive, isFinished } from '../shared/pod-state.ts'
import { restMsFor } from '../shared/rest.ts'
import { slowStart } from '../shared/slow-start.ts'
import type { ReplicaKind, ReplicaOwner } from './owner.ts'
import { plan, type Removal } from './plan.ts'
import { type Failure, nextAvailableInMs, statusOf } from './status.ts'

/** Keeps as many pods of a template running as a ReplicaSet asks for (pkg/controller/replicaset). */
export const replicaSet = replicaController({
  name: 'replicaset',
  kind: ReplicaSet,
  selectorOf: set => fromLabelSelector((set as ReplicaSet).spec.selector),
  countsTerminating: true,
})

/** The same for ReplicationControllers, which differ in their selectors and say less (pkg/controller/replication). */
export const replicationController = replicaController({
  name: 'replicationcontroller',
  source: 'replication-controller',
  kind: ReplicationController,
  selectorOf: controller => fromLabelMap((controller as ReplicationController).spec.selector),
  countsTerminating: false,
})

function replicaController(replicas: ReplicaKind): Controller {
  const { name, source, kind, selectorOf, countsTerminating } = replicas
  const selects = (owner: ReplicaOwner, labels: Readonly<Record<string, string>>) => matchesLabels(selectorOf(owner), labels)
  return {
    name,
    ...(source !== undefined && { source }),
    watches: [on(kind), on(Pod, either(ownerKeys(kind), adopterKeys(kind, selects)))],
    writes: [Pod, kind],
    indexes: [controllerIndex(Pod), controllerIndex(kind)],

    async reconcile(context, key) {
      const set = context.lister(kind).get(key) as ReplicaOwner | undefined
      if (!set) return
      const { active, terminating } = await podsOf(context, replicas, set)
      const failure = set.metadata.deletionTimestamp ? undefined : await scale(context, replicas, set, active)
      const now = context.clock.now()
      const status = statusOf(set, { active, terminating: countsTerminating ? terminating : undefined }, failure, now)
      if (!deepEqual(status, set.status)) {
        const ready = status.readyReplicas ?? 0
        const data = { wanted: set.spec.replicas, active: active.length, ready, available: status.availableReplicas ?? 0 }
        const note = { rule: `${name}/status`, text: `${ready} of ${data.wanted} wanted pods are ready`, data }
        await context.client.updateStatus(kind, { ...set, status }, { note })
      }
      if (failure) throw failure.error
      const requeueAfterMs = nextAvailableInMs(set, active, now)
      const restMs = restMsFor(active.length)
      return requeueAfterMs === undefined ? { restMs } : { restMs, requeueAfterMs }
    },
  }
}

/** The set's active pods, after adopting and releasing, and how many of its pods are on their way out. */
async function podsOf(
  context: ReconcileContext,
  { kind, selectorOf }: ReplicaKind,
  set: ReplicaOwner,
): Promise<{ active: readonly Pod[]; terminating: number }> {
  const pods = context.lister(Pod)
  const controlled = controlledBy(pods, set)
  const candidates = [...controlled, ...orphansIn(pods, set.metadata.namespace)].filter(isActive)
  const selector = selectorOf(set)
  const matches = (pod: Pod) => matchesLabels(selector, pod.metadata.labels ?? {})
  const active = await claim(context, kind, set, Pod, candidates, matches)
  const terminating = controlled.filter(pod => pod.metadata.deletionTimestamp && !isFinished(pod)).length
  return { active, terminating }
}

/** Creates or removes what the plan says. Answers what went wrong, after having told it. */
async function scale(
  context: ReconcileContext,
  replicas: ReplicaKind,
  set: ReplicaOwner,
  active: readonly Pod[],
): Promise<Failure | undefined> {
  const wanted = set.spec.replicas
  if (active.length === wanted) return undefined
  const siblings = active.length > wanted ? siblingPods(context, replicas, set) : []
  const { create, remove } = plan(wanted, active, siblings, context.clock.now())
  if (create > 0) {
    const { error } = await createPods(context, replicas, set, create, { wanted, have: active.length, create })
    return error === undefined ? undefined : { reason: 'FailedCreate', error }
  }
  const data = { wanted, have: active.length, remove: remove.length }
  const results = await Promise.allSettled(remove.map(removal => removePod(context, replicas, set, removal, data)))
  const failed = results.find(result => result.status === 'rejected')
  return failed && { reason: 'FailedDelete', error: failed.reason }
}

/** The active pods of all sets of the same application: those that the set's own controller controls, or just this one. */
function siblingPods({ lister }: ReconcileContext, { kind }: ReplicaKind, set: ReplicaOwner): Pod[] {
  const owner = controllerOf(set)
  const sets: readonly ReplicaOwner[] = owner ? controlledBy(lister(kind), { metadata: owner }) : [set]
  return sets.flatMap(each => controlledBy(lister(Pod), each)).filter(isActive)
}

function createPods(
  { client, events }: ReconcileContext,
  { name: rule, kind }: ReplicaKind,
  set: ReplicaOwner,
  count: number,
  data: { wanted: number; have: number; create: number },
) {
  const { template } = set.spec
  const made = template && podFromTemplate(template, kind, set)
  const isLabelled = Object.keys(made?.metadata.labels ?? {}).length > 0
  const text = `${data.have} of ${data.wanted} wanted pods are active: ${count} more ${count === 1 ? 'is' : 'are'} created`
  const note = { rule: `${rule}/create`, text, data }
  const pod = made && { ...made, metadata: { ...made.metadata, generateName: `${set.metadata.name}-` } }
  return slowStart(count, async () => {
    if (!pod || !isLabelled) throw new Error('unable to create pods, no labels')
    try {
      const created = await client.create(Pod, pod, { note })
      events.record(set, 'Normal', 'SuccessfulCreate', `Created pod: ${created.metadata.name}`)
    } catch (error) {
      if (!isNamespaceEnding(error)) events.record(set, 'Warning', 'FailedCreate', `Error creating: ${(error as Error).message}`)
      throw error
    }
  })
}

async function removePod(
  { client, events }: ReconcileContext,
  { name: rule }: ReplicaKind,
  set: ReplicaOwner,
  { pod, because }: Removal,
  data: object,
): Promise<void> {
  const { uid, name } = pod.metadata
  const text = `there are too many pods, and this one goes: ${because}`
  try {
    await client.delete(Pod, pod.metadata, { preconditions: { uid }, note: { rule: `${rule}/remove`, text, data } })
    events.record(set, 'Normal', 'SuccessfulDelete', `Deleted pod: ${name}`)
  } catch (error) {
    // Conflict: the name belongs to another pod by now. Either way this one is gone.
    if (isReason(error, 'NotFound', 'Conflict')) return
    events.record(set, 'Warning', 'FailedDelete', `Error deleting: ${(error as Error).message}`)
    throw error
  }
}
