import { expect, test } from 'vitest'
import { autoscalingOptions } from './autoscaling-flags.ts'
import { UsageError } from './flags.ts'

const prefix = 'horizontal-pod-autoscaler'

test('what is said, and nothing else', () => {
  expect(autoscalingOptions({})).toBeUndefined()
  expect(
    autoscalingOptions({
      [`${prefix}-sync-period`]: '1s',
      [`${prefix}-downscale-stabilization`]: '1m30s',
      [`${prefix}-tolerance`]: '.05',
      [`${prefix}-cpu-initialization-period`]: '0s',
      [`${prefix}-initial-readiness-delay`]: '5s',
    }),
  ).toEqual({
    syncPeriodInMs: 1000,
    downscaleStabilizationInMs: 90_000,
    tolerance: 0.05,
    cpuInitializationInMs: 0,
    initialReadinessDelayInMs: 5000,
  })
})

test.each([
  [`${prefix}-sync-period`, 'soon'],
  [`${prefix}-sync-period`, '0s'],
  [`${prefix}-tolerance`, '10%'],
  [`${prefix}-tolerance`, '-1'],
])('--%s %s is refused', (flag, text) => {
  expect(() => autoscalingOptions({ [flag]: text })).toThrow(UsageError)
})
