import type { Pod } from '../../../api/core/pod.ts'
import type { Clock } from '../../../lib/clock.ts'
import { reasonsText, violationsOf } from './evaluate.ts'
import { type Standard, standardText } from './policy.ts'

/** A new standard is tried on so many pods that are there already, and for so long (admission/admission.go). */
const mostPods = 3000
const longestInMs = 1000

/** What to tell whoever holds a namespace to a new standard: which of its pods would be refused now. They go on running. */
export function existingPodWarnings(namespace: string, pods: readonly Pod[], standard: Standard, clock: Clock): string[] {
  const ordered = oneOfEachOwnerFirst(pods)
  const deadline = clock.monotonic() + longestInMs
  const names = new Map<string, string[]>()
  let checked = 0
  for (const pod of ordered.slice(0, mostPods)) {
    checked++
    const violations = violationsOf(pod, standard)
    if (violations.length > 0) {
      const reasons = reasonsText(violations)
      names.set(reasons, [...(names.get(reasons) ?? []), pod.metadata.name])
    }
    if (clock.monotonic() > deadline) break
  }
  const perReason = [...names].map(([reasons, pods]) => `${podsText(pods)}: ${reasons}`).sort()
  const level = standardText(standard)
  return [
    ...(checked < ordered.length
      ? [`new PodSecurity enforce level only checked against the first ${checked} of ${ordered.length} existing pods`]
      : []),
    ...(perReason.length > 0
      ? [`existing pods in namespace "${namespace}" violate the new PodSecurity enforce level "${level}"`]
      : []),
    ...perReason,
  ]
}

/** `a`, `a (and 1 other pod)`, `a (and 2 other pods)` */
function podsText(names: string[]): string {
  const [first = ''] = [...names].sort()
  const others = names.length - 1
  return others === 0 ? first : `${first} (and ${others} other ${others === 1 ? 'pod' : 'pods'})`
}

/** Pods of one owner are alike: the limits should not be used up on copies. */
function oneOfEachOwnerFirst(pods: readonly Pod[]): Pod[] {
  const owners = new Set<string>()
  const first: Pod[] = []
  const copies: Pod[] = []
  for (const pod of pods) {
    const owner = pod.metadata.ownerReferences?.find(({ controller }) => controller)?.uid
    if (owner !== undefined && owners.has(owner)) copies.push(pod)
    else first.push(pod)
    if (owner !== undefined) owners.add(owner)
  }
  return [...first, ...copies]
}
