import { expect, test } from 'vitest'
import { allowedStay } from './plan.ts'

const notReady = { key: 'node.kubernetes.io/not-ready', effect: 'NoExecute' as const }
const disk = { key: 'disk', value: 'slow', effect: 'NoExecute' as const }
const tolerating = (key: string, tolerationSeconds?: number) => ({
  key,
  operator: 'Exists' as const,
  ...(tolerationSeconds !== undefined && { tolerationSeconds }),
})

test.each([
  ['nothing is tolerated', [], [notReady], 0],
  ['a toleration without seconds is for ever', [tolerating(notReady.key)], [notReady], undefined],
  ['so many seconds', [tolerating(notReady.key, 300)], [notReady], 300_000],
  ['no seconds, or fewer', [tolerating(notReady.key, -5)], [notReady], 0],
  ['the shortest of several', [tolerating(notReady.key, 300), tolerating('disk', 30)], [notReady, disk], 30_000],
  ['one taint is not tolerated', [tolerating(notReady.key, 300)], [notReady, disk], 0],
  ['the first toleration that matches counts', [tolerating('disk', 60), tolerating('disk', 5)], [disk], 60_000],
  ['another effect does not match', [{ ...tolerating('disk'), effect: 'NoSchedule' as const }], [disk], 0],
])('%s', (_, tolerations, taints, stay) => {
  expect(allowedStay(tolerations, taints)).toBe(stay)
})
