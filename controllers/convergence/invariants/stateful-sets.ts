import { StatefulSet } from '../../../api/apps/stateful-set.ts'
import { PersistentVolumeClaim } from '../../../api/core/persistent-volume-claim.ts'
import { Pod } from '../../../api/core/pod.ts'
import { isAvailable, isReady } from '../../shared/pod-state.ts'
import type { Invariant } from '../story.ts'
import { controlledBy, differences, said } from './words.ts'

const hashOf = ({ metadata }: Pod) => metadata.labels?.['controller-revision-hash'] ?? ''

/** Stateful sets have just the pods that they number, of the right revisions, and say so. */
export const statefulSetsAreComplete: Invariant = picture =>
  picture.of(StatefulSet).flatMap(set => {
    const { spec, status, metadata } = set
    const own = controlledBy(picture.of(Pod, metadata.namespace), set)
    const start = spec.ordinals?.start ?? 0
    const wanted = Array.from({ length: spec.replicas }, (_, i) => `${metadata.name}-${start + i}`)
    const complaints: string[] = []
    const names = own.map(pod => pod.metadata.name)
    if ([...names].sort().join() !== [...wanted].sort().join()) complaints.push(said(set, `has pods ${names}, wants ${wanted}`))
    const partition = spec.updateStrategy.rollingUpdate?.partition ?? 0
    if (spec.updateStrategy.type === 'RollingUpdate') {
      for (const pod of own) {
        if (wanted.indexOf(pod.metadata.name) < partition) continue
        if (hashOf(pod) !== status.updateRevision) complaints.push(said(pod, `is ${hashOf(pod)}, not ${status.updateRevision}`))
      }
    }
    const isUpdated = own.every(pod => hashOf(pod) === status.updateRevision)
    if (isUpdated && spec.updateStrategy.type === 'RollingUpdate' && status.currentRevision !== status.updateRevision) {
      complaints.push(said(set, `is at ${status.currentRevision}, though all pods are ${status.updateRevision}`))
    }
    const available = own.filter(pod => isAvailable(pod, spec.minReadySeconds ?? 0, picture.now))
    const isDone = status.currentRevision === status.updateRevision
    const updated = own.filter(pod => hashOf(pod) === status.updateRevision).length
    return [
      ...complaints,
      ...differences(set, status, {
        ...{ replicas: own.length, readyReplicas: own.filter(isReady).length, availableReplicas: available.length },
        ...{ updatedReplicas: updated, observedGeneration: metadata.generation },
        currentReplicas: isDone ? updated : own.filter(pod => hashOf(pod) === status.currentRevision).length,
      }),
    ]
  })

/** Every pod of a set has its claims, owned as the set's policy wants, and claims of pods that were scaled away go where it says so. */
export const claimsAreKeptAsWanted: Invariant = picture =>
  picture.of(StatefulSet).flatMap(set => {
    const { spec, metadata } = set
    const { whenDeleted = 'Retain', whenScaled = 'Retain' } = spec.persistentVolumeClaimRetentionPolicy ?? {}
    const start = spec.ordinals?.start ?? 0
    const complaints: string[] = []
    for (const template of spec.volumeClaimTemplates ?? []) {
      const prefix = `${template.metadata.name}-${metadata.name}-`
      for (let i = 0; i < spec.replicas; i++) {
        const claim = picture.get(PersistentVolumeClaim, metadata.namespace, `${prefix}${start + i}`)
        if (!claim) complaints.push(said(set, `has no claim ${prefix}${start + i}`))
        const owners = claim?.metadata.ownerReferences ?? []
        if (!claim || owners.some(({ name, uid }) => name === metadata.name && uid !== metadata.uid)) continue
        const isOwned = owners.some(({ uid }) => uid === metadata.uid)
        if (isOwned !== (whenDeleted === 'Delete'))
          complaints.push(said(claim, `owned by its set: ${isOwned}, though ${whenDeleted}`))
      }
      for (const claim of picture.of(PersistentVolumeClaim, metadata.namespace)) {
        const ordinal = Number(claim.metadata.name.startsWith(prefix) ? claim.metadata.name.slice(prefix.length) : Number.NaN)
        const isOut = ordinal < start || ordinal >= start + spec.replicas
        const byPod = claim.metadata.ownerReferences?.some(({ kind }) => kind === 'Pod')
        if (isOut && byPod && whenScaled === 'Delete') complaints.push(said(claim, 'should have gone with its pod'))
      }
    }
    return complaints
  })
