import type { Objects } from '../objects.ts'
import { addKeys, type Payload } from './payload.ts'
import { type PayloadVolumeOptions, payloadVolume } from './payload-volume.ts'
import type { VolumePlugin } from './plugin.ts'

/** The keys of a ConfigMap as files. */
export function configMapVolume(options: PayloadVolumeOptions & { objects: Objects }): VolumePlugin {
  return payloadVolume(options, {
    name: 'kubernetes.io/configmap',
    handles: ({ volume }) => volume.configMap !== undefined,
    isSecret: false,
    async payloadOf(pod, { volume: { configMap } }) {
      const payload: Payload = new Map()
      if (!configMap) return payload
      const { namespace, uid } = pod.metadata
      const values = await options.objects.configMap(namespace, configMap.name, uid)
      addKeys(payload, values, { ...configMap, kind: 'configmap' })
      return payload
    },
  })
}
