import { type FieldError, fieldError } from '../field-errors.ts'
import { pathSegmentName, qualifiedName, serviceName, subdomainName } from '../names.ts'
import type { LabelSelectorObject } from '../selectors.ts'
import { invalidWhen, supported, validateLabelSelector } from '../validation.ts'

/** The rules of k8s.io/kubernetes/pkg/apis/admissionregistration/validation, apart from the expressions (apiserver/policies). */

interface Rule {
  readonly operations?: readonly string[] | undefined
  readonly apiGroups?: readonly string[] | undefined
  readonly apiVersions?: readonly string[] | undefined
  readonly resources?: readonly string[] | undefined
  readonly scope?: string | undefined
}

const required = (list: readonly string[], field: string): FieldError[] => (list.length > 0 ? [] : [fieldError.required(field)])
const alone = (list: readonly string[], field: string, what: string): FieldError[] =>
  list.length > 1 && list.includes('*')
    ? [fieldError.invalid(field, list, `if '*' is present, must not specify other ${what}`)]
    : []

const ruleOperations = ['*', 'CONNECT', 'CREATE', 'DELETE', 'UPDATE']

/** A rule must name something of each: operations, groups, versions and resources. */
export function validateRule(rule: Rule, field: string): FieldError[] {
  const { operations = [], apiGroups = [], apiVersions = [], resources = [], scope } = rule
  return [
    ...required(operations, `${field}.operations`),
    ...alone(operations, `${field}.operations`, 'operations'),
    ...operations.flatMap((operation, at) => supported(`${field}.operations[${at}]`, operation, ruleOperations)),
    ...required(apiGroups, `${field}.apiGroups`),
    ...alone(apiGroups, `${field}.apiGroups`, 'API groups'),
    ...required(apiVersions, `${field}.apiVersions`),
    ...alone(apiVersions, `${field}.apiVersions`, 'API versions'),
    ...apiVersions.flatMap((version, at) => (version ? [] : [fieldError.required(`${field}.apiVersions[${at}]`)])),
    ...validateResources(resources, `${field}.resources`),
    ...supported(`${field}.scope`, scope, ['*', 'Cluster', 'Namespaced']),
  ]
}

function validateResources(resources: readonly string[], field: string): FieldError[] {
  const errors = required(resources, field)
  const everySub = new Set<string>()
  const everyResource = new Set<string>()
  for (const [at, resource] of resources.entries()) {
    if (!resource) {
      errors.push(fieldError.required(`${field}[${at}]`))
      continue
    }
    const [name = '', sub] = resource.split(/\/(.*)/s)
    if (sub === undefined) continue
    const clash = (wide: string) =>
      errors.push(fieldError.invalid(`${field}[${at}]`, resource, `if '${wide}' is present, must not specify ${resource}`))
    if (everySub.has(name)) clash(`${name}/*`)
    if (everyResource.has(sub)) clash(`*/${sub}`)
    if (sub === '*') everySub.add(name)
    if (name === '*') everyResource.add(sub)
  }
  if (resources.length > 1 && resources.includes('*/*')) {
    errors.push(fieldError.invalid(field, resources, "if '*/*' is present, must not specify other resources"))
  }
  const plain = resources.filter(resource => resource !== '' && !resource.includes('/'))
  if (plain.includes('*') && plain.at(-1) !== '*') {
    errors.push(fieldError.invalid(field, resources, "if '*' is present, must not specify other resources without subresources"))
  }
  return errors
}

interface Matching {
  readonly matchPolicy: string
  readonly namespaceSelector: LabelSelectorObject
  readonly objectSelector: LabelSelectorObject
}

/** What webhooks and policies have in common: the match policy and both selectors. */
export function validateMatching({ matchPolicy, namespaceSelector, objectSelector }: Matching, field: string): FieldError[] {
  return [
    ...supported(`${field}.matchPolicy`, matchPolicy, ['Equivalent', 'Exact']),
    ...validateLabelSelector(namespaceSelector, `${field}.namespaceSelector`),
    ...validateLabelSelector(objectSelector, `${field}.objectSelector`),
  ]
}

type NamedRule = Rule & { readonly resourceNames?: readonly string[] | undefined }
interface Resources extends Matching {
  readonly resourceRules?: readonly NamedRule[] | undefined
  readonly excludeResourceRules?: readonly NamedRule[] | undefined
}

/** What a policy or a binding is about, if it says so. */
function validateMatchResources(resources: Resources | undefined, field: string): FieldError[] {
  if (!resources) return []
  const rules = (list: readonly NamedRule[] | undefined, name: string) =>
    (list ?? []).flatMap((rule, at) => validateNamedRule(rule, `${field}.${name}[${at}]`))
  return [
    ...validateMatching(resources, field),
    ...rules(resources.resourceRules, 'resourceRules'),
    ...rules(resources.excludeResourceRules, 'excludeResourceRules'),
  ]
}

/** What a policy is about must be said, with at least one rule. */
export function validateMatchConstraints(constraints: Resources | undefined, field: string): FieldError[] {
  if (!constraints) return [fieldError.required(field)]
  const errors = validateMatchResources(constraints, field)
  if (!constraints.resourceRules?.length) errors.push(fieldError.required(`${field}.resourceRules`))
  return errors
}

function validateNamedRule({ resourceNames = [], ...rule }: NamedRule, field: string): FieldError[] {
  const errors = resourceNames.flatMap((name, at) => [
    ...invalidWhen(`${field}.resourceNames[${at}]`, name, pathSegmentName(name)),
    ...(resourceNames.indexOf(name) < at ? [fieldError.duplicate(`${field}.resourceNames[${at}]`, name)] : []),
  ])
  return [...errors, ...validateRule(rule, field)]
}

const mostConditions = 64

/** At most 64, each with a name of its own. */
export function validateMatchConditions(
  conditions: readonly { readonly name: string; readonly expression: string }[] = [],
  field: string,
): FieldError[] {
  const errors = conditions.length > mostConditions ? [fieldError.tooMany(field, conditions.length, mostConditions)] : []
  const names = new Set<string>()
  for (const [at, { name, expression }] of conditions.entries()) {
    if (expression.trim() === '') errors.push(fieldError.required(`${field}[${at}].expression`))
    if (name === '') errors.push(fieldError.required(`${field}[${at}].name`))
    else errors.push(...invalidWhen(`${field}[${at}].name`, name, qualifiedName(name)))
    if (name && names.has(name)) errors.push(fieldError.duplicate(`${field}[${at}].name`, name))
    names.add(name)
  }
  return errors
}

/** A group and version that could be, and a kind. */
export function validateParamKind(
  { apiVersion, kind }: { readonly apiVersion?: string | undefined; readonly kind?: string | undefined },
  field: string,
): FieldError[] {
  const errors: FieldError[] = []
  const parts = apiVersion?.split('/') ?? []
  if (!apiVersion) errors.push(fieldError.required(`${field}.apiVersion`))
  else if (parts.length > 2) {
    errors.push(fieldError.invalid(`${field}.apiVersion`, apiVersion, `unexpected GroupVersion string: ${apiVersion}`))
  } else {
    const [group, version] = parts.length === 2 ? [parts[0] ?? '', parts[1] ?? ''] : ['', apiVersion]
    if (group) errors.push(...joined(`${field}.apiVersion`, group, subdomainName(group)))
    if (!version) errors.push(fieldError.invalid(`${field}.apiVersion`, apiVersion, 'version must be specified'))
    else errors.push(...joined(`${field}.apiVersion`, version, serviceName(version)))
  }
  if (!kind) errors.push(fieldError.required(`${field}.kind`))
  else
    errors.push(
      ...joined(`${field}.kind`, kind, serviceName(kind.toLowerCase()), 'may have mixed case, but should otherwise match: '),
    )
  return errors
}

/** One fault that holds all texts. */
export const joined = (field: string, value: unknown, faults: readonly string[], before = ''): FieldError[] =>
  faults.length > 0 ? [fieldError.invalid(field, value, before + faults.join(','))] : []

interface Ref {
  readonly name?: string | undefined
  readonly selector?: LabelSelectorObject | undefined
  readonly parameterNotFoundAction?: string | undefined
}

/** Parameters by name or by selector, and what to do without any. */
function validateParamRef(ref: Ref | undefined, field: string): FieldError[] {
  if (!ref) return []
  const { name, selector, parameterNotFoundAction: action } = ref
  const exclusive = 'name and selector are mutually exclusive'
  return [
    ...(name ? invalidWhen(`${field}.name`, name, pathSegmentName(name)) : []),
    ...(name && selector ? [fieldError.forbidden(`${field}.name`, exclusive)] : []),
    ...(selector ? validateLabelSelector(selector, `${field}.selector`) : []),
    ...(name && selector ? [fieldError.forbidden(`${field}.selector`, exclusive)] : []),
    ...(!name && !selector ? [fieldError.required(field, 'one of name or selector must be specified')] : []),
    ...(action
      ? supported(`${field}.parameterNotFoundAction`, action, ['Deny', 'Allow'])
      : [fieldError.required(`${field}.parameterNotFoundAction`)]),
  ]
}

const reservedWords = new Set(
  'true false null in as break const continue else for function if import let loop package namespace return var void while'.split(
    ' ',
  ),
)

/** CEL identifiers with an expression each. */
export function validateVariables(
  variables: readonly { readonly name: string; readonly expression: string }[] = [],
  field: string,
): FieldError[] {
  return variables.flatMap(({ name, expression }, at) => {
    const errors: FieldError[] = []
    if (name.trim() === '') errors.push(fieldError.required(`${field}[${at}].name`, 'name is not specified'))
    else if (!/^[_a-zA-Z]\w*$/.test(name) || reservedWords.has(name)) {
      errors.push(fieldError.invalid(`${field}[${at}].name`, name, 'must be a valid CEL identifier'))
    }
    if (expression.trim() === '') errors.push(fieldError.required(`${field}[${at}].expression`, 'expression is not specified'))
    return errors
  })
}

interface Binding {
  readonly policyName?: string | undefined
  readonly paramRef?: Ref | undefined
  readonly matchResources?: Resources | undefined
}

/** A policy by name, and what it is told. */
export function validateBinding({ policyName = '', paramRef, matchResources }: Binding): FieldError[] {
  return [
    ...(policyName
      ? invalidWhen('spec.policyName', policyName, subdomainName(policyName))
      : [fieldError.required('spec.policyName')]),
    ...validateParamRef(paramRef, 'spec.paramRef'),
    ...validateMatchResources(matchResources, 'spec.matchResources'),
  ]
}

/** Only what is written can be changed. */
export function onlyWrites(resources: Resources | undefined, field: string): FieldError[] {
  const operations = (resources?.resourceRules ?? []).flatMap(rule => rule.operations ?? [])
  return operations.flatMap(operation => supported(`${field}.resourceRules.operations`, operation, ['CREATE', 'UPDATE']))
}
