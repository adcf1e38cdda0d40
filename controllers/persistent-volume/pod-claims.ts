import { Pod } from '../../api/core/pod.ts'
import type { Index, ListerOf } from '../../client/controller.ts'

const name = 'claim'

/** The keys of the claims that a pod lists in its volumes; those of generic ephemeral volumes are named after the pod. */
export function claimKeysOf({ metadata, spec }: Pod): string[] {
  const keys: string[] = []
  for (const { name, persistentVolumeClaim, ephemeral } of spec.volumes ?? []) {
    if (persistentVolumeClaim) keys.push(`${metadata.namespace}/${persistentVolumeClaim.claimName}`)
    else if (ephemeral) keys.push(`${metadata.namespace}/${metadata.name}-${name}`)
  }
  return keys
}

/** Files pods under the claims they list. All who find pods by claim share this one index. */
export const podsByClaim: Index = { kind: Pod, name, values: pod => claimKeysOf(pod as Pod) }

/** The pods that list a claim, for those who declared `podsByClaim`. */
export function podsOf(lister: ListerOf, claimKey: string): readonly Pod[] {
  return lister(Pod).by(name, claimKey)
}
