import type { PersistentVolumeClaim } from '../../api/core/persistent-volume-claim.ts'
import type { CSINode } from '../../api/storage/csi-node.ts'
import type { Lister } from '../../client/informer.ts'
import { type Plugin, unresolvable, unschedulable } from '../framework.ts'
import { claimsOf, isOwnClaim, type StorageListers } from './pod-claims.ts'

const name = 'NodeVolumeLimits'
const tooMany = unschedulable(name, 'node(s) exceed max volume count')

/** Volumes of storage drivers by what tells them apart, each with its driver. */
type State = ReadonlyMap<string, string>

/**
 * A node takes as many volumes of a storage driver as its CSINode says (plugins/nodevolumelimits/csi.go). A volume that several pods of a
 * node share counts once.
 */
export function nodeVolumeLimits(storage: StorageListers, csiNodes: Lister<CSINode>): Plugin<State> {
  const driverVolume = ({ metadata, spec }: PersistentVolumeClaim): readonly [string, string] | undefined => {
    const source = spec.volumeName ? storage.volumes.get(spec.volumeName)?.spec.csi : undefined
    if (source) return [`${source.driver}/${source.volumeHandle}`, source.driver]
    const provisioner = spec.volumeName ? undefined : storage.classes.get(spec.storageClassName ?? '')?.provisioner
    return provisioner === undefined ? undefined : [`${provisioner}/${metadata.namespace}/${metadata.name}`, provisioner]
  }
  return {
    name,
    preFilter({ pod }) {
      if (pod.claims.length === 0) return 'skip'
      const claims = claimsOf(pod, storage)
      if (typeof claims === 'string') return { refusal: unresolvable(name, claims) }
      const volumes = new Map(
        claims.flatMap(claim => [driverVolume(claim) ?? []].filter(pair => pair.length > 0) as [string, string][]),
      )
      return volumes.size > 0 ? { state: volumes } : 'skip'
    },
    filter(_, node, wanted) {
      const drivers = csiNodes.get(node.name)?.spec.drivers ?? []
      const limits = new Map(
        drivers.flatMap(driver => (driver.allocatable?.count === undefined ? [] : [[driver.name, driver.allocatable.count]])),
      )
      if (![...wanted.values()].some(driver => limits.has(driver))) return undefined
      const all = new Map(wanted)
      for (const key of node.claims.keys()) {
        const claim = storage.claims.get(key)
        const volume = claim && driverVolume(claim)
        if (volume) all.set(...volume)
      }
      for (const driver of new Set(wanted.values())) {
        const limit = limits.get(driver)
        const count = [...all.values()].filter(other => other === driver).length
        if (limit !== undefined && count > limit) return tooMany
      }
      return undefined
    },
    wakes: {
      assignedPod: (_, { action }) => action === 'delete',
      node: (_, { action }) => action !== 'delete',
      claim: (pod, { after }) => isOwnClaim(pod, after),
    },
  }
}
