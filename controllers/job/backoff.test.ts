import { describe, expect, test } from 'vitest'
import type { Pod } from '../../api/core/pod.ts'
import { podWith } from '../shared/test-objects.ts'
import { type Failures, failuresAfter, finishedAt, noFailures, waitAfter } from './backoff.ts'
import { jobPod } from './testing.ts'

const start = Date.UTC(2026, 0, 1)
const at = (seconds: number) => start + seconds * 1000
const failedAt = (seconds: number) => jobPod('Failed', { at: seconds })
const succeededAt = (seconds: number) => jobPod('Succeeded', { at: seconds, exitCode: 0 })

test.each([
  [0, 0],
  [1, 10],
  [2, 20],
  [3, 40],
  [4, 80],
  [5, 160],
  [6, 320],
  [7, 600],
  [8, 600],
  [1000, 600],
])('after %d failures the next pod waits %d s', (count, seconds) => {
  expect(waitAfter({ count, lastAt: at(0) }, at(0))).toBe(seconds * 1000)
  expect(waitAfter({ count, lastAt: at(0) }, at(5))).toBe(Math.max(0, seconds - 5) * 1000)
  expect(waitAfter({ count, lastAt: at(0) }, at(seconds + 1))).toBe(0)
})

const before: Failures = { count: 2, lastAt: at(1) }
test.each<[string, Failures, Pod[], Pod[], Failures]>([
  ['nothing new', before, [], [], before],
  ['the first failures', noFailures, [], [failedAt(5), failedAt(3)], { count: 2, lastAt: at(5) }],
  ['more failures', before, [], [failedAt(9)], { count: 3, lastAt: at(9) }],
  ['a success', before, [succeededAt(4)], [], noFailures],
  ['a success after the failures', before, [succeededAt(4)], [failedAt(3), failedAt(4)], noFailures],
  ['failures after a success', before, [succeededAt(4)], [failedAt(3), failedAt(5), failedAt(7)], { count: 2, lastAt: at(7) }],
])('failures since the last success: %s', (_name, known, succeeded, failed, expected) => {
  expect(failuresAfter(known, succeeded, failed)).toEqual(expected)
})

describe('when a pod ended', () => {
  const container = (name: string, seconds?: number) => ({
    name,
    restartCount: 0,
    image: '',
    imageID: '',
    ready: false,
    state:
      seconds === undefined
        ? {}
        : { terminated: { exitCode: 0, finishedAt: `2026-01-01T00:00:${String(seconds).padStart(2, '0')}Z` } },
  })
  const notReady = [{ type: 'Ready', status: 'False' as const, lastTransitionTime: '2026-01-01T00:00:40Z' }]
  const sidecar = { initContainers: [{ name: 'side', image: 'a', restartPolicy: 'Always' }] }
  test.each<[string, object, number]>([
    ['its last container', { status: { containerStatuses: [container('a', 3), container('b', 9)], conditions: notReady } }, 9],
    [
      'its sidecar',
      { spec: sidecar, status: { containerStatuses: [container('a', 3)], initContainerStatuses: [container('side', 12)] } },
      12,
    ],
    [
      'an init container says nothing',
      { status: { containerStatuses: [container('a', 3)], initContainerStatuses: [container('i', 12)] } },
      3,
    ],
    ['a container still runs', { status: { containerStatuses: [container('a', 3), container('b')], conditions: notReady } }, 40],
    [
      'it was told to end',
      {
        metadata: { deletionTimestamp: '2026-01-01T00:00:50Z', deletionGracePeriodSeconds: 30 },
        status: { containerStatuses: [container('a')] },
      },
      20,
    ],
    ['nobody says', {}, 0],
  ])('%s', (_name, over, seconds) => {
    expect(finishedAt(podWith(over))).toBe(at(seconds))
  })
})
