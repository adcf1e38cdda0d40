import type { Pod } from '../../api/core/pod.ts'
import { type Amounts, podRequests } from '../../api/placement/pod-requests.ts'
import { type QosClass, qosClassOf } from '../../api/placement/qos.ts'
import { isCriticalPod } from '../pod-types.ts'

const classes: readonly QosClass[] = ['BestEffort', 'Burstable', 'Guaranteed']

/**
 * Who has to go so that a critical pod fits: as few Guaranteed pods as needed after all others, then as few Burstable, then as few
 * BestEffort (semantics C9, pkg/kubelet/preemption). `undefined`: not even all of them would be enough.
 */
export function choosePreemptionVictims(critical: Pod, running: readonly Pod[], missing: Amounts): Pod[] | undefined {
  const candidates = running.filter(pod => mayPreempt(critical, pod))
  const of = (qos: QosClass) => candidates.filter(pod => qosClassOf(pod.spec) === qos)
  const groups = classes.map(of)
  const [bestEffort = [], burstable = [], guaranteed = []] = groups
  if (!isCovered(missing, candidates)) return undefined
  const mustGuaranteed = fewest(guaranteed, without(missing, [...bestEffort, ...burstable]))
  const mustBurstable = fewest(burstable, without(missing, [...bestEffort, ...mustGuaranteed]))
  const mustBestEffort = fewest(bestEffort, without(missing, [...mustBurstable, ...mustGuaranteed]))
  return [...mustBestEffort, ...mustBurstable, ...mustGuaranteed]
}

function mayPreempt(critical: Pod, other: Pod): boolean {
  if (!isCriticalPod(critical)) return false
  return !isCriticalPod(other) || (critical.spec.priority ?? 0) > (other.spec.priority ?? 0)
}

const amountOf = (pod: Pod, resource: string) => (resource === 'pods' ? 1 : (podRequests(pod.spec)[resource] ?? 0))

/** What is still missing once these pods are gone. */
function without(missing: Amounts, pods: readonly Pod[]): Amounts {
  const left: Amounts = {}
  for (const resource in missing) {
    const amount = (missing[resource] ?? 0) - pods.reduce((sum, pod) => sum + amountOf(pod, resource), 0)
    if (amount > 0) left[resource] = amount
  }
  return left
}

const isCovered = (missing: Amounts, pods: readonly Pod[]) => Object.keys(without(missing, pods)).length === 0

/** Greedily the pod that comes closest to what is missing; of equals the one that asks for less. */
function fewest(pods: readonly Pod[], missing: Amounts): Pod[] {
  const chosen: Pod[] = []
  const left = [...pods]
  let needed = missing
  while (Object.keys(needed).length > 0 && left.length > 0) {
    const distance = (pod: Pod) =>
      Object.entries(needed).reduce(
        (sum, [resource, amount]) => sum + Math.max(0, (amount - amountOf(pod, resource)) / amount) ** 2,
        0,
      )
    const size = (pod: Pod) => Object.keys(needed).reduce((sum, resource) => sum + amountOf(pod, resource), 0)
    left.sort((a, b) => distance(a) - distance(b) || size(a) - size(b))
    const next = left.shift()
    if (!next) break
    chosen.push(next)
    needed = without(needed, [next])
  }
  return chosen
}
