import { Deployment, type DeploymentStatus } from '../../api/apps/deployment.ts'
import { ReplicaSet } from '../../api/apps/replica-set.ts'
import type { Note } from '../../api/journal.ts'
import type { ReconcileContext } from '../../client/controller.ts'
import { deepEqual } from '../../lib/json.ts'
import { desiredOf, maxOf, withSize } from './annotations.ts'
import { limitsOf } from './limits.ts'
import { type Versions, versionsOf } from './replica-sets.ts'
import type { Resize } from './rolling.ts'

/** One run over a Deployment: what it is now and which sets it has now, as its own writes change them. */
export interface Rollout {
  readonly context: ReconcileContext
  deployment: Deployment
  sets: readonly ReplicaSet[]
}

export function currentVersions({ deployment, sets }: Rollout): Versions {
  return versionsOf(deployment, sets)
}

/** Writes a status if it says anything new. */
export async function writeStatus(rollout: Rollout, status: DeploymentStatus, note?: Note): Promise<void> {
  const { context, deployment } = rollout
  if (deepEqual(status, deployment.status)) return
  const { replicas = 0, updatedReplicas = 0, availableReplicas = 0 } = status
  const data = { wanted: deployment.spec.replicas, replicas, updated: updatedReplicas, available: availableReplicas }
  const text = `${updatedReplicas} of ${data.wanted} wanted pods are of the new version, ${availableReplicas} are available`
  const options = { note: note ?? { rule: 'deployment/status', text, data } }
  rollout.deployment = await context.client.updateStatus(Deployment, { ...deployment, status }, options)
}

export async function writeConditions(rollout: Rollout, conditions: DeploymentStatus['conditions']): Promise<void> {
  const told = conditions?.at(-1)
  const note = { rule: 'deployment/condition', text: told?.message ?? '', data: { type: told?.type, reason: told?.reason } }
  await writeStatus(rollout, { ...rollout.deployment.status, conditions }, note)
}

/** Gives a set another size, and renews what it remembers of the Deployment's. Answers whether the size changed. */
export async function resize(rollout: Rollout, { set, to, because }: Resize, rule: string): Promise<boolean> {
  const { context, deployment } = rollout
  const limits = limitsOf(deployment)
  const { replicas, surge, unavailable } = limits
  const from = set.spec.replicas
  if (from === to && desiredOf(set) === replicas && maxOf(set) === replicas + surge) return false
  const text =
    from === to ? `${set.metadata.name} keeps its ${to} pods` : `${set.metadata.name} goes from ${from} to ${to} pods: ${because}`
  const data = { set: set.metadata.name, from, to, replicas, surge, unavailable }
  const metadata = { ...set.metadata, annotations: withSize(set.metadata.annotations, limits) }
  const resized = { ...set, metadata, spec: { ...set.spec, replicas: to } }
  const written = await context.client.update(ReplicaSet, resized, { note: { rule, text, data } })
  rollout.sets = rollout.sets.map(each => (each === set ? written : each))
  if (from === to) return false
  const direction = to > from ? 'up' : 'down'
  const message = `Scaled ${direction} replica set ${set.metadata.name} from ${from} to ${to}`
  context.events.record(deployment, 'Normal', 'ScalingReplicaSet', message)
  return true
}
