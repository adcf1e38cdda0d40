import { type FieldError, fieldError } from '../field-errors.ts'
import { labelName, subdomainName } from '../names.ts'
import { invalidWhen, requiredName } from '../validation.ts'
import type { DeviceClaim } from './device-claim.ts'

const most = { requests: 32, choices: 8, selectors: 32, constraints: 32, configs: 32, expression: 10 * 1024 }

/** A driver is named like a domain of at most 63 characters. */
export function validateDriver(name: string, field: string): FieldError[] {
  if (name === '') return [fieldError.required(field)]
  return [...(name.length > 63 ? [fieldError.tooLong(field, 63)] : []), ...invalidWhen(field, name, subdomainName(name))]
}

interface Selector {
  readonly cel?: { readonly expression: string } | undefined
}

/** Selectors as far as they can be judged without evaluating them. */
export function validateSelectors(selectors: readonly Selector[] = [], field: string): FieldError[] {
  if (selectors.length > most.selectors) return [fieldError.tooMany(field, selectors.length, most.selectors)]
  return selectors.flatMap(({ cel }, i) => {
    if (!cel) return [fieldError.required(`${field}[${i}].cel`)]
    const at = `${field}[${i}].cel.expression`
    if (cel.expression === '') return [fieldError.required(at)]
    return cel.expression.length > most.expression ? [fieldError.tooLong(at, most.expression)] : []
  })
}

interface Config {
  readonly opaque?: { readonly driver: string; readonly parameters?: unknown } | undefined
}

/** Settings name the driver that they are for, and there are some. */
export function validateConfigs(configs: readonly Config[] = [], field: string): FieldError[] {
  if (configs.length > most.configs) return [fieldError.tooMany(field, configs.length, most.configs)]
  return configs.flatMap(({ opaque }, i) => {
    const at = `${field}[${i}].opaque`
    if (!opaque) return [fieldError.required(at)]
    const errors = validateDriver(opaque.driver, `${at}.driver`)
    return opaque.parameters === undefined ? [...errors, fieldError.required(`${at}.parameters`)] : errors
  })
}

type Request = NonNullable<DeviceClaim['requests']>[number]
type Wanted = NonNullable<Request['exactly']>

function validateWanted({ deviceClassName, selectors, allocationMode, count = 0 }: Omit<Wanted, 'adminAccess'>, at: string) {
  const errors = requiredName(`${at}.deviceClassName`, deviceClassName, subdomainName)
  errors.push(...validateSelectors(selectors, `${at}.selectors`))
  if (allocationMode === 'All') {
    if (count === 0) return errors
    return [...errors, fieldError.invalid(`${at}.count`, count, "must not be specified when allocationMode is 'All'")]
  }
  if (allocationMode !== 'ExactCount') {
    return [...errors, fieldError.notSupported(`${at}.allocationMode`, allocationMode, ['All', 'ExactCount'])]
  }
  return count > 0 ? errors : [...errors, fieldError.invalid(`${at}.count`, count, 'must be greater than zero')]
}

const either = 'exactly one of `exactly` or `firstAvailable` is required'

function validateRequest({ name, exactly, firstAvailable = [] }: Request, at: string): FieldError[] {
  const errors = requiredName(`${at}.name`, name, labelName)
  if (firstAvailable.length > most.choices) {
    errors.push(fieldError.tooMany(`${at}.firstAvailable`, firstAvailable.length, most.choices))
  }
  for (const [i, choice] of firstAvailable.entries()) {
    const field = `${at}.firstAvailable[${i}]`
    errors.push(...requiredName(`${field}.name`, choice.name, labelName), ...validateWanted(choice, field))
  }
  errors.push(...doubles(firstAvailable, `${at}.firstAvailable`))
  if (exactly) errors.push(...validateWanted(exactly, `${at}.exactly`))
  if (!exactly && firstAvailable.length === 0) errors.push(fieldError.required(at, either))
  else if (exactly && firstAvailable.length > 0) {
    errors.push(fieldError.invalid(at, null, `${either}, but multiple fields are set`))
  }
  return errors
}

/** A fault for each name that stood there before. */
export function doubles(items: readonly { readonly name: string }[], field: string): FieldError[] {
  const seen = new Set<string>()
  return items.flatMap(({ name }, i) => {
    const errors = seen.has(name) ? [fieldError.duplicate(`${field}[${i}].name`, name)] : []
    seen.add(name)
    return errors
  })
}

/** Which devices are wanted (pkg/apis/resource/validation; expressions are not compiled). */
export function validateDeviceClaim({ requests = [], constraints = [], config }: DeviceClaim, at: string): FieldError[] {
  const errors: FieldError[] = []
  if (requests.length > most.requests) errors.push(fieldError.tooMany(`${at}.requests`, requests.length, most.requests))
  for (const [i, request] of requests.entries()) errors.push(...validateRequest(request, `${at}.requests[${i}]`))
  errors.push(...doubles(requests, `${at}.requests`))
  const names = new Set(
    requests.flatMap(({ name, firstAvailable = [] }) => [name, ...firstAvailable.map(each => `${name}/${each.name}`)]),
  )
  const unknown = "must be the name of a request in the claim or the name of a request and a subrequest separated by '/'"
  const known = (given: readonly string[] = [], field: string) =>
    given.flatMap((name, i) => (names.has(name) ? [] : [fieldError.invalid(`${field}[${i}]`, name, unknown)]))
  if (constraints.length > most.constraints) {
    errors.push(fieldError.tooMany(`${at}.constraints`, constraints.length, most.constraints))
  }
  for (const [i, { requests: given, matchAttribute, distinctAttribute }] of constraints.entries()) {
    const field = `${at}.constraints[${i}]`
    errors.push(...known(given, `${field}.requests`))
    if (matchAttribute === undefined && distinctAttribute === undefined) {
      errors.push(fieldError.required(field, 'exactly one of matchAttribute and distinctAttribute must be specified'))
    }
  }
  errors.push(...validateConfigs(config, `${at}.config`))
  for (const [i, { requests: given }] of (config ?? []).entries()) errors.push(...known(given, `${at}.config[${i}].requests`))
  return errors
}
