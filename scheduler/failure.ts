import { Pod } from '../api/core/pod.ts'
import { ignore } from '../api/errors.ts'
import type { Note } from '../api/journal.ts'
import { keyOf } from '../api/meta.ts'
import type { Client } from '../client/client.ts'
import type { EventRecorder } from '../client/events.ts'
import type { Lister } from '../client/informer.ts'
import { type Clock, timestamp } from '../lib/clock.ts'
import type { Log } from '../lib/log.ts'
import type { Cycle, Diagnosis, PostFiltered, Refusal } from './framework.ts'
import { eventMessage, unschedulableMessage } from './messages.ts'
import type { Nominator } from './nominator.ts'
import { podInfo } from './pod-info.ts'
import type { SchedulingQueue } from './queue.ts'
import type { QueuedPod } from './queued-pod.ts'
import type { SideTasks } from './side-tasks.ts'
import { refusalGroups } from './verdict.ts'
import { whatWouldFit } from './what-would-fit.ts'

interface Dependencies {
  readonly client: Client
  readonly events: EventRecorder
  readonly clock: Clock
  readonly log: Log
  readonly queue: SchedulingQueue
  readonly nominator: Nominator
  readonly pods: Lister<Pod>
  readonly sideTasks: SideTasks
  /** Whether it says in the journal what spoke against which nodes. */
  readonly recordsVerdicts: boolean
}

export interface FailureHandler {
  /** No node takes the pod: it waits until something changes that may help. */
  refused(queued: QueuedPod, cycle: Cycle, diagnosis: Diagnosis, after: PostFiltered): void
  /** The node that was chosen is not to be after all: a plugin refused at the last moment. */
  calledOff(queued: QueuedPod, cycle: Cycle, nodeName: string, refusal: Refusal): void
  /** Something went wrong: it is tried again soon. */
  failed(queued: QueuedPod, err: unknown): void
}

/** Tells user and queue that a pod got no node: an event, the PodScheduled condition when it changes, and back into the queue. */
export function failureHandler(dependencies: Dependencies): FailureHandler {
  const { client, events, clock, log, queue, nominator, pods, sideTasks, recordsVerdicts } = dependencies

  /** The pod as it is now; `undefined` when it is gone, was replaced or has a node after all. */
  const newest = (pod: Pod): Pod | undefined => {
    const now = pods.get(keyOf(pod))
    return now && now.metadata.uid === pod.metadata.uid && !now.spec.nodeName ? now : undefined
  }

  const report = (queued: QueuedPod, reason: string, message: string, note: () => Note, nominatedNode?: string) => {
    const pod = newest(queued.pod.pod)
    if (!pod) {
      queue.done(queued.pod.uid)
      return
    }
    events.record(pod, 'Warning', 'FailedScheduling', eventMessage(message))
    const patch = statusPatch(pod, { reason, message, nominatedNode, now: clock.now() })
    if (!patch) return
    const { name, namespace, resourceVersion } = pod.metadata
    const wokenBy = queued.wokenBy ? [Number(resourceVersion), queued.wokenBy] : [Number(resourceVersion)]
    const noted = recordsVerdicts ? { note: note() } : {}
    sideTasks.start(() =>
      client
        .as({ actor: 'scheduler', wokenBy })
        .patch(Pod, { namespace, name }, 'strategic', patch, { subresource: 'status', ...noted })
        .then(() => {})
        .catch(ignore('NotFound'))
        .catch((err: unknown) => log.warn({ err, pod: queued.pod.key }, 'could not update the condition of a pod')),
    )
  }

  const requeue = (queued: QueuedPod, refusedBy: ReadonlySet<string>, pendingOn?: ReadonlySet<string>) => {
    const pod = newest(queued.pod.pod)
    if (pod) queue.requeue(queued, pod === queued.pod.pod ? queued.pod : podInfo(pod), refusedBy, pendingOn)
    else queue.done(queued.pod.uid)
  }

  const refused: FailureHandler['refused'] = (queued, cycle, diagnosis, { nominatedNode, message, victims }) => {
    if (nominatedNode) nominator.add(queued.pod, nominatedNode)
    else if (nominatedNode === '') nominator.remove(queued.pod.uid)
    const text = unschedulableMessage(diagnosis, message)
    report(
      queued,
      'Unschedulable',
      text,
      () => unschedulableNote(text, cycle, diagnosis, { nominatedNode, victims }),
      nominatedNode,
    )
    requeue(queued, diagnosis.plugins, diagnosis.pending)
  }

  return {
    refused,
    calledOff(queued, cycle, nodeName, refusal) {
      const refusals = new Map([[refusal, [nodeName]]])
      const plugins = new Set([refusal.plugin])
      const pending = refusal.code === 'Pending' ? plugins : undefined
      refused(queued, cycle, { totalNodes: 1, refusals, plugins, ...(pending && { pending }) }, { nominatedNode: '' })
    },
    failed(queued, err) {
      const message = err instanceof Error ? err.message : String(err)
      log.warn({ err, pod: queued.pod.key }, 'scheduling failed')
      nominator.remove(queued.pod.uid)
      report(queued, 'SchedulerError', message, () => ({ rule: 'scheduler/error', text: message }), '')
      requeue(queued, new Set())
    },
  }
}
interface Outcome {
  readonly reason: string
  readonly message: string
  readonly nominatedNode: string | undefined
  readonly now: number
}

/** `undefined`: the pod says so already. The uid keeps it from hitting a later pod of the same name. */
function statusPatch(pod: Pod, { reason, message, nominatedNode, now }: Outcome): object | undefined {
  const old = pod.status.conditions?.find(({ type }) => type === 'PodScheduled')
  const isSame = old?.status === 'False' && old.reason === reason && old.message === message
  const isNominationSame = nominatedNode === undefined || nominatedNode === (pod.status.nominatedNodeName ?? '')
  if (isSame && isNominationSame) return undefined
  const lastTransitionTime = old?.status === 'False' ? old.lastTransitionTime : timestamp(now)
  const condition = {
    type: 'PodScheduled',
    status: 'False',
    observedGeneration: pod.metadata.generation,
    reason,
    message,
    lastProbeTime: null,
    lastTransitionTime,
  }
  return {
    metadata: { uid: pod.metadata.uid },
    status: { conditions: [condition], ...(!isNominationSame && { nominatedNodeName: nominatedNode || null }) },
  }
}

function unschedulableNote(text: string, cycle: Cycle, diagnosis: Diagnosis, { nominatedNode, victims }: PostFiltered): Note {
  const preemption = nominatedNode && victims ? { preemption: { node: nominatedNode, victims: [...victims] } } : {}
  return {
    rule: 'scheduler/unschedulable',
    text,
    data: { nodes: refusalGroups(diagnosis, cycle.snapshot), fits: whatWouldFit(cycle, diagnosis), ...preemption },
  }
}
