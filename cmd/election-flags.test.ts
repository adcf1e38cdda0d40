import { expect, test } from 'vitest'
import { electionTimes } from './election-flags.ts'

test.each([
  [{}, { leaseDurationInMs: 15_000, renewDeadlineInMs: 10_000, retryPeriodInMs: 2000 }],
  [{ 'leader-elect': 'false' }, 'none'],
  [
    { 'leader-elect-lease-duration': '3s', 'leader-elect-renew-deadline': '2s', 'leader-elect-retry-period': '500ms' },
    { leaseDurationInMs: 3000, renewDeadlineInMs: 2000, retryPeriodInMs: 500 },
  ],
])('%j', (flags, expected) => expect(electionTimes(flags)).toEqual(expected))

// The conditions of NewLeaderElector (k8s.io/client-go/tools/leaderelection/leaderelection.go).
test.each([
  [{ 'leader-elect-lease-duration': '10s' }, '--leader-elect-lease-duration must be greater than --leader-elect-renew-deadline'],
  [
    { 'leader-elect-renew-deadline': '2400ms' },
    '--leader-elect-renew-deadline must be greater than 1.2 times --leader-elect-retry-period',
  ],
  [{ 'leader-elect-retry-period': '0s' }, '--leader-elect-retry-period must be greater than zero'],
  [{ 'leader-elect': 'yes' }, '--leader-elect must be true or false'],
])('%j is refused', (flags, message) => expect(() => electionTimes(flags)).toThrow(message))
