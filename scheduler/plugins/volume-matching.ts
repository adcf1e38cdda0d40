import type { PersistentVolume } from '../../api/core/persistent-volume.ts'
import type { PersistentVolumeClaim } from '../../api/core/persistent-volume-claim.ts'
import { type LabelledNode, matchesNodeSelector } from '../../api/placement/node-affinity.ts'
import { amountOf } from '../../api/placement/pod-requests.ts'
import { fromLabelSelector, matchesLabels } from '../../api/selectors.ts'
import type { StorageClass } from '../../api/storage/storage-class.ts'
import type { NodeInfo } from '../node-info.ts'
import { classNameOf } from './pod-claims.ts'

/** Whether a volume can be reached from a node. */
export function isReachable({ spec }: PersistentVolume, node: LabelledNode): boolean {
  return !spec.nodeAffinity?.required || matchesNodeSelector(spec.nodeAffinity.required, node)
}

/**
 * The smallest free volume that does for a claim on a node; one that is reserved for the claim wins (semantics B12, pkg/controller/
 * volume/persistentvolume FindMatchingVolume). `isTaken` tells which were promised to others a moment ago.
 */
export function matchingVolume(
  claim: PersistentVolumeClaim,
  node: NodeInfo,
  volumes: readonly PersistentVolume[],
  isTaken: (volumeName: string) => boolean,
): PersistentVolume | undefined {
  const wanted = sizeOf(claim.spec.resources?.requests)
  const selector = claim.spec.selector ? fromLabelSelector(claim.spec.selector) : undefined
  let best: PersistentVolume | undefined
  for (const volume of volumes) {
    const { metadata, spec, status } = volume
    if (metadata.deletionTimestamp || isTaken(metadata.name) || classNameOf(volume) !== classNameOf(claim)) continue
    if ((spec.volumeAttributesClassName ?? '') !== (claim.spec.volumeAttributesClassName ?? '')) continue
    if ((spec.volumeMode ?? 'Filesystem') !== (claim.spec.volumeMode ?? 'Filesystem')) continue
    const size = sizeOf(spec.capacity)
    if (size < wanted) continue
    if (spec.claimRef) {
      // One that is reserved but out of reach is not to be replaced by another.
      if (isReservedFor(volume, claim)) return isReachable(volume, node) ? volume : undefined
      continue
    }
    if (status.phase !== 'Available' || !isReachable(volume, node)) continue
    if (selector && !matchesLabels(selector, metadata.labels ?? {})) continue
    if (!claim.spec.accessModes?.every(mode => spec.accessModes?.includes(mode))) continue
    if (!best || size < sizeOf(best.spec.capacity)) best = volume
  }
  return best
}

function isReservedFor({ spec }: PersistentVolume, { metadata }: PersistentVolumeClaim): boolean {
  const { namespace, name, uid } = spec.claimRef ?? {}
  return namespace === metadata.namespace && name === metadata.name && (!uid || uid === metadata.uid)
}

/** In bytes. */
export function sizeOf(amounts: Readonly<Record<string, string>> | undefined): number {
  return amountOf('storage', amounts?.storage ?? '0')
}

const noProvisioner = 'kubernetes.io/no-provisioner'

/** Whether a volume of a class can be made for a node: somebody makes them, and there. */
export function isProvisionable(storageClass: StorageClass | undefined, node: NodeInfo): boolean {
  if (!storageClass?.provisioner || storageClass.provisioner === noProvisioner) return false
  const { allowedTopologies = [] } = storageClass
  if (allowedTopologies.length === 0) return true
  return allowedTopologies.some(
    ({ matchLabelExpressions = [] }) =>
      matchLabelExpressions.length > 0 &&
      matchLabelExpressions.every(({ key, values = [] }) => key in node.labels && values.includes(node.labels[key] ?? '')),
  )
}
