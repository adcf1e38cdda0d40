import { PersistentVolume } from '../../api/core/persistent-volume.ts'
import { PersistentVolumeClaim } from '../../api/core/persistent-volume-claim.ts'
import type { Pod } from '../../api/core/pod.ts'
import { keyOf } from '../../api/keys.ts'
import { StorageClass } from '../../api/storage/storage-class.ts'
import type { Index, ListerOf, Watch } from '../../client/controller.ts'
import type { Change } from '../../client/informer.ts'
import { deepEqual } from '../../lib/json.ts'
import { classOf, isMarkedDefault, wantsDefaultClass } from './classes.ts'
import { isFree, wouldServe } from './match.ts'
import { bindCompleted } from './names.ts'
import { claimKeysOf } from './pod-claims.ts'

const none: readonly string[] = []
const isUnbound = ({ metadata }: PersistentVolumeClaim) => metadata.annotations?.[bindCompleted] === undefined

/** Where claims wait that have no class and may yet get the default. */
const classless = 'no class'

/** Claims by the volume they name, and those that take any volume by their class. */
export const claimIndexes: readonly Index[] = [
  {
    kind: PersistentVolumeClaim,
    name: 'volume',
    values: claim => {
      const { volumeName } = (claim as PersistentVolumeClaim).spec
      return volumeName ? [volumeName] : none
    },
  },
  {
    kind: PersistentVolumeClaim,
    name: 'waiting',
    values: object => {
      const claim = object as PersistentVolumeClaim
      if (claim.spec.volumeName || !isUnbound(claim)) return none
      return wantsDefaultClass(claim) ? [`class ${classOf(claim)}`, classless] : [`class ${classOf(claim)}`]
    },
  },
]

/** Volumes by the claim they are for, and the free ones by their class. */
export const volumeIndexes: readonly Index[] = [
  {
    kind: PersistentVolume,
    name: 'claim',
    values: volume => claimRefKey(volume as PersistentVolume) ?? none,
  },
  {
    kind: PersistentVolume,
    name: 'free',
    values: object => {
      const volume = object as PersistentVolume
      return isFree(volume) ? [classOf(volume)] : none
    },
  },
]

function claimRefKey({ spec: { claimRef } }: PersistentVolume): readonly string[] | undefined {
  return claimRef?.name ? [`${claimRef.namespace}/${claimRef.name}`] : undefined
}

export const reservedVolumes = (lister: ListerOf, claim: PersistentVolumeClaim) =>
  lister(PersistentVolume).by('claim', keyOf(claim))
export const freeVolumes = (lister: ListerOf, className: string) => lister(PersistentVolume).by('free', className)

/** A volume concerns the claim that it names and those that name it; one that has become free, those that wait for such a one. */
export const claimsOfVolume: Watch['keys'] = ({ type, object, previous }, lister) => {
  const volume = object as PersistentVolume
  const claims = lister(PersistentVolumeClaim)
  const keys = [...(claimRefKey(volume) ?? none), ...claims.by('volume', volume.metadata.name).map(keyOf)]
  if (type === 'deleted' || !isFree(volume) || wasTheSame(volume, previous as PersistentVolume | undefined)) return keys
  const className = classOf(volume)
  if (className && lister(StorageClass).get(className)?.volumeBindingMode === 'WaitForFirstConsumer') return keys
  const served = claims.by('waiting', `class ${className}`).filter(claim => wouldServe(volume, claim))
  return [...keys, ...served.map(keyOf)]
}

function wasTheSame(volume: PersistentVolume, previous: PersistentVolume | undefined): boolean {
  if (!previous || !isFree(previous)) return false
  return deepEqual(volume.spec, previous.spec) && deepEqual(volume.metadata.labels ?? {}, previous.metadata.labels ?? {})
}

/** A class concerns the claims that wait for a volume of it; a default one, those without a class too. */
export const claimsOfClass: Watch['keys'] = ({ type, object }, lister) => {
  if (type === 'deleted') return none
  const waiting = (value: string) => lister(PersistentVolumeClaim).by('waiting', value).map(keyOf)
  const own = waiting(`class ${object.metadata.name}`)
  return isMarkedDefault(object as StorageClass) ? [...own, ...waiting(classless)] : own
}

/** A new pod without a node makes the claims that wait for it say so. */
export const claimsOfPod: Watch['keys'] = ({ type, object }: Change, lister) => {
  if (type !== 'added' || (object as Pod).spec.nodeName) return none
  const claims = lister(PersistentVolumeClaim)
  return claimKeysOf(object as Pod).filter(key => {
    const claim = claims.get(key)
    return claim !== undefined && isUnbound(claim)
  })
}
