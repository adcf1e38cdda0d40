import type { Objects } from '../objects.ts'
import { addKeys, type Payload } from './payload.ts'
import { type PayloadVolumeOptions, payloadVolume } from './payload-volume.ts'
import type { VolumePlugin } from './plugin.ts'

/** The keys of a Secret as files, in memory. */
export function secretVolume(options: PayloadVolumeOptions & { objects: Objects }): VolumePlugin {
  return payloadVolume(options, {
    name: 'kubernetes.io/secret',
    handles: ({ volume }) => volume.secret !== undefined,
    isSecret: true,
    async payloadOf(pod, { volume: { secret } }) {
      const payload: Payload = new Map()
      if (!secret) return payload
      const name = secret.secretName ?? ''
      const { namespace, uid } = pod.metadata
      addKeys(payload, await options.objects.secret(namespace, name, uid), { ...secret, kind: 'secret', name })
      return payload
    },
  })
}
