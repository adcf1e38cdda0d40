import type { Pod } from '../../api/core/pod.ts'
import { isReady } from '../shared/pod-state.ts'
import { type Groups, groupPods, largest, requestsOf, type Usage, type Usages } from './usages.ts'

/** By how much a ratio may be off 1 before anything happens. */
export interface Tolerance {
  readonly up: number
  readonly down: number
}

/** What decides how many pods there should be, beside the metric. */
export interface Situation {
  /** As many as the target's spec asks for. */
  readonly current: number
  /** Those that the target's selector selects. */
  readonly pods: readonly Pod[]
  readonly tolerance: Tolerance
  readonly now: number
  readonly cpuInitializationInMs: number
  readonly initialReadinessDelayInMs: number
}

const mostReplicas = 2 ** 31 - 1
const wholeUp = (replicas: number) => Math.min(Math.ceil(replicas), mostReplicas)

/** Whether a ratio is as good as 1. */
export const isWithin = ({ up, down }: Tolerance, ratio: number) => 1 - down <= ratio && ratio <= 1 + up

const noPods = 'no pods returned by selector while calculating replica count'

/**
 * The pods that it takes for each to use so many percent of what it asks for. `utilization` and `average` (thousandths) are what the
 * counted pods use now. Throws an Error in upstream's words where there is nothing to go by (replica_calculator.go
 * GetResourceReplicas).
 */
export function replicasForUtilization(
  { situation, usages, resource, container }: { situation: Situation; usages: Usages; resource: string; container: string },
  target: number,
): { replicas: number; utilization: number; average: bigint } {
  const { groups, counted } = sortedOut(situation, usages, resource)
  const requests = requestsOf(situation.pods, resource, container)
  const measure = (of: Usages) => {
    const { utilization, average } = utilizationOf(of, requests)
    return { utilization, average, ratio: utilization / target }
  }
  // Going down, who says nothing is taken to use all that it asks for, or what it may, if that is more.
  const most = BigInt(Math.max(100, target))
  const assumed = (name: string) => ((requests.get(name) ?? 0n) * most) / 100n
  const { utilization, average, ratio } = measure(counted)
  const replicas = replicasFor({ situation, groups, counted, ratio, ratioOf: of => measure(of).ratio, assumed })
  return { replicas, utilization, average }
}

/** The pods that it takes for each to have so much (thousandths) of something; for resources and other metrics of pods. */
export function replicasForAverage(
  { situation, usages, resource = '' }: { situation: Situation; usages: Usages; resource?: string },
  target: bigint,
): { replicas: number; average: bigint } {
  const { groups, counted } = sortedOut(situation, usages, resource)
  const ratioOf = (of: Usages) => Number(averageOf(of)) / Number(target)
  const replicas = replicasFor({ situation, groups, counted, ratio: ratioOf(counted), ratioOf, assumed: () => target })
  return { replicas, average: averageOf(counted) }
}

function sortedOut(situation: Situation, usages: Usages, resource: string): { groups: Groups; counted: Usages } {
  if (situation.pods.length === 0) throw new Error(noPods)
  const groups = groupPods(situation.pods, usages, resource, situation)
  const counted = new Map([...usages].filter(([name]) => !groups.ignored.has(name) && !groups.unready.has(name)))
  if (counted.size === 0) throw new Error('did not receive metrics for targeted pods (pods might be unready)')
  return { groups, counted }
}

interface Weighing {
  readonly situation: Situation
  readonly groups: Groups
  readonly counted: Usages
  readonly ratio: number
  readonly ratioOf: (usages: Usages) => number
  /** What a pod without figures is taken to use when there could be fewer pods. */
  readonly assumed: (name: string) => bigint
}

/**
 * The number of pods that a ratio asks for. Pods of which nothing is known are taken for the less drastic case: idle when there
 * should be more pods, busy when there could be fewer. Where that turns the tables, all stays as it is.
 */
function replicasFor({ situation, groups: { ready, unready, missing }, counted, ratio, ratioOf, assumed }: Weighing): number {
  const { current, tolerance } = situation
  const countsUnready = unready.size > 0 && ratio > 1
  if (!countsUnready && missing.size === 0) return isWithin(tolerance, ratio) ? current : wholeUp(ratio * ready)
  const all = new Map(counted)
  const take = (names: ReadonlySet<string>, milliOf: (name: string) => bigint) => {
    for (const name of names) all.set(name, { milli: milliOf(name), at: 0, windowInMs: 0 })
  }
  if (ratio < 1) take(missing, assumed)
  if (ratio > 1) take(missing, () => 0n)
  if (countsUnready) take(unready, () => 0n)
  const weighed = ratioOf(all)
  const hasTurned = (ratio < 1 && weighed > 1) || (ratio > 1 && weighed < 1)
  if (isWithin(tolerance, weighed) || hasTurned) return current
  const replicas = wholeUp(weighed * all.size)
  const isBackwards = (weighed < 1 && replicas > current) || (weighed > 1 && replicas < current)
  return isBackwards ? current : replicas
}

/** In whole percent, as upstream counts: cut off before anything is compared with it (metrics/utilization.go). */
function utilizationOf(usages: Usages, requests: ReadonlyMap<string, bigint>): { utilization: number; average: bigint } {
  let [used, requested, counted] = [0n, 0n, 0n]
  for (const [name, { milli }] of usages) {
    const request = requests.get(name)
    if (request === undefined) continue
    used += milli
    requested += request
    counted++
  }
  if (requested === 0n) throw new Error('no metrics returned matched known pods')
  return { utilization: Number((used * 100n) / requested), average: used / counted }
}

const sumOf = (usages: Iterable<Usage>) => [...usages].reduce((sum, { milli }) => sum + milli, 0n)
const averageOf = (usages: Usages) => sumOf(usages.values()) / BigInt(usages.size)

/** The pods that it takes for one figure to become another (thousandths); from none, as many as the ratio says. */
export function replicasForValue({ current, pods, tolerance }: Situation, value: bigint, target: bigint): number {
  const ratio = Number(value) / Number(target)
  if (current === 0) return wholeUp(ratio)
  if (isWithin(tolerance, ratio)) return current
  if (pods.length === 0) throw new Error(`unable to calculate ready pods: ${noPods}`)
  const ready = pods.filter(pod => pod.status.phase === 'Running' && isReady(pod)).length
  return wholeUp(ratio * ready)
}

/**
 * The pods that it takes for each to have its share (thousandths) of one figure. `present` is how many there are: `average` is the
 * share of each of them.
 */
export function replicasForShare(
  { tolerance }: Pick<Situation, 'tolerance'>,
  present: number,
  value: bigint,
  target: bigint,
): { replicas: number; average: bigint } {
  const ratio = Number(value) / (Number(target) * present)
  const replicas = isWithin(tolerance, ratio) ? present : wholeUp(Number(value) / Number(target))
  // Shared by nobody, all of it is what is shown; and what does not fit into 64 bits stays as it is.
  const isShared = present > 0 && value < largest
  return { replicas, average: isShared ? (value + BigInt(present) - 1n) / BigInt(present) : value }
}
