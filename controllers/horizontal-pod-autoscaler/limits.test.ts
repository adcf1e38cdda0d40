import { describe, expect, test } from 'vitest'
import { changeWithin, type History, newHistory, type ScaleEvent, type ScalingRules, withScaleEvent } from './history.ts'
import { scaleDownLimit, scaleUpLimit, settle, stabilizeBoth, stabilizeDown, withinBounds, withinRates } from './limits.ts'
import { now } from './testing.ts'

const minuteInMs = 60_000
const nothing: History = { recommendations: [], ups: [], downs: [] }
/** Recommendations, and how many minutes ago they were made. */
const recommended = (...all: [replicas: number, minutesAgo: number][]) =>
  all.map(([replicas, ago]) => ({ replicas, at: now - ago * minuteInMs }))
const sizes = (list: readonly { replicas: number }[]) => list.map(({ replicas }) => replicas)

interface WrittenRules {
  readonly pods: number
  readonly podsIn: number
  readonly percent: number
  readonly percentIn: number
  readonly select: string
}

/** Policies as people write them; no value, no policy. */
function rules({ pods = 0, podsIn = 60, percent = 0, percentIn = 60, select = 'Max' }: Partial<WrittenRules>) {
  return {
    selectPolicy: select,
    policies: [
      ...(pods ? [{ type: 'Pods', value: pods, periodSeconds: podsIn }] : []),
      ...(percent ? [{ type: 'Percent', value: percent, periodSeconds: percentIn }] : []),
    ],
  } as ScalingRules
}
/** What the server fills in. */
const usualUp = rules({ pods: 4, podsIn: 15, percent: 100, percentIn: 15 })
const usualDown = rules({ percent: 100, percentIn: 15 })

/** Changes, evenly spread over two minutes. */
const spread = (...changes: number[]): ScaleEvent[] => {
  const segment = 120 / changes.length
  return changes.map((change, i) => ({ change, at: now - Math.trunc(120 - segment * (i + 1) + segment / 2) * 1000 }))
}

test.each<[string, [current: number, desired: number, min: number, max: number], [number, string]]>([
  ['what is wanted', [5, 7, 3, 8], [7, 'DesiredWithinRange']],
  ['no fewer than the fewest', [3, 1, 2, 8], [2, 'TooFewReplicas']],
  ['none, where none may be', [1, 0, 0, 10], [0, 'DesiredWithinRange']],
  ['no more than the most', [20, 1000, 1, 10], [10, 'TooManyReplicas']],
  ['twice as many at once', [3, 1000, 1, 2000], [6, 'ScaleUpLimit']],
  ['or four', [1, 1000, 1, 2000], [4, 'ScaleUpLimit']],
  ['the most where both bounds are the same', [2, 9, 1, 4], [4, 'TooManyReplicas']],
])('without a behavior: %s', (_, [current, desired, min, max], [replicas, reason]) => {
  expect(withinBounds({ current, desired, min, max })).toMatchObject({ replicas, reason })
})

describe('with a behavior', () => {
  interface Rated {
    readonly size: [current: number, desired: number, min: number, max: number]
    readonly up?: ScalingRules
    readonly down?: ScalingRules
    readonly ups?: ScaleEvent[]
    readonly downs?: ScaleEvent[]
  }
  /** The cases of upstream's TestScalingWithRules. */
  test.each<[string, Rated, [number, string]]>([
    ['what is wanted', { size: [5, 7, 3, 8] }, [7, 'DesiredWithinRange']],
    ['no fewer than the fewest', { size: [3, 1, 2, 8] }, [2, 'TooFewReplicas']],
    ['none, where none may be', { size: [1, 0, 0, 10] }, [0, 'DesiredWithinRange']],
    ['the most is less than the policies allow', { size: [20, 1000, 1, 10] }, [10, 'TooManyReplicas']],
    ['the most', { size: [100, 1000, 100, 150] }, [150, 'TooManyReplicas']],
    ['a percent of a few is one', { size: [3, 1000, 1, 2000], up: rules({ percent: 1 }) }, [4, 'ScaleUpLimit']],
    ['so many fewer', { size: [1000, 3, 3, 2000], down: rules({ pods: 20 }) }, [980, 'ScaleDownLimit']],
    ['as usual', { size: [10, 50, 1, 1000] }, [20, 'ScaleUpLimit']],
    ['more by pods than by percent', { size: [10, 500, 1, 1000], up: rules({ pods: 100, percent: 100 }) }, [110, 'ScaleUpLimit']],
    ['more by percent than by pods', { size: [10, 500, 1, 1000], up: rules({ pods: 2, percent: 100 }) }, [20, 'ScaleUpLimit']],
    ['pods enough', { size: [10, 50, 1, 1000], up: rules({ pods: 100 }) }, [50, 'DesiredWithinRange']],
    ['percent enough', { size: [10, 50, 1, 1000], up: rules({ percent: 10_000 }) }, [50, 'DesiredWithinRange']],
    ['pods', { size: [10, 50, 1, 1000], up: rules({ pods: 30 }) }, [40, 'ScaleUpLimit']],
    ['percent', { size: [10, 50, 1, 1000], up: rules({ percent: 200 }) }, [30, 'ScaleUpLimit']],
    ['down more by pods', { size: [100, 2, 1, 1000], down: rules({ pods: 20, percent: 1 }) }, [80, 'ScaleDownLimit']],
    [
      'down by pods where a percent is less',
      { size: [100, 2, 1, 1000], down: rules({ pods: 2, percent: 1 }) },
      [98, 'ScaleDownLimit'],
    ],
    ['down to the fewest by pods', { size: [10, 0, 1, 1000], down: rules({ pods: 100 }) }, [1, 'TooFewReplicas']],
    ['down to the fewest by percent', { size: [10, 2, 5, 1000], down: rules({ percent: 100 }) }, [5, 'TooFewReplicas']],
    ['down by pods', { size: [10, 2, 1, 1000], down: rules({ pods: 5 }) }, [5, 'ScaleDownLimit']],
    ['down by percent, just enough', { size: [10, 5, 1, 1000], down: rules({ percent: 50 }) }, [5, 'DesiredWithinRange']],
    [
      'up after it went up: counted from where the period began',
      { size: [100, 500, 1, 1000], up: rules({ pods: 150, podsIn: 120 }), ups: spread(1, 5, 9) },
      [235, 'ScaleUpLimit'],
    ],
    [
      'so by percent',
      { size: [100, 500, 1, 1000], up: rules({ percent: 200, percentIn: 120 }), ups: spread(1, 5, 9) },
      [255, 'ScaleUpLimit'],
    ],
    [
      'the most, whatever happened',
      { size: [100, 500, 1, 200], up: rules({ pods: 300 }), ups: spread(1, 5, 9) },
      [200, 'TooManyReplicas'],
    ],
    [
      'the most by percent',
      { size: [100, 500, 1, 200], up: rules({ percent: 10_000 }), ups: spread(1, 5, 9) },
      [200, 'TooManyReplicas'],
    ],
    [
      'a new, meaner policy takes nothing back',
      { size: [100, 500, 1, 1000], up: rules({ pods: 5, podsIn: 120 }), ups: spread(1, 5, 9) },
      [100, 'ScaleUpLimit'],
    ],
    [
      'up and down in one period',
      { size: [6, 24, 1, 1000], up: rules({ percent: 300, percentIn: 300 }), ups: spread(4), downs: spread(2) },
      [16, 'ScaleUpLimit'],
    ],
    ['down as usual, whatever happened', { size: [10, 5, 1, 1000], downs: spread(1, 5, 9) }, [5, 'DesiredWithinRange']],
    [
      'down to the fewest after it went down',
      { size: [100, 0, 1, 1000], down: rules({ pods: 115, podsIn: 120 }), downs: spread(1, 5, 9) },
      [1, 'TooFewReplicas'],
    ],
    [
      'down to a higher bound',
      { size: [100, 0, 5, 1000], down: rules({ pods: 130, podsIn: 120 }), downs: spread(1, 5, 9) },
      [5, 'TooFewReplicas'],
    ],
    [
      'all of it, down to the bound',
      { size: [100, 2, 5, 1000], down: rules({ percent: 100, percentIn: 120 }), downs: spread(1, 5, 9) },
      [5, 'TooFewReplicas'],
    ],
    [
      'no further down after too much',
      { size: [100, 2, 1, 1000], down: rules({ pods: 5, podsIn: 120 }), downs: spread(1, 5, 9) },
      [100, 'ScaleDownLimit'],
    ],
    [
      'half of what there was',
      { size: [100, 0, 1, 1000], down: rules({ percent: 50, percentIn: 120 }), downs: spread(2, 4, 6) },
      [56, 'ScaleDownLimit'],
    ],
    [
      'half of what there was, up and down',
      { size: [10, 1, 1, 1000], down: rules({ percent: 50, percentIn: 180 }), ups: spread(2), downs: spread(4) },
      [6, 'ScaleDownLimit'],
    ],
    [
      'a percent of much more than there is: stays',
      { size: [100, 0, 1, 1000], down: rules({ percent: 10, percentIn: 120 }), downs: spread(10, 10, 10) },
      [100, 'ScaleDownLimit'],
    ],
    [
      'more than all of it',
      { size: [10, 5, 1, 1000], down: rules({ percent: 1000, percentIn: 120 }), downs: spread(10, 10, 10) },
      [5, 'DesiredWithinRange'],
    ],
    ['up not at all', { size: [3, 9, 1, 10], up: rules({ pods: 4, select: 'Disabled' }) }, [3, 'ScaleUpLimit']],
    ['down not at all', { size: [9, 3, 1, 10], down: rules({ pods: 4, select: 'Disabled' }) }, [9, 'ScaleDownLimit']],
    ['nothing to do', { size: [3, 3, 1, 10], up: rules({ select: 'Disabled' }) }, [3, 'DesiredWithinRange']],
  ])('%s', (_, { size: [current, desired, min, max], up, down, ups = [], downs = [] }, [replicas, reason]) => {
    const behavior = { scaleUp: up ?? usualUp, scaleDown: down ?? usualDown }
    expect(withinRates({ current, desired, min, max }, behavior, { ...nothing, ups, downs }, now)).toMatchObject({
      replicas,
      reason,
    })
  })

  test('the least that any policy allows', () => {
    const least = rules({ pods: 2, percent: 50, select: 'Min' })
    expect([scaleUpLimit(1, least, nothing, now), scaleDownLimit(5, least, nothing, now)]).toEqual([2, 3])
  })
})

/** The cases of upstream's TestNormalizeDesiredReplicas. */
test.each<[string, [number, number][], number, [number, number]]>([
  ['nothing before', [], 5, [5, 1]],
  [
    'more was wanted',
    [
      [4, 2],
      [5, 1],
    ],
    3,
    [5, 3],
  ],
  [
    'less was wanted',
    [
      [1, 2],
      [2, 1],
    ],
    3,
    [3, 3],
  ],
  [
    'more was wanted long ago',
    [
      [10, 10],
      [9, 9],
    ],
    3,
    [3, 2],
  ],
  [
    'some long ago, some not',
    [
      [10, 10],
      [4, 1],
      [5, 2],
      [9, 9],
    ],
    3,
    [5, 4],
  ],
])('holding off going down for five minutes: %s', (_, before, desired, [replicas, kept]) => {
  const result = stabilizeDown({ desired }, 5 * minuteInMs, { recommendations: recommended(...before) }, now)
  expect([result.replicas, result.recommendations.length]).toEqual([replicas, kept])
})

/** The cases of upstream's TestNormalizeDesiredReplicasWithBehavior. */
test.each<[string, [number, number][], [current: number, desired: number], [upS: number, downS: number], number, number[]]>([
  ['down, nothing before', [], [100, 5], [0, 0], 5, [5]],
  [
    'down held off',
    [
      [4, 2],
      [5, 1],
    ],
    [100, 3],
    [0, 180],
    5,
    [4, 5, 3],
  ],
  [
    'up held off',
    [
      [4, 2],
      [5, 1],
    ],
    [1, 7],
    [300, 0],
    4,
    [4, 5, 7],
  ],
  [
    'down not held off',
    [
      [1, 2],
      [2, 1],
    ],
    [100, 3],
    [300, 0],
    3,
    [1, 2, 3],
  ],
  [
    'up not held off',
    [
      [4, 2],
      [5, 1],
    ],
    [1, 3],
    [0, 300],
    3,
    [4, 5, 3],
  ],
  [
    'down, an old entry makes room',
    [
      [10, 10],
      [9, 9],
    ],
    [100, 3],
    [0, 0],
    3,
    [10, 3],
  ],
  [
    'up, an old entry makes room',
    [
      [10, 10],
      [9, 9],
    ],
    [1, 100],
    [0, 0],
    100,
    [10, 100],
  ],
  [
    'down held off, one of the old makes room',
    [
      [10, 10],
      [4, 1],
      [5, 2],
      [9, 9],
    ],
    [100, 3],
    [0, 180],
    5,
    [10, 4, 5, 3],
  ],
  [
    'up held off, only what is old for both makes room',
    [
      [10, 100],
      [6, 1],
      [5, 2],
      [9, 3],
    ],
    [1, 100],
    [300, 0],
    5,
    [100, 6, 5, 9],
  ],
  [
    'down wanted, up before: neither',
    [
      [2, 100],
      [3, 3],
    ],
    [2, 1],
    [300, 300],
    2,
    [1, 3],
  ],
  [
    'up wanted, down before: neither',
    [
      [2, 100],
      [1, 3],
    ],
    [2, 3],
    [300, 300],
    2,
    [3, 1],
  ],
])('windows of a behavior: %s', (_, before, [current, desired], [upS, downS], replicas, kept) => {
  const windows = { upMs: upS * 1000, downMs: downS * 1000 }
  const result = stabilizeBoth({ current, desired }, windows, { recommendations: recommended(...before) }, now)
  expect([result.replicas, sizes(result.recommendations)]).toEqual([replicas, kept])
})

/** The cases of upstream's TestStoreScaleEvents. */
test.each<[string, [change: number, secondsAgo: number][], ScalingRules | undefined, number[], number]>([
  ['the first, with nobody to ask for it', [], undefined, [], 0],
  ['the first', [], rules({ pods: 10, percent: 100 }), [5], 0],
  ['an old one stays where nobody asks', [[7, 61]], undefined, [7], 0],
  ['an old one makes room', [[7, 61]], rules({ pods: 10, percent: 100 }), [5], 0],
  ['a newer one stays', [[7, 58]], rules({ pods: 10, percent: 100 }), [7, 5], 7],
  [
    'one of two makes room',
    [
      [7, 61],
      [6, 59],
    ],
    rules({ pods: 10 }),
    [5, 6],
    6,
  ],
  [
    'the last of the old makes room; the longest period counts',
    [
      [8, 29],
      [6, 59],
      [7, 61],
      [9, 61],
    ],
    rules({ pods: 10, percent: 100, percentIn: 30 }),
    [8, 6, 7, 5],
    14,
  ],
  [
    'both are new enough',
    [
      [7, 58],
      [6, 59],
    ],
    rules({ pods: 10, podsIn: 120, percent: 100, percentIn: 30 }),
    [7, 6, 5],
    13,
  ],
])('changes that are remembered: %s', (_, before, policy, kept, within) => {
  const events = before.map(([change, ago]) => ({ change, at: now - ago * 1000 }))
  expect(changeWithin(events, 60, now)).toBe(within)
  const changes = (list: readonly ScaleEvent[]) => list.map(({ change }) => change)
  const behavior = policy && { scaleUp: policy, scaleDown: policy }
  const up = withScaleEvent({ ...nothing, ups: events }, behavior, { from: 10, to: 15 }, now)
  const down = withScaleEvent({ ...nothing, downs: events }, behavior, { from: 10, to: 5 }, now)
  expect([changes(up.ups), changes(down.downs)]).toEqual([kept, kept])
})

describe('a wish', () => {
  const when = { now, downscaleStabilizationInMs: 300_000 }
  const bounds = { min: 1, max: 10 }

  test('going down waits five minutes from when it was first looked at, and says so', () => {
    const young = newHistory(6, now - 299_000)
    expect(settle({ current: 6, desired: 2, ...bounds }, undefined, young, when)).toMatchObject({
      replicas: 6,
      able: {
        reason: 'ScaleDownStabilized',
        message: 'recent recommendations were higher than current one, applying the highest recent recommendation',
      },
      isLimited: false,
    })
    const old = newHistory(6, now - 301_000)
    expect(settle({ current: 6, desired: 2, ...bounds }, undefined, old, when)).toMatchObject({
      replicas: 2,
      able: { reason: 'ReadyForNewScale', message: 'recommended size matches current size' },
    })
  })

  test('a behavior without a window down has the usual one; its window up is none', () => {
    const behavior = { scaleUp: { ...usualUp, stabilizationWindowSeconds: 0 }, scaleDown: usualDown }
    const young = newHistory(6, now - 299_000)
    expect(settle({ current: 6, desired: 2, ...bounds }, behavior, young, when).replicas).toBe(6)
    expect(settle({ current: 6, desired: 9, ...bounds }, behavior, young, when).replicas).toBe(9)
    const patient = { ...behavior, scaleUp: { ...usualUp, stabilizationWindowSeconds: 60 } }
    const waiting = settle({ current: 6, desired: 9, ...bounds }, patient, newHistory(6, now - 59_000), when)
    expect([waiting.replicas, waiting.able.reason]).toEqual([6, 'ScaleUpStabilized'])
    const impatient = { ...behavior, scaleDown: { ...usualDown, stabilizationWindowSeconds: 0 } }
    expect(settle({ current: 6, desired: 2, ...bounds }, impatient, young, when).replicas).toBe(2)
  })

  test('a bound that cuts it short is told', () => {
    const settled = settle({ current: 6, desired: 40, ...bounds }, undefined, nothing, when)
    const message = 'the desired replica count is more than the maximum replica count'
    expect(settled).toMatchObject({ replicas: 10, isLimited: true, limit: { reason: 'TooManyReplicas', message } })
  })
})
