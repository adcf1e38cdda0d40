import type { Deployment } from '../../api/apps/deployment.ts'

/** How many pods a Deployment wants, and how far it may go above and below while it changes. */
export interface Limits {
  readonly replicas: number
  /** How many pods there may be too many. 0 unless rolling. */
  readonly surge: number
  /** How many pods may be unavailable. 0 unless rolling. */
  readonly unavailable: number
}

/**
 * Percentages of surge round up, of unavailable down; if both come to nothing, one pod may be unavailable, or nothing would ever
 * move (pkg/controller/deployment/util, ResolveFenceposts, MaxSurge, MaxUnavailable).
 */
export function limitsOf({ spec }: Deployment): Limits {
  const { replicas, strategy } = spec
  if (strategy.type !== 'RollingUpdate') return { replicas, surge: 0, unavailable: 0 }
  const surge = resolve(strategy.rollingUpdate?.maxSurge ?? '25%', replicas, Math.ceil)
  const unavailable = resolve(strategy.rollingUpdate?.maxUnavailable ?? '25%', replicas, Math.floor)
  const atLeastOne = surge === 0 && unavailable === 0 ? 1 : unavailable
  return { replicas, surge, unavailable: Math.min(atLeastOne, replicas) }
}

function resolve(value: number | string, of: number, round: (value: number) => number): number {
  if (typeof value === 'number') return value
  const percent = /^(\d+)%$/.exec(value)?.[1]
  return percent === undefined ? 0 : round((Number(percent) * of) / 100)
}
