import { ownValue } from '../../lib/json.ts'
import { SyncError } from '../sync/sync-error.ts'

/** A file of a volume that is made from API objects. */
export interface PayloadFile {
  readonly data: Uint8Array
  readonly mode: number
  /** Who owns it, where not the kubelet. */
  readonly owner?: number
}

/** Relative paths and what is there. */
export type Payload = Map<string, PayloadFile>

export interface KeyToPath {
  readonly key: string
  readonly path: string
  readonly mode?: number | undefined
}

/** Puts the keys of a ConfigMap or Secret into a payload: all of them, or those that `items` names, under their paths (semantics C12). */
export function addKeys(
  payload: Payload,
  values: Readonly<Record<string, Uint8Array>> | undefined,
  {
    kind,
    name,
    items,
    defaultMode,
    optional,
  }: {
    kind: 'configmap' | 'secret'
    name: string
    items?: readonly KeyToPath[] | undefined
    defaultMode: number
    optional?: boolean | undefined
  },
): void {
  if (!values) {
    if (optional) return
    throw new SyncError('FailedMount', `${kind} "${name}" not found`)
  }
  if (!items || items.length === 0) {
    for (const [key, data] of Object.entries(values)) payload.set(key, { data, mode: defaultMode })
    return
  }
  for (const { key, path, mode } of items) {
    const data = ownValue(values, key)
    if (data) payload.set(path, { data, mode: mode ?? defaultMode })
    else if (!optional)
      throw new SyncError(
        'FailedMount',
        kind === 'configmap'
          ? `configmap references non-existent config key: ${key}`
          : `references non-existent secret key: ${key}`,
      )
  }
}

/** What is wrong with a path of a payload, if anything (pkg/volume/util/atomic_writer.go). */
export function payloadPathError(path: string): string | undefined {
  if (path === '') return 'invalid path: must not be empty: ""'
  if (path.startsWith('/')) return `invalid path: must be relative path: ${path}`
  if (path.length > 4096) return 'invalid path: must be less than or equal to 4096 characters'
  const elements = path.split('/')
  if (elements.includes('..')) return `invalid path: must not contain '..': ${path}`
  const long = elements.find(element => element.length > 255)
  if (long) return 'invalid path: filename must be less than or equal to 255 characters'
  if (elements[0]?.startsWith('..')) return `invalid path: must not start with '..': ${path}`
  return undefined
}
