import { isRecord } from '../decode-body.ts'

/**
 * JSON merge patch (RFC 7386): objects are merged, null removes, anything else replaces. As upstream does it, nulls in the objects
 * of a new list say nothing either (gopkg.in/evanphx/json-patch.v4). Changes neither argument.
 */
export function mergePatch(target: unknown, patch: unknown): unknown {
  if (!isRecord(patch)) return isRecord(target) ? patch : withoutNulls(patch)
  const result: Record<string, unknown> = isRecord(target) ? { ...target } : {}
  for (const [key, value] of Object.entries(patch)) {
    if (key === '__proto__') continue // would change the prototype instead of adding a field
    if (value === null) delete result[key]
    else result[key] = mergePatch(result[key], value)
  }
  return result
}

/** Without the nulls in maps; those in lists are items. */
export function withoutNulls(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutNulls)
  if (!isRecord(value)) return value
  const entries = Object.entries(value).filter(([, item]) => item !== null)
  return Object.fromEntries(entries.map(([key, item]) => [key, withoutNulls(item)]))
}
