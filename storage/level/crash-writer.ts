import { systemClock } from '../../lib/clock.ts'
import { type Random, seededRandom } from '../../lib/random.ts'
import { type Store, StoreUnavailable } from '../store.ts'
import { levelStore } from './level.ts'

/** What the crash test's child process does until it is killed. */
export interface CrashWriterOptions {
  readonly location: string
  readonly seed: number
  /** Called with `ack <revision> <type> <key> <nonce>` once a write is acknowledged, or with `failed <why>`. */
  readonly report: (line: string) => void
}

const writers = 24
const sharedKeys = 6

/** Compaction stays this far behind, so that whoever looks later still finds every commit that was not reported. */
const keptRevisions = 300

/** Creates, updates and deletes, with many writers at once who also fight over some keys, and compacts; never ends. */
export async function writeForever({ location, seed, report }: CrashWriterOptions): Promise<void> {
  const random = seededRandom(seed)
  const store = await levelStore({ location, clock: systemClock })
  report('open')
  await Promise.all([
    ...Array.from({ length: writers }, (_, writer) => writeOn(store, random, report, `/own/${writer}`)),
    compactOn(store),
  ])
}

async function writeOn(store: Store, random: Random, report: (line: string) => void, ownKey: string): Promise<never> {
  for (;;) {
    const key = random.below(3) === 0 ? `/shared/${random.below(sharedKeys)}` : `${ownKey}/${random.below(4)}`
    const nonce = random.suffix(12)
    const encode = () => new TextEncoder().encode(nonce.padEnd(200 + random.below(2500), nonce))
    try {
      const current = await store.get(key)
      const type = current && random.below(5) === 0 ? 'delete' : 'put'
      const entry = await store[type](key, encode, current?.revision ?? 0)
      if (entry) report(`ack ${entry.revision} ${type} ${key} ${nonce}`)
    } catch (error) {
      if (!(error instanceof StoreUnavailable)) throw error
      report(`failed ${error.message}`)
      await systemClock.sleep(1)
    }
  }
}

async function compactOn(store: Store): Promise<never> {
  for (;;) {
    try {
      await store.compact(Math.max(0, (await store.revision()) - keptRevisions))
    } catch (error) {
      if (!(error instanceof StoreUnavailable)) throw error
    }
    await systemClock.sleep(5)
  }
}
