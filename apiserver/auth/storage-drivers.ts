import { PersistentVolume } from '../../api/core/persistent-volume.ts'
import { PersistentVolumeClaim } from '../../api/core/persistent-volume-claim.ts'
import type { Pod } from '../../api/core/pod.ts'
import type { AnyKind, ObjectOf } from '../../api/kind.ts'
import { CSIDriver } from '../../api/storage/csi-driver.ts'
import type { KubeObject } from '../../api/transport.ts'

type Get = <K extends AnyKind>(kind: K, name: string, namespace?: string) => Promise<ObjectOf<K> | undefined>

/** The audiences of which storage drivers want tokens of a pod, because it has volumes of theirs (ServiceAccountNodeAudienceRestriction). */
export function driverAudiences(get: Get): (pod: KubeObject) => Promise<string[]> {
  return async pod => {
    const { metadata, spec } = pod as Pod
    const { name, namespace = '' } = metadata
    const drivers = new Set<string>()
    for (const volume of spec.volumes ?? []) {
      if (volume.csi) drivers.add(volume.csi.driver)
      const claimName = volume.persistentVolumeClaim?.claimName ?? (volume.ephemeral && `${name}-${volume.name}`)
      const claim = claimName === undefined ? undefined : await get(PersistentVolumeClaim, claimName, namespace)
      const bound = claim?.spec.volumeName ? await get(PersistentVolume, claim.spec.volumeName) : undefined
      if (bound?.spec.csi) drivers.add(bound.spec.csi.driver)
    }
    const objects = await Promise.all([...drivers].map(driver => get(CSIDriver, driver)))
    return objects.flatMap(object => (object?.spec.tokenRequests ?? []).map(({ audience }) => audience))
  }
}

/** Whether a kubelet needs a secret to mount a volume: the secrets for attaching and making it are not for nodes. */
export function volumeNeedsSecret({ spec }: PersistentVolume | undefined = nothing, namespace: string, name: string): boolean {
  const { nodeStageSecretRef, nodePublishSecretRef, nodeExpandSecretRef } = spec.csi ?? {}
  return [nodeStageSecretRef, nodePublishSecretRef, nodeExpandSecretRef].some(
    ref => ref?.name === name && ref.namespace === namespace,
  )
}

const nothing = { spec: {} } as PersistentVolume
