import type * as z from 'zod'
import type { AnyKind } from './kind.ts'
import { isPointer } from './schema.ts'

const zeros = new WeakMap<AnyKind, object>()

/**
 * What a new object of a kind looks like before anybody has set anything: in Go, structs that are held by value, and lists and texts
 * that are always written, are there from the start. Whoever creates an object does not own those. Objects whose schema is data start empty.
 */
export function zeroOf(kind: AnyKind): object {
  let zero = zeros.get(kind)
  if (!zero) {
    const { apiVersion: _apiVersion, kind: _kind, ...known } = kind.fields
    zero = kind.dynamic ? {} : { metadata: {}, ...zeroFields(known) }
    zeros.set(kind, zero)
  }
  return zero
}

function zeroFields(shape: Readonly<Record<string, z.core.$ZodType>>): object {
  const zero: Record<string, unknown> = {}
  for (const [name, field] of Object.entries(shape)) {
    const value = zeroValue(field)
    if (value !== undefined) zero[name] = value
  }
  return zero
}

function zeroValue(field: z.core.$ZodType): unknown {
  const { def } = (field as z.core.$ZodTypes)._zod
  if (def.type === 'prefault' && !isPointer(field)) return structZero(def.innerType)
  if (def.type !== 'default') return undefined
  return Array.isArray(def.defaultValue) ? null : def.defaultValue === '' ? '' : undefined
}

function structZero(schema: z.core.$ZodType): object | undefined {
  const { def } = (schema as z.core.$ZodTypes)._zod
  if (def.type === 'pipe') return structZero(def.in)
  return def.type === 'object' ? zeroFields(def.shape) : undefined
}
