import type { Pod } from '../../api/core/pod.ts'
import { resourceValue, fieldValue } from '../env/fields.ts'
import type { Objects } from '../objects.ts'
import type { Volume } from '../pod-types.ts'
import { SyncError } from '../sync/sync-error.ts'
import { addKeys, type Payload } from './payload.ts'

const encode = (text: string) => Buffer.from(text)

type DownwardItems = NonNullable<Volume['downwardAPI']>['items']

export interface PayloadContext {
  readonly objects: Objects
  readonly allocatable: Readonly<Record<string, string>>
  /** Simulated nodes have nobody who would read a token. */
  readonly skipTokens: boolean
}

/** Whether a volume's files are made from API objects, and made again when those change. */
export function isPayloadVolume({ configMap, secret, downwardAPI, projected }: Volume): boolean {
  return Boolean(configMap || secret || downwardAPI || projected)
}

/** The files of a configMap, secret, downwardAPI or projected volume. Throws SyncError FailedMount for what is missing. */
export async function payloadOf(pod: Pod, volume: Volume, context: PayloadContext): Promise<Payload> {
  const payload: Payload = new Map()
  const { namespace } = pod.metadata
  const { configMap, secret, downwardAPI, projected } = volume
  if (configMap) {
    addKeys(payload, await context.objects.configMap(namespace, configMap.name), { ...configMap, kind: 'configmap' })
  } else if (secret) {
    const name = secret.secretName ?? ''
    addKeys(payload, await context.objects.secret(namespace, name), { ...secret, kind: 'secret', name })
  } else if (downwardAPI) {
    addFacts(payload, pod, downwardAPI.items, downwardAPI.defaultMode, context)
  } else if (projected) {
    await addProjected(payload, pod, projected, context)
  }
  return payload
}

async function addProjected(
  payload: Payload,
  pod: Pod,
  { sources = [], defaultMode }: NonNullable<Volume['projected']>,
  context: PayloadContext,
): Promise<void> {
  const { namespace } = pod.metadata
  for (const { configMap, secret, downwardAPI, serviceAccountToken } of sources) {
    if (configMap) {
      addKeys(payload, await context.objects.configMap(namespace, configMap.name), {
        ...configMap,
        kind: 'configmap',
        defaultMode,
      })
    } else if (secret) {
      addKeys(payload, await context.objects.secret(namespace, secret.name), { ...secret, kind: 'secret', defaultMode })
    } else if (downwardAPI) {
      addFacts(payload, pod, downwardAPI.items, defaultMode, context)
    } else if (serviceAccountToken && !context.skipTokens) {
      const { audience = '', expirationSeconds, path } = serviceAccountToken
      const token = await context.objects.token(pod, { audience, expirationSeconds }).catch((cause: unknown) => {
        const why = cause instanceof Error ? cause.message : String(cause)
        throw new SyncError('FailedMount', `failed to fetch token: ${why}`, { cause })
      })
      payload.set(path, { data: encode(token), mode: isOwnerKnown(pod) ? 0o600 : defaultMode })
    }
  }
}

/** Then the token need be readable for that owner only. */
function isOwnerKnown({ spec }: Pod): boolean {
  if (spec.securityContext.fsGroup !== undefined) return true
  return soleUserOf(spec) !== undefined
}

/** The one user that all containers run as, if there is one. */
export function soleUserOf({ containers, initContainers = [], securityContext }: Pod['spec']): number | undefined {
  const users = [...containers, ...initContainers].map(one => one.securityContext?.runAsUser ?? securityContext.runAsUser)
  return new Set(users).size === 1 ? users[0] : undefined
}

function addFacts(payload: Payload, pod: Pod, items: DownwardItems, defaultMode: number, { allocatable }: PayloadContext): void {
  for (const { path, mode, fieldRef, resourceFieldRef } of items ?? []) {
    const value = fieldRef
      ? fieldValue(pod, fieldRef.fieldPath, { podIps: [], hostIps: [] })
      : resourceFieldRef && resourceOf(pod, resourceFieldRef, allocatable)
    if (value === undefined)
      throw new SyncError('FailedMount', `unsupported fieldPath: ${fieldRef?.fieldPath ?? resourceFieldRef?.resource ?? ''}`)
    payload.set(path, { data: encode(value), mode: mode ?? defaultMode })
  }
}

function resourceOf(
  { spec }: Pod,
  field: { containerName?: string | undefined; resource: string; divisor?: string | undefined },
  allocatable: Readonly<Record<string, string>>,
): string | undefined {
  const container = [...spec.containers, ...(spec.initContainers ?? [])].find(one => one.name === field.containerName)
  return container && resourceValue(container.resources, field, allocatable)
}
