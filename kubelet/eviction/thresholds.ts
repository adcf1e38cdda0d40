import { amountOf } from '../node/node-status.ts'
import { type EvictionConfig, type Signal, signals } from './config.ts'

/** How much is left of something, and of how much. Bytes, inodes or process ids. */
export interface Observation {
  readonly available: number
  readonly capacity: number
}

export type Observations = Readonly<Partial<Record<Signal, Observation>>>

export interface Threshold {
  readonly signal: Signal
  readonly isHard: boolean
  /** As configured: `100Mi`, `10%`. */
  readonly value: string
  readonly graceInMs: number
  readonly minimumReclaim: string | undefined
}

export type Pressure = 'MemoryPressure' | 'DiskPressure' | 'PIDPressure'

export function pressureOf(signal: Signal): Pressure {
  if (signal === 'memory.available') return 'MemoryPressure'
  return signal === 'pid.available' ? 'PIDPressure' : 'DiskPressure'
}

/** All configured thresholds, hard ones first, in the order of the signals (memory first). */
export function thresholdsOf({ hard, soft, softGraceInMs, minimumReclaim }: EvictionConfig): Threshold[] {
  const of = (amounts: EvictionConfig['hard'], isHard: boolean) =>
    signals.flatMap(signal => {
      const value = amounts[signal]
      if (value === undefined) return []
      const graceInMs = isHard ? 0 : (softGraceInMs[signal] ?? 0)
      return [{ signal, isHard, value, graceInMs, minimumReclaim: minimumReclaim[signal] }]
    })
  return [...of(hard, true), ...of(soft, false)]
}

/** Whether less is left than the threshold; with `reclaim`, than the threshold plus what an eviction must at least bring back. */
export function isMet(
  { signal, value, minimumReclaim }: Threshold,
  observations: Observations,
  { reclaim = false } = {},
): boolean {
  const seen = observations[signal]
  if (!seen) return false
  const wanted = amountOf(value, seen.capacity) + (reclaim ? amountOf(minimumReclaim, seen.capacity) : 0)
  return seen.available < wanted
}

/** What a pass remembers for the next. */
export interface EvictionState {
  /** Thresholds that were acted on, or could have been, in the last pass. */
  readonly met: readonly Threshold[]
  readonly firstSeenAt: ReadonlyMap<Threshold, number>
  readonly pressureSeenAt: ReadonlyMap<Pressure, number>
}

export const calm: EvictionState = { met: [], firstSeenAt: new Map(), pressureSeenAt: new Map() }

export interface PassPlan {
  readonly state: EvictionState
  /** Conditions that hold: seen now, or within the transition period. */
  readonly pressures: readonly Pressure[]
  /** The threshold to act on; memory comes first. */
  readonly act: Threshold | undefined
}

/**
 * One pass (semantics C11, pkg/kubelet/eviction synchronize): a threshold once met stays so until its minimum reclaim is there too;
 * soft ones act only after their grace; pressure lasts for the transition period after it was last seen.
 */
export function planPass(
  thresholds: readonly Threshold[],
  observations: Observations,
  { met, firstSeenAt, pressureSeenAt }: EvictionState,
  { now, transitionPeriodInMs }: { now: number; transitionPeriodInMs: number },
): PassPlan {
  const present = thresholds.filter(
    threshold => isMet(threshold, observations) || (met.includes(threshold) && isMet(threshold, observations, { reclaim: true })),
  )
  const firstSeen = new Map(present.map(threshold => [threshold, firstSeenAt.get(threshold) ?? now]))
  const pressureSeen = new Map(pressureSeenAt)
  for (const { signal } of present) pressureSeen.set(pressureOf(signal), now)
  for (const [pressure, at] of pressureSeen) if (now - at >= transitionPeriodInMs && at !== now) pressureSeen.delete(pressure)
  const due = present.filter(threshold => now - (firstSeen.get(threshold) ?? now) >= threshold.graceInMs)
  const inOrder = [...due].sort((a, b) => Number(b.signal === 'memory.available') - Number(a.signal === 'memory.available'))
  return {
    state: { met: due, firstSeenAt: firstSeen, pressureSeenAt: pressureSeen },
    pressures: [...pressureSeen.keys()],
    act: inOrder[0],
  }
}
