import type { PersistentVolumeClaim } from '../../api/core/persistent-volume-claim.ts'
import type { Pod } from '../../api/core/pod.ts'
import type { Cluster } from './cluster.ts'

/** A volume of a pod that is a claim: by name, or made for the pod alone. */
export interface ClaimVolume {
  readonly name: string
  readonly isEphemeral: boolean
}

export function claimVolumes({ metadata, spec }: Pod): ClaimVolume[] {
  const found: ClaimVolume[] = []
  for (const { name, persistentVolumeClaim, ephemeral } of spec.volumes ?? []) {
    if (persistentVolumeClaim) found.push({ name: persistentVolumeClaim.claimName, isEphemeral: false })
    else if (ephemeral) found.push({ name: `${metadata.name}-${name}`, isEphemeral: true })
  }
  return found
}

export function claimCalled(name: string, { metadata }: Pod, { claims }: Cluster): PersistentVolumeClaim | undefined {
  return claims.find(claim => claim.metadata.namespace === metadata.namespace && claim.metadata.name === name)
}

export const notFound = (kind: string, name: string) => `${kind} "${name}" not found`

/** The class a claim or a volume is of; the annotation of old wins. */
export function classOf(object: {
  readonly metadata: { readonly annotations?: Readonly<Record<string, string>> | undefined }
  readonly spec: { readonly storageClassName?: string | undefined }
}): string {
  return object.metadata.annotations?.['volume.beta.kubernetes.io/storage-class'] ?? object.spec.storageClassName ?? ''
}
