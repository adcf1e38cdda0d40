import type { PersistentVolume } from '../../api/core/persistent-volume.ts'
import type { PersistentVolumeClaim } from '../../api/core/persistent-volume-claim.ts'
import type { StorageClass } from '../../api/storage/storage-class.ts'
import { isDefaultClass } from './names.ts'

const oldClassAnnotation = 'volume.beta.kubernetes.io/storage-class'
const defaultMarkers = [isDefaultClass, 'storageclass.beta.kubernetes.io/is-default-class']

/** The class that a claim asks for or a volume belongs to; empty when none. The annotation of old wins, as upstream has it. */
export function classOf({ metadata, spec }: PersistentVolume | PersistentVolumeClaim): string {
  return metadata.annotations?.[oldClassAnnotation] ?? spec.storageClassName ?? ''
}

/** Whether a claim says nothing about its class, not even that it wants none: it gets the default class when there is one. */
export function wantsDefaultClass({ metadata, spec }: PersistentVolumeClaim): boolean {
  return spec.storageClassName === undefined && metadata.annotations?.[oldClassAnnotation] === undefined
}

export function isMarkedDefault({ metadata }: StorageClass): boolean {
  return defaultMarkers.some(marker => metadata.annotations?.[marker] === 'true')
}

/** Of the default classes the newest, of equally old ones the first by name. */
export function defaultClass(classes: readonly StorageClass[]): StorageClass | undefined {
  const newestFirst = ({ metadata: a }: StorageClass, { metadata: b }: StorageClass) => {
    if (a.creationTimestamp !== b.creationTimestamp) return a.creationTimestamp < b.creationTimestamp ? 1 : -1
    return a.name < b.name ? -1 : 1
  }
  return classes.filter(isMarkedDefault).sort(newestFirst)[0]
}
