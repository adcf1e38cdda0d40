import type { Pod } from '../../api/core/pod.ts'
import { timestamp } from '../../lib/clock.ts'
import { podWith } from '../shared/test-objects.ts'
import type { Situation, Tolerance } from './replicas.ts'
import type { Usage, Usages } from './usages.ts'

export const now = Date.UTC(2026, 0, 2)
const hourInMs = 3_600_000

/** Pods of two containers each for tests: `cool` ones have run for an hour, `hot` ones began just now. */
export interface PodsForTest {
  /** What each container of each pod asks for. */
  readonly requests: readonly string[]
  readonly readiness?: readonly boolean[]
  readonly starts?: readonly ('cool' | 'hot')[]
  readonly phases?: readonly Pod['status']['phase'][]
  readonly deleted?: readonly boolean[]
}

export function podsForTest({ requests, readiness = [], starts = [], phases = [], deleted = [] }: PodsForTest): Pod[] {
  return requests.map((cpu, i) => {
    const startTime = timestamp(starts[i] === 'hot' ? now : now - hourInMs)
    const status = readiness[i] === false ? 'False' : 'True'
    const resources = { requests: { cpu, memory: cpu } }
    return podWith({
      metadata: { name: `pod-${i}`, labels: { app: 'web' }, ...(deleted[i] && { deletionTimestamp: timestamp(now) }) },
      spec: {
        containers: [
          { name: 'container1', image: 'a', resources },
          { name: 'container2', image: 'a', resources },
        ],
      },
      status: {
        phase: phases[i] ?? 'Running',
        startTime,
        conditions: [{ type: 'Ready', status, lastTransitionTime: startTime }],
      },
    })
  })
}

const usage = (milli: number): Usage => ({ milli: BigInt(milli), at: now, windowInMs: 60_000 })

/** What pods use, one after the other. */
export const usagesOf = (levels: readonly number[]): Usages => new Map(levels.map((milli, i) => [`pod-${i}`, usage(milli)]))

/** Of two containers that use the same. */
export const twice = (levels: readonly number[]): Usages => usagesOf(levels.map(level => 2 * level))

export const situationOf = (current: number, pods: readonly Pod[], tolerance: Partial<Tolerance> = {}): Situation => ({
  current,
  pods,
  tolerance: { up: 0.1, down: 0.1, ...tolerance },
  now,
  cpuInitializationInMs: 120_000,
  initialReadinessDelayInMs: 10_000,
})
