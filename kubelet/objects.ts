import { ConfigMap } from '../api/core/config-map.ts'
import { PersistentVolume } from '../api/core/persistent-volume.ts'
import { PersistentVolumeClaim } from '../api/core/persistent-volume-claim.ts'
import type { Pod } from '../api/core/pod.ts'
import { Secret } from '../api/core/secret.ts'
import { ServiceAccount } from '../api/core/service-account.ts'
import { ignore } from '../api/errors.ts'
import type { AnyKind } from '../api/kind.ts'
import { RuntimeClass } from '../api/node/runtime-class.ts'
import type { Client } from '../client/client.ts'
import { type Clock, timestamp } from '../lib/clock.ts'
import type { FollowedObjects } from './volumes/followed-objects.ts'

type Bytes = Readonly<Record<string, Uint8Array>>

/** The objects that pods refer to, fetched when they are needed. `undefined`: there is none of that name. */
export interface Objects {
  /** data and binaryData together. `mountedBy`: a pod that wants to be told of changes from now on. */
  configMap(namespace: string, name: string, mountedBy?: string): Promise<Bytes | undefined>
  /** Only data, which is all that becomes environment. */
  configMapText(namespace: string, name: string): Promise<Readonly<Record<string, string>> | undefined>
  secret(namespace: string, name: string, mountedBy?: string): Promise<Bytes | undefined>
  secretType(namespace: string, name: string): Promise<{ type: string; data: Bytes } | undefined>
  claim(namespace: string, name: string): Promise<PersistentVolumeClaim | undefined>
  volume(name: string): Promise<PersistentVolume | undefined>
  /** What a RuntimeClass says that its pods run on. */
  runtimeHandler(className: string): Promise<string | undefined>
  /** A token of the pod's service account, bound to the pod; the same one until it is due for renewal, or longer if that fails. */
  token(pod: Pod, options: { audience: string; expirationSeconds: number }): Promise<string>
  /** The same with its end, as a TokenRequest's status has it. */
  tokenStatus(
    pod: Pod,
    options: { audience: string; expirationSeconds: number },
  ): Promise<{ token: string; expirationTimestamp: string }>
  /** Forgets a pod's tokens, and what it wanted to be told of. */
  forget(podUid: string): void
}

interface Token {
  text: string
  renewAt: number
  expiresAt: number
}

/** A token is renewed after 80 % of its life, and daily at the latest (pkg/kubelet/token). */
const renewAfter = 0.8
const longestInMs = 24 * 3600_000

/** `followed`: where objects that pods mount are kept up to date; absent, they are fetched each time. */
export function apiObjects({ client, clock, followed }: { client: Client; clock: Clock; followed?: FollowedObjects }): Objects {
  const tokens = new Map<string, Map<string, Token>>()
  const fromBase64 = (data: Readonly<Record<string, string>> = {}): Bytes =>
    Object.fromEntries(Object.entries(data).map(([key, value]) => [key, Buffer.from(value, 'base64')]))

  const find = <K extends AnyKind>(kind: K, ref: { namespace: string; name: string }, mountedBy: string | undefined) =>
    followed && mountedBy !== undefined ? followed.get(kind, ref, mountedBy) : client.get(kind, ref).catch(ignore('NotFound'))

  const requestToken = async (pod: Pod, { audience, expirationSeconds }: { audience: string; expirationSeconds: number }) => {
    const { name, namespace, uid } = pod.metadata
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
    const { status } = answer as { status: { token: string; expirationTimestamp?: string } }
    const now = clock.now()
    // The server may give less, or more, than was asked for.
    const expiresAt = status.expirationTimestamp ? Date.parse(status.expirationTimestamp) : now + expirationSeconds * 1000
    const renewAt = now + Math.min((expiresAt - now) * renewAfter, longestInMs)
    return { text: status.token, renewAt, expiresAt }
  }

  const currentToken = async (pod: Pod, options: { audience: string; expirationSeconds: number }): Promise<Token> => {
    const { uid } = pod.metadata
    let ofPod = tokens.get(uid)
    if (!ofPod) tokens.set(uid, (ofPod = new Map()))
    const key = `${options.audience}\n${options.expirationSeconds}`
    const known = ofPod.get(key)
    if (known && clock.now() < known.renewAt) return known
    try {
      const fresh = await requestToken(pod, options)
      ofPod.set(key, fresh)
      return fresh
    } catch (error) {
      if (known && clock.now() < known.expiresAt) return known
      throw error
    }
  }

  const objects: Objects = {
    async configMap(namespace, name, mountedBy) {
      const found = await find(ConfigMap, { namespace, name }, mountedBy)
      if (!found) return undefined
      const texts = Object.entries(found.data ?? {}).map(([key, value]) => [key, Buffer.from(value)])
      return { ...fromBase64(found.binaryData), ...Object.fromEntries(texts) }
    },
    async configMapText(namespace, name) {
      const found = await find(ConfigMap, { namespace, name }, undefined)
      return found && (found.data ?? {})
    },
    async secret(namespace, name, mountedBy) {
      const found = await find(Secret, { namespace, name }, mountedBy)
      return found && fromBase64(found.data)
    },
    async secretType(namespace, name) {
      const found = await client.get(Secret, { namespace, name }).catch(ignore('NotFound'))
      return found && { type: found.type, data: fromBase64(found.data) }
    },
    claim: (namespace, name) => client.get(PersistentVolumeClaim, { namespace, name }).catch(ignore('NotFound')),
    volume: name => client.get(PersistentVolume, { name }).catch(ignore('NotFound')),
    runtimeHandler: async name => (await client.get(RuntimeClass, { name }).catch(ignore('NotFound')))?.handler,
    token: async (pod, options) => (await currentToken(pod, options)).text,
    async tokenStatus(pod, options) {
      const { text, expiresAt } = await currentToken(pod, options)
      return { token: text, expirationTimestamp: timestamp(expiresAt) }
    },
    forget(uid) {
      tokens.delete(uid)
      followed?.release(uid)
    },
  }
  return objects
}
