export interface NodeSelectorRequirement {
  readonly key: string
  readonly operator: string
  readonly values?: readonly string[] | undefined
}

export interface NodeSelectorTerm {
  readonly matchExpressions?: readonly NodeSelectorRequirement[] | undefined
  readonly matchFields?: readonly NodeSelectorRequirement[] | undefined
}

export interface NodeSelector {
  readonly nodeSelectorTerms: readonly NodeSelectorTerm[]
}

/** As much of a pod's spec as says which nodes it wants. */
export interface NodeWishes {
  readonly nodeSelector?: Readonly<Record<string, string>> | undefined
  readonly affinity?:
    | {
        readonly nodeAffinity?:
          | {
              readonly requiredDuringSchedulingIgnoredDuringExecution?: NodeSelector | undefined
              readonly preferredDuringSchedulingIgnoredDuringExecution?:
                | readonly { readonly weight: number; readonly preference: NodeSelectorTerm }[]
                | undefined
            }
          | undefined
      }
    | undefined
}

export interface LabelledNode {
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
}

/** The refusals, as scheduler and kubelet word them. */
export const nodeNameReason = "node(s) didn't match the requested node name"
export const nodeAffinityReason = "node(s) didn't match Pod's node affinity/selector"

/** Whether a node has every label of `nodeSelector` and matches the required node affinity. */
export function matchesNodeWishes(spec: NodeWishes, node: LabelledNode): boolean {
  for (const key in spec.nodeSelector) if (node.labels[key] !== spec.nodeSelector[key]) return false
  const required = requiredNodes(spec)
  return !required || matchesNodeSelector(required, node)
}

/** Whether the pod restricts its nodes at all. */
export function hasNodeWishes(spec: NodeWishes): boolean {
  return requiredNodes(spec) !== undefined || Object.keys(spec.nodeSelector ?? {}).length > 0
}

export function requiredNodes(spec: NodeWishes): NodeSelector | undefined {
  return spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution
}

/** Whether any term matches; no terms match nothing (k8s.io/component-helpers/scheduling/corev1/nodeaffinity). */
export function matchesNodeSelector(selector: NodeSelector, node: LabelledNode): boolean {
  return selector.nodeSelectorTerms.some(term => matchesNodeSelectorTerm(term, node))
}

/** Whether every requirement of a term matches; an empty term matches nothing. */
export function matchesNodeSelectorTerm(term: NodeSelectorTerm, node: LabelledNode): boolean {
  const { matchExpressions = [], matchFields = [] } = term
  if (matchExpressions.length === 0 && matchFields.length === 0) return false
  return (
    matchExpressions.every(requirement => matchesRequirement(requirement, node.labels[requirement.key])) &&
    matchFields.every(requirement => requirement.key === 'metadata.name' && matchesRequirement(requirement, node.name))
  )
}

function matchesRequirement({ operator, values = [] }: NodeSelectorRequirement, actual: string | undefined): boolean {
  switch (operator) {
    case 'In':
      return actual !== undefined && values.includes(actual)
    case 'NotIn':
      return actual === undefined || !values.includes(actual)
    case 'Exists':
      return actual !== undefined
    case 'DoesNotExist':
      return actual === undefined
    case 'Gt':
    case 'Lt': {
      const [left, right] = [integer(actual), integer(values[0])]
      if (left === undefined || right === undefined) return false
      return operator === 'Gt' ? left > right : left < right
    }
    default:
      return false
  }
}

function integer(text: string | undefined): bigint | undefined {
  return text !== undefined && /^[+-]?\d+$/.test(text) ? BigInt(text.replace('+', '')) : undefined
}

/**
 * The only nodes that the required affinity can match, by name: when every term asks for `metadata.name In [...]`. An empty
 * set means that terms contradict themselves; `undefined` that names do not restrict the search.
 */
export function nodeNamesAskedFor(spec: NodeWishes): Set<string> | undefined {
  const terms = requiredNodes(spec)?.nodeSelectorTerms
  if (!terms?.length) return undefined
  const names = new Set<string>()
  for (const term of terms) {
    let ofTerm: string[] | undefined
    for (const { key, operator, values = [] } of term.matchFields ?? []) {
      if (key !== 'metadata.name' || operator !== 'In') continue
      ofTerm = ofTerm ? ofTerm.filter(name => values.includes(name)) : [...values]
    }
    if (!ofTerm) return undefined
    for (const name of ofTerm) names.add(name)
  }
  return names
}

/** The sum of the weights of the preferred terms that a node matches. */
export function preferredNodeWeight(spec: NodeWishes, node: LabelledNode): number {
  let sum = 0
  for (const { weight, preference } of spec.affinity?.nodeAffinity?.preferredDuringSchedulingIgnoredDuringExecution ?? [])
    if (matchesNodeSelectorTerm(preference, node)) sum += weight
  return sum
}
