import { amountOf } from '../node/capacity.ts'
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

/** Whether a signal is about memory: the node's, or what its pods may use of it. */
export function isMemorySignal(signal: Signal): boolean {
  return signal === 'memory.available' || signal === 'allocatableMemory.available'
}

export function pressureOf(signal: Signal): Pressure {
  if (isMemorySignal(signal)) return 'MemoryPressure'
  return signal === 'pid.available' ? 'PIDPressure' : 'DiskPressure'
}

/**
 * All thresholds, hard ones first, in the order of the signals (memory first). Two sorts come by themselves (pkg/kubelet/eviction/
 * helpers.go): what pods together may use of the memory has the hard threshold of the node's, and the file system of containers has
 * those of the one it is on. 0% and 100% mean none.
 */
export function thresholdsOf(config: EvictionConfig, { hasImageFs = false } = {}): Threshold[] {
  const { softGraceInMs, minimumReclaim } = config
  const hard = withDerived(config.hard, hasImageFs, config.hard['memory.available'])
  const soft = withDerived(config.soft, hasImageFs)
  const graces = withDerived(softGraceInMs, hasImageFs)
  const reclaims = withDerived(minimumReclaim, hasImageFs, minimumReclaim['memory.available'])
  const of = (amounts: EvictionConfig['hard'], isHard: boolean) =>
    signals.flatMap(signal => {
      const value = amounts[signal]
      if (value === undefined || /^(0|100)(\.0+)?%$/.test(value)) return []
      const graceInMs = isHard ? 0 : (graces[signal] ?? 0)
      // Without a grace period there is nothing soft about it.
      return [{ signal, isHard: graceInMs === 0, value, graceInMs, minimumReclaim: reclaims[signal] }]
    })
  return [...of(hard, true), ...of(soft, false)]
}

function withDerived<T>(given: Readonly<Partial<Record<Signal, T>>>, hasImageFs: boolean, allocatable?: T) {
  const result: Partial<Record<Signal, T>> = { ...given }
  if (allocatable !== undefined) result['allocatableMemory.available'] = allocatable
  for (const what of ['available', 'inodesFree'] as const) {
    const same = given[`${hasImageFs ? 'imagefs' : 'nodefs'}.${what}`]
    delete result[`containerfs.${what}`]
    if (same !== undefined) result[`containerfs.${what}`] = same
  }
  return result
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
  const inOrder = [...due].sort((a, b) => Number(isMemorySignal(b.signal)) - Number(isMemorySignal(a.signal)))
  return {
    state: { met: due, firstSeenAt: firstSeen, pressureSeenAt: pressureSeen },
    pressures: [...pressureSeen.keys()],
    act: inOrder[0],
  }
}

/** Whether memory is so near a threshold that the next look must not wait for long: less than twice of it is left. */
export function isMemoryNear(thresholds: readonly Threshold[], observations: Observations): boolean {
  return thresholds.some(({ signal, value }) => {
    const seen = isMemorySignal(signal) ? observations[signal] : undefined
    return seen !== undefined && seen.available < 2 * amountOf(value, seen.capacity)
  })
}

/** Whether all is well again, minimum reclaim included: nobody has to go. */
export function isRelieved(thresholds: readonly Threshold[], observations: Observations): boolean {
  return !thresholds.some(threshold => isMet(threshold, observations, { reclaim: true }))
}
