import type { Node } from '../../api/core/node.ts'
import type { Pod } from '../../api/core/pod.ts'
import type { NodeRefusal } from '../../api/placement/admit.ts'
import { timestamp } from '../../lib/clock.ts'
import { needsFeatures } from '../admission/node-features.ts'
import { choosePreemptionVictims } from '../admission/preemption.ts'
import type { RuntimeFeatures } from '../runtime/runtime.ts'
import { oneAtATime } from '../volumes/turns.ts'
import type { PodLifeOptions } from './pod-life.ts'
import type { Worker } from './worker.ts'

/** Decides whether a pod may run here, once; a critical one may push others out. One that may not is Failed and finished. */
export type Admit = (worker: Worker) => Promise<boolean>

interface Verdict {
  readonly refusal?: NodeRefusal | undefined
  /** Who has to go before. */
  readonly victims: readonly Pod[]
}

export function podAdmission(options: PodLifeOptions): Admit {
  const { context, statuses, resources } = options
  const { events } = context

  const reject = (worker: Worker, reason: string, message: string) => {
    const { pod } = worker
    events.record(pod, 'Warning', reason, message)
    const { conditions } = pod.status
    statuses.set(
      pod,
      {
        phase: 'Failed',
        reason,
        message: `Pod was rejected: ${message}`,
        startTime: timestamp(worker.firstSeenAt),
        ...(pod.status.qosClass && { qosClass: pod.status.qosClass }),
        ...(pod.metadata.generation !== undefined && { observedGeneration: pod.metadata.generation }),
        ...(conditions && { conditions: conditions.map(condition => ({ ...condition })) }),
      },
      { note: { rule: 'kubelet/admission', text: `refused: ${message}` }, wokenBy: worker.wokenBy },
    )
    worker.stage = 'finished'
    for (const tell of worker.onCleared) tell()
    worker.onCleared = []
  }

  const inTurn = oneAtATime()

  /**
   * Who came first is judged first, however long it takes to read what is known of it: room that is short belongs to those who were here
   * before (pkg/kubelet HandlePodAdditions).
   */
  const admit = async (worker: Worker): Promise<boolean> => {
    const { pod, features, first } = await inTurn('admission', async () => {
      const pod = await resources.recall(worker.pod)
      const features = needsFeatures(pod) ? await context.runtime.features?.() : undefined
      return { pod, features, first: judge(worker, pod, features, context.node()) }
    })
    // Labels may have changed a moment ago.
    const isFinal = first.refusal?.reason !== 'NodeAffinity'
    const { refusal, victims } = isFinal ? first : judge(worker, pod, features, await options.freshNode())
    if (refusal) return turnAway(worker, refusal)
    await Promise.all(victims.map(preempt))
    const failure = await resources.admitted(pod)
    if (!failure) return true
    worker.isAdmitted = false
    return turnAway(worker, failure)
  }

  /** From here on the pod counts, if it may run. */
  const judge = (worker: Worker, pod: Pod, features: RuntimeFeatures | undefined, node: Node | undefined): Verdict => {
    if (!node) throw new Error('this node is not in the API yet')
    const others = options
      .activePods()
      .filter(other => other.metadata.uid !== worker.uid)
      .map(resources.allocated)
    const { allowedUnsafeSysctls } = context.config
    const refusal = resources.refuse({ pod, node, others, pressures: options.pressures(), features, allowedUnsafeSysctls })
    const victims = refusal?.missing ? (choosePreemptionVictims(pod, others, refusal.missing) ?? []) : []
    worker.isAdmitted = !refusal || victims.length > 0
    return worker.isAdmitted ? { victims } : { refusal, victims }
  }

  const turnAway = (worker: Worker, { reason, message }: NodeRefusal): false => {
    reject(worker, reason, message)
    resources.rejected(worker.uid)
    return false
  }

  const preempt = (victim: Pod) => {
    const message = 'Preempted in order to admit critical pod'
    events.record(victim, 'Warning', 'Preempting', message)
    const disruption = 'Pod was preempted by Kubelet to accommodate a critical pod.'
    const grace = victim.spec.terminationGracePeriodSeconds
    return options.evict(victim.metadata.uid, { reason: 'Preempting', message, disruption }, grace)
  }

  return admit
}
