import { Deployment } from '../../api/apps/deployment.ts'
import { ReplicaSet } from '../../api/apps/replica-set.ts'
import { isReason } from '../../api/errors.ts'
import type { InputOf } from '../../api/kind.ts'
import { controllerOf } from '../../client/watches.ts'
import { deepEqual } from '../../lib/json.ts'
import { isNamespaceEnding } from '../shared/api-causes.ts'
import { controllerReference } from '../shared/owner-references.ts'
import { templateHash } from '../shared/template-hash.ts'
import { revisionAnnotation, revisionOf, withRevision, withSize } from './annotations.ts'
import { conditionOf, progressDeadline, withCondition } from './conditions.ts'
import { hashLabel } from './hash-label.ts'
import { limitsOf } from './limits.ts'
import { isSameTemplate, wantedBy } from './replica-sets.ts'
import { sizeOfFresh } from './rolling.ts'
import { currentVersions, type Rollout, writeConditions, writeStatus } from './rollout.ts'

/**
 * Brings the set of the present template up to date: its revision, annotations and minReadySeconds, and the Deployment's own
 * revision with it. Makes the set if there is none and `create` says so. (pkg/controller/deployment/sync.go, getNewReplicaSet)
 */
export async function syncNewReplicaSet(rollout: Rollout, { create }: { create: boolean }): Promise<void> {
  const { fresh, old } = currentVersions(rollout)
  const revision = Math.max(0, ...old.map(revisionOf)) + 1
  if (fresh) await renew(rollout, fresh, revision)
  else if (create) await make(rollout, old, revision)
}

async function renew(rollout: Rollout, set: ReplicaSet, revision: number): Promise<void> {
  const { context, deployment } = rollout
  const annotations = withRevision(set.metadata.annotations, deployment, revision)
  const { minReadySeconds } = deployment.spec
  if (!deepEqual(annotations, set.metadata.annotations ?? {}) || set.spec.minReadySeconds !== minReadySeconds) {
    const text = `${set.metadata.name} is revision ${annotations[revisionAnnotation]} of ${deployment.metadata.name}`
    const note = { rule: 'deployment/revision', text, data: { revision } }
    const renewed = { ...set, metadata: { ...set.metadata, annotations }, spec: { ...set.spec, minReadySeconds } }
    const written = await context.client.update(ReplicaSet, renewed, { note })
    rollout.sets = rollout.sets.map(each => (each === set ? written : each))
  }
  await writeRevision(rollout, annotations[revisionAnnotation])
  if (conditionOf(rollout.deployment.status.conditions, 'Progressing')) return
  await tellProgress(rollout, 'True', 'FoundNewReplicaSet', `Found new replica set "${set.metadata.name}"`)
}

async function make(rollout: Rollout, old: readonly ReplicaSet[], revision: number): Promise<void> {
  const { context, deployment } = rollout
  const { set, size } = newSet(deployment, old, revision)
  const { name } = set.metadata
  let written: ReplicaSet
  let isNew = true
  try {
    const { replicas, surge, unavailable } = limitsOf(deployment)
    const text = `no set has the present template: ${name} is made with ${size} pods, the surge allows ${replicas + surge} in all`
    const note = { rule: 'deployment/new-set', text, data: { set: name, to: size, revision, replicas, surge, unavailable } }
    written = await context.client.create(ReplicaSet, set, { note })
  } catch (error) {
    const existing = isReason(error, 'AlreadyExists') ? await ourOwn(rollout, name ?? '') : undefined
    if (!existing) return explainFailure(rollout, name ?? '', error)
    written = existing
    isNew = false
  }
  rollout.sets = [...rollout.sets, written]
  if (isNew && size > 0) {
    context.events.record(deployment, 'Normal', 'ScalingReplicaSet', `Scaled up replica set ${name} from 0 to ${size}`)
  }
  await writeRevision(rollout, String(revision))
  if (isNew) await tellProgress(rollout, 'True', 'NewReplicaSetCreated', `Created new replica set "${name}"`)
}

function newSet(deployment: Deployment, old: readonly ReplicaSet[], revision: number) {
  const { template, selector, minReadySeconds } = deployment.spec
  const hash = templateHash(template, deployment.status.collisionCount)
  const labels = { ...template.metadata.labels, [hashLabel]: hash }
  const size = sizeOfFresh(deployment, 0, wantedBy(old))
  const set = {
    metadata: {
      name: `${deployment.metadata.name}-${hash}`,
      namespace: deployment.metadata.namespace,
      labels,
      annotations: withSize(withRevision({}, deployment, revision), limitsOf(deployment)),
      ownerReferences: [controllerReference(Deployment, deployment)],
    },
    spec: {
      replicas: size,
      minReadySeconds,
      selector: { ...selector, matchLabels: { ...selector.matchLabels, [hashLabel]: hash } },
      template: { ...template, metadata: { ...template.metadata, labels } },
    },
  } satisfies InputOf<typeof ReplicaSet>
  return { set, size }
}

/** The set that has the name already, if it is the very one that was to be made: the cache is only late. */
async function ourOwn({ context, deployment }: Rollout, name: string): Promise<ReplicaSet | undefined> {
  const existing = await context.client.get(ReplicaSet, { namespace: deployment.metadata.namespace, name })
  const isOurs = controllerOf(existing)?.uid === deployment.metadata.uid
  return isOurs && isSameTemplate(existing.spec.template, deployment.spec.template) ? existing : undefined
}

/** Writes down why there is no new set, and fails with the error, so that the run is tried again. In a namespace that ends, all is well. */
async function explainFailure(rollout: Rollout, name: string, error: unknown): Promise<void> {
  const { context, deployment } = rollout
  if (isNamespaceEnding(error)) return
  if (isReason(error, 'AlreadyExists')) {
    const collisionCount = (deployment.status.collisionCount ?? 0) + 1
    const text = `another template already goes by the name ${name}: the next try takes another name`
    await writeStatus(
      rollout,
      { ...deployment.status, collisionCount },
      { rule: 'deployment/collision', text, data: { collisionCount } },
    )
    throw error
  }
  const message = `Failed to create new replica set "${name}": ${error instanceof Error ? error.message : String(error)}`
  await tellProgress(rollout, 'False', 'ReplicaSetCreateError', message)
  context.events.record(deployment, 'Warning', 'ReplicaSetCreateError', message)
  throw error
}

/** The Deployment carries the revision of its new set. */
async function writeRevision(rollout: Rollout, revision: string | undefined): Promise<void> {
  const { context, deployment } = rollout
  if (revision === undefined || deployment.metadata.annotations?.[revisionAnnotation] === revision) return
  const patch = { metadata: { annotations: { [revisionAnnotation]: revision } } }
  const note = { rule: 'deployment/revision', text: `the present template is revision ${revision}`, data: { revision } }
  rollout.deployment = await context.client.patch(Deployment, deployment.metadata, 'merge', patch, { note })
}

async function tellProgress(rollout: Rollout, status: 'True' | 'False', reason: string, message: string): Promise<void> {
  const { context, deployment } = rollout
  if (progressDeadline(deployment) === undefined) return
  const { conditions = [] } = deployment.status
  const told = withCondition(conditions, { type: 'Progressing', status, reason, message }, context.clock.now())
  await writeConditions(rollout, [...told])
}
