import type { AutoscalingOptions } from '../controllers/horizontal-pod-autoscaler/options.ts'
import { parseDuration, textFlags, UsageError, type Values } from './flags.ts'

const prefix = 'horizontal-pod-autoscaler'

/** Flags about how autoscalers are worked, named as kube-controller-manager's. */
export const autoscalingFlagTable = textFlags([
  `${prefix}-sync-period`,
  `${prefix}-downscale-stabilization`,
  `${prefix}-tolerance`,
  `${prefix}-cpu-initialization-period`,
  `${prefix}-initial-readiness-delay`,
])

/** The part of a help text that is about these flags. */
export const autoscalingHelp = `  --${prefix}-sync-period DURATION   how often autoscalers look (default 15s)
  --${prefix}-downscale-stabilization DURATION   how long more pods stay after they were needed (default 5m)
  --${prefix}-tolerance NUMBER   how far from its target a metric may be (default 0.1)
  --${prefix}-cpu-initialization-period DURATION, --${prefix}-initial-readiness-delay DURATION   when what a
                           young pod uses of the CPU counts (default 5m, 30s)
`

/** What the flags say; undefined: nothing. Throws a UsageError. */
export function autoscalingOptions(values: Values<typeof autoscalingFlagTable>): Partial<AutoscalingOptions> | undefined {
  const options: { -readonly [Name in keyof AutoscalingOptions]?: AutoscalingOptions[Name] } = {}
  const durations = [
    ['syncPeriodInMs', `${prefix}-sync-period`],
    ['downscaleStabilizationInMs', `${prefix}-downscale-stabilization`],
    ['cpuInitializationInMs', `${prefix}-cpu-initialization-period`],
    ['initialReadinessDelayInMs', `${prefix}-initial-readiness-delay`],
  ] as const
  for (const [name, flag] of durations) {
    const text = values[flag]
    if (text !== undefined) options[name] = parseDuration(flag, text)
  }
  if (options.syncPeriodInMs === 0) throw new UsageError(`--${prefix}-sync-period must be greater than zero`)
  const tolerance = values[`${prefix}-tolerance`]
  if (tolerance !== undefined) {
    if (!/^\d*\.?\d+$/.test(tolerance))
      throw new UsageError(`--${prefix}-tolerance must be a number such as 0.1, not "${tolerance}"`)
    options.tolerance = Number(tolerance)
  }
  return Object.keys(options).length > 0 ? options : undefined
}
