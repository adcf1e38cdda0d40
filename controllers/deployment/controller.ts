import { Deployment } from '../../api/apps/deployment.ts'
import { ReplicaSet } from '../../api/apps/replica-set.ts'
import { Pod } from '../../api/core/pod.ts'
import { ignore } from '../../api/errors.ts'
import { fromLabelSelector, matchesLabels } from '../../api/selectors.ts'
import type { Controller, ReconcileContext, ReconcileResult } from '../../client/controller.ts'
import { either, on, ownerKeys } from '../../client/watches.ts'
import { claim } from '../shared/claims.ts'
import { adopterKeys, controlledBy, controllerIndex, orphansIn } from '../shared/owner-references.ts'
import { isFinished } from '../shared/pod-state.ts'
import { revisionOf } from './annotations.ts'
import { planCleanup } from './history.ts'
import { syncNewReplicaSet } from './new-replica-set.ts'
import { deadlineInMs, pauseConditions, rolloutStatus } from './progress.ts'
import { isResized, planScaling } from './proportional.ts'
import { activeOf, countOf } from './replica-sets.ts'
import { planRolling, sizeOfFresh } from './rolling.ts'
import { currentVersions, type Rollout, resize, writeConditions, writeStatus } from './rollout.ts'
import { isComplete, statusOf } from './status.ts'

/** Leads a Deployment's pods from one version of their template to the next (pkg/controller/deployment). */
export const deployment: Controller = {
  name: 'deployment',
  watches: [on(Deployment), on(ReplicaSet, either(ownerKeys(Deployment), adopterKeys(Deployment, selects)))],
  reads: [Pod],
  writes: [Deployment, ReplicaSet],
  indexes: [controllerIndex(ReplicaSet), controllerIndex(Pod)],

  async reconcile(context, key) {
    const found = context.lister(Deployment).get(key)
    if (!found) return
    if (selectsEverything(found)) return refuse(context, found)
    const rollout: Rollout = { context, deployment: found, sets: await setsOf(context, found) }
    if (found.metadata.deletionTimestamp) return finish(rollout)
    const conditions = pauseConditions(found, context.clock.now())
    if (conditions) await writeConditions(rollout, conditions)
    if (found.spec.paused || isResized(found, rollout.sets)) return scale(rollout)
    return found.spec.strategy.type === 'Recreate' ? recreate(rollout) : roll(rollout)
  },
}

function selects({ spec }: Deployment, labels: Readonly<Record<string, string>>): boolean {
  return matchesLabels(fromLabelSelector(spec.selector), labels)
}

function selectsEverything({ spec }: Deployment): boolean {
  const { matchLabels = {}, matchExpressions = [] } = spec.selector
  return Object.keys(matchLabels).length === 0 && matchExpressions.length === 0
}

async function refuse(context: ReconcileContext, deployment: Deployment): Promise<void> {
  const message = 'This deployment is selecting all pods. A non-empty selector is required.'
  context.events.record(deployment, 'Warning', 'SelectingAll', message)
  const observedGeneration = deployment.metadata.generation ?? 0
  if ((deployment.status.observedGeneration ?? 0) >= observedGeneration) return
  const rollout = { context, deployment, sets: [] }
  await writeStatus(rollout, { ...deployment.status, observedGeneration }, { rule: 'deployment/selecting-all', text: message })
}

function setsOf(context: ReconcileContext, owner: Deployment): Promise<readonly ReplicaSet[]> {
  const sets = context.lister(ReplicaSet)
  const candidates = [...controlledBy(sets, owner), ...orphansIn(sets, owner.metadata.namespace)]
  const matches = (set: ReplicaSet) => selects(owner, set.metadata.labels ?? {})
  return claim(context, Deployment, owner, ReplicaSet, candidates, matches)
}

/** Paused, or of another size than before: sizes only, no new version. */
async function scale(rollout: Rollout): Promise<void> {
  await syncNewReplicaSet(rollout, { create: false })
  for (const step of planScaling(rollout.deployment, currentVersions(rollout))) await resize(rollout, step, 'deployment/scaling')
  if (rollout.deployment.spec.paused) await cleanUp(rollout)
  return finish(rollout)
}

async function roll(rollout: Rollout): Promise<ReconcileResult | undefined> {
  await syncNewReplicaSet(rollout, { create: true })
  const { fresh, old } = currentVersions(rollout)
  const steps = fresh ? planRolling(rollout.deployment, { fresh, old }) : []
  for (const step of steps) await resize(rollout, step, 'deployment/rolling')
  if (steps.length === 0 && isComplete(rollout.deployment, rollout.deployment.status)) await cleanUp(rollout)
  return report(rollout)
}

async function recreate(rollout: Rollout): Promise<ReconcileResult | undefined> {
  await syncNewReplicaSet(rollout, { create: false })
  const leaving = activeOf(currentVersions(rollout).old)
  for (const set of leaving)
    await resize(rollout, { set, to: 0, because: 'old pods go before new ones come' }, 'deployment/recreate')
  if (leaving.length > 0 || hasOldPods(rollout)) return report(rollout)
  await syncNewReplicaSet(rollout, { create: true })
  const { fresh } = currentVersions(rollout)
  const to = fresh ? sizeOfFresh(rollout.deployment, fresh.spec.replicas, 0) : 0
  if (fresh) await resize(rollout, { set: fresh, to, because: 'no old pod is left' }, 'deployment/recreate')
  if (isComplete(rollout.deployment, rollout.deployment.status)) await cleanUp(rollout)
  return report(rollout)
}

/** Pods on their way out count: until they have ended, two versions would run side by side. Their end shows in their set's status. */
function hasOldPods(rollout: Rollout): boolean {
  const { old } = currentVersions(rollout)
  const pods = rollout.context.lister(Pod)
  return countOf(old, 'replicas') > 0 || old.some(set => controlledBy(pods, set).some(pod => !isFinished(pod)))
}

async function cleanUp(rollout: Rollout): Promise<void> {
  const { context, deployment } = rollout
  const limit = deployment.spec.revisionHistoryLimit
  for (const set of planCleanup(deployment, currentVersions(rollout).old)) {
    const revision = revisionOf(set)
    const text = `only ${limit} old versions are kept, and revision ${revision} is the oldest`
    const note = { rule: 'deployment/history', text, data: { revision, limit } }
    await context.client.delete(ReplicaSet, set.metadata, { note }).catch(ignore('NotFound'))
  }
}

/** The status without anything about progress. */
async function finish(rollout: Rollout): Promise<void> {
  await writeStatus(rollout, statusOf(rollout.deployment, currentVersions(rollout), rollout.context.clock.now()))
}

async function report(rollout: Rollout): Promise<ReconcileResult | undefined> {
  const now = rollout.context.clock.now()
  await writeStatus(rollout, rolloutStatus(rollout.deployment, currentVersions(rollout), now))
  const requeueAfterMs = deadlineInMs(rollout.deployment, rollout.deployment.status, now)
  return requeueAfterMs === undefined ? undefined : { requeueAfterMs }
}
