import type { Node } from '../../api/core/node.ts'
import type { Pod } from '../../api/core/pod.ts'
import { timestamp } from '../../lib/clock.ts'
import { needsFeatures } from '../admission/node-features.ts'
import { choosePreemptionVictims } from '../admission/preemption.ts'
import type { PodLifeOptions } from './pod-life.ts'
import type { Worker } from './worker.ts'

/** Decides whether a pod may run here, once; a critical one may push others out. One that may not is Failed and finished. */
export type Admit = (worker: Worker) => Promise<boolean>

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

  const admit = async (worker: Worker): Promise<boolean> => {
    const pod = await resources.recall(worker.pod)
    const features = needsFeatures(pod) ? await context.runtime.features?.() : undefined
    const { allowedUnsafeSysctls } = context.config
    const ask = (node: Node | undefined) => {
      if (!node) throw new Error('this node is not in the API yet')
      const others = options
        .activePods()
        .filter(other => other.metadata.uid !== worker.uid)
        .map(resources.allocated)
      const input = { pod, node, others, pressures: options.pressures(), features, allowedUnsafeSysctls }
      return { refusal: resources.refuse(input), others }
    }
    let { refusal, others } = ask(context.node())
    // Labels may have changed a moment ago.
    if (refusal?.reason === 'NodeAffinity') ({ refusal, others } = ask(await options.freshNode()))
    const victims = refusal?.missing && choosePreemptionVictims(pod, others, refusal.missing)
    if (refusal && (!victims || victims.length === 0)) return turnAway(worker, refusal)
    worker.isAdmitted = true
    await Promise.all((victims ?? []).map(preempt))
    const failure = await resources.admitted(pod)
    if (failure) {
      worker.isAdmitted = false
      return turnAway(worker, failure)
    }
    return true
  }

  const turnAway = (worker: Worker, { reason, message }: { reason: string; message: string }): false => {
    resources.rejected(worker.uid)
    reject(worker, reason, message)
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
