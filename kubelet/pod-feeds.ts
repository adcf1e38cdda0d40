import type { Node } from '../api/core/node.ts'
import type { Pod } from '../api/core/pod.ts'
import type { Change } from '../client/informer.ts'
import { exponentialBackoff } from '../lib/backoff.ts'
import type { Clock } from '../lib/clock.ts'
import type { Log } from '../lib/log.ts'
import { aborted, type Run } from '../lib/run.ts'
import type { KubeletConfig } from './config.ts'
import type { Heartbeat } from './node/heartbeat.ts'
import type { KubeletSources } from './sources.ts'
import { fileSource } from './static-pods/file-source.ts'
import { messageOf } from './sync/sync-error.ts'
import type { PodWorkers } from './workers/pod-workers.ts'
import type { RuntimeView } from './workers/relist.ts'

/** Brings the workers their pods: those of the API, and those of files. */
export interface PodFeeds {
  /** Until it is over. */
  readonly ofApi: Run
  /** Runs whether the API is there or not. */
  readonly ofFiles: Run
  /** Whether there may be pods from files. */
  readonly hasFiles: boolean
  /** Whether all pods have been heard of. */
  hasHeardOfAll(): boolean
  /** The node as it would be registered, where pods from files did not wait for the API. */
  readonly draft: Node | undefined
  /** Tries until it works or the signal aborts. */
  patiently(what: string, work: () => Promise<unknown>, signal: AbortSignal): Promise<void>
}

interface Options {
  readonly nodeName: string
  readonly config: Pick<KubeletConfig, 'staticPodPath' | 'fileCheckEveryMs'>
  readonly sources: KubeletSources
  readonly view: RuntimeView
  readonly workers: () => PodWorkers
  readonly beat: () => Heartbeat
  /** Pods have been heard of that may have been missed until now. */
  readonly onHeard: () => void
  readonly onSeen: (changes: readonly Change<Pod>[]) => void
  readonly clock: Clock
  readonly log: Log
}

export function podFeeds({ nodeName, config, sources, view, workers, beat, onHeard, onSeen, clock, log }: Options): PodFeeds {
  let hasHeardOfApi = false
  let draft: Node | undefined
  const files =
    config.staticPodPath === undefined
      ? undefined
      : fileSource({
          path: config.staticPodPath,
          nodeName,
          everyMs: config.fileCheckEveryMs,
          clock,
          log,
          onChange: changes => workers().feedStatic(changes),
          onSynced: onHeard,
        })

  const patiently: PodFeeds['patiently'] = async (what, work, signal) => {
    const waits = exponentialBackoff({ initialInMs: 200, maxInMs: 7000 })
    while (!signal.aborted)
      try {
        await work()
        return
      } catch (err) {
        log.warn({ err: messageOf(err) }, what)
        await clock.sleep(waits.next(), signal)
      }
  }

  /** Nothing can be decided about a pod before its containers have been seen. */
  const haveSeenRuntime = async (signal: AbortSignal) => {
    if (view.lastSuccessAt !== undefined) return
    await patiently('runtime not there yet', view.refresh, signal)
    beat().poke()
  }

  return {
    patiently,
    hasFiles: files !== undefined,
    hasHeardOfAll: () => hasHeardOfApi && (files?.isSynced ?? true),
    get draft() {
      return draft
    },
    async ofApi(signal) {
      await haveSeenRuntime(signal)
      if (signal.aborted) return
      const unsubscribe = sources.pods.subscribe(changes => {
        workers().feed(changes.every(({ type }) => type === 'added') ? changes.toSorted(byAge) : changes)
        onSeen(changes)
      })
      hasHeardOfApi = true
      onHeard()
      await aborted(signal)
      unsubscribe()
    },
    async ofFiles(signal) {
      if (!files) return
      await haveSeenRuntime(signal)
      await patiently('own node not known', async () => (draft = await beat().draft()), signal)
      if (!signal.aborted) await files.run(signal)
    },
  }
}

/** Oldest first. */
function byAge(a: Change<Pod>, b: Change<Pod>): number {
  return a.object.metadata.creationTimestamp < b.object.metadata.creationTimestamp ? -1 : 1
}
