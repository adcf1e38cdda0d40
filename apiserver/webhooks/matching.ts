import { Namespace } from '../../api/core/namespace.ts'
import { notFound } from '../../api/errors.ts'
import type { AnyKind } from '../../api/kind.ts'
import { fromLabelSelector, type LabelSelectorObject, matchesLabels } from '../../api/selectors.ts'
import type { KubeObject } from '../../api/transport.ts'
import type { Access } from '../access.ts'
import type { Attempt } from '../admission.ts'

/** What a webhook or a policy is about. */
export interface Criteria {
  readonly rules?: readonly Rule[] | undefined
  /** Wins over `rules`. */
  readonly excluded?: readonly Rule[] | undefined
  readonly matchPolicy: string
  readonly namespaceSelector: LabelSelectorObject
  readonly objectSelector: LabelSelectorObject
}

/** A rule as webhooks and policies write it. */
export interface Rule {
  readonly operations?: readonly string[] | undefined
  readonly apiGroups?: readonly string[] | undefined
  readonly apiVersions?: readonly string[] | undefined
  readonly resources?: readonly string[] | undefined
  readonly scope?: string | undefined
  readonly resourceNames?: readonly string[] | undefined
}

/** What has to be known to match. */
export interface MatchContext {
  readonly access: Access
  /** The same kind in the other versions in which it is served. */
  readonly equivalents: (kind: AnyKind) => readonly AnyKind[]
}

/** These are never shown to webhooks or policies: a mistake in one could not be repaired otherwise. */
export const isExempt = ({ group, plural }: AnyKind) =>
  group === 'admissionregistration.k8s.io' &&
  /^(validating|mutating)(webhookconfigurations|admissionpolicies|admissionpolicybindings)$/.test(plural)

/**
 * The kind, in the version that the criteria ask for, if they are about this request; undefined if they are not
 * (k8s.io/apiserver/pkg/admission/plugin/webhook/predicates).
 */
export async function matchingKind(attempt: Attempt, criteria: Criteria, context: MatchContext): Promise<AnyKind | undefined> {
  const kind = kindByRules(attempt, criteria, context)
  if (!kind) return undefined
  if (!matchesObject(attempt, criteria.objectSelector)) return undefined
  return (await matchesNamespace(attempt, criteria.namespaceSelector, context.access)) ? kind : undefined
}

function kindByRules(attempt: Attempt, { rules = [], excluded = [], matchPolicy }: Criteria, context: MatchContext) {
  const versions = matchPolicy === 'Exact' ? [attempt.kind] : [attempt.kind, ...context.equivalents(attempt.kind)]
  const isIn = (list: readonly Rule[]) => versions.find(kind => list.some(rule => matchesRule(attempt, kind, rule)))
  return isIn(excluded) ? undefined : isIn(rules)
}

const has = (list: readonly string[] | undefined, word: string) =>
  list !== undefined && (list.includes('*') || list.includes(word))

/** Whether a rule is about the request, were it one for this version of its kind. */
function matchesRule(attempt: Attempt, { group, version, plural }: AnyKind, rule: Rule): boolean {
  const { operation, name, subresource = '' } = attempt
  if (!has(rule.operations, operation) || !has(rule.apiGroups, group) || !has(rule.apiVersions, version)) return false
  if (!rule.resources?.some(pattern => matchesResource(pattern, plural, subresource))) return false
  if (rule.scope === 'Namespaced' && !isNamespaced(attempt)) return false
  if (rule.scope === 'Cluster' && isNamespaced(attempt)) return false
  const { resourceNames = [] } = rule
  return resourceNames.length === 0 || (name !== undefined && resourceNames.includes(name))
}

function matchesResource(pattern: string, resource: string, subresource: string): boolean {
  const [wanted, sub = ''] = pattern.split(/\/(.*)/s)
  return (wanted === '*' || wanted === resource) && (sub === '*' || sub === subresource)
}

const isNamespaced = ({ kind, namespace }: Attempt) => kind.namespaced && !!namespace

/** The namespace as the request's attributes have it: a Namespace is in itself. */
export const namespaceOf = ({ kind, namespace, name }: Attempt): string | undefined =>
  kind === Namespace ? name : kind.namespaced ? namespace : undefined

/** Labels of the new or the old state match. What has no labels is selected by what selects everything. */
function matchesObject({ operation, object, old }: Attempt, labelSelector: LabelSelectorObject): boolean {
  const selector = fromLabelSelector(labelSelector)
  if (selector.length === 0) return true
  if (operation === 'CONNECT') return false
  const states: readonly (KubeObject | undefined)[] = [operation === 'DELETE' ? undefined : (object as KubeObject), old]
  return states.some(state => state && matchesLabels(selector, state.metadata.labels))
}

async function matchesNamespace(attempt: Attempt, labelSelector: LabelSelectorObject, access: Access): Promise<boolean> {
  const selector = fromLabelSelector(labelSelector)
  if (selector.length === 0) return true
  const name = namespaceOf(attempt)
  if (!name) return true
  if (attempt.kind === Namespace && attempt.operation !== 'DELETE') return matchesLabels(selector, attempt.object.metadata.labels)
  const namespace = await access.get(Namespace, undefined, name)
  if (!namespace) throw notFound(Namespace, name)
  return matchesLabels(selector, namespace.metadata.labels)
}

/** What is reviewed: the states of the object in the version that was matched. Absent: there is none (deleted, not there before). */
export interface Subject {
  readonly kind: AnyKind
  readonly object: object | undefined
  readonly old: object | undefined
}

/** The subject of an attempt, converted to the version of the kind where that is another one. */
export async function subjectOf(attempt: Attempt, kind: AnyKind): Promise<Subject> {
  const inVersion = async (state: object | undefined) =>
    state && kind !== attempt.kind && kind.storedAs && attempt.operation !== 'CONNECT' && !attempt.objectKind
      ? kind.storedAs.fromStored(state as KubeObject)
      : state
  const { operation, object, old } = attempt
  const [now, before] = await Promise.all([inVersion(operation === 'DELETE' ? undefined : object), inVersion(old)])
  return { kind, object: now, old: before }
}
