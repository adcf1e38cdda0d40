import type { AutoscalerSpec } from '../../api/autoscaling/autoscaler-spec.ts'
import { changeWithin, type History, remembered, type ScalingRules } from './history.ts'

/** What the metrics ask for, and within which bounds they may. */
export interface Wish {
  readonly current: number
  readonly desired: number
  readonly min: number
  readonly max: number
}

/** A size, and why it is that. */
export interface Limited {
  readonly replicas: number
  readonly reason: string
  readonly message: string
}

/** What becomes of a wish (horizontal.go normalizeDesiredReplicas and its twin for behaviors). */
export interface Settled {
  readonly replicas: number
  /** What AbleToScale says: whether something recent held the wish off. */
  readonly able: Omit<Limited, 'replicas'>
  /** What ScalingLimited says: whether a bound cut it short. */
  readonly limit: Omit<Limited, 'replicas'>
  readonly isLimited: boolean
  readonly history: History
}

type Behavior = NonNullable<AutoscalerSpec['behavior']>

const withinRange = { reason: 'DesiredWithinRange', message: 'the desired count is within the acceptable range' }
const tooMany = { reason: 'TooManyReplicas', message: 'the desired replica count is more than the maximum replica count' }
const tooFew = { reason: 'TooFewReplicas', message: 'the desired replica count is less than the minimum replica count' }
const tooFastUp = {
  reason: 'ScaleUpLimit',
  message: 'the desired replica count is increasing faster than the maximum scale rate',
}
const tooFastDown = {
  reason: 'ScaleDownLimit',
  message: 'the desired replica count is decreasing faster than the maximum scale rate',
}
const readyForNew = { reason: 'ReadyForNewScale', message: 'recommended size matches current size' }
const upStabilized = {
  reason: 'ScaleUpStabilized',
  message: 'recent recommendations were lower than current one, applying the lowest recent recommendation',
}
const downStabilized = {
  reason: 'ScaleDownStabilized',
  message: 'recent recommendations were higher than current one, applying the highest recent recommendation',
}

/** Holds a wish off as long as the recent past speaks against it, and cuts it to what is allowed. */
export function settle(
  wish: Wish,
  behavior: Behavior | undefined,
  history: History,
  { now, downscaleStabilizationInMs }: { now: number; downscaleStabilizationInMs: number },
): Settled {
  const stabilized = behavior
    ? stabilizeBoth(wish, windowsOf(behavior, downscaleStabilizationInMs), history, now)
    : stabilizeDown(wish, downscaleStabilizationInMs, history, now)
  const held = { ...wish, desired: stabilized.replicas }
  const { replicas, reason, message } = behavior ? withinRates(held, behavior, history, now) : withinBounds(held)
  return {
    replicas,
    able: stabilized.replicas === wish.desired ? readyForNew : stabilized.because,
    limit: { reason, message },
    isLimited: replicas !== stabilized.replicas,
    history: { ...history, recommendations: stabilized.recommendations },
  }
}

interface Stabilized {
  readonly replicas: number
  readonly because: Omit<Limited, 'replicas'>
  readonly recommendations: History['recommendations']
}

/** The highest recommendation of the window; without a behavior only going down is held off. */
export function stabilizeDown(
  { desired }: Pick<Wish, 'desired'>,
  windowInMs: number,
  { recommendations }: Pick<History, 'recommendations'>,
  now: number,
): Stabilized {
  const since = now - windowInMs
  const recent = recommendations.filter(({ at }) => at >= since)
  return {
    replicas: Math.max(desired, ...recent.map(({ replicas }) => replicas)),
    because: downStabilized,
    recommendations: remembered(recommendations, { replicas: desired, at: now }, ({ at }) => at < since),
  }
}

interface Windows {
  readonly upMs: number
  readonly downMs: number
}

function windowsOf({ scaleUp, scaleDown }: Behavior, downscaleStabilizationInMs: number): Windows {
  const down = scaleDown?.stabilizationWindowSeconds
  return {
    upMs: (scaleUp?.stabilizationWindowSeconds ?? 0) * 1000,
    downMs: down === undefined ? downscaleStabilizationInMs : down * 1000,
  }
}

/** The present size, moved no further than into what was recommended all the time: up by the lowest, down by the highest. */
export function stabilizeBoth(
  { current, desired }: Pick<Wish, 'current' | 'desired'>,
  { upMs, downMs }: Windows,
  { recommendations }: Pick<History, 'recommendations'>,
  now: number,
): Stabilized {
  const since = (ms: number) => recommendations.filter(({ at }) => at > now - ms).map(({ replicas }) => replicas)
  const lowest = Math.min(desired, ...since(upMs))
  const highest = Math.max(desired, ...since(downMs))
  return {
    replicas: Math.min(Math.max(current, lowest), highest),
    because: desired >= current ? upStabilized : downStabilized,
    recommendations: remembered(
      recommendations,
      { replicas: desired, at: now },
      ({ at }) => at < now - upMs && at < now - downMs,
    ),
  }
}

const [scaleUpFactor, scaleUpMinimum] = [2, 4]

/** Without a behavior: from min to max, and up no further than to twice the size, or to four. */
export function withinBounds({ current, desired, min, max }: Wish): Limited {
  const fastest = Math.max(scaleUpFactor * current, scaleUpMinimum)
  if (desired < min) return { replicas: min, ...tooFew }
  if (desired > Math.min(max, fastest)) return max > fastest ? { replicas: fastest, ...tooFastUp } : { replicas: max, ...tooMany }
  return { replicas: desired, ...withinRange }
}

/** With a behavior: from min to max, and no faster than its policies allow. */
export function withinRates({ current, desired, min, max }: Wish, behavior: Behavior, history: History, now: number): Limited {
  if (desired > current) {
    // After a lot of growth, or under a new policy, the fastest may be below what there is already.
    const fastest = Math.max(current, scaleUpLimit(current, behavior.scaleUp, history, now))
    if (desired > Math.min(max, fastest))
      return max > fastest ? { replicas: fastest, ...tooFastUp } : { replicas: max, ...tooMany }
  } else if (desired < current) {
    const fastest = Math.min(current, scaleDownLimit(current, behavior.scaleDown, history, now))
    if (desired < Math.max(min, fastest)) {
      return min < fastest ? { replicas: fastest, ...tooFastDown } : { replicas: min, ...tooFew }
    }
  }
  return { replicas: desired, ...withinRange }
}

/** How many there were when a policy's period began. */
const atStart = (current: number, { ups, downs }: History, periodSeconds: number, now: number) =>
  current - changeWithin(ups, periodSeconds, now) + changeWithin(downs, periodSeconds, now)

/** As many as the policies allow: by default the one that allows the most. Percents are rounded up, or it might never grow. */
export function scaleUpLimit(current: number, rules: ScalingRules | undefined, history: History, now: number): number {
  const { selectPolicy = 'Max', policies = [] } = rules ?? {}
  if (selectPolicy === 'Disabled') return current
  const limits = policies.map(({ type, value, periodSeconds }) => {
    const start = atStart(current, history, periodSeconds, now)
    return type === 'Pods' ? start + value : Math.ceil(start * (1 + value / 100))
  })
  return selectPolicy === 'Min' ? Math.min(...limits) : Math.max(...limits)
}

/** As few as the policies allow: by default the one that allows the fewest. What percents leave is cut off. */
export function scaleDownLimit(current: number, rules: ScalingRules | undefined, history: History, now: number): number {
  const { selectPolicy = 'Max', policies = [] } = rules ?? {}
  if (selectPolicy === 'Disabled') return current
  const limits = policies.map(({ type, value, periodSeconds }) => {
    const start = atStart(current, history, periodSeconds, now)
    return type === 'Pods' ? start - value : Math.trunc(start * (1 - value / 100))
  })
  return selectPolicy === 'Min' ? Math.max(...limits) : Math.min(...limits)
}
