import { Pod } from '../api/core/pod.ts'
import type { Note } from '../api/journal.ts'
import type { Client } from '../client/client.ts'
import type { EventRecorder } from '../client/events.ts'
import type { SchedulerCache } from './cache.ts'
import type { Cycle, Plugin } from './framework.ts'
import type { QueuedPod, SchedulingQueue } from './queue.ts'
import type { Placement } from './search.ts'

interface Dependencies {
  readonly client: Client
  readonly events: EventRecorder
  readonly cache: SchedulerCache
  readonly queue: SchedulingQueue
  readonly plugins: readonly Plugin[]
  /** The pod has no place after all. */
  readonly onFailure: (queued: QueuedPod, err: unknown) => void
}

/** What makes a decision true: the one write per pod, beside the scheduling loop. Never rejects. */
export type Bind = (queued: QueuedPod, cycle: Cycle, placement: Placement, signal: AbortSignal) => Promise<void>

/** The pod is in the cache already; if the API server does not agree, it leaves it again and is tried anew. */
export function binder({ client, events, cache, queue, plugins, onFailure }: Dependencies): Bind {
  const preBinding = plugins.filter(plugin => plugin.preBind)

  return async (queued, cycle, placement, signal) => {
    const { pod } = cycle.pod
    const { name, namespace, uid, resourceVersion } = pod.metadata
    const { nodeName } = placement
    queue.done(uid)
    try {
      for (const plugin of preBinding) await plugin.preBind?.(cycle, nodeName, signal)
      const wokenBy = queued.wokenBy ? [Number(resourceVersion), queued.wokenBy] : [Number(resourceVersion)]
      const body = {
        apiVersion: 'v1',
        kind: 'Binding',
        metadata: { name, namespace, uid },
        target: { apiVersion: 'v1', kind: 'Node', name: nodeName },
      }
      await client
        .as({ actor: 'scheduler', wokenBy })
        .createSubresource(Pod, { namespace, name }, 'binding', body, { note: bindNote(placement) })
      events.record(pod, 'Normal', 'Scheduled', `Successfully assigned ${namespace}/${name} to ${nodeName}`)
    } catch (err) {
      release(plugins, cycle, nodeName)
      if (cache.forget(uid)) queue.moveOn({ resource: 'assignedPod', action: 'delete', before: cycle.pod, revision: 0 })
      onFailure(queued, err)
    }
  }
}

/** Gives back, last first, what the plugins reserved. */
export function release(plugins: readonly Plugin[], cycle: Cycle, nodeName: string): void {
  for (let i = plugins.length - 1; i >= 0; i--) plugins[i]?.unreserve?.(cycle, nodeName)
}

/** How many node names a note gives of those that said the same. */
export const namesInNote = 5

function bindNote({ nodeName, feasible, ranked, refusals }: Placement): Note {
  const [best, second] = ranked
  const text = !best
    ? `${nodeName} was the only node found that takes the pod`
    : `${nodeName} scored ${best.score} of ${feasible} feasible${second ? `; runner-up ${second.nodeName} with ${second.score}` : ''}`
  return {
    rule: 'scheduler/bind',
    text,
    data: { feasible, scores: ranked, ...(refusals.size > 0 && { rejected: tally(refusals) }) },
  }
}

function tally(refusals: Placement['refusals']) {
  return [...refusals].map(([{ plugin, reasons }, nodes]) => ({
    count: nodes.length,
    nodes: nodes.slice(0, namesInNote),
    reason: reasons.join(', '),
    plugin,
  }))
}
