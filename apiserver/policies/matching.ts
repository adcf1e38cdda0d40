import type { MatchResources } from '../../api/admissionregistration/matching.ts'
import { Namespace } from '../../api/core/namespace.ts'
import type { Access } from '../access.ts'
import type { Attempt } from '../admission.ts'
import type { Authorizer } from '../auth/authorizer.ts'
import type { KindTable } from '../kind-table.ts'
import { type Criteria, type MatchContext, namespaceOf } from '../webhooks/matching.ts'
import type { Composition } from './expressions.ts'

/** What policies work with. */
export interface PolicyContext extends MatchContext {
  readonly authorizer: Authorizer | undefined
  readonly kinds: () => KindTable
  /** The compiled variables of a policy, kept as long as its spec. */
  readonly compositions: (spec: object, make: () => Composition) => Composition
}

/** Keeps what was made for an object as long as the object. */
export function keptFor<T>(): (key: object, make: () => T) => T {
  const known = new WeakMap<object, T>()
  return (key, make) => {
    let value = known.get(key)
    if (value === undefined) known.set(key, (value = make()))
    return value
  }
}

const nothing: Criteria = { rules: [], matchPolicy: 'Equivalent', namespaceSelector: {}, objectSelector: {} }

/** A policy without constraints is about nothing. */
export const policyCriteria = ({ matchConstraints }: { matchConstraints?: MatchResources | undefined }): Criteria =>
  matchConstraints ? { ...criteriaOf(matchConstraints), rules: matchConstraints.resourceRules } : nothing

const anyRule = { operations: ['*'], apiGroups: ['*'], apiVersions: ['*'], resources: ['*/*'] }

/** A binding without rules is about all that its policy is about. */
export const bindingCriteria = (resources: MatchResources): Criteria => ({
  ...criteriaOf(resources),
  rules: resources.resourceRules?.length ? resources.resourceRules : [anyRule],
})

const criteriaOf = ({ excludeResourceRules, matchPolicy, namespaceSelector, objectSelector }: MatchResources): Criteria => ({
  excluded: excludeResourceRules,
  matchPolicy,
  namespaceSelector,
  objectSelector,
})

/** The failure policy; whatever is not Ignore is Fail. */
export const failureOf = ({ failurePolicy }: { failurePolicy: string }) => (failurePolicy === 'Ignore' ? 'Ignore' : 'Fail')

/** The namespace of the object, as expressions see it; none for objects that are in none, and for namespaces. */
export async function namespaceObjectOf(attempt: Attempt, access: Access): Promise<object | undefined> {
  const name = attempt.kind === Namespace ? undefined : namespaceOf(attempt)
  return name ? access.get(Namespace, undefined, name) : undefined
}
