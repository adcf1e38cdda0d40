import * as z from 'zod'
import { isPlain } from './schema.ts'

/** A schema as decoding walks it: what is known, and what counts as absent. Made on first use. */
export interface Shape {
  readonly type: 'object' | 'list' | 'map' | 'value' | 'free'
  /** The fields of an object. */
  readonly fields: ReadonlyMap<string, Shape>
  /** What a list or map consists of. */
  readonly item?: Shape
  /** '', false and 0 count as absent. */
  readonly isPlain: boolean
  /** The one of them that a value of this type can be, or '' if a default takes its place; undefined: nothing counts as absent. */
  readonly absentAs: '' | false | 0 | undefined
  /** '' counts as absent, because a default takes its place. */
  readonly hasTextDefault: boolean
  /** An empty list or map counts as absent. */
  readonly isOptional: boolean
  /** How Go calls the type: `v1.Container`, `[]string`, `int32`. */
  readonly goType: string
  /** What it was made from, without optional, default and transform. */
  readonly schema: z.core.$ZodType
}

const shapes = new WeakMap<z.core.$ZodType, Shape>()
const noFields: ReadonlyMap<string, Shape> = new Map()

/** The shape of a schema. */
export function shapeOf(schema: z.core.$ZodType): Shape {
  let shape = shapes.get(schema)
  if (!shape) shapes.set(schema, (shape = buildShape(schema)))
  return shape
}

function buildShape(schema: z.core.$ZodType): Shape {
  const { schema: inner, isOptional, textDefault, isTime } = unwrap(schema)
  const common = {
    schema: inner,
    fields: noFields,
    isPlain: isPlain(schema),
    absentAs: undefined,
    hasTextDefault: textDefault !== undefined && textDefault !== '',
    isOptional,
  }
  const { def } = (inner as z.core.$ZodTypes)._zod
  if (def.type === 'object') {
    const fields = new Map<string, Shape>()
    const shape: Shape = { ...common, type: 'object', fields, goType: goName(inner) }
    shapes.set(schema, shape) // known before its fields are: a type may hold itself
    for (const key in def.shape) {
      const field = def.shape[key]
      if (field) fields.set(key, shapeOf(field))
    }
    return shape
  }
  if (def.type === 'array') {
    const item = shapeOf(def.element)
    return { ...common, type: 'list', item, goType: `[]${item.goType}` }
  }
  if (def.type === 'record') {
    const item = shapeOf(def.valueType)
    if (item.type === 'free') return { ...common, type: 'free', goType: 'map[string]interface {}' }
    const goType = item.goType === 'resource.Quantity' ? 'v1.ResourceList' : `map[string]${item.goType}`
    return { ...common, type: 'map', item, goType }
  }
  if (def.type === 'unknown') return { ...common, type: 'free', goType: 'interface {}' }
  const goType = isTime ? 'v1.Time' : scalarType(inner, schema)
  return {
    ...common,
    type: 'value',
    goType,
    absentAs: common.hasTextDefault ? '' : common.isPlain ? zeroOfType(goType) : undefined,
  }
}

/** Whether a Go type is a number, or may be one. */
const isNumber = (goType: string) => goType.startsWith('int') || goType.startsWith('float')

/** What Go has where nothing was said. */
export const zeroOfType = (goType: string) => (goType === 'bool' ? false : isNumber(goType) ? 0 : '')

interface Unwrapped {
  readonly schema: z.core.$ZodType
  readonly isOptional: boolean
  readonly textDefault: string | undefined
  readonly isTime: boolean
}

/** Looks through optional, default, prefault, transform and lazy. */
function unwrap(schema: z.core.$ZodType): Unwrapped {
  let inner = schema
  let isOptional = false
  let isTime = false
  let textDefault: string | undefined
  while (true) {
    const { def } = (inner as z.core.$ZodTypes)._zod
    isTime ||= metaOf(inner).format === 'date-time'
    if (def.type === 'pipe') {
      inner = def.in
      continue
    }
    if (def.type === 'lazy') {
      inner = def.getter()
      continue
    }
    // A type that also has a shorter form (`additionalProperties: true`) is walked as what it is in full.
    const full = def.type === 'union' ? def.options.find(option => isNamedType(option)) : undefined
    if (full) {
      inner = full
      continue
    }
    if (def.type === 'optional') isOptional = true
    else if (def.type === 'default') {
      if (typeof def.defaultValue === 'string') textDefault = def.defaultValue
    } else if (def.type !== 'prefault') return { schema: inner, isOptional, textDefault, isTime }
    inner = def.innerType
  }
}

const isNamedType = (schema: z.core.$ZodType) => ['lazy', 'object'].includes(schema._zod.def.type)

/** `io.k8s.api.core.v1.PodSpec` -> `v1.PodSpec`. */
function goName(schema: z.core.$ZodType): string {
  const id = metaOf(schema).id
  return typeof id === 'string' ? id.split('.').slice(-2).join('.') : 'v1.ObjectMeta'
}

function scalarType(inner: z.core.$ZodType, outer: z.core.$ZodType): string {
  const { def } = (inner as z.core.$ZodTypes)._zod
  if (def.type === 'boolean') return 'bool'
  if (def.type === 'number') return !('format' in def) ? 'float64' : def.format === 'int32' ? 'int32' : 'int64'
  const meta = { ...metaOf(inner), ...metaOf(outer) }
  if (meta['x-kubernetes-int-or-string']) return 'intstr.IntOrString'
  if (def.type === 'union') return 'resource.Quantity'
  return meta.format === 'byte' ? '[]uint8' : 'string'
}

const metaOf = (schema: z.core.$ZodType): Record<string, unknown> => z.globalRegistry.get(schema) ?? {}
