import { setMaxListeners } from 'node:events'
import { isReason } from '../api/errors.ts'
import { keyOf } from '../api/keys.ts'
import type { AnyKind } from '../api/kind.ts'
import type { KubeObject, WatchEvent } from '../api/transport.ts'
import { exponentialBackoff } from '../lib/backoff.ts'
import type { Clock } from '../lib/clock.ts'
import type { Log } from '../lib/log.ts'
import { aborted } from '../lib/run.ts'
import type { Client } from './client.ts'
import type { Change, Informer, Informers } from './informer.ts'
import { objectCache } from './object-cache.ts'
import { waiters } from './waiters.ts'

interface Dependencies {
  client: Client
  clock: Clock
  log: Log
  /** The longest wait after failures, in milliseconds; default 30 s, as client-go's. */
  longestRetryInMs?: number | undefined
}

/** How many objects one LIST asks for: the server need not build, nor the client hold, an answer of any size. */
const pageSize = 1000

/** How long to wait after a failed list or watch: client-go's reflector waits between 0.8 and 30 s. */
const retry = { initialInMs: 800, maxInMs: 30_000 }

/** A watch that lived this long may be resumed at once. */
const healthyAfterMs = 1000

/** The informers of a process: one per kind and field selector, made when first asked for, even while running. */
export function createInformers(dependencies: Dependencies): Informers {
  const informers = new Map<string, Informer>()
  const started = new Set<Promise<void>>()
  const stops = new Map<Informer, AbortController>()
  let running: AbortSignal | undefined

  const start = (informer: Informer, signal: AbortSignal) => {
    const stop = new AbortController()
    stops.set(informer, stop)
    const done = informer.run(AbortSignal.any([signal, stop.signal])).finally(() => started.delete(done))
    started.add(done)
  }
  const idOf = ({ group, version, kind }: AnyKind, fieldSelector = '') => `${group}/${version}/${kind}?${fieldSelector}`

  return {
    of(kind, { fieldSelector } = {}) {
      const id = idOf(kind, fieldSelector)
      let informer = informers.get(id)
      if (!informer) {
        informer = createInformer(kind, fieldSelector, dependencies)
        informers.set(id, informer)
        if (running && !running.aborted) start(informer, running)
      }
      return informer as never
    },
    forget(kind) {
      const informer = informers.get(idOf(kind))
      if (!informer) return
      informers.delete(idOf(kind))
      stops.get(informer)?.abort()
      stops.delete(informer)
    },
    async run(signal) {
      running = signal
      setMaxListeners(0, signal)
      for (const informer of informers.values()) start(informer, signal)
      await aborted(signal)
      await Promise.all(started)
    },
    async synced(signal) {
      if (signal) setMaxListeners(0, signal)
      await Promise.all([...informers.values()].map(informer => informer.synced(signal)))
    },
  }
}

function createInformer(kind: AnyKind, fieldSelector: string | undefined, dependencies: Dependencies): Informer {
  const { client, clock, log, longestRetryInMs = retry.maxInMs } = dependencies
  const cache = objectCache<KubeObject>()
  const handlers = new Set<(changes: readonly Change[]) => void>()
  const waiting = waiters()
  const selection = fieldSelector ? { fieldSelector } : {}
  let revision = 0

  /** Tells everyone. A handler's mistake is its own: it must not stop the informer, nor keep the news from the others. */
  const publish = (changes: readonly Change[], newest: number) => {
    if (newest > revision) revision = newest
    if (changes.length > 0) {
      for (const handler of handlers) {
        try {
          handler(changes)
        } catch (err) {
          log.error({ err, kind: kind.kind }, 'informer handler failed')
        }
      }
    }
    waiting.check()
  }

  const relist = async (signal: AbortSignal): Promise<void> => {
    const { items, resourceVersion } = await listAll(client, kind, selection, signal)
    if (signal.aborted) return
    const changes = replaceAll(cache, items, Number(resourceVersion))
    cache.isSynced = true
    publish(changes, Number(resourceVersion))
  }

  const follow = async (signal: AbortSignal, onProgress: () => void): Promise<void> => {
    for await (const events of client.watch(kind, { ...selection, resourceVersion: String(revision) }, signal)) {
      const changes: Change[] = []
      let newest = revision
      for (const event of events) {
        const change = applyEvent(cache, event)
        if (change) changes.push(change)
        newest = Math.max(newest, Number(event.object.metadata.resourceVersion))
      }
      publish(changes, newest)
      onProgress()
    }
  }

  const informer: Informer = {
    lister: cache,
    async run(signal) {
      const backoff = exponentialBackoff({ ...retry, maxInMs: longestRetryInMs })
      let mustList = true
      while (!signal.aborted) {
        const startedAt = clock.monotonic()
        let isHealthy = false
        try {
          if (mustList) await relist(signal)
          mustList = false
          if (!signal.aborted) await follow(signal, () => void (isHealthy = true))
        } catch (err) {
          if (signal.aborted) return
          mustList ||= isReason(err, 'Gone', 'Expired')
          log.warn({ err, kind: kind.kind, mustList }, 'informer interrupted')
          if (!mustList) isHealthy = false
        }
        // Servers end watches now and then, which is no failure; but one that ends them at once must not be hammered.
        isHealthy ||= clock.monotonic() - startedAt >= healthyAfterMs
        if (isHealthy) backoff.reset()
        else await clock.sleep(backoff.next(), signal)
      }
    },
    get isSynced() {
      return cache.isSynced
    },
    synced: signal => waiting.until(() => cache.isSynced, signal),
    get revision() {
      return revision
    },
    reached: (wanted, signal) => waiting.until(() => revision >= wanted, signal),
    moved: (key, from, signal) => waiting.until(() => cache.get(key)?.metadata.resourceVersion !== from, signal),
    subscribe(handler) {
      handlers.add(handler)
      if (cache.size > 0) handler(cache.list().map(object => added(object)))
      return () => handlers.delete(handler)
    },
    index: (name, values) => cache.index(name, values),
  }
  return informer
}

/** All pages of one consistent list. A continue token that expired under way starts the list over. */
async function listAll(client: Client, kind: AnyKind, selection: { fieldSelector?: string }, signal: AbortSignal) {
  const items: KubeObject[] = []
  let page = await client.list(kind, { ...selection, limit: pageSize })
  for (const item of page.items) items.push(item)
  while (page.metadata.continue && !signal.aborted) {
    page = await client.list(kind, { ...selection, limit: pageSize, continue: page.metadata.continue })
    for (const item of page.items) items.push(item)
  }
  return { items, resourceVersion: page.metadata.resourceVersion }
}

function added(object: KubeObject): Change {
  return { type: 'added', object, revision: Number(object.metadata.resourceVersion) }
}

/** Makes the cache equal to a list and answers the difference. An object that was made anew is a deletion and an addition. */
function replaceAll(cache: ReturnType<typeof objectCache<KubeObject>>, items: readonly KubeObject[], revision: number): Change[] {
  const changes: Change[] = []
  const gone = new Set(cache.keys())
  for (const object of items) {
    const key = keyOf(object)
    gone.delete(key)
    const previous = cache.get(key)
    if (previous?.metadata.resourceVersion === object.metadata.resourceVersion) continue
    cache.set(object)
    if (previous && previous.metadata.uid === object.metadata.uid) {
      changes.push({ type: 'modified', object, previous, revision: Number(object.metadata.resourceVersion) })
      continue
    }
    if (previous) changes.push({ type: 'deleted', object: previous, previous, revision })
    changes.push(added(object))
  }
  for (const key of gone) {
    const object = cache.remove(key)
    if (object) changes.push({ type: 'deleted', object, previous: object, revision })
  }
  return changes
}

/** What an event changes in the cache, or `undefined` when the cache knew already. */
function applyEvent(cache: ReturnType<typeof objectCache<KubeObject>>, event: WatchEvent): Change | undefined {
  if (event.type === 'BOOKMARK') return undefined
  const { object } = event
  const revision = Number(object.metadata.resourceVersion)
  if (event.type === 'DELETED') {
    const previous = cache.remove(keyOf(object))
    return previous && { type: 'deleted', object, previous, revision }
  }
  const previous = cache.set(object)
  if (!previous) return added(object)
  if (previous.metadata.resourceVersion === object.metadata.resourceVersion) return undefined
  return { type: 'modified', object, previous, revision }
}
