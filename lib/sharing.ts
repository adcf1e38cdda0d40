import { deepFreeze } from './json.ts'

/**
 * Freezes a JSON value through and through; whatever in it equals the same part of `like`, which is frozen already, is replaced by
 * that part. Objects made from one template so share nearly all of their memory. Answers `like` itself if all is equal.
 */
export function freezeSharing<T>(value: T, like: unknown): T {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value
  if (typeof like !== 'object' || like === null || Array.isArray(value) !== Array.isArray(like)) return deepFreeze(value)
  const fields = value as Record<string, unknown>
  const others = like as Record<string, unknown>
  let isEqual = !Array.isArray(value) || value.length === (like as readonly unknown[]).length
  for (const key in fields) {
    const field = fields[key]
    const other = key === '__proto__' ? undefined : others[key]
    // Equal texts are replaced as well: they are two copies until then.
    if (field === other) fields[key] = other
    else if (typeof field !== 'object' || field === null) isEqual = false
    else if ((fields[key] = freezeSharing(field, other)) !== other) isEqual = false
  }
  if (isEqual) for (const key in others) if (fields[key] === undefined && others[key] !== undefined) isEqual = false
  return isEqual ? (like as T) : Object.freeze(value)
}
