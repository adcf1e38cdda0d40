import { PersistentVolumeClaim } from '../../api/core/persistent-volume-claim.ts'
import type { Draft } from '../../api/kind.ts'
import { StorageClass } from '../../api/storage/storage-class.ts'
import type { AdmissionStep } from '../admission.ts'

const markers = ['storageclass.kubernetes.io/is-default-class', 'storageclass.beta.kubernetes.io/is-default-class']
const oldAnnotation = 'volume.beta.kubernetes.io/storage-class'

/** Claims that name no class (not even the empty one) get the default: the newest that is marked so (semantics B12). */
export const defaultStorageClass: AdmissionStep = {
  name: 'DefaultStorageClass',
  kinds: [PersistentVolumeClaim],
  operations: ['CREATE'],
  async admit({ object }, { access }) {
    const { spec, metadata } = object as unknown as Draft<PersistentVolumeClaim>
    if (spec.storageClassName !== undefined || metadata.annotations?.[oldAnnotation] !== undefined) return
    const classes = (await access.all(StorageClass)) as readonly StorageClass[]
    const marked = classes.filter(each => markers.some(marker => each.metadata.annotations?.[marker] === 'true'))
    const [newest] = marked.sort(
      (a, b) =>
        b.metadata.creationTimestamp.localeCompare(a.metadata.creationTimestamp) || (a.metadata.name < b.metadata.name ? -1 : 1),
    )
    if (newest) spec.storageClassName = newest.metadata.name
  },
}
