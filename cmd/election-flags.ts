import { type ElectionTimes, electionJitter, usualElectionTimes } from '../client/leader-election.ts'
import { parseDuration, textFlags, truth, UsageError, type Values } from './flags.ts'

/** Flags of whoever competes with others for being the one that works. */
export const electionFlagTable = textFlags([
  'leader-elect',
  'leader-elect-lease-duration',
  'leader-elect-renew-deadline',
  'leader-elect-retry-period',
])

/** The part of a help text that is about these flags. */
export const electionHelp = `  --leader-elect BOOL      work only while no other process of the same kind does (default true)
  --leader-elect-lease-duration DURATION   how long others wait for a leader that says nothing (default 15s)
  --leader-elect-renew-deadline DURATION   how long a leader goes on that cannot renew (default 10s)
  --leader-elect-retry-period DURATION     between two tries (default 2s)
`

/** What the flags say; `none`: nobody is elected, this process works in any case. Throws a UsageError. */
export function electionTimes(values: Values<typeof electionFlagTable>): ElectionTimes | 'none' {
  if (!truth('leader-elect', values['leader-elect'] ?? 'true')) return 'none'
  const duration = (flag: keyof typeof electionFlagTable, otherwise: number) => {
    const text = values[flag]
    const ms = text === undefined ? otherwise : parseDuration(flag, text)
    if (ms === 0) throw new UsageError(`--${flag} must be greater than zero`)
    return ms
  }
  const { leaseDurationInMs, renewDeadlineInMs, retryPeriodInMs } = usualElectionTimes
  const times = {
    leaseDurationInMs: duration('leader-elect-lease-duration', leaseDurationInMs),
    renewDeadlineInMs: duration('leader-elect-renew-deadline', renewDeadlineInMs),
    retryPeriodInMs: duration('leader-elect-retry-period', retryPeriodInMs),
  }
  if (times.leaseDurationInMs <= times.renewDeadlineInMs)
    throw new UsageError('--leader-elect-lease-duration must be greater than --leader-elect-renew-deadline')
  if (times.renewDeadlineInMs <= electionJitter * times.retryPeriodInMs)
    throw new UsageError(`--leader-elect-renew-deadline must be greater than ${electionJitter} times --leader-elect-retry-period`)
  return times
}
