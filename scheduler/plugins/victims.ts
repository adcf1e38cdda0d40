import type { Trial } from '../filters.ts'
import type { Refusal } from '../framework.ts'
import type { PodInfo } from '../pod-info.ts'

/** What a PodDisruptionBudget still allows. */
export interface Budget {
  readonly namespace: string
  matches(pod: PodInfo): boolean
  readonly disruptionsAllowed: number
  /** Pods whose disruption was already counted. */
  readonly disruptedPods: ReadonlySet<string>
}

/** The pods that would have to go from a node, most important first. */
export interface Candidate {
  readonly nodeName: string
  readonly victims: readonly PodInfo[]
  /** How many of them some budget does not allow to go. */
  readonly violations: number
  /** What each demand says of it, see `leastHarm`; absent: to be asked. */
  readonly harm?: readonly number[]
}

/**
 * As few pods as possible of lower priority whose absence lets the pod fit: all are taken away, then given back one by one, those
 * under budgets and the most important ones first (plugins/defaultpreemption SelectVictimsOnNode). `undefined`: nobody to take away.
 */
export function selectVictims(pod: PodInfo, trial: Trial, budgets: readonly Budget[]): Candidate | Refusal | undefined {
  const potential = trial.node.pods.filter(other => other.priority < pod.priority)
  if (potential.length === 0) return undefined
  for (const victim of potential) trial.remove(victim)
  const refusal = trial.check()
  if (refusal) return refusal
  const { violating, others } = splitByBudget(potential.sort(byImportance), budgets)
  const victims: PodInfo[] = []
  const isReprieved = (candidate: PodInfo) => {
    trial.add(candidate)
    if (!trial.check()) return true
    trial.remove(candidate)
    victims.push(candidate)
    return false
  }
  const violations = violating.filter(candidate => !isReprieved(candidate)).length
  for (const candidate of others) isReprieved(candidate)
  const found = { nodeName: trial.node.name, victims: victims.sort(byImportance), violations }
  return { ...found, harm: harmOf(found) }
}

/** Higher priority first, then who has run longer. */
export function byImportance(a: PodInfo, b: PodInfo): number {
  if (a.priority !== b.priority) return b.priority - a.priority
  const [left, right] = [startOf(a), startOf(b)]
  return left < right ? -1 : left > right ? 1 : 0
}

/** RFC 3339 sorts as text; what has not started is the youngest. */
function startOf({ pod }: PodInfo): string {
  return pod.status.startTime || '9'
}

function splitByBudget(pods: readonly PodInfo[], budgets: readonly Budget[]) {
  const left = budgets.map(({ disruptionsAllowed }) => disruptionsAllowed)
  const violating: PodInfo[] = []
  const others: PodInfo[] = []
  for (const pod of pods) {
    let violates = false
    for (const [i, budget] of budgets.entries()) {
      const isUnder =
        budget.namespace === pod.namespace && budget.matches(pod) && !budget.disruptedPods.has(pod.pod.metadata.name)
      if (!isUnder) continue
      left[i] = (left[i] ?? 0) - 1
      if ((left[i] ?? 0) < 0) violates = true
    }
    if (violates) violating.push(pod)
    else others.push(pod)
  }
  return { violating, others }
}

/** 2^31: makes every priority positive, so that more victims never sum up to less. */
const priorityOffset = 2 ** 31

const demands: readonly ((candidate: Candidate) => number)[] = [
  ({ violations }) => violations,
  ({ victims }) => victims[0]?.priority ?? Number.NEGATIVE_INFINITY,
  ({ victims }) => victims.reduce((sum, { priority }) => sum + priority + priorityOffset, 0),
  ({ victims }) => victims.length,
  ({ victims }) => -Date.parse(youngestStart(victims)),
]

/** Of its most important victims, when the one that has run longest started. */
function youngestStart(victims: readonly PodInfo[]): string {
  const [first] = victims
  const starts = victims.filter(({ priority }) => priority === first?.priority).map(({ pod }) => pod.status.startTime || '9999')
  return starts.sort()[0] ?? '9999'
}

const harmOf = (candidate: Candidate): readonly number[] => demands.map(demand => demand(candidate))

/** The node whose victims matter least: each demand decides only among those that are equal in the ones before (pickOneNodeForPreemption). */
export function leastHarm(candidates: readonly Candidate[]): Candidate | undefined {
  let [best] = candidates
  for (const candidate of candidates)
    if (best && isLess(candidate.harm ?? harmOf(candidate), best.harm ?? harmOf(best))) best = candidate
  return best
}

/** The first difference decides. */
function isLess(a: readonly number[], b: readonly number[]): boolean {
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return (a[i] as number) < (b[i] as number)
  return false
}
