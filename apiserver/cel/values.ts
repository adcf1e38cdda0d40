import type { Optional } from '@marcbachmann/cel-js'
import type { Duration, UnsignedInt } from '@marcbachmann/cel-js/evaluator'
import { escapeName, itemsOf, type ValueSchema } from './types.ts'

/** What the library makes values with; known once it is loaded. */
export interface ValueMakers {
  readonly Duration: typeof Duration
  readonly Optional: typeof Optional
  readonly UnsignedInt: typeof UnsignedInt
  /** `1h30m` as a duration; undefined when the text is none. */
  readonly parseDuration: (text: string) => Duration | undefined
}

/**
 * JSON as expressions see it: whole numbers are int, others double. With a schema, its types decide (a `number` is a double, a
 * `date-time` a timestamp), fields go by their escaped names, and those it does not know are not there. Changes nothing.
 */
export function toCel(makers: ValueMakers, value: unknown, schema?: ValueSchema): unknown {
  if (typeof value === 'number') return schema?.type === 'number' || !Number.isSafeInteger(value) ? value : BigInt(value)
  if (typeof value === 'string') return schema?.format ? textToCel(makers, value, schema.format) : value
  if (typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) {
    const items = schema && itemsOf(schema)
    return value.map(item => toCel(makers, item, items))
  }
  const { properties, additionalProperties } = schema ?? {}
  if (!schema || (!properties && !additionalProperties)) return fieldsToCel(makers, value)
  const result: Record<string, unknown> = {}
  for (const [name, field] of Object.entries(value)) {
    const known = properties && Object.hasOwn(properties, name) ? properties[name] : undefined
    if (additionalProperties) {
      result[name] = toCel(makers, field, typeof additionalProperties === 'object' ? additionalProperties : undefined)
    } else if (field !== null && (known || isEnvelopeField(schema, name))) {
      result[escapeName(name) ?? name] = toCel(makers, field, known)
    }
  }
  return result
}

const envelopeFields = ['apiVersion', 'kind', 'metadata']
const isEnvelopeField = (schema: ValueSchema, name: string) =>
  schema['x-kubernetes-embedded-resource'] === true && envelopeFields.includes(name)

function fieldsToCel(makers: ValueMakers, value: object): Record<string, unknown> {
  const result: Record<string, unknown> = {}
  for (const [name, field] of Object.entries(value)) if (field !== undefined) result[name] = toCel(makers, field)
  return result
}

function textToCel(makers: ValueMakers, text: string, format: string): unknown {
  if (format === 'duration') return makers.parseDuration(text) ?? text
  if (format === 'byte') return new Uint8Array(Buffer.from(text, 'base64'))
  if (format !== 'date' && format !== 'date-time') return text
  const date = new Date(text)
  return Number.isNaN(date.getTime()) ? text : date
}

/** A value of an expression as JSON; undefined where it has no such form (types, an absent optional). */
export function fromCel(makers: ValueMakers, value: unknown): unknown {
  if (typeof value === 'bigint') return Number(value)
  if (typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) return value.map(item => fromCel(makers, item))
  if (value instanceof Date) return timestampText(value)
  if (value instanceof Uint8Array) return Buffer.from(value).toString('base64')
  if (value instanceof makers.UnsignedInt) return Number(value.valueOf())
  if (value instanceof makers.Duration) return durationText(value)
  if (value instanceof makers.Optional) return value.hasValue() ? fromCel(makers, value.value()) : undefined
  const entries = value instanceof Map ? [...value] : isPlainObject(value) ? Object.entries(value) : undefined
  return entries && Object.fromEntries(entries.map(([name, field]) => [String(name), fromCel(makers, field)]))
}

const isPlainObject = (value: object) => value.constructor === Object || value.constructor === undefined

/** RFC 3339; a fraction only where there is one. */
export const timestampText = (date: Date): string => date.toISOString().replace(/\.?0*Z$/, 'Z')

/** Seconds, as protobuf's JSON writes durations: `5400s`, `-0.5s`. */
export function durationText({ seconds, nanos }: Duration): string {
  if (nanos === 0) return `${seconds}s`
  const sign = seconds < 0n || nanos < 0 ? '-' : ''
  const fraction = String(Math.abs(nanos)).padStart(9, '0').replace(/0+$/, '')
  return `${sign}${seconds < 0n ? -seconds : seconds}.${fraction}s`
}
