import type { Pod } from '../../api/core/pod.ts'
import { fieldValue, resourceValue } from '../env/fields.ts'
import { containersOf, type Volume } from '../pod-types.ts'
import { SyncError } from '../sync/sync-error.ts'
import type { Payload } from './payload.ts'
import { type PayloadVolumeOptions, payloadVolume } from './payload-volume.ts'
import type { VolumePlugin } from './plugin.ts'

type DownwardItems = NonNullable<Volume['downwardAPI']>['items']

/** What the node has for pods: limits that nobody set. */
export type Allocatable = () => Readonly<Record<string, string>>

/** Facts about the pod as files. */
export function downwardApiVolume(options: PayloadVolumeOptions & { allocatable: Allocatable }): VolumePlugin {
  return payloadVolume(options, {
    name: 'kubernetes.io/downward-api',
    handles: ({ volume }) => volume.downwardAPI !== undefined,
    isSecret: false,
    async payloadOf(pod, { volume: { downwardAPI } }) {
      const payload: Payload = new Map()
      if (downwardAPI) addFacts(payload, pod, downwardAPI, options.allocatable())
      return payload
    },
  })
}

/** Puts facts about the pod into a payload. Throws SyncError FailedMount for what there is not. */
export function addFacts(
  payload: Payload,
  pod: Pod,
  { items, defaultMode }: { items?: DownwardItems; defaultMode: number },
  allocatable: Readonly<Record<string, string>>,
): void {
  for (const { path, mode, fieldRef, resourceFieldRef } of items ?? []) {
    const value = fieldRef
      ? fieldValue(pod, fieldRef.fieldPath, { podIps: [], hostIps: [] })
      : resourceFieldRef && resourceOf(pod, resourceFieldRef, allocatable)
    if (value === undefined)
      throw new SyncError('FailedMount', `unsupported fieldPath: ${fieldRef?.fieldPath ?? resourceFieldRef?.resource ?? ''}`)
    payload.set(path, { data: Buffer.from(value), mode: mode ?? defaultMode })
  }
}

function resourceOf(
  { spec }: Pod,
  field: { containerName?: string | undefined; resource: string; divisor?: string | undefined },
  allocatable: Readonly<Record<string, string>>,
): string | undefined {
  const found = containersOf(spec).find(({ container }) => container.name === field.containerName)
  if (!found) throw new SyncError('FailedMount', `container ${field.containerName ?? ''} not found`)
  return resourceValue(found.container.resources ?? {}, field, allocatable)
}
