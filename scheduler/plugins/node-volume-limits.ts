import type { PersistentVolumeClaim } from '../../api/core/persistent-volume-claim.ts'
import { CSINode } from '../../api/storage/csi-node.ts'
import { VolumeAttachment } from '../../api/storage/volume-attachment.ts'
import type { Informers } from '../../client/informer.ts'
import { type Plugin, type ResourceChange, unschedulable } from '../framework.ts'
import type { NodeInfo } from '../node-info.ts'
import { classNameOf, isNamedClaim, isOwnClaim, type StorageListers } from './pod-claims.ts'

const name = 'NodeVolumeLimits'
const tooMany = unschedulable(name, 'node(s) exceed max volume count')

/** Volumes of storage drivers by what tells them apart, each with its driver. */
type State = ReadonlyMap<string, string>

const onNode = (attachment: VolumeAttachment): readonly string[] => [attachment.spec.nodeName]

/**
 * A node takes as many volumes of a storage driver as its CSINode says (plugins/nodevolumelimits/csi.go). A volume that several pods of a
 * node share counts once; what is still attached though no pod there wants it any more counts, too.
 */
export function nodeVolumeLimits(storage: StorageListers, informers: Informers): Plugin<State> {
  const csiNodes = informers.of(CSINode).lister
  const attachments = informers.of(VolumeAttachment)
  attachments.index('node', onNode)

  const driverVolume = (claim: PersistentVolumeClaim): readonly [string, string] | undefined => {
    const { metadata, spec } = claim
    const volume = spec.volumeName ? storage.volumes.get(spec.volumeName) : undefined
    const source = volume?.spec.csi
    if (source) return [`${source.driver}/${source.volumeHandle}`, source.driver]
    const provisioner = volume ? undefined : storage.classes.get(classNameOf(claim))?.provisioner
    return !provisioner ? undefined : [`${provisioner}/${metadata.namespace}/${metadata.name}`, provisioner]
  }
  const mountedOn = (node: NodeInfo): Map<string, string> => {
    const claims = [...node.claims.keys()].flatMap(key => storage.claims.get(key) ?? [])
    return new Map(claims.flatMap(claim => [driverVolume(claim) ?? []].filter(isPair)))
  }
  const attachedTo = (nodeName: string): [string, string][] =>
    attachments.lister.by('node', nodeName).flatMap(({ spec }) => {
      const handle = storage.volumes.get(spec.source.persistentVolumeName ?? '')?.spec.csi?.volumeHandle
      return spec.attacher && handle !== undefined ? [[`${spec.attacher}/${handle}`, spec.attacher] as [string, string]] : []
    })

  return {
    name,
    preFilter({ pod }) {
      if (pod.claims.length === 0) return 'skip'
      // What is missing is for VolumeBinding to tell.
      const claims = pod.claims.flatMap(claim => storage.claims.get(`${pod.namespace}/${claim}`) ?? [])
      const volumes = new Map(claims.flatMap(claim => [driverVolume(claim) ?? []].filter(isPair)))
      return volumes.size > 0 ? { state: volumes } : 'skip'
    },
    filter(_, node, wanted) {
      const limits = new Map<string, number>()
      for (const { name, allocatable } of csiNodes.get(node.name)?.spec.drivers ?? [])
        if (allocatable?.count !== undefined) limits.set(name, allocatable.count)
      if (![...wanted.values()].some(driver => limits.has(driver))) return undefined
      const there = mountedOn(node)
      const added = [...wanted].filter(([volume]) => !there.has(volume))
      // What is attached and wanted by no pod there counts beside the pod's own, even if it is the same volume: so upstream counts.
      const all = [...new Map([...there, ...attachedTo(node.name)]), ...added].map(([, driver]) => driver)
      for (const driver of new Set(added.map(([, driver]) => driver)))
        if (all.filter(other => other === driver).length > (limits.get(driver) ?? Number.POSITIVE_INFINITY)) return tooMany
      return undefined
    },
    wakes: {
      assignedPod: (_, { action, before }) => action === 'delete' && (before?.claims.length ?? 0) > 0,
      csiNode: (_, change) => hasMoreRoom(change),
      claim: (pod, { action, after }) => action === 'add' && isOwnClaim(pod, after),
      attachment: (pod, { action }) => action === 'delete' && pod.claims.some(claim => isNamedClaim(pod, claim)),
    },
  }
}

const isPair = (pair: readonly string[]): pair is readonly [string, string] => pair.length === 2

/** A node that began to tell its limits, or takes more volumes of some driver than before. */
function hasMoreRoom({ action, before, after }: ResourceChange<CSINode>): boolean {
  if (action !== 'update') return action === 'add'
  const limitsBefore = new Map(before?.spec.drivers?.map(({ name, allocatable }) => [name, allocatable?.count ?? 0]))
  return after?.spec.drivers?.some(({ name, allocatable }) => (allocatable?.count ?? 0) > (limitsBefore.get(name) ?? 0)) ?? false
}
