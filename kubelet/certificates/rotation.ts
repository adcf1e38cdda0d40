import { X509Certificate } from 'node:crypto'
import { exponentialBackoff } from '../../lib/backoff.ts'
import type { Clock } from '../../lib/clock.ts'
import type { Log } from '../../lib/log.ts'
import type { Random } from '../../lib/random.ts'
import type { Run } from '../../lib/run.ts'
import type { KeyPair } from '../../lib/x509/certificate.ts'
import type { CertificateStore } from './store.ts'

/** A certificate that is replaced before it ends. */
export interface RotatedCertificate {
  /** The one to show now; undefined: there is none yet. The same object as long as it is the same certificate. */
  current(): KeyPair | undefined
  /** Something that it must say has changed: looks again whether it is still good. */
  poke(): void
  /** Sees to it until the signal aborts. */
  readonly run: Run
}

interface Options {
  readonly name: string
  readonly store: CertificateStore
  /** What is kept already. */
  readonly known: KeyPair | undefined
  /** Gets a new one. */
  readonly ask: (signal: AbortSignal) => Promise<KeyPair>
  /** Whether a certificate says what it must by now; default: it does. */
  readonly isGood?: (certificate: X509Certificate) => boolean
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
}

/** A certificate is replaced no sooner than this after the last, however short its life. */
const shortestTurnInMs = 1000

/** When to replace a certificate: after 70 to 90 percent of its life (client-go: nextRotationDeadline). */
export function rotationAt({ validFrom, validTo }: Pick<X509Certificate, 'validFrom' | 'validTo'>, chance: number): number {
  const from = Date.parse(validFrom)
  return from + (Date.parse(validTo) - from) * (0.7 + 0.2 * chance)
}

/** Keeps a certificate fresh; failures are tried again with growing waits (2 s to 2 min 8 s). */
export function rotatedCertificate({
  name,
  store,
  known,
  ask,
  isGood = () => true,
  clock,
  random,
  log,
}: Options): RotatedCertificate {
  const dueAfter = (pair: KeyPair | undefined) => (pair ? rotationAt(new X509Certificate(pair.certificate), random.next()) : 0)
  let current = known
  let dueAt = dueAfter(current)
  let wake = () => {}

  const sleep = async (ms: number, signal: AbortSignal) => {
    const woken = new AbortController()
    wake = () => woken.abort()
    await clock.sleep(ms, AbortSignal.any([signal, woken.signal]))
  }

  return {
    current: () => current,
    poke: () => wake(),
    async run(signal) {
      const waits = exponentialBackoff({ initialInMs: 2000, maxInMs: 128_000 })
      while (!signal.aborted) {
        const left = current && isGood(new X509Certificate(current.certificate)) ? dueAt - clock.now() : 0
        if (left > 0) {
          await sleep(left, signal)
          continue
        }
        try {
          const next = await ask(signal)
          await store.write(next)
          current = next
          dueAt = dueAfter(next)
          waits.reset()
          log.info({ certificate: name, until: new X509Certificate(next.certificate).validTo }, 'a new certificate is in use')
          await clock.sleep(shortestTurnInMs, signal)
        } catch (err) {
          if (signal.aborted) return
          log.warn({ certificate: name, err: err instanceof Error ? err.message : String(err) }, 'no new certificate yet')
          await sleep(waits.next(), signal)
        }
      }
    },
  }
}
