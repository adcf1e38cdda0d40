import { tryDecodePart } from '../decode.ts'
import { type FieldError, fieldError } from '../field-errors.ts'
import { ObjectMeta } from '../meta.ts'
import { pathSegmentName, serviceName } from '../names.ts'
import { invalidWhen, validateMetadata } from '../validation.ts'
import type { JsonSchemaProps } from './json-schema-props.ts'
import { fieldOf } from './pruning.ts'
import { itemsOf, someSchema } from './structural.ts'

/** Objects inside objects (`x-kubernetes-embedded-resource`): their metadata is that of any object (schema/objectmeta upstream). */

type Fields = Record<string, unknown>
type Visit = (object: Fields, path: string) => void

/** Calls back for every object inside a value. */
function visit(value: unknown, schema: JsonSchemaProps | undefined, path: string, found: Visit): void {
  if (!schema || typeof value !== 'object' || value === null) return
  if (Array.isArray(value)) {
    for (const [i, item] of value.entries()) visit(item, itemsOf(schema), `${path}[${i}]`, found)
    return
  }
  if (schema['x-kubernetes-embedded-resource'] && path !== '') found(value as Fields, path)
  for (const [name, field] of Object.entries(value)) {
    const isNamed = schema.properties && Object.hasOwn(schema.properties, name)
    const at = isNamed ? (path === '' ? name : `${path}.${name}`) : `${path}[${name}]`
    visit(field, fieldOf(schema, name), at, found)
  }
}

const known = new WeakMap<JsonSchemaProps, boolean>()

/** Whether there can be any; remembered. */
function mayHold(schema: JsonSchemaProps): boolean {
  let answer = known.get(schema)
  if (answer === undefined) {
    known.set(schema, (answer = someSchema(schema, each => each['x-kubernetes-embedded-resource'] === true)))
  }
  return answer
}

/** What reading the metadata of embedded objects brought up. */
export interface Coerced {
  /** `spec.template.metadata.foo`, sorted. */
  readonly unknown: readonly string[]
  readonly error?: string
}

/** Reads their metadata as metadata, which drops what is unknown; changes the value. */
export function coerceEmbedded(value: unknown, schema: JsonSchemaProps): Coerced {
  if (!mayHold(schema)) return { unknown: [] }
  const unknown: string[] = []
  let error: string | undefined
  visit(value, schema, '', (object, path) => {
    for (const name of ['apiVersion', 'kind']) {
      if (object[name] === undefined || typeof object[name] === 'string') continue
      error ??= `${path}.${name}: Invalid value: ${JSON.stringify(object[name])}: must be a string`
    }
    if (object.metadata === undefined) return
    const result = tryDecodePart(ObjectMeta, object.metadata, `${path}.metadata`)
    if (result.ok) {
      object.metadata = result.value
      unknown.push(...result.unknownPaths)
    } else error ??= `${path}.metadata: Invalid value: ${JSON.stringify(object.metadata)}: ${result.error}`
  })
  return { unknown: unknown.sort(), ...(error !== undefined && { error }) }
}

/** What is wrong with their envelopes. */
export function embeddedErrors(value: unknown, schema: JsonSchemaProps, base = ''): FieldError[] {
  if (!mayHold(schema)) return []
  const errors: FieldError[] = []
  visit(value, schema, base, (object, path) => errors.push(...envelopeErrors(object, path)))
  return errors
}

function envelopeErrors({ apiVersion, kind, metadata }: Fields, path: string): FieldError[] {
  const errors: FieldError[] = []
  const check = (name: string, value: unknown, faults: (text: string) => readonly string[]) => {
    const at = `${path}.${name}`
    if (value === undefined) errors.push(fieldError.required(at))
    else if (typeof value !== 'string') errors.push(fieldError.invalid(at, value, 'must be a string'))
    else errors.push(...invalidWhen(at, value, value === '' ? ['must not be empty'] : faults(value)))
  }
  check('apiVersion', apiVersion, text => (text.split('/').length > 2 ? [`unexpected GroupVersion string: ${text}`] : []))
  check('kind', kind, text => {
    const faults = serviceName(text.toLowerCase())
    return faults.length > 0 ? [`may have mixed case, but should otherwise match: ${faults.join(',')}`] : []
  })
  if (metadata === undefined) return errors
  const result = tryDecodePart(ObjectMeta, metadata, `${path}.metadata`)
  if (!result.ok) return [...errors, fieldError.invalid(`${path}.metadata`, metadata, result.error)]
  const meta = result.value as { name?: string; namespace?: string }
  const nameFaults = meta.name ? invalidWhen(`${path}.metadata.name`, meta.name, pathSegmentName(meta.name)) : []
  const others = validateMetadata(meta, !!meta.namespace, { bareFinalizers: true }).map(error => ({
    ...error,
    field: `${path}.${error.field}`,
  }))
  return [...errors, ...nameFaults, ...others]
}
