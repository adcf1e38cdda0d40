import { type FieldError, fieldError } from '../field-errors.ts'
import { qualifiedName } from '../names.ts'
import { invalidWhen, nonNegative } from '../validation.ts'
import { readIndexes } from './indexes.ts'
import type { JobSpec } from './job-spec.ts'

type PodFailurePolicy = NonNullable<JobSpec['podFailurePolicy']>
type Rule = PodFailurePolicy['rules'][number]
type SuccessPolicy = NonNullable<JobSpec['successPolicy']>

const most = { rules: 20, exitCodes: 255, conditions: 20, indexesLength: 64 * 1024 }
const validValues = (words: readonly string[]) => `valid values: [${words.map(word => JSON.stringify(word)).join(' ')}]`

/** One of the words; which is asked for if there is none. */
function oneOf(field: string, word: string, words: readonly string[]): FieldError[] {
  if (word === '') return [fieldError.required(field, validValues(words))]
  return words.includes(word) ? [] : [fieldError.notSupported(field, word, words)]
}

/** An error about a whole rule: its value is not shown. */
const wrong = (field: string, why: string): FieldError => ({ type: 'FieldValueInvalid', field, message: `Invalid value: ${why}` })

/** Which failures count, and how (pkg/apis/batch/validation validatePodFailurePolicy). */
export function validatePodFailurePolicy(spec: JobSpec, { rules }: PodFailurePolicy, field: string): FieldError[] {
  const errors = rules.length > most.rules ? [fieldError.tooMany(`${field}.rules`, rules.length, most.rules)] : []
  const { containers, initContainers = [] } = spec.template.spec
  const names = new Set([...containers, ...initContainers].map(({ name }) => name))
  for (const [i, rule] of rules.entries()) errors.push(...validateRule(spec, rule, `${field}.rules[${i}]`, names))
  return errors
}

function validateRule(spec: JobSpec, rule: Rule, at: string, names: ReadonlySet<string>): FieldError[] {
  const { action, onExitCodes, onPodConditions = [] } = rule
  const errors =
    action === 'FailIndex' && spec.backoffLimitPerIndex === undefined
      ? [fieldError.invalid(`${at}.action`, action, 'requires the backoffLimitPerIndex to be set')]
      : oneOf(`${at}.action`, action, ['Count', 'FailIndex', 'FailJob', 'Ignore'])
  if (onExitCodes) errors.push(...validateExitCodes(onExitCodes, `${at}.onExitCodes`, names))
  const conditionsAt = `${at}.onPodConditions`
  if (onPodConditions.length > most.conditions) {
    errors.push(fieldError.tooMany(conditionsAt, onPodConditions.length, most.conditions))
  }
  for (const [i, { type, status }] of onPodConditions.entries()) {
    errors.push(...invalidWhen(`${conditionsAt}[${i}].type`, type, qualifiedName(type)))
    errors.push(...oneOf(`${conditionsAt}[${i}].status`, status, ['False', 'True', 'Unknown']))
  }
  const given = Number(onExitCodes !== undefined) + Number(onPodConditions.length > 0)
  if (given === 2) errors.push(wrong(at, 'specifying both OnExitCodes and OnPodConditions is not supported'))
  if (given === 0) errors.push(wrong(at, 'specifying one of OnExitCodes and OnPodConditions is required'))
  return errors
}

function validateExitCodes(
  { operator, containerName, values }: NonNullable<Rule['onExitCodes']>,
  at: string,
  names: ReadonlySet<string>,
): FieldError[] {
  const errors = oneOf(`${at}.operator`, operator, ['In', 'NotIn'])
  if (containerName !== undefined && !names.has(containerName)) {
    const why = 'must be one of the container or initContainer names in the pod template'
    errors.push(fieldError.invalid(`${at}.containerName`, containerName, why))
  }
  const field = `${at}.values`
  if (values.length === 0) errors.push(fieldError.invalid(field, values, 'at least one value is required'))
  else if (values.length > most.exitCodes) errors.push(fieldError.tooMany(field, values.length, most.exitCodes))
  const seen = new Set<number>()
  for (const [i, value] of values.entries()) {
    if (operator === 'In' && value === 0) {
      errors.push(fieldError.invalid(`${field}[${i}]`, value, 'must not be 0 for the In operator'))
    }
    if (seen.has(value)) errors.push(fieldError.duplicate(`${field}[${i}]`, value))
    seen.add(value)
  }
  const isOrdered = values.every((value, i) => i === 0 || (values[i - 1] ?? value) <= value)
  return isOrdered ? errors : [...errors, fieldError.invalid(field, values, 'must be ordered')]
}

/** When the job has done enough (validateSuccessPolicy). */
export function validateSuccessPolicy(spec: JobSpec, { rules }: SuccessPolicy, field: string): FieldError[] {
  const errors: FieldError[] = []
  if (rules.length === 0) {
    errors.push(fieldError.required(`${field}.rules`, 'at least one rules must be specified when the successPolicy is specified'))
  }
  if (rules.length > most.rules) errors.push(fieldError.tooMany(`${field}.rules`, rules.length, most.rules))
  for (const [i, { succeededIndexes, succeededCount }] of rules.entries()) {
    const at = `${field}.rules[${i}]`
    const { completions = 0 } = spec
    if (succeededIndexes === undefined && succeededCount === undefined) {
      errors.push(fieldError.required(at, 'at least one of succeededCount or succeededIndexes must be specified'))
    }
    const indexes = readIndexes(succeededIndexes ?? '', completions)
    if (succeededIndexes !== undefined && succeededIndexes.length > most.indexesLength) {
      errors.push(fieldError.tooLong(`${at}.succeededIndexes`, most.indexesLength))
    }
    if (typeof indexes === 'string') {
      const why = `error parsing succeededIndexes: ${indexes}`
      errors.push(fieldError.invalid(`${at}.succeededIndexes`, succeededIndexes, why))
    }
    if (succeededCount === undefined) continue
    const countAt = `${at}.succeededCount`
    errors.push(...nonNegative(countAt, succeededCount))
    if (succeededCount > completions) {
      const why = `must be less than or equal to ${completions} (the number of specified completions)`
      errors.push(fieldError.invalid(countAt, succeededCount, why))
    }
    const total = typeof indexes === 'string' ? 0 : indexes.reduce((sum, [from, to]) => sum + to - from + 1, 0)
    if (succeededIndexes !== undefined && succeededCount > total) {
      const why = `must be less than or equal to ${total} (the number of indexes in the specified succeededIndexes field)`
      errors.push(fieldError.invalid(countAt, succeededCount, why))
    }
  }
  return errors
}
