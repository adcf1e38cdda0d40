import type { Pod } from '../../api/core/pod.ts'
import type { Objects } from '../objects.ts'
import { containersOf, type Volume } from '../pod-types.ts'
import { messageOf, SyncError } from '../sync/sync-error.ts'
import { type Allocatable, addFacts } from './downward-api.ts'
import { addKeys, type Payload } from './payload.ts'
import { type PayloadVolumeOptions, payloadVolume } from './payload-volume.ts'
import type { VolumePlugin } from './plugin.ts'

type Source = NonNullable<NonNullable<Volume['projected']>['sources']>[number]

interface ProjectedOptions extends PayloadVolumeOptions {
  objects: Objects
  allocatable: Allocatable
}

/** ConfigMaps, Secrets, facts about the pod, tokens and trust anchors in one folder, in memory. */
export function projectedVolume(options: ProjectedOptions): VolumePlugin {
  return payloadVolume(options, {
    name: 'kubernetes.io/projected',
    handles: ({ volume }) => volume.projected !== undefined,
    isSecret: true,
    async payloadOf(pod, { volume: { projected } }) {
      const payload: Payload = new Map()
      const defaultMode = projected?.defaultMode ?? 0o644
      for (const source of projected?.sources ?? []) await addSource(payload, { pod, source, defaultMode }, options)
      return payload
    },
  })
}

async function addSource(
  payload: Payload,
  { pod, source, defaultMode }: { pod: Pod; source: Source; defaultMode: number },
  { objects, allocatable, usesDisk }: ProjectedOptions,
): Promise<void> {
  const { namespace, uid } = pod.metadata
  const { configMap, secret, downwardAPI, serviceAccountToken, clusterTrustBundle, podCertificate } = source
  if (configMap) {
    const values = await objects.configMap(namespace, configMap.name, uid)
    addKeys(payload, values, { ...configMap, kind: 'configmap', defaultMode })
  } else if (secret) {
    addKeys(payload, await objects.secret(namespace, secret.name, uid), { ...secret, kind: 'secret', defaultMode })
  } else if (downwardAPI) {
    addFacts(payload, pod, { ...downwardAPI, defaultMode }, allocatable())
  } else if (serviceAccountToken && usesDisk) {
    const { audience = '', expirationSeconds, path } = serviceAccountToken
    const token = await objects.token(pod, { audience, expirationSeconds }).catch((cause: unknown) => {
      throw new SyncError('FailedMount', `failed to fetch token: ${messageOf(cause)}`, { cause })
    })
    payload.set(path, { data: Buffer.from(token), ...ownersOnly(pod, defaultMode) })
  } else if (clusterTrustBundle) {
    throw new SyncError('FailedMount', 'ClusterTrustBundle projection is not supported: this cluster has no ClusterTrustBundles')
  } else if (podCertificate) {
    throw new SyncError('FailedMount', 'PodCertificate projection is not supported: this cluster has no PodCertificateRequests')
  }
}

/** Then the file need be readable for that owner only. */
function ownersOnly({ spec }: Pod, defaultMode: number): { mode: number; owner?: number } {
  const owner = soleUserOf(spec)
  const isKnown = owner !== undefined || spec.securityContext.fsGroup !== undefined
  return { mode: isKnown ? 0o600 : defaultMode, ...(owner !== undefined && { owner }) }
}

/** The one user that all containers run as, if there is one (pkg/volume/util FsUserFrom). */
export function soleUserOf(spec: Pod['spec']): number | undefined {
  const users = containersOf(spec).map(({ container }) => container.securityContext?.runAsUser ?? spec.securityContext.runAsUser)
  return new Set(users).size === 1 ? users[0] : undefined
}
