import { goRegExp } from '../../lib/go-reg-exp.ts'
import { deepEqual } from '../../lib/json.ts'
import { type FieldError, fieldError } from '../field-errors.ts'
import { formatCheck } from './formats.ts'
import type { JsonSchemaProps } from './json-schema-props.ts'
import { itemsOf, valuesOf } from './structural.ts'

/**
 * JSON against a schema, in the order and the words of k8s.io/kube-openapi/pkg/validation (validate/, errors/schema.go) as
 * k8s.io/apiextensions-apiserver/pkg/apiserver/validation passes them on.
 */

type Schema = JsonSchemaProps

/** The value that was there before: what is wrong with a part that did not change is let pass. */
export interface Before {
  readonly value: unknown
}

interface Result {
  readonly errors: FieldError[]
  /** How many checks were passed: of several schemas, the one that came closest tells what is wrong. */
  matches: number
}

/** Everything wrong with a value. `path` is what errors are told under: empty, or the field that the value is (`status`). */
export function valueErrors(value: unknown, schema: Schema, path = '', before?: Before): FieldError[] {
  return check({ path: '', base: path }, value, schema, before).errors
}

interface Place {
  /** From where validation began, as messages name it. */
  readonly path: string
  readonly base: string
}

const below = ({ path, base }: Place, name: string): Place => ({ path: path === '' ? name : `${path}.${name}`, base })
const at = ({ path, base }: Place, i: number): Place => ({ path: `${path}[${i}]`, base })
/** Where an error is, as its field says: below the base. Of errors about no field in particular the base itself. */
const fieldOf = ({ path, base }: Place) => {
  const bare = path.startsWith('.') ? path.slice(1) : path
  return base === '' ? bare || '<nil>' : bare === '' ? base : `${base}.${bare}`
}
const noField = ({ base }: Place) => base || '<nil>'

function check(place: Place, value: unknown, schema: Schema, before: Before | undefined): Result {
  const result: Result = { errors: [], matches: 0 }
  merge(result, typeCheck(place, value, schema))
  if (value === null || value === undefined) merge(result, enumCheck(place, value, schema))
  else {
    merge(result, junctorCheck(place, value, schema, before))
    if (typeof value === 'string') {
      merge(result, textCheck(place, value, schema))
      merge(result, formatErrors(place, value, schema))
    } else if (typeof value === 'number') merge(result, numberCheck(place, value, schema))
    else if (Array.isArray(value)) merge(result, listCheck(place, value, schema, before))
    merge(result, enumCheck(place, value, schema))
    if (isObject(value)) merge(result, objectCheck(place, value, schema, before))
    result.matches++
  }
  const isUnchanged = result.errors.length > 0 && before !== undefined && deepEqual(before.value, value)
  return isUnchanged ? { errors: [], matches: result.matches } : result
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

function merge(result: Result, { errors, matches }: Result): void {
  result.errors.push(...errors)
  result.matches += matches + 1
}

const fine = (): Result => ({ errors: [], matches: 1 })
const faults = (...errors: FieldError[]): Result => ({ errors, matches: 0 })

const typesOf = (schema: Schema): readonly string[] =>
  schema['x-kubernetes-int-or-string'] ? ['integer', 'string'] : schema.type ? [schema.type] : []

function jsonType(value: unknown): string {
  if (typeof value === 'number') return Number.isInteger(value) ? 'integer' : 'number'
  if (Array.isArray(value)) return 'array'
  return typeof value
}

function typeCheck(place: Place, value: unknown, schema: Schema): Result {
  const types = typesOf(schema)
  const format = schema.format && formatCheck(schema.format) ? schema.format : ''
  if (types.length === 0 && format === '') return fine()
  const wrong = (wanted: string, found: string) => faults(typeError(place, wanted, found))
  if (value === null || value === undefined) {
    return types.length > 0 && !schema.nullable ? wrong(types.join(','), 'null') : fine()
  }
  const type = jsonType(value)
  const fits = types.includes(type) || (type === 'integer' && types.includes('number'))
  const isTextual = typeof value === 'string' || Array.isArray(value)
  if (!isTextual && format !== '' && !fits) return wrong(format, '')
  if (isTextual && format !== '' && !types.includes('number') && !types.includes('integer')) return fine()
  return fits ? fine() : wrong(types.join(','), type)
}

function typeError(place: Place, wanted: string, found: string): FieldError {
  const message = `${place.path} in body must be of type ${wanted}: ${JSON.stringify(found)}`
  return fieldError.typeInvalid(fieldOf(place), found, message)
}

const invalid = (place: Place, value: unknown, rule: string) =>
  fieldError.invalid(fieldOf(place), value, `${place.path} in body ${rule}`)

function junctorCheck(place: Place, value: unknown, schema: Schema, before: Before | undefined): Result {
  const { anyOf = [], oneOf = [], allOf = [], not } = schema
  const result: Result = { errors: [], matches: 1 }
  const subject = JSON.stringify(place.path)
  const say = (rule: string) => result.errors.push(fieldError.invalid(noField(place), '', `${subject} ${rule}`))
  const add = ({ errors, matches }: Result) => {
    result.errors.push(...errors)
    result.matches += matches
  }
  const closest = (results: readonly Result[]) =>
    results.reduce<Result | undefined>((best, each) => (!best || each.matches > best.matches ? each : best), undefined)
  if (anyOf.length > 0) {
    const results = anyOf.map(each => check(place, value, each, before))
    const passed = results.find(({ errors }) => errors.length === 0)
    if (!passed) say('must validate at least one schema (anyOf)')
    add(passed ?? closest(results) ?? fine())
  }
  if (oneOf.length > 0) {
    const results = oneOf.map(each => check(place, value, each, before))
    const passed = results.filter(({ errors }) => errors.length === 0)
    if (passed.length !== 1) {
      const found = passed.length === 0 ? 'Found none valid' : `Found ${passed.length} valid alternatives`
      say(`must validate one and only one schema (oneOf). ${found}`)
    }
    const told = passed.length === 0 ? closest(results) : passed.length === 1 ? passed[0] : undefined
    if (told) add(told)
  }
  if (allOf.length > 0) {
    const results = allOf.map(each => check(place, value, each, before))
    const passed = results.filter(({ errors }) => errors.length === 0).length
    for (const each of results) add(each)
    if (passed < allOf.length) say(`must validate all the schemas (allOf)${passed === 0 ? '. None validated' : ''}`)
  }
  if (not && check(place, value, not, before).errors.length === 0) say('must not validate the schema (not)')
  return result
}

const patterns = new Map<string, RegExp | string>()

/** A pattern, or what is wrong with it. */
function compiled(pattern: string): RegExp | string {
  let known = patterns.get(pattern)
  if (known === undefined) {
    try {
      known = goRegExp(pattern)
    } catch (error) {
      known = error instanceof Error ? error.message : String(error)
    }
    if (patterns.size > 5000) patterns.clear()
    patterns.set(pattern, known)
  }
  return known
}

function textCheck(place: Place, value: string, { maxLength, minLength, pattern }: Schema): Result {
  const needsLength = maxLength !== undefined || minLength !== undefined
  const length = needsLength ? [...value].length : 0
  if (maxLength !== undefined && length > maxLength) return faults(fieldError.tooLong(fieldOf(place), maxLength))
  if (minLength !== undefined && length < minLength) {
    return faults(invalid(place, value, `should be at least ${minLength} chars long`))
  }
  if (!pattern) return fine()
  const expression = compiled(pattern)
  if (typeof expression === 'string') {
    return faults(invalid(place, value, `should match '${pattern}, but pattern is invalid: ${expression}'`))
  }
  return expression.test(value) ? fine() : faults(invalid(place, value, `should match '${pattern}'`))
}

function formatErrors(place: Place, value: string, { format = '' }: Schema): Result {
  const isValid = format === '' ? undefined : formatCheck(format)
  return isValid && !isValid(value) ? faults(typeError(place, format, value)) : fine()
}

function numberCheck(place: Place, value: number, schema: Schema): Result {
  const { multipleOf, maximum, exclusiveMaximum = false, minimum, exclusiveMinimum = false } = schema
  const result = fine()
  if (multipleOf !== undefined) {
    if (multipleOf <= 0) {
      const rule = `factor MultipleOf declared for ${place.path} must be positive: ${multipleOf}`
      result.errors.push(fieldError.invalid(fieldOf(place), multipleOf, rule))
    } else if (!isWhole(multipleOf < 1 ? (1 / multipleOf) * value : value / multipleOf)) {
      result.errors.push(invalid(place, value, `should be a multiple of ${multipleOf}`))
    }
  }
  if (minimum !== undefined && (exclusiveMinimum ? value <= minimum : value < minimum)) {
    result.errors.push(invalid(place, value, `should be greater than ${exclusiveMinimum ? '' : 'or equal to '}${minimum}`))
  }
  if (maximum !== undefined && (exclusiveMaximum ? value >= maximum : value > maximum)) {
    result.errors.push(invalid(place, value, `should be less than ${exclusiveMaximum ? '' : 'or equal to '}${maximum}`))
  }
  return result
}

/** As close to whole as floating point can say. */
function isWhole(value: number): boolean {
  return Math.abs(value - Math.round(value)) <= 1e-9 * Math.max(1, Math.abs(value))
}

function listCheck(place: Place, value: readonly unknown[], schema: Schema, before: Before | undefined): Result {
  const result: Result = { errors: [], matches: 1 }
  const { minItems, maxItems } = schema
  const items = itemsOf(schema)
  if (items) {
    const former = before && correlation(schema, before.value)
    for (const [i, item] of value.entries()) merge(result, check(at(place, i), item, items, former?.(item)))
  }
  if (minItems !== undefined && value.length < minItems) {
    result.errors.push(invalid(place, value.length, `should have at least ${minItems} items`))
  }
  if (maxItems !== undefined && value.length > maxItems) {
    result.errors.push(fieldError.tooMany(fieldOf(place), value.length, maxItems))
  }
  return result
}

/** How to find the former state of a list's item: only lists of type map tell their items apart. */
export function correlation(schema: Schema, before: unknown): ((item: unknown) => Before | undefined) | undefined {
  if (schema['x-kubernetes-list-type'] !== 'map' || !Array.isArray(before)) return undefined
  const keys = schema['x-kubernetes-list-map-keys'] ?? []
  const properties = itemsOf(schema)?.properties ?? {}
  const keyOf = (item: unknown) =>
    isObject(item) ? JSON.stringify(keys.map(key => item[key] ?? properties[key]?.default ?? null)) : undefined
  const known = new Map(before.map(item => [keyOf(item), item]))
  return item => {
    const key = keyOf(item)
    return key !== undefined && known.has(key) ? { value: known.get(key) } : undefined
  }
}

function enumCheck(place: Place, value: unknown, { enum: choices = [] }: Schema): Result {
  if (choices.length === 0 || choices.some(choice => deepEqual(choice, value))) return fine()
  const words = choices.map(choice => (typeof choice === 'string' ? choice : JSON.stringify(choice)))
  return faults(fieldError.notSupported(fieldOf(place), value ?? null, words))
}

function objectCheck(place: Place, value: Record<string, unknown>, schema: Schema, before: Before | undefined): Result {
  const result: Result = { errors: [], matches: 0 }
  const { minProperties, maxProperties, properties = {}, required = [] } = schema
  const names = Object.keys(value)
  if (minProperties !== undefined && names.length < minProperties) {
    result.errors.push(invalid(place, names.length, `should have at least ${minProperties} properties`))
  }
  if (maxProperties !== undefined && names.length > maxProperties) {
    result.errors.push(fieldError.tooMany(fieldOf(place), names.length, maxProperties))
  }
  const former = (name: string): Before | undefined => {
    const isEnvelope = place.path === '' && place.base === '' && (name === 'apiVersion' || name === 'kind')
    if (!before || isEnvelope || !isObject(before.value)) return undefined
    return Object.hasOwn(before.value, name) ? { value: before.value[name] } : undefined
  }
  const others = names.filter(name => !Object.hasOwn(properties, name))
  const values = valuesOf(schema)
  if (schema.additionalProperties === false) {
    for (const name of others) {
      const rule = `${place.path}.${name} in body is a forbidden property`
      result.errors.push(fieldError.invalid(fieldOf(place), name, rule))
    }
  } else if (values) {
    for (const name of others) merge(result, check(below(place, name), value[name], values, former(name)))
  }
  for (const [name, field] of Object.entries(properties)) {
    if (Object.hasOwn(value, name)) merge(result, check(below(place, name), value[name], field, former(name)))
  }
  for (const name of required) {
    if (!Object.hasOwn(value, name)) result.errors.push(fieldError.required(fieldOf(below(place, name))))
  }
  return result
}
