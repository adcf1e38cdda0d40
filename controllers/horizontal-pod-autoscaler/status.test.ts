import { expect, test } from 'vitest'
import { timestamp } from '../../lib/clock.ts'
import { type Finding, withFindings } from './status.ts'
import { now } from './testing.ts'

const finding = (status: 'True' | 'False', reason: string): Finding => ({ type: 'AbleToScale', status, reason, message: reason })

test('a condition’s time moves with its status alone; the last of several findings counts', () => {
  const first = withFindings([], [finding('True', 'SucceededGetScale')], now)
  const second = withFindings(first, [finding('True', 'SucceededGetScale'), finding('True', 'SucceededRescale')], now + 1000)
  const third = withFindings(second, [finding('False', 'FailedGetScale')], now + 2000)
  expect([first, second, third].map(([condition]) => [condition?.reason, condition?.lastTransitionTime])).toEqual([
    ['SucceededGetScale', timestamp(now)],
    ['SucceededRescale', timestamp(now)],
    ['FailedGetScale', timestamp(now + 2000)],
  ])
  expect(third).toHaveLength(1)
})
