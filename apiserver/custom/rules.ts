import type { JsonSchemaProps, ValidationRule } from '../../api/apiextensions/json-schema-props.ts'
import { itemsOf, someSchema, valuesOf } from '../../api/apiextensions/structural.ts'
import { type Before, correlation } from '../../api/apiextensions/value-validation.ts'
import { type FieldError, fieldError } from '../../api/field-errors.ts'
import { deepEqual } from '../../lib/json.ts'
import { type Budget, costPerRequest } from '../cel/budget.ts'
import type { Cel, Program } from '../cel/compile.ts'
import { celTypeOf, type ValueSchema } from '../cel/types.ts'

/**
 * `x-kubernetes-validations`: rules in CEL on any value of a schema
 * (k8s.io/apiextensions-apiserver/pkg/apiserver/schema/cel/validation.go).
 */

interface Rule {
  readonly said: ValidationRule
  readonly program: Program | undefined
  readonly error: string | undefined
  readonly message: Program | undefined
  readonly messageError: string | undefined
  readonly usesOldSelf: boolean
}

/** A value of the schema, and the rules on it and inside it. */
interface Node {
  readonly schema: JsonSchemaProps
  /** The schema as expressions see it. */
  readonly seen: ValueSchema
  readonly rules: readonly Rule[]
  readonly properties: ReadonlyMap<string, Node>
  readonly values: Node | undefined
  readonly items: Node | undefined
}

/** Whether there are rules in CEL anywhere in a schema. */
export const hasRules = (schema: JsonSchemaProps): boolean =>
  someSchema(schema, each => (each['x-kubernetes-validations']?.length ?? 0) > 0)

const oldSelf = /\boldSelf\b/
const literals = /"(?:[^"\\]|\\[^])*"?|'(?:[^'\\]|\\[^])*'?/g

/** Compiles the rules of a schema; undefined if it has none. */
function nodeOf(cel: Cel, schema: JsonSchemaProps, isRoot: boolean): Node | undefined {
  const seen = (isRoot ? { ...schema, 'x-kubernetes-embedded-resource': true } : schema) as ValueSchema
  const said = schema['x-kubernetes-validations'] ?? []
  const type = said.length > 0 ? celTypeOf(seen) : 'dyn'
  const rules = said.map(rule => ruleOf(cel, rule, type))
  const properties = new Map<string, Node>()
  for (const [name, field] of Object.entries(schema.properties ?? {})) {
    const node = nodeOf(cel, field, false)
    if (node) properties.set(name, node)
  }
  const inner = valuesOf(schema)
  const item = itemsOf(schema)
  const values = inner && nodeOf(cel, inner, false)
  const items = item && nodeOf(cel, item, false)
  if (rules.length === 0 && properties.size === 0 && !values && !items) return undefined
  return { schema, seen, rules, properties, values, items }
}

function ruleOf(cel: Cel, said: ValidationRule, type: ReturnType<typeof celTypeOf>): Rule {
  const variables = { self: type, oldSelf: said.optionalOldSelf ? { optional: type } : type }
  const compiled = cel.compile(said.rule, { variables })
  const message = said.messageExpression?.trim() ? cel.compile(said.messageExpression, { variables }) : undefined
  const isBool = compiled.ok && (compiled.program.type === 'bool' || compiled.program.type === 'dyn')
  const isText = message?.ok && (message.program.type === 'string' || message.program.type === 'dyn')
  return {
    said,
    program: compiled.ok && isBool ? compiled.program : undefined,
    error: !compiled.ok ? `compilation failed: ${compiled.error}` : isBool ? undefined : 'cel expression must evaluate to a bool',
    message: message?.ok && isText ? message.program : undefined,
    messageError:
      message === undefined || isText
        ? undefined
        : message.ok
          ? 'messageExpression must evaluate to a string'
          : `messageExpression compilation failed: ${message.error}`,
    usesOldSelf: oldSelf.test(said.rule.replace(literals, '')),
  }
}

/** What is wrong with the rules of a schema as such. */
export function ruleFaults(cel: Cel, schema: JsonSchemaProps, path: string): FieldError[] {
  const root = nodeOf(cel, schema, true)
  return root ? faultsOf(root, path, undefined) : []
}

function faultsOf(node: Node, path: string, uncorrelatable: string | undefined): FieldError[] {
  const errors = node.rules.flatMap((rule, i) => faultsOfRule(rule, `${path}.x-kubernetes-validations[${i}]`, uncorrelatable))
  for (const [name, field] of node.properties) errors.push(...faultsOf(field, `${path}.properties[${name}]`, uncorrelatable))
  if (node.values) errors.push(...faultsOf(node.values, `${path}.additionalProperties`, uncorrelatable))
  const isMap = node.schema['x-kubernetes-list-type'] === 'map'
  if (node.items) errors.push(...faultsOf(node.items, `${path}.items`, isMap ? uncorrelatable : (uncorrelatable ?? path)))
  return errors
}

function faultsOfRule(
  { said, error, messageError, usesOldSelf }: Rule,
  at: string,
  uncorrelatable: string | undefined,
): FieldError[] {
  const errors: FieldError[] = []
  const { rule, message = '', messageExpression = '', reason = null, fieldPath = '', optionalOldSelf = null } = said
  const whole = {
    Rule: rule,
    Message: message,
    MessageExpression: messageExpression,
    Reason: reason,
    FieldPath: fieldPath,
    OptionalOldSelf: optionalOldSelf,
  }
  if (error !== undefined) errors.push(fieldError.invalid(`${at}.rule`, whole, error))
  if (messageError !== undefined) errors.push(fieldError.invalid(`${at}.messageExpression`, whole, messageError))
  if (usesOldSelf && uncorrelatable !== undefined) {
    const why = `oldSelf cannot be used on the uncorrelatable portion of the schema within ${uncorrelatable}`
    errors.push(fieldError.invalid(`${at}.rule`, rule, why))
  }
  if (!usesOldSelf && optionalOldSelf !== null) {
    errors.push(fieldError.invalid(`${at}.optionalOldSelf`, optionalOldSelf, 'may not be set if oldSelf is not used in rule'))
  }
  return errors
}

/** Which rules a value breaks. */
export type CheckRules = (object: unknown, old?: unknown) => FieldError[]

/** The check of all rules in a schema; undefined if it has none. */
export function ruleCheck(cel: Cel, schema: JsonSchemaProps): CheckRules | undefined {
  const root = nodeOf(cel, schema, true)
  if (!root) return undefined
  return (object, old) => {
    const budget: Budget = { left: costPerRequest }
    const visit: Visit = { cel, budget, errors: [], isOver: false }
    walk(visit, root, object, old === undefined ? undefined : { value: old }, '', false)
    return visit.errors
  }
}

interface Visit {
  readonly cel: Cel
  readonly budget: Budget
  readonly errors: FieldError[]
  isOver: boolean
}

type Fields = Record<string, unknown>

function walk(visit: Visit, node: Node, value: unknown, before: Before | undefined, path: string, wasUnchanged: boolean): void {
  if (value === null || value === undefined || visit.isOver) return
  // Without a former state of its own, a value has changed if what it is part of has.
  const isUnchanged = before ? deepEqual(before.value, value) : wasUnchanged
  applyRules(visit, node, value, before, path, isUnchanged)
  if (Array.isArray(value)) {
    const former = before && correlation(node.schema, before.value)
    if (node.items)
      for (const [i, item] of value.entries()) walk(visit, node.items, item, former?.(item), `${path}[${i}]`, isUnchanged)
  } else if (typeof value === 'object') {
    const old = (typeof before?.value === 'object' && before.value !== null ? before.value : {}) as Fields
    for (const [name, field] of Object.entries(value)) {
      const isNamed = Object.hasOwn(node.schema.properties ?? {}, name)
      const child = isNamed ? node.properties.get(name) : node.values
      if (!child) continue
      const at = isNamed ? (path === '' ? name : `${path}.${name}`) : `${path}[${name}]`
      walk(visit, child, field, Object.hasOwn(old, name) ? { value: old[name] } : undefined, at, isUnchanged)
    }
  }
}

function applyRules(
  visit: Visit,
  node: Node,
  value: unknown,
  before: Before | undefined,
  path: string,
  isUnchanged: boolean,
): void {
  if (node.rules.length === 0) return
  const { cel, budget } = visit
  const field = path || '<nil>'
  const type = node.schema.type ?? ''
  const hasOld = before !== undefined && before.value !== null && before.value !== undefined
  let self: unknown
  let old: unknown
  for (const rule of node.rules) {
    if (visit.isOver) return
    const { said, program, usesOldSelf } = rule
    if (!program) {
      visit.errors.push(fieldError.invalid(field, type, `rule compile error: ${rule.error}`))
      continue
    }
    if (usesOldSelf && !hasOld && !said.optionalOldSelf) continue
    if (budget.left <= 0) {
      visit.isOver = true
      const why = 'validation failed due to running out of cost budget, no further validation rules will be run'
      visit.errors.push(fieldError.invalid(field, type, why))
      return
    }
    self ??= cel.toCel(value, node.seen)
    if (usesOldSelf && hasOld) old ??= cel.toCel(before.value, node.seen)
    const variables = { self, oldSelf: said.optionalOldSelf ? cel.optional(hasOld ? old : undefined) : old }
    const result = program.evaluate(variables, budget)
    if (!result.ok) {
      visit.errors.push(fieldError.invalid(field, type, evaluationFault(visit, result.error, said)))
    } else if (result.value !== true && !(isUnchanged && !usesOldSelf)) {
      visit.errors.push(broken(rule, type, joined(path, said.fieldPath), messageOf(visit, rule, variables)))
    }
  }
}

function evaluationFault(visit: Visit, error: string, said: ValidationRule): string {
  const rule = said.message?.trim() || said.rule.trim()
  if (error.includes('no such overload')) {
    return `'${error}': call arguments did not match a supported operator, function or macro signature for rule: ${rule}`
  }
  if (error.startsWith('operation cancelled: actual cost limit exceeded')) {
    visit.isOver = true
    return `'${error}': no further validation rules will be run due to call cost exceeds limit for rule: ${rule}`
  }
  return `${error} evaluating rule: ${rule}`
}

const longestMessage = 5 * 1024

function messageOf({ budget }: Visit, { said, message }: Rule, variables: Record<string, unknown>): string {
  const result = message?.evaluate(variables, budget)
  const text = result?.ok && typeof result.value === 'string' ? result.value.trim() : ''
  if (text !== '' && text.length <= longestMessage && !text.includes('\n')) return text
  return said.message ? said.message.trim() : `failed rule: ${said.rule.trim()}`
}

function broken({ said: { reason } }: Rule, type: string, field: string, detail: string): FieldError {
  if (reason === 'FieldValueForbidden') return fieldError.forbidden(field, detail)
  if (reason === 'FieldValueRequired') return fieldError.required(field, detail)
  return reason === 'FieldValueDuplicate' ? fieldError.duplicate(field, type) : fieldError.invalid(field, type, detail)
}

function joined(path: string, below = ''): string {
  const bare = below.trim().replace(/\['((?:[^'\\]|\\.)*)'\]/g, (_, name: string) => `.${name}`)
  const all = path === '' ? bare.replace(/^\./, '') : path + bare
  return all || '<nil>'
}
