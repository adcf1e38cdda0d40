import * as z from 'zod'
import { canonicalQuantity } from './quantity.ts'
import { type Shape, shapeOf } from './shape.ts'

/** What a reader answers to a value that is not in order: only the schema itself can say what it makes of that. */
export const unread = Symbol('unread')

/**
 * Makes of a JSON value what its schema makes of it: a copy with the defaults filled in, the fields in the schema's order. As in
 * Go, null counts as absent, and so do the zero values of plain fields. `unread` if a type is wrong or a field unknown.
 */
export type Read = (value: unknown) => unknown

const readers = new WeakMap<z.core.$ZodType, Read>()

/**
 * The reader of a schema. Nearly all that is sent to a server is in order: a reader looks through it once, where checking, tidying
 * and the schema, which prepares for every complaint, look through it one after the other.
 */
export function readerOf(schema: z.core.$ZodType): Read {
  let read = readers.get(schema)
  if (!read) readers.set(schema, (read = makeReader(schema)))
  return read
}

function makeReader(schema: z.core.$ZodType): Read {
  const { def } = (schema as z.core.$ZodTypes)._zod
  if (def.checks && def.checks.length > 0) return readerBySchema(schema)
  if (def.type === 'optional' || def.type === 'default' || def.type === 'prefault') return readerOf(def.innerType)
  if (def.type === 'object') return def.catchall ? readerBySchema(schema) : objectReader(() => fieldsOf(def.shape))
  if (def.type === 'array') return listReader(() => readerOf(def.element))
  if (def.type === 'record' && isAnyText(def.keyType)) return mapReader(() => readerOf(def.valueType))
  if (isAnyText(schema)) return readText
  if (def.type === 'boolean') return value => (typeof value === 'boolean' ? value : unread)
  if (isInt32(schema)) return readInt32
  if (def.type === 'number' && 'format' in def && def.format === 'safeint') return readInt64
  if (def.type === 'union' && def.options.every(option => isAnyText(option) || isInt32(option))) return readIntOrText
  if (z.globalRegistry.get(schema)?.['x-kubernetes-quantity']) return readQuantity
  if (def.type === 'unknown') return value => value
  return readerBySchema(schema)
}

const isAnyText = (schema: z.core.$ZodType): boolean => {
  const { def } = (schema as z.core.$ZodTypes)._zod
  return def.type === 'string' && !def.checks?.length && !('format' in def) && !('coerce' in def && def.coerce)
}

const isInt32 = (schema: z.core.$ZodType): boolean => {
  const { def } = (schema as z.core.$ZodTypes)._zod
  return def.type === 'number' && 'format' in def && def.format === 'int32' && !def.checks?.length
}

const readText: Read = value => (typeof value === 'string' ? value : unread)
/** Whole numbers stay what they are when they are cut to 32 bits only if they have no more. */
const readInt32: Read = value => (typeof value === 'number' && (value | 0) === value ? value : unread)
const readInt64: Read = value => (Number.isSafeInteger(value) ? value : unread)
const readIntOrText: Read = value => (typeof value === 'string' ? value : readInt32(value))

/** As schema.ts transforms it. */
function readQuantity(value: unknown): unknown {
  if (typeof value !== 'string') return unread
  const result = canonicalQuantity(value)
  return result.ok ? result.text : unread
}

/** Single values that are more than a type. What has parts would have to be tidied before. */
function readerBySchema(schema: z.core.$ZodType): Read {
  const { type } = shapeOf(schema)
  if (type !== 'value' && type !== 'free') return () => unread
  return value => {
    const { success, data } = z.safeParse(schema, value)
    return success ? data : unread
  }
}

interface Field {
  readonly key: string
  readonly shape: Shape
  readonly read: Read
  /** What takes its place when it is absent, made anew each time; undefined: nothing does. */
  readonly instead: (() => unknown) | undefined
}

const fieldsOf = (shape: Readonly<Record<string, z.core.$ZodType>>): Field[] =>
  Object.entries(shape).map(([key, schema]) => ({
    key,
    shape: shapeOf(schema),
    read: readerOf(schema),
    instead: insteadOf(schema),
  }))

function insteadOf(schema: z.core.$ZodType): (() => unknown) | undefined {
  const { def } = (schema as z.core.$ZodTypes)._zod
  if (def.type === 'default') return () => def.defaultValue
  if (def.type === 'prefault') {
    let read: Read | undefined
    return () => (read ??= readerOf(def.innerType))(def.defaultValue)
  }
  if (def.type === 'unknown') return undefined
  if (def.type !== 'optional') return () => unread
  const { type } = (def.innerType as z.core.$ZodTypes)._zod.def
  return type === 'default' || type === 'prefault' ? insteadOf(def.innerType) : undefined
}

function objectReader(fields: () => readonly Field[]): Read {
  let known: readonly Field[] | undefined // made on first use: a type may hold itself
  return value => {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return unread
    known ??= fields()
    const given = value as Readonly<Record<string, unknown>>
    const result: Record<string, unknown> = {}
    let left = 0
    for (const _ in given) left++
    for (const { key, shape, read, instead } of known) {
      const child = given[key]
      if (child !== undefined) left--
      if (child !== undefined && child !== null && !isAbsent(shape, child)) {
        const made = read(child)
        if (made === unread) return unread
        result[key] = made
      } else if (instead) {
        const made = instead()
        if (made === unread) return unread
        result[key] = made
      }
    }
    return left === 0 ? result : unread
  }
}

function listReader(item: () => Read): Read {
  let read: Read | undefined
  return value => {
    if (!Array.isArray(value)) return unread
    read ??= item()
    const result: unknown[] = []
    for (const each of value) {
      const made = read(each)
      if (made === unread) return unread
      result.push(made)
    }
    return result
  }
}

function mapReader(item: () => Read): Read {
  let read: Read | undefined
  return value => {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return unread
    read ??= item()
    const result: Record<string, unknown> = {}
    for (const key in value) {
      const made = read((value as Readonly<Record<string, unknown>>)[key])
      if (made === unread || key === '__proto__') return unread
      result[key] = made
    }
    return result
  }
}

/** Whether what a field holds is the same as nothing. */
export function isAbsent(field: Shape, value: unknown): boolean {
  return typeof value === 'object' ? isEmptyOptional(field, value) : value === field.absentAs
}

function isEmptyOptional(field: Shape, value: object | null): boolean {
  if (value === null) return true
  if (!field.isOptional || field.type !== (Array.isArray(value) ? 'list' : 'map')) return false
  for (const _ in value) return false
  return true
}
