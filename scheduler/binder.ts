import type { Note } from '../api/journal.ts'
import type { EventRecorder } from '../client/events.ts'
import type { SchedulerCache } from './cache.ts'
import { type Cycle, isRefusal, type Plugin, type Refusal } from './framework.ts'
import type { SchedulingQueue } from './queue.ts'
import type { QueuedPod } from './queued-pod.ts'
import { withoutPlugins } from './ranking.ts'
import type { Placement } from './search.ts'
import { refusalGroups } from './verdict.ts'
import type { WaitingPods } from './waiting-pods.ts'

/** The plugins of a profile that have to do with binding, each in its order. */
export interface BindingPlugins {
  readonly reserve: readonly Plugin[]
  readonly permit: readonly Plugin[]
  readonly preBind: readonly Plugin[]
  readonly bind: readonly Plugin[]
  readonly postBind: readonly Plugin[]
}

interface Dependencies {
  readonly events: EventRecorder
  readonly cache: SchedulerCache
  readonly queue: SchedulingQueue
  readonly waiting: WaitingPods
  readonly plugins: BindingPlugins
  /** Whether a bind says in the journal what spoke for the node. */
  readonly recordsVerdicts: boolean
  /** The pod has no place after all: something went wrong, or a plugin refused the node it had. */
  readonly onFailure: (queued: QueuedPod, err: unknown) => void
  readonly onRefusal: (queued: QueuedPod, cycle: Cycle, nodeName: string, refusal: Refusal) => void
}

export interface Binder {
  /**
   * The serial half, right after the pod was assumed: what the plugins take for it, and whether they permit it. Answers whether to
   * bind; otherwise everything was given back and the pod is in the queue again.
   */
  prepare(queued: QueuedPod, cycle: Cycle, placement: Placement): boolean
  /** What makes a decision true: the one write per pod, beside the scheduling loop. Never rejects. */
  bind(queued: QueuedPod, cycle: Cycle, placement: Placement, signal: AbortSignal): Promise<void>
}

/** The pod is in the cache already; if the API server does not agree, it leaves it again and is tried anew. */
export function binder({ events, cache, queue, waiting, plugins, recordsVerdicts, onFailure, onRefusal }: Dependencies): Binder {
  const giveBack = (cycle: Cycle, nodeName: string): boolean => {
    release(plugins.reserve, cycle, nodeName)
    return cache.forget(cycle.pod.uid)
  }
  /** Others may have been refused because of the room the pod had; it is no news to the pod itself. */
  const wakeOthers = ({ pod }: Cycle) =>
    queue.moveOn({ resource: 'assignedPod', action: 'delete', before: pod, revision: 0 }, pod.uid)
  const reserveAndPermit = (cycle: Cycle, nodeName: string): Refusal | undefined => {
    for (const plugin of plugins.reserve) {
      const refusal = running('Reserve', plugin, () => plugin.reserve?.(cycle, nodeName))
      if (refusal) return refusal
    }
    const waits = new Map<string, number>()
    for (const plugin of plugins.permit) {
      const permission = running('Permit', plugin, () => plugin.permit?.(cycle, nodeName))
      if (isRefusal(permission)) return permission
      if (permission) waits.set(plugin.name, permission.waitInMs)
    }
    if (waits.size > 0) waiting.begin(cycle.pod.uid, waits)
    return undefined
  }
  const write = async (queued: QueuedPod, cycle: Cycle, placement: Placement, signal: AbortSignal) => {
    const { nodeName } = placement
    for (const plugin of plugins.preBind) {
      const refusal = await plugin.preBind?.(cycle, nodeName, signal).catch(wrapped('PreBind', plugin))
      if (refusal) return refusal
    }
    const read = Number(cycle.pod.pod.metadata.resourceVersion)
    const wokenBy = queued.wokenBy ? [read, queued.wokenBy] : [read]
    const reasons = recordsVerdicts ? { wokenBy, note: bindNote(placement) } : { wokenBy }
    for (const plugin of plugins.bind)
      if ((await plugin.bind?.(cycle, nodeName, reasons).catch(wrapped('Bind', plugin))) !== 'skip') return undefined
    throw new Error('no plugin bound the pod')
  }

  return {
    prepare(queued, cycle, { nodeName }) {
      try {
        const refusal = reserveAndPermit(cycle, nodeName)
        if (!refusal) return true
        giveBack(cycle, nodeName)
        onRefusal(queued, cycle, nodeName, refusal)
      } catch (err) {
        giveBack(cycle, nodeName)
        onFailure(queued, err)
      }
      return false
    },
    async bind(queued, cycle, placement, signal) {
      const { pod } = cycle.pod
      const { nodeName } = placement
      try {
        const refusal = plugins.permit.length > 0 ? await waiting.outcome(cycle.pod.uid) : undefined
        if (!refusal) queue.done(cycle.pod.uid)
        const objection = refusal ?? (await write(queued, cycle, placement, signal))
        if (objection) {
          const hadRoom = giveBack(cycle, nodeName)
          onRefusal(queued, cycle, nodeName, objection)
          if (hadRoom) wakeOthers(cycle)
          return
        }
      } catch (err) {
        if (giveBack(cycle, nodeName)) wakeOthers(cycle)
        return onFailure(queued, err)
      }
      events.record(pod, 'Normal', 'Scheduled', `Successfully assigned ${cycle.pod.key} to ${nodeName}`)
      for (const plugin of plugins.postBind) plugin.postBind?.(cycle, nodeName)
    },
  }
}

/** Gives back, last first, what the plugins reserved. */
function release(plugins: readonly Plugin[], cycle: Cycle, nodeName: string): void {
  for (let i = plugins.length - 1; i >= 0; i--) plugins[i]?.unreserve?.(cycle, nodeName)
}

function running<T>(what: string, plugin: Plugin, work: () => T): T {
  try {
    return work()
  } catch (err) {
    return wrapped(what, plugin)(err)
  }
}

/** Says which plugin an error is of. */
const wrapped =
  (what: string, { name }: Plugin) =>
  (err: unknown): never => {
    throw new Error(`running ${what} plugin "${name}": ${err instanceof Error ? err.message : String(err)}`, { cause: err })
  }

function bindNote({ nodeName, feasible, ranked, refusals }: Placement): Note {
  const [best, second] = ranked
  const text = !best
    ? `${nodeName} was the only node found that takes the pod`
    : `${nodeName} scored ${best.score} of ${feasible} feasible${second ? `; runner-up ${second.nodeName} with ${second.score}` : ''}`
  // Written with every bind: the names of the plugins stand there once.
  const scores = withoutPlugins(ranked)
  const rejected = refusals.size > 0 ? { rejected: refusalGroups(refusals) } : {}
  return {
    rule: 'scheduler/bind',
    text,
    data: { feasible, ...(best?.plugins && { plugins: best.plugins }), scores, ...rejected },
  }
}
