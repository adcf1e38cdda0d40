import type { Deployment } from '../../api/apps/deployment.ts'
import { revisionOf } from './versions.ts'

/** How far a rollout is. */
export interface RolloutStatus {
  readonly text: string
  readonly isDone: boolean
}

/**
 * What to say of a Deployment's rollout (k8s.io/kubectl/pkg/polymorphichelpers/rollout_status.go). Throws when it will not come to
 * an end by itself, or when it is not the revision that is asked for.
 */
export function rolloutStatus(deployment: Deployment, revision = 0): RolloutStatus {
  const { metadata, spec, status } = deployment
  const { name, generation = 0 } = metadata
  if (revision > 0 && revision !== revisionOf(deployment)) {
    throw new Error(`desired revision (${revision}) is different from the running revision (${revisionOf(deployment)})`)
  }
  if (generation > (status.observedGeneration ?? 0)) {
    return { text: 'Waiting for deployment spec update to be observed...', isDone: false }
  }
  const progressing = status.conditions?.find(({ type }) => type === 'Progressing')
  if (progressing?.reason === 'ProgressDeadlineExceeded') throw new Error(`deployment "${name}" exceeded its progress deadline`)
  const { replicas = 0, updatedReplicas: updated = 0, availableReplicas: available = 0 } = status
  const waiting = (what: string) => ({ text: `Waiting for deployment "${name}" rollout to finish: ${what}...`, isDone: false })
  if (updated < spec.replicas) return waiting(`${updated} out of ${spec.replicas} new replicas have been updated`)
  if (replicas > updated) return waiting(`${replicas - updated} old replicas are pending termination`)
  if (available < updated) return waiting(`${available} of ${updated} updated replicas are available`)
  return { text: `deployment "${name}" successfully rolled out`, isDone: true }
}
