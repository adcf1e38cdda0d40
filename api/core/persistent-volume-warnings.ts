import { expressionWarnings } from '../warnings.ts'
import type { PersistentVolumeSpec } from './persistent-volume-spec.ts'
import { goneVolumeWarnings } from './volume-warnings.ts'

const deprecated: readonly (readonly [key: string, why: string])[] = [
  ['volume.beta.kubernetes.io/storage-class', 'deprecated since v1.8; use "storageClassName" attribute instead'],
  ['volume.beta.kubernetes.io/mount-options', 'deprecated since v1.31; use "mountOptions" attribute instead'],
]
/** Upstream says nothing about these where a persistent volume has them. */
const spared = ['flocker', 'quobyte']

interface VolumeParts {
  readonly metadata: { readonly annotations?: Readonly<Record<string, string>> | undefined }
  readonly spec: PersistentVolumeSpec
}

/** What the writer of a persistent volume is told (k8s.io/kubernetes/pkg/api/persistentvolume/util.go). */
export function persistentVolumeWarnings({ metadata, spec }: VolumeParts): string[] {
  const warnings: string[] = []
  for (const [key, why] of deprecated) {
    if (metadata.annotations?.[key] !== undefined) warnings.push(`metadata.annotations[${key}]: ${why}`)
  }
  if (spec.persistentVolumeReclaimPolicy === 'Recycle') {
    const why = 'The Recycle reclaim policy is deprecated. Instead, the recommended approach is to use dynamic provisioning.'
    warnings.push(`spec.persistentVolumeReclaimPolicy: ${why}`)
  }
  for (const [i, { matchExpressions }] of (spec.nodeAffinity?.required?.nodeSelectorTerms ?? []).entries()) {
    warnings.push(...expressionWarnings(matchExpressions, `spec.nodeAffinity.required.nodeSelectorTerms[${i}]`))
  }
  return [...warnings, ...goneVolumeWarnings(spec, 'spec', spared)]
}
