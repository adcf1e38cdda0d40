import { type FieldError, fieldError } from './field-errors.ts'
import { qualifiedName } from './names.ts'
import { invalidWhen, requiredName, supported } from './validation.ts'

interface Condition {
  readonly type: string
  readonly status: string
  readonly observedGeneration?: number
  readonly lastTransitionTime?: string
  readonly reason: string
  readonly message: string
}

const longest = { reason: 1024, message: 32 * 1024 }
const reasonPattern = '[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?'
const reasonRule = `a condition reason must start with alphabetic character, optionally followed by a string of alphanumeric characters or '_,:', and must end with an alphanumeric character or '_' (e.g. 'my_name',  or 'MY_NAME',  or 'MyName',  or 'ReasonA,ReasonB',  or 'ReasonA:ReasonB', regex used for validation is '${reasonPattern}')`

const badReason = (reason: string) => (new RegExp(`^${reasonPattern}$`).test(reason) ? [] : [reasonRule])

/** Conditions as newer kinds have them (k8s.io/apimachinery/pkg/apis/meta/v1/validation ValidateConditions). */
export function validateConditions(conditions: readonly Condition[], field: string): FieldError[] {
  const seen = new Set<string>()
  return conditions.flatMap(({ type, status, observedGeneration = 0, lastTransitionTime, reason, message }, i) => {
    const at = `${field}[${i}]`
    const errors = seen.has(type) ? [fieldError.duplicate(`${at}.type`, type)] : []
    seen.add(type)
    errors.push(...invalidWhen(`${at}.type`, type, qualifiedName(type)))
    errors.push(...supported(`${at}.status`, status, ['False', 'True', 'Unknown']))
    if (observedGeneration < 0) {
      errors.push(fieldError.invalid(`${at}.observedGeneration`, observedGeneration, 'must be greater than or equal to zero'))
    }
    if (!lastTransitionTime) errors.push(fieldError.required(`${at}.lastTransitionTime`))
    errors.push(...requiredName(`${at}.reason`, reason, badReason))
    if (reason.length > longest.reason) errors.push(fieldError.tooLong(`${at}.reason`, longest.reason))
    if (message.length > longest.message) errors.push(fieldError.tooLong(`${at}.message`, longest.message))
    return errors
  })
}
