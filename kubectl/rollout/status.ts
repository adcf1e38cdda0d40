import type { DaemonSet } from '../../api/apps/daemon-set.ts'
import type { Deployment } from '../../api/apps/deployment.ts'
import type { StatefulSet } from '../../api/apps/stateful-set.ts'
import { revisionOf } from './versions.ts'
import type { Workload } from './workloads.ts'

/** How far a rollout is. */
export interface RolloutStatus {
  readonly text: string
  readonly isDone: boolean
}

/**
 * What to say of a rollout (k8s.io/kubectl/pkg/polymorphichelpers/rollout_status.go). Throws when it will not come to an end by
 * itself, or when it is not the revision that is asked for, of which only Deployments can tell.
 */
export function statusOf({ kind, object }: Workload, revision = 0): RolloutStatus {
  switch (kind) {
    case 'Deployment':
      return rolloutStatus(object, revision)
    case 'StatefulSet':
      return statefulSetStatus(object)
    case 'DaemonSet':
      return daemonSetStatus(object)
  }
}

export function rolloutStatus(deployment: Deployment, revision = 0): RolloutStatus {
  const { metadata, spec, status } = deployment
  const { name, generation = 0 } = metadata
  if (revision > 0 && revision !== revisionOf(deployment)) {
    throw new Error(`desired revision (${revision}) is different from the running revision (${revisionOf(deployment)})`)
  }
  if (generation > (status.observedGeneration ?? 0)) return pending('Waiting for deployment spec update to be observed...')
  const progressing = status.conditions?.find(({ type }) => type === 'Progressing')
  if (progressing?.reason === 'ProgressDeadlineExceeded') throw new Error(`deployment "${name}" exceeded its progress deadline`)
  const { replicas = 0, updatedReplicas: updated = 0, availableReplicas: available = 0 } = status
  const waiting = (what: string) => pending(`Waiting for deployment "${name}" rollout to finish: ${what}...`)
  if (updated < spec.replicas) return waiting(`${updated} out of ${spec.replicas} new replicas have been updated`)
  if (replicas > updated) return waiting(`${replicas - updated} old replicas are pending termination`)
  if (available < updated) return waiting(`${available} of ${updated} updated replicas are available`)
  return done(`deployment "${name}" successfully rolled out`)
}

function statefulSetStatus({ metadata, spec, status }: StatefulSet): RolloutStatus {
  const { type, rollingUpdate } = spec.updateStrategy
  if (type !== 'RollingUpdate') throw new Error(onlyRolling)
  const { observedGeneration = 0, readyReplicas: ready = 0, updatedReplicas: updated = 0 } = status
  if (observedGeneration === 0 || (metadata.generation ?? 0) > observedGeneration) {
    return pending('Waiting for statefulset spec update to be observed...')
  }
  if (ready < spec.replicas) return pending(`Waiting for ${spec.replicas - ready} pods to be ready...`)
  if (rollingUpdate) {
    const wanted = spec.replicas - (rollingUpdate.partition ?? 0)
    const counted = `${updated} out of ${wanted} new pods have been updated...`
    if (updated < wanted) return pending(`Waiting for partitioned roll out to finish: ${counted}`)
    return done(`partitioned roll out complete: ${updated} new pods have been updated...`)
  }
  const { updateRevision, currentRevision, currentReplicas = 0 } = status
  if (updateRevision !== currentRevision) {
    return pending(`waiting for statefulset rolling update to complete ${updated} pods at revision ${updateRevision}...`)
  }
  return done(`statefulset rolling update complete ${currentReplicas} pods at revision ${currentRevision}...`)
}

function daemonSetStatus({ metadata, spec, status }: DaemonSet): RolloutStatus {
  const { name, generation = 0 } = metadata
  if (spec.updateStrategy.type !== 'RollingUpdate') throw new Error(onlyRolling)
  if (generation > (status.observedGeneration ?? 0)) return pending('Waiting for daemon set spec update to be observed...')
  const { desiredNumberScheduled: desired, updatedNumberScheduled: updated = 0, numberAvailable: available = 0 } = status
  const waiting = (what: string) => pending(`Waiting for daemon set "${name}" rollout to finish: ${what}...`)
  if (updated < desired) return waiting(`${updated} out of ${desired} new pods have been updated`)
  if (available < desired) return waiting(`${available} of ${desired} updated pods are available`)
  return done(`daemon set "${name}" successfully rolled out`)
}

const onlyRolling = 'rollout status is only available for RollingUpdate strategy type'
const pending = (text: string): RolloutStatus => ({ text, isDone: false })
const done = (text: string): RolloutStatus => ({ text, isDone: true })
