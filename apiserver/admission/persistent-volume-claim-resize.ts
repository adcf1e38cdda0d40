import { PersistentVolumeClaim } from '../../api/core/persistent-volume-claim.ts'
import { ApiError } from '../../api/errors.ts'
import { value } from '../../api/quantity.ts'
import { StorageClass } from '../../api/storage/storage-class.ts'
import type { AdmissionStep } from '../admission.ts'

const oldAnnotation = 'volume.beta.kubernetes.io/storage-class'
const classOf = ({ metadata, spec }: PersistentVolumeClaim) =>
  metadata.annotations?.[oldAnnotation] ?? spec.storageClassName ?? ''
const sizeOf = ({ spec }: PersistentVolumeClaim) => value(spec.resources?.requests?.storage ?? '0')

/** Claims may ask for more once they are bound, if their class allows it (plugin/pkg/admission/storage/persistentvolume/resize). */
export const persistentVolumeClaimResize: AdmissionStep = {
  name: 'PersistentVolumeClaimResize',
  kinds: [PersistentVolumeClaim],
  operations: ['UPDATE'],
  async check({ object, old, subresource, name }, { access }) {
    const [before, after] = [old, object] as unknown as readonly [PersistentVolumeClaim, PersistentVolumeClaim]
    if (subresource || sizeOf(after) <= sizeOf(before)) return
    const refuse = (why: string) => new ApiError('Forbidden', `persistentvolumeclaims "${name}" is forbidden: ${why}`)
    if (before.status.phase !== 'Bound') throw refuse('Only bound persistent volume claims can be expanded')
    const className = classOf(after)
    const classes = (await access.all(StorageClass)) as readonly StorageClass[]
    const found = className === classOf(before) ? classes.find(({ metadata }) => metadata.name === className) : undefined
    if (!found?.allowVolumeExpansion)
      throw refuse(
        'only dynamically provisioned pvc can be resized and the storageclass that provisions the pvc must support resize',
      )
  },
}
