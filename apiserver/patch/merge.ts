import { isRecord } from '../decode-body.ts'

/** JSON merge patch (RFC 7386): objects are merged, null removes, anything else replaces. Changes neither argument. */
export function mergePatch(target: unknown, patch: unknown): unknown {
  if (!isRecord(patch)) return patch
  const result: Record<string, unknown> = isRecord(target) ? { ...target } : {}
  for (const [key, value] of Object.entries(patch)) {
    if (key === '__proto__') continue // would change the prototype instead of adding a field
    if (value === null) delete result[key]
    else result[key] = mergePatch(result[key], value)
  }
  return result
}
