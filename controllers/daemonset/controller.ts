import { ControllerRevision } from '../../api/apps/controller-revision.ts'
import { DaemonSet } from '../../api/apps/daemon-set.ts'
import { Node } from '../../api/core/node.ts'
import { Pod } from '../../api/core/pod.ts'
import { fromLabelSelector, matchesLabels } from '../../api/selectors.ts'
import type { Controller, ReconcileContext, Watch } from '../../client/controller.ts'
import { either, on, ownerKeys } from '../../client/watches.ts'
import { deepEqual } from '../../lib/json.ts'
import { claim } from '../shared/claims.ts'
import { adopterKeys, controlledBy, controllerIndex, orphansIn } from '../shared/owner-references.ts'
import { restMsFor } from '../shared/rest.ts'
import { revisionKeys } from '../shared/revisions/wakes.ts'
import { type Failures, failureBackoff } from './failures.ts'
import { hashLabel, type Picture, pictureOf } from './nodes.ts'
import { placementOf } from './placement.ts'
import { manage, type Steps } from './plan.ts'
import { syncRevisions, truncate } from './revisions.ts'
import { planUpdate } from './rolling.ts'
import { nextAvailableInMs, statusOf } from './status.ts'
import { burst, take } from './steps.ts'

/** Keeps a pod of a template on every node that a DaemonSet wants (pkg/controller/daemon). */
export function daemonSet(): Controller {
  const failures = failureBackoff()
  return {
    name: 'daemonset',
    watches: [
      on(DaemonSet),
      on(Pod, either(ownerKeys(DaemonSet), adopterKeys(DaemonSet, selects))),
      on(ControllerRevision, revisionKeys(DaemonSet, selects)),
      on(Node, setsThatCare),
    ],
    writes: [DaemonSet, Pod, ControllerRevision],
    indexes: [controllerIndex(Pod), controllerIndex(ControllerRevision)],

    async reconcile(context, key) {
      const set = context.lister(DaemonSet).get(key)
      if (!set) return
      if (selectsEverything(set)) {
        const message = 'This daemon set is selecting all pods. A non-empty selector is required.'
        context.events.record(set, 'Warning', 'SelectingAll', message)
        return
      }
      // Its revisions may be gone before its pods are: nothing true can be said of it any more.
      if (set.metadata.deletionTimestamp) return
      return sync(context, set, failures)
    },
  }
}

function selects({ spec }: DaemonSet, labels: Readonly<Record<string, string>>): boolean {
  return matchesLabels(fromLabelSelector(spec.selector), labels)
}

function selectsEverything({ spec }: DaemonSet): boolean {
  const { matchLabels = {}, matchExpressions = [] } = spec.selector
  return Object.keys(matchLabels).length === 0 && matchExpressions.length === 0
}

/** A node wakes the sets that judge it otherwise than before. Only its labels and taints count, so heartbeats wake nobody. */
const setsThatCare: Watch['keys'] = ({ type, object, previous }, lister) => {
  const [node, before] = [object as Node, previous as Node | undefined]
  if (before && deepEqual(before.metadata.labels, node.metadata.labels) && deepEqual(before.spec.taints, node.spec.taints)) {
    if (type === 'modified') return []
  }
  const keys: string[] = []
  for (const set of lister(DaemonSet).list() as readonly DaemonSet[]) {
    const judge = placementOf(set)
    const is = judge(node)
    const was = type === 'modified' && before ? judge(before) : undefined
    const isNews = was ? is.shouldRun !== was.shouldRun || is.mayStay !== was.mayStay : is.mayStay
    if (isNews) keys.push(`${set.metadata.namespace}/${set.metadata.name}`)
  }
  return keys
}

async function sync(context: ReconcileContext, set: DaemonSet, failures: Failures) {
  const pods = await podsOf(context, set)
  const { current, old } = await syncRevisions(context, set, pods)
  const hash = current.metadata.labels?.[hashLabel] ?? ''
  const picture = pictureOf(set, hash, context.lister(Node).list(), pods, context.clock.now())
  const { failure, retryInMs, isCut } = await advance(context, picture, failures)
  if (!failure) await truncate(context, set, old, pods)
  await writeStatus(context, picture)
  if (failure) throw failure.error
  // Every run looks at every node, so the many pods of a large cluster are dealt with in batches.
  const restMs = isCut ? 0 : restMsFor(picture.places.length)
  const waits = [nextAvailableInMs(picture), retryInMs].filter(wait => wait !== undefined)
  return waits.length > 0 ? { restMs, requeueAfterMs: Math.min(...waits) } : { restMs }
}

/** The set's pods, whatever state they are in, after adopting and releasing. */
function podsOf(context: ReconcileContext, set: DaemonSet): Promise<readonly Pod[]> {
  const lister = context.lister(Pod)
  const selector = fromLabelSelector(set.spec.selector)
  const matches = ({ metadata }: Pod) => matchesLabels(selector, metadata.labels ?? {})
  const candidates = [...controlledBy(lister, set), ...orphansIn(lister, set.metadata.namespace)]
  return claim(context, DaemonSet, set, Pod, candidates, matches)
}

/**
 * First every node gets what it should have; only when there is nothing to do for that, an update goes a step further. Answers what
 * went wrong, when a failed pod's time comes, and whether there is more to do than may be done in one go.
 */
async function advance(context: ReconcileContext, picture: Picture, failures: Failures) {
  const { set, hash, now } = picture
  const doing = { context, set, hash }
  const { uid } = set.metadata
  const keyOf = (node: string) => `${uid}/${set.status.observedGeneration ?? 0}/${node}`
  const { retryInMs, ...managed } = manage(picture, node => failures.patience(keyOf(node), now))
  for (const { rule, node } of managed.remove.slice(0, burst)) if (rule === 'failed') failures.count(keyOf(node), now)
  const isSettled = isEmpty(managed)
  const steps = isSettled && set.spec.updateStrategy.type !== 'OnDelete' ? planUpdate(picture) : managed
  const failure = isEmpty(steps) ? undefined : await take(doing, steps)
  const isCut = steps.create.length > burst || steps.remove.length > burst
  return { failure, retryInMs, isCut }
}

const isEmpty = ({ create, remove }: Steps) => create.length === 0 && remove.length === 0

async function writeStatus(context: ReconcileContext, picture: Picture): Promise<void> {
  const { set } = picture
  const status = statusOf(picture)
  if (deepEqual(status, set.status)) return
  const { desiredNumberScheduled: desired, numberReady: ready, updatedNumberScheduled: updated = 0 } = status
  const text = `${ready} of ${desired} nodes that should run it have a ready pod, ${updated} one of the present template`
  const note = { rule: 'daemonset/status', text, data: { desired, ready, updated, available: status.numberAvailable ?? 0 } }
  await context.client.updateStatus(DaemonSet, { ...set, status }, { note })
}
