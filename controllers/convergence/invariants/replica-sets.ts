import { Deployment } from '../../../api/apps/deployment.ts'
import { ReplicaSet } from '../../../api/apps/replica-set.ts'
import { Pod } from '../../../api/core/pod.ts'
import { ReplicationController } from '../../../api/core/replication-controller.ts'
import type { KubeObject } from '../../../api/transport.ts'
import { deepEqual } from '../../../lib/json.ts'
import { isActive, isAvailable, isReady } from '../../shared/pod-state.ts'
import type { Picture } from '../picture.ts'
import type { Invariant } from '../story.ts'
import { controlledBy, differences, isTrue, said } from './words.ts'

function judge(picture: Picture, set: ReplicaSet | ReplicationController): string[] {
  const { spec, status, metadata } = set
  const own = controlledBy(picture.of(Pod, metadata.namespace), set as KubeObject)
  const active = own.filter(isActive)
  const labels = Object.entries(spec.template?.metadata.labels ?? {})
  const labelled = active.filter(pod => labels.every(([key, value]) => pod.metadata.labels?.[key] === value))
  const complaints = differences(set as KubeObject, status, {
    replicas: active.length,
    fullyLabeledReplicas: labelled.length,
    readyReplicas: active.filter(isReady).length,
    availableReplicas: active.filter(pod => isAvailable(pod, spec.minReadySeconds ?? 0, picture.now)).length,
    observedGeneration: metadata.generation,
  })
  if (active.length !== spec.replicas)
    complaints.push(said(set as KubeObject, `wants ${spec.replicas} and has ${active.length} pods`))
  if (isTrue(status.conditions, 'ReplicaFailure')) complaints.push(said(set as KubeObject, 'still says that it failed'))
  return complaints
}

/** Replica sets and replication controllers have as many active pods as they want, and say so. */
export const replicaSetsAreFull: Invariant = picture =>
  [...picture.of(ReplicaSet), ...picture.of(ReplicationController)].flatMap(set => judge(picture, set))

const revisionOf = ({ metadata }: KubeObject) => metadata.annotations?.['deployment.kubernetes.io/revision']

function templateOf({ spec: { template } }: ReplicaSet | Deployment): unknown {
  const labels = { ...template.metadata.labels }
  delete labels['pod-template-hash']
  return { ...template, metadata: { ...template.metadata, labels } }
}

/** Deployments serve their newest template with all their pods, keep as much history as they may, and say so. */
export const deploymentsAreComplete: Invariant = picture =>
  picture.of(Deployment).flatMap(deployment => {
    const { spec, status, metadata } = deployment
    const sets = controlledBy(picture.of(ReplicaSet, metadata.namespace), deployment)
    const complaints: string[] = []
    const complain = (what: string) => void complaints.push(said(deployment, what))
    const template = templateOf(deployment)
    const alike = sets.filter(set => deepEqual(templateOf(set), template))
    const [newest] = [...alike].sort((a, b) => (a.metadata.creationTimestamp < b.metadata.creationTimestamp ? -1 : 1))
    if (!newest) return [said(deployment, 'has no replica set of its template')]
    for (const set of sets) {
      const wanted = alike.includes(set) && set.spec.replicas > 0 ? spec.replicas : 0
      if (set.spec.replicas !== wanted) complain(`has ${set.metadata.name} at ${set.spec.replicas} instead of ${wanted}`)
    }
    const serving = sets.filter(set => set.spec.replicas > 0)
    if (serving.length > 1) complain(`is served by ${serving.length} replica sets`)
    const [current = newest] = serving
    if (!alike.includes(current)) complain('serves an old template')
    const old = sets.length - 1
    if (old > (spec.revisionHistoryLimit ?? 10)) complain(`keeps ${old} old replica sets instead of ${spec.revisionHistoryLimit}`)
    const revisions = sets.map(set => Number(revisionOf(set) ?? 0))
    if (new Set(revisions).size !== revisions.length) complain(`has revisions ${revisions}, not all different`)
    if (Number(revisionOf(current)) !== Math.max(...revisions))
      complain(`serves ${revisionOf(current)} of revisions ${revisions}`)
    if (revisionOf(deployment) !== revisionOf(current))
      complain(`says revision ${revisionOf(deployment)}, not ${revisionOf(current)}`)
    if (!isTrue(status.conditions, 'Available')) complain('does not say that it is available')
    const progress = status.conditions?.find(({ type }) => type === 'Progressing')
    if (progress?.status !== 'True' || progress.reason !== 'NewReplicaSetAvailable')
      complain(`says Progressing ${progress?.reason}`)
    if (isTrue(status.conditions, 'ReplicaFailure')) complain('still says that it failed')
    complaints.push(
      ...differences(deployment, status, {
        ...{ replicas: spec.replicas, updatedReplicas: spec.replicas, readyReplicas: spec.replicas },
        ...{ availableReplicas: spec.replicas, unavailableReplicas: 0, observedGeneration: metadata.generation },
      }),
    )
    return complaints
  })
