import { Node } from '../../../api/core/node.ts'
import { PersistentVolume } from '../../../api/core/persistent-volume.ts'
import type { PersistentVolumeClaim } from '../../../api/core/persistent-volume-claim.ts'
import { Pod } from '../../../api/core/pod.ts'
import type { Onlooker } from '../stage.ts'
import { said } from './words.ts'

/** The garbage collector takes nothing that still has an owner, unless all its owners wait for it to go. */
export const nothingOwnedIsCollected: Onlooker = ({ object, previous, type, actor }, picture) => {
  if (actor !== 'garbage-collector-controller' || !previous || previous.metadata.deletionTimestamp) return []
  if (type === 'put' && !object.metadata.deletionTimestamp) return []
  const { namespace, ownerReferences = [] } = previous.metadata
  const solid = ownerReferences.filter(({ uid }) => {
    const owner = picture.byUid(uid)
    if (!owner || (owner.metadata.namespace !== undefined && owner.metadata.namespace !== namespace)) return false
    // One that is going may have waited for it a moment ago.
    return owner.metadata.deletionTimestamp === undefined
  })
  return solid.length > 0 ? [said(object, `was collected, though it belongs to ${solid.map(({ name }) => name)}`)] : []
}

/** While there are pods in a namespace that goes, nothing else of it is taken. */
export const podsGoFirst: Onlooker = ({ object, previous, type, actor, verb }, picture) => {
  if (actor !== 'namespace-controller' || !previous || object.kind === Pod.kind || object.metadata.namespace === undefined)
    return []
  const isTaken = type === 'delete' || (object.metadata.deletionTimestamp && !previous.metadata.deletionTimestamp)
  if (!isTaken || !verb.startsWith('delete')) return []
  const [pod] = picture.of(Pod, object.metadata.namespace)
  return pod ? [said(object, `was taken before pod ${pod.metadata.name}`)] : []
}

/** A volume is not taken from a claim that is bound to it. */
export const boundStaysBound: Onlooker = ({ object, previous, type }, picture) => {
  if (type !== 'put' || object.kind !== PersistentVolume.kind || !previous) return []
  const [now, then] = [object as PersistentVolume, previous as PersistentVolume].map(({ spec }) => spec.claimRef?.uid)
  if (then === undefined || now === then) return []
  const claim = picture.byUid(then) as PersistentVolumeClaim | undefined
  const isBound = claim?.status.phase === 'Bound' && claim.spec.volumeName === object.metadata.name
  return isBound ? [said(object, `was taken from claim ${claim.metadata.name}`)] : []
}

/** The addresses of a node's pods never change. */
export const rangesStay: Onlooker = ({ object, previous, type }) => {
  if (type !== 'put' || object.kind !== Node.kind || !previous) return []
  const [now, then] = [object as Node, previous as Node].map(({ spec }) => spec.podCIDR)
  return then && now !== then ? [said(object, `has range ${now} instead of ${then}`)] : []
}
