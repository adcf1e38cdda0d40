import type { DaemonSet } from '../../api/apps/daemon-set.ts'
import type { Node } from '../../api/core/node.ts'
import type { Pod } from '../../api/core/pod.ts'
import type { PodTemplateSpec } from '../../api/core/pod-spec.ts'
import { matchesNodeWishes } from '../../api/placement/node-affinity.ts'
import { untoleratedTaint } from '../../api/placement/tolerations.ts'

type PodSpec = PodTemplateSpec['spec']
type Tolerations = NonNullable<PodSpec['tolerations']>

/** What a daemon's pods put up with beyond their template, so that trouble of a node does not take its daemons away. */
const ownTolerations: readonly (readonly [key: string, effect: 'NoExecute' | 'NoSchedule'])[] = [
  ['node.kubernetes.io/not-ready', 'NoExecute'],
  ['node.kubernetes.io/unreachable', 'NoExecute'],
  ['node.kubernetes.io/disk-pressure', 'NoSchedule'],
  ['node.kubernetes.io/memory-pressure', 'NoSchedule'],
  ['node.kubernetes.io/pid-pressure', 'NoSchedule'],
  ['node.kubernetes.io/unschedulable', 'NoSchedule'],
]
const ownTolerationOfHostNetwork = ['node.kubernetes.io/network-unavailable', 'NoSchedule'] as const

/** The tolerations of a daemon's pods: the template's and their own, which replace equal ones that are limited in time. */
export function tolerationsOf(spec: PodSpec): Tolerations {
  const own = spec.hostNetwork ? [...ownTolerations, ownTolerationOfHostNetwork] : ownTolerations
  const isOwn = ({ key, effect, operator, value }: Tolerations[number]) =>
    operator === 'Exists' && !value && own.some(([ownKey, ownEffect]) => key === ownKey && effect === ownEffect)
  const added = own.map(([key, effect]) => ({ key, operator: 'Exists' as const, effect }))
  return [...(spec.tolerations ?? []).filter(toleration => !isOwn(toleration)), ...added]
}

/** Whether a node should get the pod, and whether a pod that is there may stay. */
export interface Verdict {
  readonly shouldRun: boolean
  readonly mayStay: boolean
}

const run: Verdict = { shouldRun: true, mayStay: true }
const stay: Verdict = { shouldRun: false, mayStay: true }
const neither: Verdict = { shouldRun: false, mayStay: false }

/**
 * The rule by which a set judges nodes: its name, labels and taints count, its resources do not (pkg/controller/daemon,
 * NodeShouldRunDaemonPod).
 */
export function placementOf({ spec: { template } }: DaemonSet): (node: Node) => Verdict {
  const { nodeName } = template.spec
  const tolerations = tolerationsOf(template.spec)
  return ({ metadata: { name, labels = {} }, spec: { taints } }) => {
    if (nodeName && nodeName !== name) return neither
    if (!matchesNodeWishes(template.spec, { name, labels })) return neither
    if (!untoleratedTaint(taints, tolerations, 'NoExecute', 'NoSchedule')) return run
    return untoleratedTaint(taints, tolerations, 'NoExecute') ? neither : stay
  }
}

/** The node that a daemon's pod is on or is to be bound to; `undefined` when it does not say. */
export function targetNode({ spec }: Pod): string | undefined {
  if (spec.nodeName) return spec.nodeName
  const terms = spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms ?? []
  for (const { matchFields = [] } of terms) {
    const field = matchFields.find(({ key, operator }) => key === 'metadata.name' && operator === 'In')
    if (field) return field.values?.length === 1 ? field.values[0] : undefined
  }
  return undefined
}

/** The spec of the pod for a node: the scheduler can bind it nowhere else. What the template demands of nodes is replaced by that. */
export function specFor(spec: PodSpec, node: string): PodSpec {
  const { affinity } = spec
  const required = {
    nodeSelectorTerms: [{ matchFields: [{ key: 'metadata.name', operator: 'In' as const, values: [node] }] }],
  }
  const nodeAffinity = { ...affinity?.nodeAffinity, requiredDuringSchedulingIgnoredDuringExecution: required }
  return { ...spec, tolerations: tolerationsOf(spec), affinity: { ...affinity, nodeAffinity } }
}
