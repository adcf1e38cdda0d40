import { deepEqual } from '../../lib/json.ts'
import { type FieldError, fieldError } from '../field-errors.ts'
import type { Draft } from '../kind.ts'
import { labelName, pathSegmentName, subdomainName } from '../names.ts'
import { invalidWhen, supported } from '../validation.ts'
import type { PolicyRule, RoleRef, Subject } from './rules.ts'

const rbacGroup = 'rbac.authorization.k8s.io'

/** Rules of a role (pkg/apis/rbac/validation ValidatePolicyRule). */
export function validateRules(rules: readonly PolicyRule[], isNamespaced: boolean): FieldError[] {
  return rules.flatMap(({ verbs, apiGroups = [], resources = [], nonResourceURLs = [] }, i) => {
    const field = `rules[${i}]`
    const errors: FieldError[] = []
    if (verbs.length === 0) errors.push(fieldError.required(`${field}.verbs`, 'verbs must contain at least one value'))
    if (nonResourceURLs.length > 0) {
      const at = `${field}.nonResourceURLs`
      if (isNamespaced) {
        errors.push(fieldError.invalid(at, nonResourceURLs, 'namespaced rules cannot apply to non-resource URLs'))
      }
      if (apiGroups.length > 0 || resources.length > 0) {
        const why = 'rules cannot apply to both regular resources and non-resource URLs'
        errors.push(fieldError.invalid(at, nonResourceURLs, why))
      }
      return errors
    }
    if (apiGroups.length === 0) {
      errors.push(fieldError.required(`${field}.apiGroups`, 'resource rules must supply at least one api group'))
    }
    if (resources.length === 0) {
      errors.push(fieldError.required(`${field}.resources`, 'resource rules must supply at least one resource'))
    }
    return errors
  })
}

interface BindingParts {
  readonly subjects?: readonly Subject[]
  readonly roleRef: RoleRef
}

/** Groups that may be left out (pkg/apis/rbac/v1/defaults.go). */
export function defaultBinding({ subjects = [], roleRef }: Draft<BindingParts>): void {
  roleRef.apiGroup ||= rbacGroup
  for (const subject of subjects) if (subject.kind === 'User' || subject.kind === 'Group') subject.apiGroup ||= rbacGroup
}

/** A binding by itself; its role never changes (pkg/apis/rbac/validation ValidateRoleBinding). */
export function validateBinding(
  binding: BindingParts,
  old: BindingParts | undefined,
  roleKinds: readonly string[],
): FieldError[] {
  const { roleRef, subjects = [] } = binding
  const errors = supported('roleRef.apiGroup', roleRef.apiGroup, [rbacGroup])
  errors.push(...supported('roleRef.kind', roleRef.kind, roleKinds))
  if (roleRef.name === '') errors.push(fieldError.required('roleRef.name'))
  else errors.push(...invalidWhen('roleRef.name', roleRef.name, pathSegmentName(roleRef.name)))
  for (const [i, subject] of subjects.entries()) {
    errors.push(...validateSubject(subject, `subjects[${i}]`, roleKinds.includes('Role')))
  }
  if (old && !deepEqual(roleRef, old.roleRef)) errors.push(fieldError.invalid('roleRef', roleRef, 'cannot change roleRef'))
  return errors
}

function validateSubject(
  { kind, name, namespace = '', apiGroup = '' }: Subject,
  field: string,
  inNamespace: boolean,
): FieldError[] {
  const errors = name === '' ? [fieldError.required(`${field}.name`)] : []
  switch (kind) {
    case 'ServiceAccount':
      if (name) errors.push(...invalidWhen(`${field}.name`, name, subdomainName(name)))
      errors.push(...supported(`${field}.apiGroup`, apiGroup, ['']))
      if (namespace) errors.push(...invalidWhen(`${field}.namespace`, namespace, labelName(namespace)))
      else if (!inNamespace) errors.push(fieldError.required(`${field}.namespace`))
      return errors
    case 'User':
    case 'Group':
      errors.push(...supported(`${field}.apiGroup`, apiGroup, [rbacGroup]))
      return errors
    default:
      errors.push(fieldError.notSupported(`${field}.kind`, kind, ['ServiceAccount', 'User', 'Group']))
      return errors
  }
}
