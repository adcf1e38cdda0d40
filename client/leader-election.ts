import { Lease } from '../api/coordination/lease.ts'
import { isReason } from '../api/errors.ts'
import type { ObjectOf } from '../api/kind.ts'
import { type Clock, microTimestamp } from '../lib/clock.ts'
import type { Log } from '../lib/log.ts'
import type { Random } from '../lib/random.ts'
import type { Run } from '../lib/run.ts'
import type { Client, Ref } from './client.ts'
import type { EventRecorder } from './events.ts'

/** How long candidates wait for what, in milliseconds. */
export interface ElectionTimes {
  /** How long a record must stand still before somebody else may take the Lease; told to the others in whole seconds, rounded up. */
  readonly leaseDurationInMs: number
  /** How long a leader that cannot renew goes on. */
  readonly renewDeadlineInMs: number
  /** Between two tries. */
  readonly retryPeriodInMs: number
}

/** As components of Kubernetes have them (k8s.io/component-base/config/v1alpha1/defaults.go). */
export const usualElectionTimes: ElectionTimes = {
  leaseDurationInMs: 15_000,
  renewDeadlineInMs: 10_000,
  retryPeriodInMs: 2_000,
}

export interface LeaderElectionOptions {
  client: Client
  clock: Clock
  random: Random
  log: Log
  /** The Lease that the candidates compete for. */
  lease: Required<Ref>
  /** Differs between candidates. */
  identity: string
  times?: ElectionTimes | undefined
  /** Is told who became leader and who is it no longer. */
  events?: EventRecorder
}

/** Waiting candidates spread their tries over so many further retry periods. */
export const electionJitter = 1.2

/**
 * Runs `run` while this candidate holds the Lease (k8s.io/client-go/tools/leaderelection). A leader that cannot renew in time stops
 * `run`, waits until it has stopped, and becomes a candidate again; so `run` must be able to run anew. When the signal
 * aborts, the Lease is given back, so that the next leader need not wait. Rejects when `run` does.
 */
export function runAsLeader(options: LeaderElectionOptions, run: Run): Run {
  const { clock, random, log, identity, times = usualElectionTimes } = options
  const { renewDeadlineInMs, retryPeriodInMs } = times
  /** A server that takes a request up and says nothing must not keep us from asking again (NewFromKubeconfig in .../resourcelock). */
  const patienceInMs = Math.max(1000, renewDeadlineInMs / 2)

  const keepRenewing = async (tryToLead: () => Promise<boolean>, signal: AbortSignal): Promise<void> => {
    let renewedAt = clock.monotonic()
    const leftInMs = () => renewedAt + renewDeadlineInMs - clock.monotonic()
    while (!signal.aborted) {
      await clock.sleep(Math.min(retryPeriodInMs, leftInMs()), signal)
      // Who was held up for longer than that must not do anything before he has stopped: others may lead by now.
      if (signal.aborted || leftInMs() <= 0) return
      if (await within(Math.min(patienceInMs, leftInMs()), tryToLead(), { clock, signal })) renewedAt = clock.monotonic()
    }
  }

  return async signal => {
    const { tryToLead, release, tell } = candidate({ ...options, times })
    while (!signal.aborted) {
      if (!(await within(patienceInMs, tryToLead(), { clock }))) {
        await clock.sleep(retryPeriodInMs * (1 + random.next() * electionJitter), signal)
        continue
      }
      log.info({ identity }, 'leading')
      tell('became leader')
      const term = new AbortController()
      const endTerm = () => term.abort()
      signal.addEventListener('abort', endTerm, { once: true })
      if (signal.aborted) endTerm()
      const renewing = keepRenewing(tryToLead, term.signal).finally(endTerm)
      try {
        await run(term.signal)
      } finally {
        endTerm()
        await renewing
        signal.removeEventListener('abort', endTerm)
        tell('stopped leading')
        await within(renewDeadlineInMs, release(), { clock })
      }
      if (!signal.aborted) log.warn({ identity }, 'no longer leading')
    }
  }
}

/** The answer; undefined when it takes longer, or the signal aborts before it comes. */
async function within<T>(
  ms: number,
  answer: Promise<T>,
  { clock, signal }: { clock: Clock; signal?: AbortSignal },
): Promise<T | undefined> {
  const answered = new AbortController()
  const signals = signal ? [signal, answered.signal] : [answered.signal]
  const tooLate = clock.sleep(ms, AbortSignal.any(signals)).then(() => undefined)
  try {
    return await Promise.race([answer, tooLate])
  } finally {
    answered.abort()
  }
}

type Candidacy = LeaderElectionOptions & { readonly times: ElectionTimes }

/** One candidate's view of the Lease. Never trusts another's clock: only how long the record has stood still, seen from here. */
function candidate({ client, clock, log, lease: ref, identity, times, events }: Candidacy) {
  type Lease = ObjectOf<typeof Lease>
  let observed: { lease: Lease; record: string; at: number } | undefined

  const observe = (lease: Lease) => {
    const record = JSON.stringify(lease.spec)
    // What others write into its metadata renews nothing.
    observed = { lease, record, at: observed?.record === record ? observed.at : clock.monotonic() }
  }
  const holder = () => observed?.lease.spec?.holderIdentity
  const isValid = () =>
    observed !== undefined && observed.at + (observed.lease.spec?.leaseDurationSeconds ?? 0) * 1000 > clock.monotonic()

  const write = async (lease: Lease | undefined, next: string, durationInMs: number): Promise<void> => {
    const now = microTimestamp(clock.now())
    const before = lease?.spec
    const isSameHolder = before?.holderIdentity === next
    const spec = {
      holderIdentity: next,
      // Upstream rounds down, which lets others in before we would have given up.
      leaseDurationSeconds: Math.ceil(durationInMs / 1000),
      acquireTime: isSameHolder && before?.acquireTime ? before.acquireTime : now,
      renewTime: now,
      leaseTransitions: (before?.leaseTransitions ?? 0) + (before && !isSameHolder && next ? 1 : 0),
    }
    observe(
      lease
        ? await client.update(Lease, { ...lease, spec: { ...lease.spec, ...spec } })
        : await client.create(Lease, { metadata: ref, spec }),
    )
  }
  /** A leader takes it that nobody has written since; if somebody has, that is no failure yet. */
  const renewBlindly = async (): Promise<boolean> => {
    if (!observed || holder() !== identity || !isValid()) return false
    return write(observed.lease, identity, times.leaseDurationInMs).then(
      () => true,
      (err: unknown) => {
        log.debug({ err, identity }, 'lease not renewed at once')
        return false
      },
    )
  }

  return {
    /** Takes or renews the Lease, if that is allowed. Never rejects. */
    async tryToLead(): Promise<boolean> {
      if (await renewBlindly()) return true
      try {
        const lease = await client.get(Lease, ref).catch(ifMissing)
        if (lease) observe(lease)
        if (lease && holder() && holder() !== identity && isValid()) return false
        await write(lease, identity, times.leaseDurationInMs)
        return true
      } catch (err) {
        if (!isReason(err, 'Conflict', 'AlreadyExists')) log.warn({ err, identity }, 'lease not written')
        return false
      }
    },
    /** Gives the Lease back, if it is ours. Never rejects. */
    async release(): Promise<void> {
      try {
        const lease = await client.get(Lease, ref)
        if (lease.spec?.holderIdentity === identity) await write(lease, '', 1000)
      } catch (err) {
        log.debug({ err, identity }, 'lease not released')
      }
    },
    tell(what: 'became leader' | 'stopped leading'): void {
      if (observed) events?.record(observed.lease, 'Normal', 'LeaderElection', `${identity} ${what}`)
    },
  }
}

function ifMissing(error: unknown): undefined {
  if (!isReason(error, 'NotFound')) throw error
  return undefined
}
