import type { PersistentVolumeClaim } from '../core/persistent-volume-claim.ts'
import { compareQuantities, parseQuantity, type Quantity, quantityOf, value } from '../quantity.ts'
import { type Evaluator, holds } from './evaluator.ts'

type Claim = Pick<PersistentVolumeClaim, 'metadata' | 'spec' | 'status'>

const objectCount = 'count/persistentvolumeclaims'
const names = ['persistentvolumeclaims', 'requests.storage']
const ofClass = '.storageclass.storage.k8s.io/'
const oldAnnotation = 'volume.beta.kubernetes.io/storage-class'

/** Claims: their number and size, in all and by storage class (pkg/quota/v1/evaluator/core/persistent_volume_claims.go). */
export const claimEvaluator: Evaluator<Claim> = {
  counts: name => name === objectCount || names.some(each => name === each || name.endsWith(ofClass + each)),
  usage(claim) {
    const storageClass = claim.metadata.annotations?.[oldAnnotation] ?? claim.spec.storageClassName
    const one = quantityOf(1)
    const used: Record<string, Quantity> = { [objectCount]: one, persistentvolumeclaims: one }
    if (storageClass) used[`${storageClass}${ofClass}persistentvolumeclaims`] = one
    const size = sizeOf(claim)
    if (!size) return used
    used['requests.storage'] = size
    if (storageClass) used[`${storageClass}${ofClass}requests.storage`] = size
    return used
  },
  fits: (requirement, claim) =>
    requirement.scopeName === 'VolumeAttributesClass' && holds(requirement, attributesClassesOf(claim)),
  handles: ({ subresource, object, old }) =>
    subresource === undefined ||
    (subresource === 'status' &&
      (old?.status.allocatedResources?.storage !== object.status.allocatedResources?.storage ||
        (old !== undefined && attributesClassesOf(old).join() !== attributesClassesOf(object).join()))),
}

/** What it asks for, or what it is already being given if that is more; whole bytes. */
function sizeOf({ spec, status }: Claim): Quantity | undefined {
  const asked = spec.resources.requests?.storage
  if (asked === undefined) return undefined
  const given = status.allocatedResources?.storage
  const size = given !== undefined && compareQuantities(parseQuantity(given), parseQuantity(asked)) > 0 ? given : asked
  const quantity = parseQuantity(size)
  return quantity.nano % 1_000_000_000n === 0n ? quantity : quantityOf(value(size), quantity.format)
}

/** The classes of attributes that it has, wants, or is being given. */
const attributesClassesOf = ({ spec, status }: Claim): string[] => {
  const all = [
    spec.volumeAttributesClassName,
    status.currentVolumeAttributesClassName,
    status.modifyVolumeStatus?.targetVolumeAttributesClassName,
  ]
  return [...new Set(all.filter((name): name is string => !!name))].sort()
}
