import type { Node } from '../../api/core/node.ts'
import type { Pod } from '../../api/core/pod.ts'
import { fromLabelSelector, matchesLabels, type Selector } from '../../api/selectors.ts'
import { asFound, type Cluster, labelsOf, podsOn, type ReferencePlugin, type Refusal, type World } from './cluster.ts'
import { defaultSelector } from './default-selector.ts'
import { wantsNode } from './node-selector.ts'
import { forbiddingTaints } from './tolerations.ts'

const name = 'PodTopologySpread'
const tooUneven = "node(s) didn't match pod topology spread constraints"
const hostname = 'kubernetes.io/hostname'

interface Constraint {
  readonly key: string
  readonly maxSkew: number
  readonly minDomains: number
  readonly selector: Selector
  readonly honorsAffinity: boolean
  readonly honorsTaints: boolean
}

function constraintsOf({ metadata, spec }: Pod, action: string): Constraint[] {
  const wanted = (spec.topologySpreadConstraints ?? []).filter(({ whenUnsatisfiable }) => whenUnsatisfiable === action)
  return wanted.map(one => {
    const given = fromLabelSelector(one.labelSelector)
    const own = (one.matchLabelKeys ?? []).flatMap(key => {
      const value = metadata.labels?.[key]
      return value === undefined ? [] : [{ key, operator: '=' as const, values: [value] }]
    })
    return {
      key: one.topologyKey,
      maxSkew: one.maxSkew,
      minDomains: one.minDomains ?? 1,
      selector: given === 'nothing' ? given : [...given, ...own],
      honorsAffinity: one.nodeAffinityPolicy !== 'Ignore',
      honorsTaints: one.nodeTaintsPolicy === 'Honor',
    }
  })
}

const hasAllKeys = (node: Node, constraints: readonly Constraint[]) =>
  constraints.every(({ key }) => labelsOf(node)[key] !== undefined)

/** Whether affinity and taints let a node count, as far as the constraint honours them. */
function isIncluded(node: Node, pod: Pod, { honorsAffinity, honorsTaints }: Constraint): boolean {
  if (honorsAffinity && !wantsNode(pod, labelsOf(node), node.metadata.name)) return false
  return !honorsTaints || forbiddingTaints(node.spec.taints, pod).length === 0
}

/** Where pods are counted, an empty selector counts none, and pods that are leaving do not count. */
function isCounted(other: Pod, pod: Pod, { selector }: Constraint): boolean {
  if (selector !== 'nothing' && selector.length === 0) return false
  return (
    other.metadata.namespace === pod.metadata.namespace &&
    !other.metadata.deletionTimestamp &&
    matchesLabels(selector, other.metadata.labels)
  )
}

/** What-if changes are asked less: only namespace and selector (filtering.go updateWithPod). */
const isChange = (other: Pod, pod: Pod, { selector }: Constraint) =>
  other.metadata.namespace === pod.metadata.namespace && matchesLabels(selector, other.metadata.labels)

/** Matching pods by domain over all nodes that count. */
function countDomains(pod: Pod, constraint: Constraint, all: readonly Constraint[], world: World): Map<string, number> {
  const counts = new Map<string, number>()
  const { cluster, come, gone } = world
  for (const node of cluster.nodes) {
    if (!hasAllKeys(node, all) || !isIncluded(node, pod, constraint)) continue
    const domain = labelsOf(node)[constraint.key] ?? ''
    const isHere = (other: Pod) => other.spec.nodeName === node.metadata.name
    const counted = cluster.pods.filter(other => isHere(other) && isCounted(other, pod, constraint)).length
    const came = come.filter(other => isHere(other) && isChange(other, pod, constraint)).length
    const left = cluster.pods.filter(
      other => gone.has(other.metadata.uid) && isHere(other) && isChange(other, pod, constraint),
    ).length
    counts.set(domain, (counts.get(domain) ?? 0) + counted + came - left)
  }
  return counts
}

function filter(pod: Pod, node: Node, world: World): Refusal | undefined {
  const constraints = constraintsOf(pod, 'DoNotSchedule')
  for (const constraint of constraints) {
    const domain = labelsOf(node)[constraint.key]
    if (domain === undefined) return { code: 'Unresolvable', plugin: name, reasons: [`${tooUneven} (missing required label)`] }
    const counts = countDomains(pod, constraint, constraints, world)
    const least = counts.size < constraint.minDomains ? 0 : Math.min(...counts.values())
    const self = matchesLabels(constraint.selector, pod.metadata.labels) ? 1 : 0
    if ((counts.get(domain) ?? 0) + self - least > constraint.maxSkew)
      return { code: 'Unschedulable', plugin: name, reasons: [tooUneven] }
  }
  return undefined
}

/** Soft constraints: the pod's own, or, if it has no constraints at all, spread over nodes and zones by default. */
function softConstraints(pod: Pod, cluster: Cluster): Constraint[] {
  if (pod.spec.topologySpreadConstraints?.length) return constraintsOf(pod, 'ScheduleAnyway')
  const selector = defaultSelector(pod, cluster)
  if (selector === 'nothing') return []
  const common = { minDomains: 1, selector, honorsAffinity: true, honorsTaints: false }
  return [
    { ...common, key: hostname, maxSkew: 3 },
    { ...common, key: 'topology.kubernetes.io/zone', maxSkew: 5 },
  ]
}

/** Fewer matching pods in the domain are better (scoring.go). */
function score(pod: Pod, nodes: readonly Node[], cluster: Cluster): number[] {
  const constraints = softConstraints(pod, cluster)
  if (constraints.length === 0) return nodes.map(() => 0)
  const needsAllKeys = (pod.spec.topologySpreadConstraints?.length ?? 0) > 0
  const isScored = (node: Node) => !needsAllKeys || hasAllKeys(node, constraints)
  const scored = nodes.filter(isScored)
  const raw = nodes.map(node => {
    if (!isScored(node)) return -1
    let sum = 0
    for (const constraint of constraints) {
      const domain = labelsOf(node)[constraint.key]
      if (domain === undefined) continue
      const size =
        constraint.key === hostname ? scored.length : new Set(scored.map(other => labelsOf(other)[constraint.key] ?? '')).size
      sum += softCount(pod, node, constraint, isScored, cluster) * Math.log(size + 2) + (constraint.maxSkew - 1)
    }
    return Math.round(sum)
  })
  const counted = raw.filter(one => one >= 0)
  const [least, most] = [Math.min(...counted), Math.max(0, ...counted)]
  return raw.map(one => {
    if (one < 0) return 0
    return most === 0 ? 100 : Math.trunc((100 * (most + least - one)) / most)
  })
}

/** Matching pods in a node's domain; by host name those of the node itself, whatever the policies say. */
function softCount(pod: Pod, node: Node, constraint: Constraint, isScored: (node: Node) => boolean, cluster: Cluster): number {
  const world = asFound(cluster)
  const countOn = (other: Node) => podsOn(other, world).filter(one => isCounted(one, pod, constraint)).length
  if (constraint.key === hostname) return countOn(node)
  const domain = labelsOf(node)[constraint.key]
  return cluster.nodes
    .filter(other => isScored(other) && isIncluded(other, pod, constraint))
    .filter(other => (labelsOf(other)[constraint.key] ?? '') === domain)
    .reduce((sum, other) => sum + countOn(other), 0)
}

/** Even spreading over the domains of a label (plugins/podtopologyspread). */
export const podTopologySpread: ReferencePlugin = {
  name,
  weight: 2,
  prepare: pod => (constraintsOf(pod, 'DoNotSchedule').length === 0 ? 'skip' : undefined),
  filter,
  score,
}
