import { deepEqual } from '../../lib/json.ts'
import { type FieldError, fieldError } from '../field-errors.ts'
import { labelName, subdomainName } from '../names.ts'
import { invalidWhen } from '../validation.ts'
import { mandatoryFlowSchemas } from './bootstrap-objects.ts'
import type { FlowSchemaParts, NonResourcePolicyRule, ResourcePolicyRule, Subject } from './flow-schema.ts'

const verbs = ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'proxy', 'update', 'watch']
const highestPrecedence = 10_000

/** A flow schema (pkg/apis/flowcontrol/validation). */
export function validateFlowSchema({ metadata: { name }, spec }: FlowSchemaParts): FieldError[] {
  const { matchingPrecedence: precedence, distinguisherMethod, priorityLevelConfiguration, rules = [] } = spec
  const errors: FieldError[] = []
  const invalid = (why: string) => errors.push(fieldError.invalid('spec.matchingPrecedence', precedence, why))
  if (precedence <= 0) invalid('must be a positive value')
  if (precedence > highestPrecedence) invalid(`must not be greater than ${highestPrecedence}`)
  if (precedence === 1 && name !== 'exempt') invalid("only the schema named 'exempt' may have matchingPrecedence 1")
  if (distinguisherMethod && !['ByNamespace', 'ByUser'].includes(distinguisherMethod.type)) {
    const supported = ['ByNamespace', 'ByUser']
    errors.push(fieldError.notSupported('spec.distinguisherMethod.type', distinguisherMethod as never, supported))
  }
  const level = priorityLevelConfiguration.name
  const field = 'spec.priorityLevelConfiguration.name'
  if (level) errors.push(...invalidWhen(field, level, subdomainName(level)))
  else errors.push(fieldError.required(field, 'must reference a priority level'))
  for (const [i, rule] of rules.entries()) errors.push(...validateRule(rule, `spec.rules[${i}]`))
  const fixed = mandatoryFlowSchemas.find(({ metadata }) => metadata.name === name)
  if (fixed && !deepEqual(spec, fixed.spec)) {
    errors.push(fieldError.invalid('spec', spec, `spec of '${name}' must equal the fixed value`))
  }
  return errors
}

type Rule = NonNullable<FlowSchemaParts['spec']['rules']>[number]

function validateRule({ subjects, resourceRules = [], nonResourceRules = [] }: Rule, at: string): FieldError[] {
  const errors = subjects.flatMap((subject, i) => validateSubject(subject, `${at}.subjects[${i}]`))
  if (subjects.length === 0) errors.push(fieldError.required(`${at}.subjects`, 'subjects must contain at least one value'))
  if (resourceRules.length === 0 && nonResourceRules.length === 0) {
    const why = 'at least one of resourceRules and nonResourceRules has to be non-empty'
    errors.push(fieldError.required(at, why))
  }
  for (const [i, rule] of resourceRules.entries()) errors.push(...validateResources(rule, `${at}.resourceRules[${i}]`))
  for (const [i, rule] of nonResourceRules.entries()) errors.push(...validatePaths(rule, `${at}.nonResourceRules[${i}]`))
  return errors
}

const subjectFields = { ServiceAccount: 'serviceAccount', User: 'user', Group: 'group' } as const

function validateSubject(subject: Subject, at: string): FieldError[] {
  const { kind } = subject
  if (kind !== 'ServiceAccount' && kind !== 'User' && kind !== 'Group') {
    return [fieldError.notSupported(`${at}.kind`, kind, ['Group', 'ServiceAccount', 'User'])]
  }
  const own = subjectFields[kind]
  const named = subject[own]
  const errors: FieldError[] = []
  if (!named) errors.push(fieldError.required(`${at}.${own}`, `${own} is required when subject kind is '${kind}'`))
  else if (named.name === '') errors.push(fieldError.required(`${at}.${own}.name`))
  const { serviceAccount } = subject
  if (kind === 'ServiceAccount' && serviceAccount) {
    const { name, namespace } = serviceAccount
    if (name && name !== '*') errors.push(...invalidWhen(`${at}.serviceAccount.name`, name, subdomainName(name)))
    const field = `${at}.serviceAccount.namespace`
    if (namespace) errors.push(...invalidWhen(field, namespace, labelName(namespace)))
    else errors.push(fieldError.required(field, 'must specify namespace for service account'))
  }
  for (const [other, field] of Object.entries(subjectFields)) {
    if (field === own || !subject[field]) continue
    errors.push(fieldError.forbidden(`${at}.${field}`, `${field} is forbidden when subject kind is not '${other}'`))
  }
  return errors
}

/** One or more; and if `*` is among them, nothing else. */
function list(values: readonly string[], field: string, empty: string, others: string): FieldError[] {
  if (values.length === 0) return [fieldError.required(field, empty)]
  const isMixed = values.includes('*') && values.length > 1
  return isMixed ? [fieldError.invalid(field, values, `if '*' is present, must not specify other ${others}`)] : []
}

function validateVerbs(given: readonly string[], field: string): FieldError[] {
  const errors = list(given, field, 'verbs must contain at least one value', 'verbs')
  if (errors.length > 0 || given.includes('*') || given.every(verb => verbs.includes(verb))) return errors
  return [fieldError.notSupported(field, given as never, verbs)]
}

function validateResources(rule: ResourcePolicyRule, at: string): FieldError[] {
  const { apiGroups, resources, namespaces = [], clusterScope } = rule
  const errors = validateVerbs(rule.verbs, `${at}.verbs`)
  errors.push(...list(apiGroups, `${at}.apiGroups`, 'resource rules must supply at least one api group', 'api groups'))
  errors.push(...list(resources, `${at}.resources`, 'resource rules must supply at least one resource', 'resources'))
  const field = `${at}.namespaces`
  if (namespaces.length === 0 && clusterScope) return errors
  const none = 'resource rules that are not cluster scoped must supply at least one namespace'
  errors.push(...list(namespaces, field, none, 'namespaces'))
  if (namespaces.includes('*')) return errors
  for (const [i, namespace] of namespaces.entries()) {
    const faults = labelName(namespace).map(why => `each member of this list must be '*' or a DNS-1123 label; ${why}`)
    errors.push(...invalidWhen(`${field}[${i}]`, namespace, faults))
  }
  return errors
}

function validatePaths({ verbs: given, nonResourceURLs: paths }: NonResourcePolicyRule, at: string): FieldError[] {
  const field = `${at}.nonResourceURLs`
  const errors = validateVerbs(given, `${at}.verbs`)
  errors.push(...list(paths, field, 'nonResourceURLs must contain at least one value', 'non-resource URLs'))
  if (paths.includes('*')) return errors
  for (const [i, path] of paths.entries()) {
    const fault = pathFault(path)
    if (fault) errors.push(fieldError.invalid(`${field}[${i}]`, path, fault))
  }
  return errors
}

function pathFault(path: string): string | undefined {
  if (path === '') return 'must not be empty'
  if (path === '/') return undefined
  if (!path.startsWith('/')) return 'must start with slash'
  if (path.includes(' ')) return 'must not contain white-space'
  if (path.includes('//')) return 'must not contain double slash'
  const stars = path.split('*').length - 1
  return stars > 1 || (stars === 1 && !path.endsWith('/*')) ? 'wildcard can only do suffix matching' : undefined
}
