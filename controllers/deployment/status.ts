import type { Deployment, DeploymentStatus } from '../../api/apps/deployment.ts'
import type { ReplicaSet } from '../../api/apps/replica-set.ts'
import { withCondition } from './conditions.ts'
import { limitsOf } from './limits.ts'
import { all, countOf, type Versions, wantedBy } from './replica-sets.ts'

/** What the sets amount to (pkg/controller/deployment/sync.go, calculateStatus). Counts of zero are left out, as upstream does. */
export function statusOf(deployment: Deployment, versions: Versions, now: number): DeploymentStatus {
  const sets = all(versions)
  const { replicas, unavailable } = limitsOf(deployment)
  const available = countOf(sets, 'availableReplicas')
  const isAvailable = available >= replicas - unavailable
  const status: DeploymentStatus = {
    observedGeneration: deployment.metadata.generation ?? 0,
    replicas: orNothing(countOf(sets, 'replicas')),
    updatedReplicas: orNothing(countOf([versions.fresh], 'replicas')),
    readyReplicas: orNothing(countOf(sets, 'readyReplicas')),
    availableReplicas: orNothing(available),
    unavailableReplicas: orNothing(Math.max(0, wantedBy(sets) - available)),
    terminatingReplicas: countOf(sets, 'terminatingReplicas'),
    collisionCount: deployment.status.collisionCount,
    conditions: [
      ...withCondition(
        deployment.status.conditions ?? [],
        {
          type: 'Available',
          status: isAvailable ? 'True' : 'False',
          reason: isAvailable ? 'MinimumReplicasAvailable' : 'MinimumReplicasUnavailable',
          message: `Deployment ${isAvailable ? 'has' : 'does not have'} minimum availability.`,
        },
        now,
      ),
    ],
  }
  return status
}

const orNothing = (count: number) => (count === 0 ? undefined : count)

/** Whether all wanted pods are there, are of the new version, and serve; judged by a status that is about the present spec. */
export function isComplete({ spec, metadata }: Deployment, status: DeploymentStatus): boolean {
  return (
    (status.updatedReplicas ?? 0) === spec.replicas &&
    (status.replicas ?? 0) === spec.replicas &&
    (status.availableReplicas ?? 0) === spec.replicas &&
    (status.observedGeneration ?? 0) >= (metadata.generation ?? 0)
  )
}

/** The failure that a set reports, the new one's first. */
export function failureOf({ fresh, old }: Versions): NonNullable<ReplicaSet['status']['conditions']>[number] | undefined {
  const ofSet = (set: ReplicaSet | undefined) => set?.status.conditions?.find(({ type }) => type === 'ReplicaFailure')
  return ofSet(fresh) ?? old.map(ofSet).find(Boolean)
}
