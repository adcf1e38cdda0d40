import { Deployment } from '../../../api/apps/deployment.ts'
import { ReplicaSet } from '../../../api/apps/replica-set.ts'
import { controllerOf } from '../../../client/watches.ts'
import type { Onlooker } from '../stage.ts'
import { specChanges } from './moments-pods.ts'
import { controlledBy, said } from './words.ts'

const percent = (value: number | string, of: number, round: (value: number) => number) =>
  typeof value === 'number' ? value : round((Number.parseInt(value, 10) * of) / 100)

/** How many pods there may be, and how many must be available, as section B2 of Kubernetes' behaviour has it. */
function boundsOf({ spec: { replicas, strategy } }: Deployment): { most: number; least: number } {
  if (strategy.type !== 'RollingUpdate') return { most: replicas, least: 0 }
  const { maxSurge = '25%', maxUnavailable = '25%' } = strategy.rollingUpdate ?? {}
  const surge = percent(maxSurge, replicas, Math.ceil)
  const unavailable = percent(maxUnavailable, replicas, Math.floor)
  return { most: replicas + surge, least: replicas - (surge === 0 && unavailable === 0 ? 1 : Math.min(unavailable, replicas)) }
}

const desired = 'deployment.kubernetes.io/desired-replicas'

/** A deployment's own doing never makes more pods than replicas and surge, nor leaves fewer available than it must. */
export function withinSurgeAndUnavailability(): Onlooker {
  const specs = specChanges()
  return (commit, picture) => {
    specs.note(commit)
    const { object, previous, actor, time, type } = commit
    if (type !== 'put' || object.kind !== ReplicaSet.kind || actor !== 'deployment-controller') return []
    const deployment = picture.byUid(controllerOf(object)?.uid ?? '') as Deployment | undefined
    if (deployment?.kind !== Deployment.kind || specs.at(deployment.metadata.uid) >= time) return []
    const [set, before] = [object as ReplicaSet, previous as ReplicaSet | undefined]
    const change = set.spec.replicas - (before?.spec.replicas ?? 0)
    const { most, least } = boundsOf(deployment)
    const sets = controlledBy(picture.of(ReplicaSet, object.metadata.namespace), deployment)
    const total = sets.reduce((sum, each) => sum + each.spec.replicas, 0)
    if (change > 0 && total > most) return [said(set, `was raised by ${change}: ${total} pods of at most ${most}`)]
    // In proportion to a new size, available ones may go, too.
    const isOfThatSize = ({ spec, metadata }: ReplicaSet) =>
      spec.replicas === 0 || metadata.annotations?.[desired] === String(deployment.spec.replicas)
    if (change >= 0 || !before || ![before, ...sets].every(isOfThatSize)) return []
    const available = ({ spec, status }: ReplicaSet) => Math.min(spec.replicas, status.availableReplicas ?? 0)
    const left = sets.reduce((sum, each) => sum + available(each), 0)
    const lost = available(before) - available(set)
    if (lost <= 0 || left >= least) return []
    return [said(set, `was lowered by ${-change}: ${left} pods available of at least ${least}`)]
  }
}

/** The number of a replica set is raised, never lowered. */
export const revisionsOnlyRise: Onlooker = ({ object, previous, type, actor }) => {
  if (type !== 'put' || object.kind !== ReplicaSet.kind || !previous || actor !== 'deployment-controller') return []
  const [now, then] = [object, previous].map(({ metadata }) =>
    Number(metadata.annotations?.['deployment.kubernetes.io/revision'] ?? 0),
  )
  return (now ?? 0) < (then ?? 0) ? [said(object, `goes from revision ${then} to ${now}`)] : []
}
