import type { AutoscalerSpec } from '../../api/autoscaling/autoscaler-spec.ts'

type Behavior = NonNullable<AutoscalerSpec['behavior']>
/** How it goes in one direction, once the server has filled in what was left out. */
export type ScalingRules = NonNullable<Behavior['scaleUp']>

/** How many pods the metrics asked for at a time, before anything held that off. */
export interface Recommendation {
  readonly replicas: number
  readonly at: number
}

/** By how many pods it went up, or down, at a time. */
export interface ScaleEvent {
  readonly change: number
  readonly at: number
}

/** What is remembered of an autoscaler; it is lost with the process, as upstream's is. */
export interface History {
  readonly recommendations: readonly Recommendation[]
  readonly ups: readonly ScaleEvent[]
  readonly downs: readonly ScaleEvent[]
}

/** Of one that was never looked at: its present size is the first recommendation, so that nobody hurries to go down. */
export const newHistory = (replicas: number, now: number): History => ({
  recommendations: [{ replicas, at: now }],
  ups: [],
  downs: [],
})

/** The entries with one more, which takes the place of the last that is out of date: so the list grows no longer than its window. */
export function remembered<T>(entries: readonly T[], entry: T, isOutdated: (entry: T) => boolean): readonly T[] {
  const at = entries.findLastIndex(isOutdated)
  return at < 0 ? [...entries, entry] : entries.with(at, entry)
}

/** By how many pods it went within a policy's period. */
export function changeWithin(events: readonly ScaleEvent[], periodSeconds: number, now: number): number {
  const since = now - periodSeconds * 1000
  return events.reduce((sum, { change, at }) => (at > since ? sum + change : sum), 0)
}

/** Remembers that the size was changed; only where policies will ask for it (horizontal.go storeScaleEvent). */
export function withScaleEvent(
  history: History,
  behavior: Behavior | undefined,
  { from, to }: { from: number; to: number },
  now: number,
): History {
  if (!behavior) return history
  const isUp = to > from
  const { policies = [] } = (isUp ? behavior.scaleUp : behavior.scaleDown) ?? {}
  const longest = Math.max(0, ...policies.map(({ periodSeconds }) => periodSeconds))
  const isOutdated = ({ at }: ScaleEvent) => at < now - longest * 1000
  const event = { change: Math.abs(to - from), at: now }
  return isUp
    ? { ...history, ups: remembered(history.ups, event, isOutdated) }
    : { ...history, downs: remembered(history.downs, event, isOutdated) }
}
