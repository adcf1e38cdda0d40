import { Lease } from '../api/coordination/lease.ts'
import { isReason } from '../api/errors.ts'
import type { ObjectOf } from '../api/kind.ts'
import { type Clock, microTimestamp } from '../lib/clock.ts'
import type { Log } from '../lib/log.ts'
import type { Random } from '../lib/random.ts'
import type { Run } from '../lib/run.ts'
import type { Client, Ref } from './client.ts'

export interface LeaderElectionOptions {
  client: Client
  clock: Clock
  random: Random
  log: Log
  /** The Lease that the candidates compete for. */
  lease: Required<Ref>
  /** Differs between candidates. */
  identity: string
  leaseDurationInMs?: number
  renewDeadlineInMs?: number
  retryPeriodInMs?: number
}

/** Waiting candidates spread their tries over so many further retry periods. */
const jitter = 1.2

/**
 * Runs `run` while this candidate holds the Lease (k8s.io/client-go/tools/leaderelection). A leader that cannot renew in time stops
 * `run`, waits until it has stopped, and becomes a candidate again; so `run` must be able to run anew. When the signal
 * aborts, the Lease is given back, so that the next leader need not wait. Rejects when `run` does.
 */
export function runAsLeader(options: LeaderElectionOptions, run: Run): Run {
  const { clock, random, log, identity, renewDeadlineInMs = 10_000, retryPeriodInMs = 2_000 } = options

  const keepRenewing = async (tryToLead: () => Promise<boolean>, signal: AbortSignal): Promise<void> => {
    let renewedAt = clock.monotonic()
    while (!signal.aborted) {
      await clock.sleep(retryPeriodInMs, signal)
      if (signal.aborted) return
      const answered = new AbortController()
      const tooLate = clock.sleep(renewedAt + renewDeadlineInMs - clock.monotonic(), AbortSignal.any([signal, answered.signal]))
      const answer = await Promise.race([tryToLead(), tooLate])
      answered.abort()
      if (answer) renewedAt = clock.monotonic()
      else if (clock.monotonic() - renewedAt >= renewDeadlineInMs) return
    }
  }

  return async signal => {
    const { tryToLead, release } = candidate(options)
    while (!signal.aborted) {
      if (!(await tryToLead())) {
        await clock.sleep(retryPeriodInMs * (1 + random.next() * jitter), signal)
        continue
      }
      log.info({ identity }, 'leading')
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
        await release()
      }
      if (!signal.aborted) log.warn({ identity }, 'no longer leading')
    }
  }
}

/** One candidate's view of the Lease. Never trusts another's clock: only how long the record has stood still, seen from here. */
function candidate({ client, clock, log, lease: ref, identity, leaseDurationInMs = 15_000 }: LeaderElectionOptions) {
  type Lease = ObjectOf<typeof Lease>
  let observed: { lease: Lease; at: number } | undefined

  const observe = (lease: Lease) => {
    if (observed?.lease.metadata.resourceVersion !== lease.metadata.resourceVersion) observed = { lease, at: clock.monotonic() }
  }

  const write = async (lease: Lease | undefined, holder: string, durationInMs: number): Promise<void> => {
    const now = microTimestamp(clock.now())
    const before = lease?.spec
    const isSameHolder = before?.holderIdentity === holder
    const spec = {
      holderIdentity: holder,
      leaseDurationSeconds: durationInMs / 1000,
      acquireTime: isSameHolder && before?.acquireTime ? before.acquireTime : now,
      renewTime: now,
      leaseTransitions: (before?.leaseTransitions ?? 0) + (before && !isSameHolder && holder ? 1 : 0),
    }
    const written = lease
      ? await client.update(Lease, { ...lease, spec: { ...lease.spec, ...spec } })
      : await client.create(Lease, { metadata: ref, spec })
    observed = { lease: written, at: clock.monotonic() }
  }

  return {
    /** Takes or renews the Lease, if that is allowed. Never rejects. */
    async tryToLead(): Promise<boolean> {
      try {
        const lease = await client.get(Lease, ref).catch(ifMissing)
        if (lease) observe(lease)
        const holder = lease?.spec?.holderIdentity
        if (holder && holder !== identity && observed) {
          const validForMs = (lease.spec?.leaseDurationSeconds ?? 0) * 1000
          if (observed.at + validForMs > clock.monotonic()) return false
        }
        await write(lease, identity, leaseDurationInMs)
        return true
      } catch (err) {
        if (!isReason(err, 'Conflict', 'AlreadyExists')) log.warn({ err, identity }, 'lease not written')
        return false
      }
    },
    /** Gives the Lease back, if it is ours. Never rejects. */
    async release(): Promise<void> {
      if (observed?.lease.spec?.holderIdentity !== identity) return
      await write(observed.lease, '', 1000).catch((err: unknown) => log.debug({ err, identity }, 'lease not released'))
    },
  }
}

function ifMissing(error: unknown): undefined {
  if (!isReason(error, 'NotFound')) throw error
  return undefined
}
