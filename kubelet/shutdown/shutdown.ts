import type { Pod } from '../../api/core/pod.ts'
import type { EventRecorder } from '../../client/events.ts'
import type { Clock } from '../../lib/clock.ts'
import type { Log } from '../../lib/log.ts'
import type { ShutdownGracePeriod } from '../config.ts'
import { nodeReference } from '../node/reference.ts'
import type { Verdict } from '../status/pod-status.ts'
import { groupByPriority, type ShutdownGroup } from './priority-groups.ts'

/** Who says that the machine is about to go down, or that it is not after all: a signal to the program, logind, a power supply. */
export interface ShutdownSource {
  /** Calls back with every change of mind. Answers how to stop listening. */
  subscribe(onRequest: (isShuttingDown: boolean) => void): () => void
}

/** Ends the pods of a node in an orderly way before the machine goes (pkg/kubelet/nodeshutdown). */
export interface NodeShutdown {
  /** Why no pod may start here now; `undefined`: it may. */
  refusal(): { reason: string; message: string } | undefined
  /** What keeps the node from being Ready. */
  problems(): readonly string[]
  /** Ends all pods; resolves when they have ended or their time is over. Again: the same one. Without a configuration: does nothing. */
  begin(): Promise<void>
  /** The machine stays up: pods may start again. */
  cancel(): void
}

interface Options {
  nodeName: string
  periods: readonly ShutdownGracePeriod[]
  activePods: () => Pod[]
  evict: (podUid: string, verdict: Verdict, graceInSeconds: number) => Promise<void>
  /** Resolves when the volumes of a pod are gone, too. */
  cleared: (podUid: string) => Promise<void>
  events: EventRecorder
  clock: Clock
  log: Log
  /** The node's status is another now. */
  onChange: () => void
}

const message = 'Pod was terminated in response to imminent node shutdown.'

export function nodeShutdown(options: Options): NodeShutdown {
  const { nodeName, periods, activePods, evict, cleared, events, clock, log, onChange } = options
  let isShuttingDown = false
  let current: Promise<void> | undefined

  const end = async (pod: Pod, seconds: number) => {
    const { uid } = pod.metadata
    const grace = Math.min(seconds, pod.spec.terminationGracePeriodSeconds ?? seconds)
    await evict(uid, { reason: 'Terminated', message, disruption: message }, grace)
    await cleared(uid)
  }

  /** The next group waits for this one, but not longer than its share of the time. */
  const endGroup = async ({ pods, seconds, priority }: ShutdownGroup) => {
    if (pods.length === 0) return
    const limit = new AbortController()
    let isOver = false
    const all = Promise.all(pods.map(pod => end(pod, seconds))).then(() => {
      isOver = true
    })
    await Promise.race([all, clock.sleep(seconds * 1000, limit.signal)])
    limit.abort()
    if (!isOver) log.warn({ priority, seconds }, 'not all pods have ended in time')
  }

  const shutDown = async () => {
    isShuttingDown = true
    events.record(nodeReference(nodeName), 'Normal', 'NodeShutdown', 'Shutdown manager detected shutdown event')
    onChange()
    for (const group of groupByPriority(periods, activePods())) if (isShuttingDown) await endGroup(group)
  }

  return {
    refusal: () =>
      isShuttingDown ? { reason: 'NodeShutdown', message: 'Pod was rejected as the node is shutting down.' } : undefined,
    problems: () => (isShuttingDown ? ['node is shutting down'] : []),
    begin() {
      if (periods.length === 0) return Promise.resolve()
      return (current ??= shutDown())
    },
    cancel() {
      if (!isShuttingDown) return
      isShuttingDown = false
      current = undefined
      events.record(nodeReference(nodeName), 'Normal', 'NodeShutdown', 'Shutdown manager detected shutdown cancellation')
      onChange()
    },
  }
}
