import * as z from 'zod'
import { timestamp } from '../lib/clock.ts'
import { canonicalQuantity } from './quantity.ts'
import { setWire } from './wire.ts'

/**
 * The few building blocks that every kind's schema is made of. They carry what OpenAPI and patches need to know
 * (`x-kubernetes-*`) beside the shape. Wrong types fail here; what is merely missing becomes the zero value, as in Go, so that
 * validation can name every missing and every wrong value in one go.
 *
 * Go has plain fields and pointers, and clients rely on the difference. `text()`, `flag()` and `whole()` are plain: their zero
 * value is the same as absent and decoding drops it. `z.string().optional()` and its kin are pointers: '', false and 0 are kept.
 * Optional lists and maps are always plain.
 */

const plainFields = new WeakSet<z.core.$ZodType>()

/** Whether the zero value of this field counts as absent. */
export function isPlain(schema: z.core.$ZodType): boolean {
  // `describe` and `meta` hand out clones, which know what they were made from.
  for (let at: z.core.$ZodType | undefined = schema; at; at = at._zod.parent) if (plainFields.has(at)) return true
  return false
}

/** Makes a field plain: '', false and 0 count as absent. */
export function plain<Schema extends z.ZodType>(schema: Schema): Schema {
  plainFields.add(schema)
  return schema
}

const pointers = new WeakSet<z.core.$ZodType>()

/** An object that is always filled in, though Go keeps it by pointer: it is not there before somebody sets it (zero.ts). */
export function pointer<Schema extends z.ZodType>(schema: Schema): Schema {
  pointers.add(schema)
  return schema
}

/** Whether Go keeps it by pointer: nothing and the zero value are not the same. */
export function isPointer(schema: z.core.$ZodType): boolean {
  for (let at: z.core.$ZodType | undefined = schema; at; at = at._zod.parent) if (pointers.has(at)) return true
  return false
}

function describe<Schema extends z.ZodType>(schema: Schema, description?: string): Schema {
  if (description) z.globalRegistry.add(schema, { description })
  return schema
}

/** Optional text; '' counts as absent. */
export const text = (description?: string) => describe(plain(z.string().optional()), description)
/** Optional boolean; false counts as absent. */
export const flag = (description?: string) => describe(plain(z.boolean().optional()), description)
/** Optional int32; 0 counts as absent. */
export const whole = (description?: string) => describe(plain(z.int32().optional()), description)
/** Optional list of text. */
export const texts = (description?: string) => describe(z.array(z.string()).optional(), description)

/** One of a few words. Others decode too: validation names them together with everything else that is wrong. */
export function choice<const Value extends string>(...values: readonly Value[]): z.ZodType<Value, Value> {
  return z.string().register(z.globalRegistry, { enum: values } as never) as never
}

/** `core/v1.PodSpec` -> `io.k8s.api.core.v1.PodSpec`, the name OpenAPI knows it by. */
function schemaId(name: string): string {
  const path = name.replace('/', '.')
  return name.startsWith('meta/') ? `io.k8s.apimachinery.pkg.apis.${path}` : `io.k8s.api.${path}`
}

/** What is particular to a type beside its fields: `x-kubernetes-*` extensions, and the numbers of its fields in protobuf (wire.ts). */
type Extensions = Record<`x-kubernetes-${string}`, unknown> & { wire?: string }

/**
 * An object type whose fields are made when it is first looked into. There are thousands of fields, and making them all takes longer
 * than a server takes to start.
 */
export function lazyObject<Shape extends z.ZodRawShape>(fields: () => Shape): z.ZodObject<Shape> {
  const def = {
    type: 'object',
    get shape(): Shape {
      const value = fields()
      Object.defineProperty(def, 'shape', { value })
      return value
    },
  }
  return new z.ZodObject(def as never) as z.ZodObject<Shape>
}

/** An object type with its name, which is `group/version.Type`, and what `explain` says about it. */
export function named<Shape extends z.ZodRawShape>(
  name: `${string}/${string}.${string}`,
  description: string,
  fields: () => Shape,
  { wire, ...extensions }: Extensions = {},
) {
  const schema = lazyObject(fields)
  if (wire !== undefined) setWire(schema, wire)
  return schema.register(z.globalRegistry, { id: schemaId(name), description, ...extensions } as never)
}

/**
 * A field that validation insists on. Its type says that it is there: only an object that is being refused lacks it, and
 * validation tells an absent one from an empty one.
 */
export const demanded = <Schema extends z.ZodType>(schema: Schema) =>
  schema.optional() as unknown as Schema & { _zod: { optin: 'optional' } }

/** Server-side apply takes such an object as one value. */
export const atomicMap = { 'x-kubernetes-map-type': 'atomic' } as const

/** A list whose items are identified by keys: patches merge them item by item. */
export function listMap<Item extends z.ZodType>(item: Item, ...keys: string[]) {
  return z.array(item).meta({
    'x-kubernetes-list-type': 'map',
    'x-kubernetes-list-map-keys': keys,
    'x-kubernetes-patch-merge-key': keys[0],
    'x-kubernetes-patch-strategy': 'merge',
  })
}

/** A list of plain values without order or doubles: patches merge it value by value. */
export function setList<Item extends z.ZodType>(item: Item) {
  return z.array(item).meta({ 'x-kubernetes-list-type': 'set', 'x-kubernetes-patch-strategy': 'merge' })
}

/** A list that patches replace whole. */
export function atomicList<Item extends z.ZodType>(item: Item) {
  return z.array(item).meta({ 'x-kubernetes-list-type': 'atomic' })
}

/** Strategic merge patches replace this object's other keys when they change it (`retainKeys`). */
export const retainKeys = { 'x-kubernetes-patch-strategy': 'retainKeys' } as const

export const stringMap = () => z.record(z.string(), z.string())
/** A quantity as text in canonical form: `500m`, `1Gi`. JSON numbers are taken as well. */
export const quantity = () =>
  z
    .union([z.string(), z.number()])
    .transform((given, context): string => {
      const result = canonicalQuantity(String(given))
      if (!result.ok) context.issues.push({ code: 'custom', message: result.error, input: given })
      return result.ok ? result.text : ''
    })
    .meta({ 'x-kubernetes-quantity': true })
export const quantityMap = () => z.record(z.string(), sharedQuantity)
const sharedQuantity = quantity()
export const int32 = () => z.int32()
export const int64 = () => z.int()
/** A number, or text such as `25%` or a port's name. */
export const intOrString = () => z.union([z.int32(), z.string()]).meta({ 'x-kubernetes-int-or-string': true })

/** A date that every month has, and any time of day: nothing is left to check. */
const moment = String.raw`\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|1\d|2[0-8])T(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d`
const wholeSeconds = new RegExp(`^${moment}Z$`)
const micro = new RegExp(String.raw`^${moment}\.\d{6}Z$`)
const rfc3339 = /^\d{4}-\d\d-(\d\d)T(?:[01]\d|2[0-3]):\d\d:\d\d([.,]\d+)?(Z|[+-]\d\d:\d\d)$/

/** Milliseconds; NaN unless it is RFC 3339 and there is such a day. */
function parseRfc3339(given: string): number {
  const day = rfc3339.exec(given)?.[1]
  if (day === undefined) return Number.NaN
  const midnight = Date.parse(`${given.slice(0, 10)}T00:00:00Z`)
  // The thirtieth of February is taken for a day in March.
  const isDay = !Number.isNaN(midnight) && timestamp(midnight).slice(8, 10) === day
  return isDay ? Date.parse(given.replace(',', '.')) : Number.NaN
}

interface TransformContext {
  issues: { push(issue: { code: 'custom'; message: string; input: unknown }): unknown }
}

function parseTime(given: string, context: TransformContext): number {
  const ms = parseRfc3339(given)
  if (Number.isNaN(ms)) {
    const message = `parsing time "${JSON.stringify(given).replaceAll('"', '\\"')}" as "2006-01-02T15:04:05Z07:00": cannot parse ${JSON.stringify(given)}`
    context.issues.push({ code: 'custom', message, input: given })
    return 0
  }
  return ms
}

/** RFC 3339; kept in UTC with whole seconds. */
export const timestampText = () =>
  z
    .string()
    .transform((given, context) =>
      wholeSeconds.test(given) || given === '' ? given : timestamp(parseTime(given, context as never)),
    )
    .meta({ format: 'date-time' })

/** RFC 3339; kept in UTC with six fraction digits. */
export const microTimestampText = () =>
  z
    .string()
    .transform((given, context) => {
      if (micro.test(given) || given === '') return given
      const seconds = timestamp(parseTime(given, context as never)).slice(0, 19)
      const fraction = /[.,](\d+)/.exec(given)?.[1] ?? ''
      return `${seconds}.${fraction.slice(0, 6).padEnd(6, '0')}Z`
    })
    .meta({ format: 'date-time' })

const base64 = /^[A-Za-z0-9+/]*={0,2}$/
/** Bytes in base64. */
export const base64Text = () =>
  z
    .string()
    .superRefine((given, context) => {
      const compact = given.replace(/[\r\n]/g, '')
      if (compact.length % 4 === 0 && base64.test(compact)) return
      const wrong = compact.search(/[^A-Za-z0-9+/]/)
      const at = wrong < 0 ? compact.length - (compact.length % 4) : wrong
      context.addIssue({ code: 'custom', message: `illegal base64 data at input byte ${at}`, input: given })
    })
    .meta({ format: 'byte' })

/** Text that must be given: an absent one is empty, and validation says that it is required. */
export const requiredText = (description?: string) => describe(z.string().default(''), description)
