import { ConfigMap } from '../api/core/config-map.ts'
import { PersistentVolume } from '../api/core/persistent-volume.ts'
import { PersistentVolumeClaim } from '../api/core/persistent-volume-claim.ts'
import { Secret } from '../api/core/secret.ts'
import { ServiceAccount } from '../api/core/service-account.ts'
import type { Pod } from '../api/core/pod.ts'
import { ignore } from '../api/errors.ts'
import type { Client } from '../client/client.ts'
import type { Clock } from '../lib/clock.ts'

type Bytes = Readonly<Record<string, Uint8Array>>

/** The objects that pods refer to, fetched when they are needed. `undefined`: there is none of that name. */
export interface Objects {
  /** data and binaryData together. */
  configMap(namespace: string, name: string): Promise<Bytes | undefined>
  secret(namespace: string, name: string): Promise<Bytes | undefined>
  secretType(namespace: string, name: string): Promise<{ type: string; data: Bytes } | undefined>
  claim(namespace: string, name: string): Promise<PersistentVolumeClaim | undefined>
  volume(name: string): Promise<PersistentVolume | undefined>
  /** A token of the pod's service account, bound to the pod; the same one until it is due for renewal. */
  token(pod: Pod, options: { audience: string; expirationSeconds: number }): Promise<string>
  /** Forgets a pod's tokens. */
  forget(podUid: string): void
}

interface Token {
  text: string
  renewAt: number
}

/** A token is renewed after 80 % of its life, and daily at the latest (pkg/kubelet/token). */
const renewAfter = 0.8
const longestInMs = 24 * 3600_000

export function apiObjects({ client, clock }: { client: Client; clock: Clock }): Objects {
  const tokens = new Map<string, Map<string, Token>>()
  const fromBase64 = (data: Readonly<Record<string, string>> = {}): Bytes =>
    Object.fromEntries(Object.entries(data).map(([key, value]) => [key, Buffer.from(value, 'base64')]))

  const objects: Objects = {
    async configMap(namespace, name) {
      const found = await client.get(ConfigMap, { namespace, name }).catch(ignore('NotFound'))
      if (!found) return undefined
      const texts = Object.entries(found.data ?? {}).map(([key, value]) => [key, Buffer.from(value)])
      return { ...fromBase64(found.binaryData), ...Object.fromEntries(texts) }
    },
    secret: async (namespace, name) => (await objects.secretType(namespace, name))?.data,
    async secretType(namespace, name) {
      const found = await client.get(Secret, { namespace, name }).catch(ignore('NotFound'))
      return found && { type: found.type, data: fromBase64(found.data) }
    },
    claim: (namespace, name) => client.get(PersistentVolumeClaim, { namespace, name }).catch(ignore('NotFound')),
    volume: name => client.get(PersistentVolume, { name }).catch(ignore('NotFound')),
    async token(pod, { audience, expirationSeconds }) {
      const { name, namespace, uid } = pod.metadata
      let ofPod = tokens.get(uid)
      if (!ofPod) tokens.set(uid, (ofPod = new Map()))
      const key = `${audience}\n${expirationSeconds}`
      const known = ofPod.get(key)
      if (known && clock.now() < known.renewAt) return known.text
      const account = pod.spec.serviceAccountName || 'default'
      const answer = await client.createSubresource(ServiceAccount, { namespace, name: account }, 'token', {
        apiVersion: 'authentication.k8s.io/v1',
        kind: 'TokenRequest',
        metadata: {},
        spec: {
          ...(audience && { audiences: [audience] }),
          expirationSeconds,
          boundObjectRef: { apiVersion: 'v1', kind: 'Pod', name, uid },
        },
      })
      const { status } = answer as { status: { token: string } }
      ofPod.set(key, { text: status.token, renewAt: clock.now() + Math.min(expirationSeconds * 1000 * renewAfter, longestInMs) })
      return status.token
    },
    forget: uid => void tokens.delete(uid),
  }
  return objects
}
