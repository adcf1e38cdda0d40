import { setMaxListeners } from 'node:events'
import { CustomResourceDefinition } from '../api/apiextensions/custom-resource-definition.ts'
import { isReason } from '../api/errors.ts'
import type { AnyKind } from '../api/kind.ts'
import type { Clock } from '../lib/clock.ts'
import type { Log } from '../lib/log.ts'
import type { Random } from '../lib/random.ts'
import { type Run, runAll } from '../lib/run.ts'
import { workQueue } from '../lib/work-queue.ts'
import type { Client } from './client.ts'
import type { Controller, ListerOf, ReconcileContext, Watch } from './controller.ts'
import { followCustom } from './custom-kinds.ts'
import type { Events } from './event-recorder.ts'
import type { Change, Informer, Informers } from './informer.ts'
import { restrictedClient, type Written } from './restricted-client.ts'

export interface RuntimeDependencies {
  client: Client
  informers: Informers
  clock: Clock
  random: Random
  log: Log
  events: Pick<Events, 'from'>
}

/** How long a key waits for the informers to show what its last run wrote, before it is run again all the same. */
const expectationTimeoutInMs = 30_000

/** So many of the revisions that woke a key are told with its writes; the newest matter most. */
const maxWokenBy = 16

const defaultConcurrency = 5

/** Custom resources that cannot be listed (their webhook is down) hold nobody up for longer. */
const longestCustomSyncInMs = 5_000

/**
 * Runs controllers: informers feed keyed queues, whose keys are reconciled. All informers that they need are asked for at once,
 * so that `informers.run` may be started before or after. The answer may be run again after it has stopped.
 */
export function runControllers({
  controllers,
  ...dependencies
}: RuntimeDependencies & { controllers: readonly Controller[] }): Run {
  for (const controller of controllers) {
    for (const kind of kindsOf(controller)) dependencies.informers.of(kind)
    for (const { kind, name, values } of controller.indexes ?? []) dependencies.informers.of(kind).index(name, values)
  }
  const parts = controllers.map(controller => [controller.name, runController(controller, dependencies)] as const)
  return signal => runAll(parts, signal)
}

function kindsOf({ watches, reads = [], indexes = [], custom }: Controller): Set<AnyKind> {
  const definitions = custom ? [CustomResourceDefinition as AnyKind] : []
  return new Set([...watches.map(watch => watch.kind), ...reads, ...indexes.map(index => index.kind), ...definitions])
}

/** One controller: wakes keys on changes, reconciles them, and retries those that fail. */
function runController(
  controller: Controller,
  { client, informers, clock, random, log: baseLog, events }: RuntimeDependencies,
): Run {
  const log = baseLog.child({ controller: controller.name })
  const recorder = events.from(controller.source ?? `${controller.name}-controller`)
  const informed = new Map<AnyKind, Informer>([...kindsOf(controller)].map(kind => [kind, informers.of(kind) as Informer]))
  const lister: ListerOf = kind => {
    const informer = informed.get(kind)
    if (!informer) throw new Error(`${controller.name} may not read ${kind.kind}: it did not declare it`)
    return informer.lister as never
  }

  return async signal => {
    // One listener per worker and per key that waits: more than Node takes for a leak.
    setMaxListeners(0, signal)
    const queue = workQueue(clock)
    const wokenBy = wakeReasons()
    const held = heldKeys(informed, clock, signal, key => queue.add(key))

    const wake = (key: string, revision: number) => {
      wokenBy.add(key, revision)
      queue.add(key)
    }

    const work = async (key: string): Promise<void> => {
      if (held.has(key)) return held.runLater(key)
      const reasons = wokenBy.take(key)
      const written: Written[] = []
      const actor = `${controller.name}-controller`
      const restricted = restrictedClient(client.as({ actor, ...(reasons.length > 0 && { wokenBy: reasons }) }), {
        name: controller.name,
        writes: controller.writes,
        writesCustom: controller.custom !== undefined,
        writesSubresources: controller.writesSubresources,
        onWrite: write => void written.push(write),
        knownVersion: (kind, name) => informed.get(kind)?.lister.get(name)?.metadata.resourceVersion,
      })
      let restMs = 0
      let ownLog: Log | undefined
      const context: ReconcileContext = {
        client: restricted,
        lister,
        events: recorder,
        clock,
        random,
        signal,
        get log() {
          ownLog ??= log.child({ key, reconcileId: random.suffix(8) })
          return ownLog
        },
      }
      try {
        const result = await controller.reconcile(context, key)
        queue.forget(key)
        restMs = result?.restMs ?? 0
        if (result?.requeueAfterMs !== undefined) queue.addAfter(key, result.requeueAfterMs)
      } catch (err) {
        if (signal.aborted) return
        for (const revision of reasons) wokenBy.add(key, revision)
        const retryInMs = queue.retry(key)
        if (isReason(err, 'Conflict')) context.log.debug({ err, retryInMs }, 'reconcile met a newer object')
        else context.log.warn({ err, retryInMs }, 'reconcile failed')
      } finally {
        if (written.length > 0 || restMs > 0) held.hold(key, written, restMs)
      }
    }

    await Promise.all([...informed.values()].map(informer => informer.synced(signal)))
    if (signal.aborted) return
    const subscribe = ({ kind, keys }: Watch) => {
      const handle = (changes: readonly Change[]) => {
        for (const change of changes) for (const key of keys(change, lister)) wake(key, change.revision)
      }
      return informed.get(kind)?.subscribe(handle)
    }
    const { custom } = controller
    const following = custom && followCustom({ custom, informers, informed, subscribe })
    if (following) await Promise.race([following.synced(signal), clock.sleep(longestCustomSyncInMs, signal)])
    const unsubscribe = [...controller.watches.map(subscribe), following?.stop]
    const beat = async () => {
      const { periodic } = controller
      while (periodic && !signal.aborted) {
        for (const key of periodic.keys(lister)) queue.add(key)
        await clock.sleep(periodic.everyMs, signal)
      }
    }
    await Promise.all([queue.drain(work, { concurrency: controller.concurrency ?? defaultConcurrency, signal }), beat()])
    for (const stop of unsubscribe) stop?.()
    await held.settled()
  }
}

/** The revisions of the changes that woke each key since its last run. */
function wakeReasons() {
  const reasons = new Map<string, number[]>()
  return {
    add(key: string, revision: number) {
      const revisions = reasons.get(key)
      if (!revisions) reasons.set(key, [revision])
      else if (!revisions.includes(revision)) {
        if (revisions.length === maxWokenBy) revisions.shift()
        revisions.push(revision)
      }
    },
    take(key: string): readonly number[] {
      const revisions = reasons.get(key) ?? []
      reasons.delete(key)
      return revisions
    },
  }
}

/**
 * Keys that must not run yet: their last run wrote what the informers do not show so far, and running on that old picture would do
 * the same work twice; or it asked for a rest. A key that is asked for meanwhile runs as soon as it is let go.
 */
function heldKeys(informed: ReadonlyMap<AnyKind, Informer>, clock: Clock, signal: AbortSignal, run: (key: string) => void) {
  const held = new Map<string, { wanted: boolean; done: Promise<void> }>()

  const seen = (written: readonly Written[], patience: AbortSignal): Promise<unknown> => {
    const newest = new Map<AnyKind, number>()
    const waits: Promise<void>[] = []
    for (const write of written) {
      if ('revision' in write) newest.set(write.kind, Math.max(write.revision, newest.get(write.kind) ?? 0))
      else waits.push(informed.get(write.kind)?.moved(write.key, write.deletedVersion, patience) ?? Promise.resolve())
    }
    for (const [kind, revision] of newest) waits.push(informed.get(kind)?.reached(revision, patience) ?? Promise.resolve())
    return Promise.all(waits)
  }

  return {
    has: (key: string) => held.has(key),
    runLater(key: string) {
      const hold = held.get(key)
      if (hold) hold.wanted = true
    },
    hold(key: string, written: readonly Written[], restMs: number) {
      const patience = new AbortController()
      setMaxListeners(0, patience.signal)
      const giveUp = () => patience.abort()
      const cancel = clock.after(expectationTimeoutInMs, giveUp)
      signal.addEventListener('abort', giveUp, { once: true })
      if (signal.aborted) giveUp()
      const isSeen = seen(written, patience.signal).then(() => {
        cancel()
        signal.removeEventListener('abort', giveUp)
      })
      const done = Promise.all([isSeen, restMs > 0 && clock.sleep(restMs, signal)]).then(() => {
        const hold = held.get(key)
        held.delete(key)
        if (hold?.wanted) run(key)
      })
      held.set(key, { wanted: false, done })
    },
    async settled() {
      await Promise.all([...held.values()].map(hold => hold.done))
    },
  }
}
