import { ControllerRevision } from '../../api/apps/controller-revision.ts'
import { StatefulSet, type StatefulSetStatus } from '../../api/apps/stateful-set.ts'
import { PersistentVolumeClaim } from '../../api/core/persistent-volume-claim.ts'
import { Pod } from '../../api/core/pod.ts'
import { fromLabelSelector, matchesLabels } from '../../api/selectors.ts'
import type { Controller, ReconcileContext, Watch } from '../../client/controller.ts'
import { either, on, ownerKeys } from '../../client/watches.ts'
import { deepEqual } from '../../lib/json.ts'
import { claim } from '../shared/claims.ts'
import { adopterKeys, controlledBy, controllerIndex, orphansIn } from '../shared/owner-references.ts'
import { restMsFor } from '../shared/rest.ts'
import { templateIn } from '../shared/revisions/snapshot.ts'
import { revisionKeys } from '../shared/revisions/wakes.ts'
import { slowStart } from '../shared/slow-start.ts'
import type { ClaimLookup } from './claims.ts'
import { ordinalOf } from './names.ts'
import { type Plan, plan } from './plan.ts'
import { revisionsOf, type SetRevisions, syncRevisions, truncate } from './revisions.ts'
import { nextAvailableInMs, statusOf } from './status.ts'
import { type Doing, take } from './steps.ts'

/** Keeps as many pods as a StatefulSet asks for, each with a name and claims of its own (pkg/controller/statefulset). */
export const statefulSet: Controller = {
  name: 'statefulset',
  watches: [
    on(StatefulSet),
    on(Pod, either(ownerKeys(StatefulSet), adopterKeys(StatefulSet, selects))),
    on(ControllerRevision, revisionKeys(StatefulSet, selects)),
    on(PersistentVolumeClaim, setsOfLostClaim()),
  ],
  writes: [StatefulSet, Pod, PersistentVolumeClaim, ControllerRevision],
  indexes: [controllerIndex(Pod), controllerIndex(ControllerRevision)],

  async reconcile(context, key) {
    const set = context.lister(StatefulSet).get(key)
    if (!set) return
    const kept = set.metadata.deletionTimestamp ? [] : await revisionsOf(context, set)
    const pods = await podsOf(context, set)
    if (set.metadata.deletionTimestamp) return sayHowItEnds(context, set, pods)
    const revisions = await syncRevisions(context, set, kept)
    const failure = await advance(context, set, pods, revisions)
    await truncate(context, set, kept, revisions, pods)
    if (failure) throw failure.error
    const requeueAfterMs = nextAvailableInMs(set, pods, context.clock.now())
    // Pods that come one by one are not to wait for each other longer than they must.
    const restMs = set.spec.podManagementPolicy === 'Parallel' ? restMsFor(pods.length) : 0
    return requeueAfterMs === undefined ? { restMs } : { restMs, requeueAfterMs }
  },
}

function selects(set: StatefulSet, labels: Readonly<Record<string, string>>): boolean {
  return matchesLabels(fromLabelSelector(set.spec.selector), labels)
}

/** A claim that is gone may be one that a pod waits for, or whose going a new pod waits for: upstream waits for the next try. */
function setsOfLostClaim(): Watch['keys'] {
  return ({ type, object }, lister) => {
    if (type !== 'deleted') return []
    const { name, namespace } = object.metadata
    const sets = lister(StatefulSet).list(namespace) as readonly StatefulSet[]
    const isOf = ({ metadata, spec }: StatefulSet) =>
      spec.volumeClaimTemplates?.some(template => name.startsWith(`${template.metadata.name}-${metadata.name}-`))
    return sets.filter(isOf).map(({ metadata }) => `${namespace}/${metadata.name}`)
  }
}

/** The set's pods, whatever state they are in, after adopting and releasing. A pod needs the right name as well as the labels. */
function podsOf(context: ReconcileContext, set: StatefulSet): Promise<readonly Pod[]> {
  const lister = context.lister(Pod)
  const candidates = [...controlledBy(lister, set), ...orphansIn(lister, set.metadata.namespace)]
  const selector = fromLabelSelector(set.spec.selector)
  const matches = (pod: Pod) => ordinalOf(set, pod) !== undefined && matchesLabels(selector, pod.metadata.labels ?? {})
  return claim(context, StatefulSet, set, Pod, candidates, matches)
}

/** Takes the steps that are due and writes the status. Answers what went wrong. */
async function advance(
  context: ReconcileContext,
  set: StatefulSet,
  pods: readonly Pod[],
  { current, update, collisionCount }: SetRevisions,
): Promise<{ error: unknown } | undefined> {
  const { namespace } = set.metadata
  const claims = context.lister(PersistentVolumeClaim)
  const claimOf: ClaimLookup = name => claims.get(`${namespace}/${name}`)
  const names = { current: current.metadata.name, update: update.metadata.name, collisionCount }
  const planned = plan({ set, pods, claimOf, now: context.clock.now(), ...names })
  const templateOf = (revision: string) => templateIn(revision === names.update ? update : current, set.spec.template)
  const failure = await follow({ context, set, claimOf, templateOf }, planned)
  const updated = planned.phases.flat().find(step => step.do === 'delete' && step.rule === 'update')
  const leaving = !failure && updated?.do === 'delete' ? updated.pod : undefined
  const status = statusOf(set, pods, names, leaving, context.clock.now())
  await writeStatus(context, set, status, planned.waitsFor)
  return failure
}

async function follow(doing: Doing, { phases, oneByOne }: Plan): Promise<{ error: unknown } | undefined> {
  try {
    for (const steps of phases) {
      if (oneByOne) for (const step of steps) await take(doing, step)
      else {
        const rest = steps.values()
        const { error } = await slowStart(steps.length, async () => {
          const { value } = rest.next()
          if (value) await take(doing, value)
        })
        if (error !== undefined) return { error }
      }
    }
    return undefined
  } catch (error) {
    return { error }
  }
}

async function writeStatus(
  context: ReconcileContext,
  set: StatefulSet,
  status: StatefulSetStatus,
  waitsFor?: string,
): Promise<void> {
  if (deepEqual(status, set.status)) return
  const ready = status.readyReplicas ?? 0
  const data = { wanted: set.spec.replicas, ready, updated: status.updatedReplicas ?? 0, available: status.availableReplicas }
  const text = `${ready} of ${data.wanted} wanted pods are ready${waitsFor ? `; next: ${waitsFor}` : ''}`
  await context.client.updateStatus(StatefulSet, { ...set, status }, { note: { rule: 'statefulset/status', text, data } })
}

/** A set that is being deleted only counts: the garbage collector removes what it owns. */
async function sayHowItEnds(context: ReconcileContext, set: StatefulSet, pods: readonly Pod[]): Promise<void> {
  const { currentRevision: current = '', updateRevision: update = '', collisionCount } = set.status
  const status = statusOf(set, pods, { current, update, collisionCount }, undefined, context.clock.now())
  await writeStatus(context, set, status)
}
