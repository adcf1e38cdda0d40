import { containersOf } from '../pod-types.ts'
import { computePodStatus } from '../status/pod-status.ts'
import { terminationMessage } from '../sync/termination-message.ts'
import type { PodLifeOptions } from './pod-life.ts'
import type { Worker } from './worker.ts'

/** Puts down how a pod is, and answers it. Waits for nothing but last words. */
export type Report = (worker: Worker, options?: { isTerminal?: boolean }) => Promise<ReturnType<typeof computePodStatus>>

export function podReport({ context, view, statuses, probes, resources }: PodLifeOptions): Report {
  const { clock, runtime: engine } = context
  return async (worker, { isTerminal = false } = {}) => {
    const { pod, uid } = worker
    const runtime = view.get(uid)
    const containersInPod = containersOf(pod.spec).length
    for (const container of runtime.containers)
      if (container.state === 'exited' && !worker.messages.has(container.id))
        worker.messages.set(container.id, await terminationMessage(engine, container, containersInPod))
    if (worker.messages.size > runtime.containers.length)
      for (const id of worker.messages.keys()) if (!runtime.containers.some(one => one.id === id)) worker.messages.delete(id)
    const status = computePodStatus({
      pod: resources.allocated(pod),
      previous: statuses.get(uid) ?? pod.status,
      runtime,
      runtimeName: engine.name,
      nodeIps: context.nodeIps,
      startErrors: worker.startErrors,
      probes,
      terminationMessages: worker.messages,
      now: clock.now(),
      firstSeenAt: worker.firstSeenAt,
      verdict: worker.verdict,
      resizeConditions: resources.conditions(uid),
      actualResources: instance => resources.actual(uid, instance),
      resourceHealth: name => resources.health(uid, name),
      isTerminal,
    })
    if (!worker.isGone) statuses.set(pod, status, { note: worker.note, wokenBy: worker.wokenBy, couldRun: !isTerminal })
    worker.note = undefined
    return status
  }
}
