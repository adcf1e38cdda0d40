import { Node } from '../../api/core/node.ts'
import { PersistentVolume } from '../../api/core/persistent-volume.ts'
import { PersistentVolumeClaim } from '../../api/core/persistent-volume-claim.ts'
import type { Pod } from '../../api/core/pod.ts'
import { attachmentName } from '../../api/storage/attachment-name.ts'
import { CSIDriver } from '../../api/storage/csi-driver.ts'
import { VolumeAttachment } from '../../api/storage/volume-attachment.ts'
import type { Index, ListerOf } from '../../client/controller.ts'
import { podsOf } from '../persistent-volume/pod-claims.ts'
import { isFinished } from '../shared/pod-state.ts'
import type { NodeView } from './plan.ts'

const managed = 'volumes.kubernetes.io/controller-managed-attach-detach'
const outOfService = 'node.kubernetes.io/out-of-service'

export const attachmentsByVolume: Index = {
  kind: VolumeAttachment,
  name: 'volume',
  values: object => [(object as VolumeAttachment).spec.source.persistentVolumeName ?? ''],
}
export const attachmentsByNode: Index = {
  kind: VolumeAttachment,
  name: 'node',
  values: object => [(object as VolumeAttachment).spec.nodeName],
}

/** What nodes call a volume of a driver. */
export function uniqueNameOf({ spec }: PersistentVolume): string {
  return `kubernetes.io/csi/${spec.csi?.driver ?? ''}^${spec.csi?.volumeHandle ?? ''}`
}

/** The attachments of a volume that bear the name we would give them; others are not ours. */
export function attachmentsOf(lister: ListerOf, volume: PersistentVolume): VolumeAttachment[] {
  const { driver = '', volumeHandle = '' } = volume.spec.csi ?? {}
  return lister(VolumeAttachment)
    .by('volume', volume.metadata.name)
    .filter(({ metadata, spec }) => metadata.name === attachmentName(volumeHandle, driver, spec.nodeName))
}

/** Whether a pod still needs its volumes, as far as attaching goes (util.IsPodTerminated). */
function needsVolumes({ metadata, status, ...pod }: Pod): boolean {
  if (isFinished({ metadata, status, ...pod } as Pod)) return false
  if (!metadata.deletionTimestamp) return true
  const statuses = status.containerStatuses ?? []
  return statuses.some(({ state }) => state && !state.terminated && !state.waiting)
}

/** The pods that want a volume, by the node they are on. */
export function podsByNode(lister: ListerOf, volume: PersistentVolume): Map<string, Pod[]> {
  const found = new Map<string, Pod[]>()
  const { claimRef } = volume.spec
  const key = `${claimRef?.namespace}/${claimRef?.name}`
  const claim = lister(PersistentVolumeClaim).get(key)
  if (!claim || claim.metadata.uid !== claimRef?.uid || claim.spec.volumeName !== volume.metadata.name) return found
  if (claim.status.phase !== 'Bound') return found
  for (const pod of podsOf(lister, key)) {
    const { nodeName } = pod.spec
    if (!nodeName || !needsVolumes(pod)) continue
    if (lister(Node).get(nodeName)?.metadata.annotations?.[managed] !== 'true') continue
    found.set(nodeName, [...(found.get(nodeName) ?? []), pod])
  }
  return found
}

/** Drivers without an object of theirs want their volumes attached. */
export function isAttachable(lister: ListerOf, volume: PersistentVolume): boolean {
  const driver = volume.spec.csi?.driver
  return driver !== undefined && (lister(CSIDriver).get(driver)?.spec.attachRequired ?? true)
}

export function isShareable({ spec: { accessModes = [] } }: PersistentVolume): boolean {
  return accessModes.length === 0 || accessModes.some(mode => mode === 'ReadWriteMany' || mode === 'ReadOnlyMany')
}

/** A node as it bears on one volume. */
export function nodeView(node: Node | undefined, uniqueName: string): NodeView | undefined {
  if (!node) return undefined
  const { conditions = [], volumesInUse = [], volumesAttached = [] } = node.status
  return {
    isHealthy: conditions.some(({ type, status }) => type === 'Ready' && status === 'True'),
    isOutOfService: node.spec.taints?.some(({ key }) => key === outOfService) ?? false,
    isInUse: volumesInUse.includes(uniqueName),
    isReported: volumesAttached.some(({ name }) => name === uniqueName),
  }
}

/** What of a node this controller looks at: other changes wake nobody. */
export function facetsOf({ spec, status, metadata }: Node): string {
  const ready = status.conditions?.find(({ type }) => type === 'Ready')?.status
  const isOut = spec.taints?.some(({ key }) => key === outOfService)
  const volumes = [status.volumesInUse ?? [], (status.volumesAttached ?? []).map(({ name }) => name)]
  return JSON.stringify([ready, isOut, volumes, metadata.annotations?.[managed]])
}

export const volumeObject = (lister: ListerOf, name: string): PersistentVolume | undefined => {
  const volume = lister(PersistentVolume).get(name)
  return volume?.spec.csi ? volume : undefined
}
