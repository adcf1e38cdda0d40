import type * as z from 'zod'
import { isAbsent, readerOf, unread } from './decode-reader.ts'
import { ApiError } from './errors.ts'
import { type AnyKind, apiVersionOf, type Draft, type KindDefinition } from './kind.ts'
import { quantityErrors } from './quantity.ts'
import { type Shape, shapeOf, zeroOfType } from './shape.ts'
import type { FieldValidation, KubeObject } from './transport.ts'

export interface Decoded<T> {
  /** A fresh object with unconditional defaults filled in, for the caller to change. */
  readonly object: Draft<T>
  /** `unknown field "spec.foo"`, in order of appearance. */
  readonly warnings: readonly string[]
}

export type DecodeResult<T> =
  | { readonly ok: true; readonly object: Draft<T>; readonly unknown: readonly string[] }
  /** What is wrong, in the words of Go's JSON decoder. */
  | { readonly ok: false; readonly error: string }

/**
 * Reads a JSON value as an object of a kind; never changes it. Throws BadRequest on wrong types, and on unknown fields when
 * `mode` is Strict. As in Go, null counts as absent, and so do the zero values of plain fields (see schema.ts).
 */
export function decode<T extends KubeObject>(kind: KindDefinition<T>, value: unknown, mode: FieldValidation): Decoded<T> {
  const result = tryDecode(kind, value, mode === 'Ignore')
  if (!result.ok) throw new ApiError('BadRequest', `${cannotHandle(kind)}: ${result.error}`)
  if (mode === 'Strict' && result.unknown.length > 0) {
    throw new ApiError('BadRequest', `${cannotHandle(kind)}: strict decoding error: ${result.unknown.join(', ')}`)
  }
  return { object: result.object, warnings: result.unknown }
}

const cannotHandle = ({ kind, version }: AnyKind) => `${kind} in version "${version}" cannot be handled as a ${kind}`

/** As `decode`, for callers with words of their own. */
export function tryDecode<T extends KubeObject>(
  kind: KindDefinition<T>,
  value: unknown,
  ignoresUnknown = false,
): DecodeResult<T> {
  if (kind.dynamic) return kind.dynamic.decode(value, ignoresUnknown) as DecodeResult<T>
  const unknown: string[] = []
  const result = parse(kind.schema, value, '', unknown)
  if (!result.ok) return result
  const object = result.value as Draft<T>
  object.apiVersion = apiVersionOf(kind)
  object.kind = kind.kind
  return { ok: true, object, unknown: ignoresUnknown ? [] : unknown }
}

/** A part of an object by itself, `path` below its root. Unknown fields are answered as paths. */
export function tryDecodePart(
  schema: z.ZodType,
  value: unknown,
  path: string,
):
  | { readonly ok: true; readonly value: unknown; readonly unknownPaths: readonly string[] }
  | { readonly ok: false; readonly error: string } {
  const unknown: string[] = []
  const result = parse(schema, value, path, unknown)
  if (!result.ok) return result
  const unknownPaths = unknown.map(text => JSON.parse(text.slice('unknown field '.length)) as string)
  return { ok: true, value: result.value, unknownPaths }
}

type Parsed = { readonly ok: true; readonly value: unknown } | { readonly ok: false; readonly error: string }

/** What a schema makes of a value. Writes down what is unknown. */
function parse(schema: z.ZodType, value: unknown, path: string, unknown: string[]): Parsed {
  const read = readerOf(schema)(value)
  if (read !== unread) return { ok: true, value: read }
  const shape = shapeOf(schema)
  const clean = tidy(shape, value, path, unknown)
  const result = schema.safeParse(clean)
  if (result.success) return { ok: true, value: result.data }
  const [issue] = result.error.issues
  return { ok: false, error: issue ? describeIssue(shape, clean, issue) : 'invalid object' }
}

type JsonObject = Record<string, unknown>

/** A copy that is clean. Writes down what is unknown. */
function tidy(shape: Shape, value: unknown, path: string, unknown: string[]): unknown {
  if (typeof value !== 'object' || shape.type === 'free') return value
  if (value === null) return zeroOf(shape)
  if (shape.type === 'list') {
    const { item } = shape
    return Array.isArray(value) && item ? value.map((each, i) => tidy(item, each, `${path}[${i}]`, unknown)) : value
  }
  if (shape.type !== 'object' && shape.type !== 'map') return value
  if (Array.isArray(value)) return value
  const result: JsonObject = {}
  for (const key in value) {
    const field = shape.type === 'map' ? shape.item : shape.fields.get(key)
    const fieldPath = path === '' ? key : `${path}.${key}`
    const child = (value as JsonObject)[key]
    if (field === undefined) unknown.push(`unknown field ${JSON.stringify(fieldPath)}`)
    else if (child === null || (shape.type === 'object' && isAbsent(field, child))) continue
    else result[key] = tidy(field, child, fieldPath, unknown)
  }
  return result
}

/** What null stands for as an item of a list. */
function zeroOf({ type, goType }: Shape): unknown {
  if (type === 'object' || type === 'map') return {}
  if (type === 'list') return []
  return zeroOfType(goType)
}

/** A type error as encoding/json words it: the innermost struct and the path of fields, without indices. */
function describeIssue(root: Shape, value: unknown, issue: z.core.$ZodIssue): string {
  let shape = root
  let actual = value
  let struct = root.goType
  const fields: string[] = []
  let fullPath = ''
  for (const step of issue.path) {
    const isIndex = typeof step === 'number'
    if (shape.type === 'object') {
      struct = shape.goType
      fields.push(String(step))
    }
    fullPath += isIndex ? `[${step}]` : fullPath === '' ? String(step) : `.${String(step)}`
    const next = shape.type === 'object' ? shape.fields.get(String(step)) : shape.item
    actual = typeof actual === 'object' && actual !== null ? (actual as JsonObject)[step as string] : undefined
    if (next === undefined) break
    shape = next
  }
  if (issue.code === 'custom') return `${issue.message} (${fullPath})`
  if (shape.goType === 'resource.Quantity') return `${quantityErrors.format} (${fullPath})`
  if (shape.goType === 'intstr.IntOrString')
    return `json: cannot unmarshal ${jsonType(actual)} into Go value of type int32 (${fullPath})`
  if (fields.length === 0) return `json: cannot unmarshal ${jsonType(actual)} into Go value of type ${shape.goType}`
  const field = `${struct.slice(struct.indexOf('.') + 1)}.${fields.join('.')}`
  return `json: cannot unmarshal ${jsonType(actual)} into Go struct field ${field} of type ${shape.goType}`
}

function jsonType(value: unknown): string {
  if (Array.isArray(value)) return 'array'
  if (typeof value === 'boolean') return 'bool'
  return typeof value === 'number' && (!Number.isInteger(value) || Math.abs(value) > 2 ** 31 - 1)
    ? `number ${value}`
    : typeof value
}
