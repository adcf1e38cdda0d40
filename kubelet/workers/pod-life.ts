import type { Pod } from '../../api/core/pod.ts'
import { timestamp } from '../../lib/clock.ts'
import { refusePod } from '../admission/admission.ts'
import { choosePreemptionVictims } from '../admission/preemption.ts'
import type { KubeletContext } from '../context.ts'
import { containersOf, isTerminalPhase } from '../pod-types.ts'
import type { Probes } from '../probes/probes.ts'
import { computePodStatus, type Verdict } from '../status/pod-status.ts'
import type { StatusWriter } from '../status/status-writer.ts'
import { computePodActions, type PodActions } from '../sync/actions.ts'
import type { CrashBackoff } from '../sync/crash-backoff.ts'
import type { Images } from '../sync/images.ts'
import type { Killer } from '../sync/kill.ts'
import type { SyncOutcome, SyncPod } from '../sync/sync-pod.ts'
import { terminationMessage } from '../sync/termination-message.ts'
import type { PodVolumes } from '../volumes/volumes.ts'
import { isAnythingRunning } from './pod-runtime.ts'
import type { RuntimeView } from './relist.ts'
import { effectiveGrace, jittered, type Worker } from './worker.ts'

export interface PodLifeOptions {
  readonly context: KubeletContext
  readonly view: RuntimeView
  readonly statuses: StatusWriter
  readonly probes: Probes
  readonly volumes: PodVolumes
  readonly images: Images
  readonly backoff: CrashBackoff
  readonly killer: Killer
  readonly syncPod: SyncPod
  /** Pressure conditions that are True. */
  readonly pressures: () => readonly string[]
  readonly activePods: () => Pod[]
  readonly evict: (podUid: string, verdict: Verdict, graceInSeconds: number) => Promise<void>
}

/** One step in the life of one pod; answers in how many milliseconds the next is due at the latest (Infinity: when something happens). */
export interface PodLife {
  step(worker: Worker): Promise<number>
}

/** Written on a pod's files at the latest so long after an object it mounts has changed. */
const refreshEveryMs = 55_000

export function podLife(options: PodLifeOptions): PodLife {
  const { context, view, statuses, probes, volumes, images, backoff, killer, syncPod } = options
  const { clock, events, config, random, runtime: engine } = context

  /** Puts down how the pod is. Waits for nothing but last words. */
  const report = async (worker: Worker, { isTerminal = false } = {}) => {
    const { pod, uid } = worker
    const runtime = view.get(uid)
    const containersInPod = containersOf(pod.spec).length
    for (const container of runtime.containers)
      if (container.state === 'exited' && !worker.messages.has(container.id))
        worker.messages.set(container.id, await terminationMessage(engine, container, containersInPod))
    if (worker.messages.size > runtime.containers.length)
      for (const id of worker.messages.keys()) if (!runtime.containers.some(one => one.id === id)) worker.messages.delete(id)
    const status = computePodStatus({
      pod,
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
      isTerminal,
    })
    if (!worker.isGone) statuses.set(pod, status, { note: worker.note, wokenBy: worker.wokenBy })
    worker.note = undefined
    return status
  }

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
        ...(conditions && { conditions: conditions.map(condition => ({ ...condition })) }),
      },
      { note: { rule: 'kubelet/admission', text: `refused: ${message}` }, wokenBy: worker.wokenBy },
    )
    worker.stage = 'finished'
  }

  /** Whether the pod may run here. A critical one may push others out. */
  const admit = async (worker: Worker): Promise<boolean> => {
    const node = context.node()
    if (!node) throw new Error('this node is not in the API yet')
    const { pod } = worker
    const others = options.activePods().filter(other => other.metadata.uid !== worker.uid)
    const refusal = refusePod({ pod, node, others, pressures: options.pressures() })
    if (!refusal) {
      worker.isAdmitted = true
      return true
    }
    const victims = refusal.missing && choosePreemptionVictims(pod, others, refusal.missing)
    if (!victims || victims.length === 0) {
      reject(worker, refusal.reason, refusal.message)
      return false
    }
    worker.isAdmitted = true
    await Promise.all(
      victims.map(victim => {
        const message = 'Preempted in order to admit critical pod'
        events.record(victim, 'Warning', 'Preempting', message)
        const disruption = 'Pod was preempted by Kubelet to accommodate a critical pod.'
        const grace = victim.spec.terminationGracePeriodSeconds
        return options.evict(victim.metadata.uid, { reason: 'Preempting', message, disruption }, grace)
      }),
    )
    return true
  }

  /** Milliseconds until activeDeadlineSeconds is over; judges the pod when it is. */
  const deadlineIn = (worker: Worker): number => {
    const { pod } = worker
    const { activeDeadlineSeconds } = pod.spec
    if (activeDeadlineSeconds === undefined || worker.verdict) return Number.POSITIVE_INFINITY
    const startTime = pod.status.startTime || timestamp(worker.firstSeenAt)
    const left = Date.parse(startTime) + activeDeadlineSeconds * 1000 - clock.now()
    if (left > 0) return left
    const message = 'Pod was active on the node longer than the specified deadline'
    worker.verdict = { reason: 'DeadlineExceeded', message }
    worker.note = { rule: 'kubelet/deadline', text: message, data: { activeDeadlineSeconds } }
    events.record(pod, 'Normal', 'DeadlineExceeded', message)
    return 0
  }

  const sync = async (worker: Worker): Promise<number> => {
    if (!worker.isAdmitted && !(await admit(worker))) return Number.POSITIVE_INFINITY
    const deadline = deadlineIn(worker)
    const { pod, uid } = worker
    const status = await report(worker)
    if (worker.stage !== 'syncing') return 0
    if (isTerminalPhase(status.phase)) {
      worker.stage = 'terminating'
      worker.isDirty = true
      return 0
    }
    probes.watch(pod, { isTerminal: false })
    refreshVolumes(worker)
    const actions = withoutHeld(worker, computePodActions(pod, view.get(uid), probes))
    worker.hasActed = true
    const outcome = await syncPod(pod, view.get(uid), actions, worker.interrupt.signal)
    worker.hasActed = outcome.hasActed
    learn(worker, outcome)
    if (outcome.hasActed) worker.isDirty = true
    return Math.min(deadline, heldFor(worker))
  }

  const refreshVolumes = (worker: Worker) => {
    const { pod, refreshedAt } = worker
    if (clock.now() - refreshedAt < refreshEveryMs || !isAnythingRunning(view.get(worker.uid))) return
    worker.refreshedAt = clock.now()
    void volumes.refresh(pod)
  }

  /** Leaves alone what failed a moment ago. */
  const withoutHeld = (worker: Worker, actions: PodActions): PodActions => {
    const now = clock.now()
    const isFree = (name: string) => (worker.startErrors.get(name)?.until ?? 0) <= now
    const isHeld = worker.heldUntil > now
    const free = (names: string[]) => (isHeld ? [] : names.filter(isFree))
    const left = {
      ...actions,
      initToStart: free(actions.initToStart),
      ephemeralToStart: free(actions.ephemeralToStart),
      appsToStart: free(actions.appsToStart),
    }
    const startsNothing = left.initToStart.length + left.ephemeralToStart.length + left.appsToStart.length === 0
    // A new sandbox that nothing would run in yet can wait as well.
    return actions.createSandbox && startsNothing ? { ...left, createSandbox: false, killPod: false } : left
  }

  /** Keeps what went wrong, for the status and for when to try again. */
  const learn = (worker: Worker, { started, errors, failure }: SyncOutcome) => {
    for (const name of started) worker.startErrors.delete(name)
    const later = () => jittered(config.retryEveryMs, random)
    for (const [name, { reason, message, retryInMs }] of errors)
      worker.startErrors.set(name, { reason, message, until: clock.now() + (retryInMs ?? later()) })
    if (failure) {
      worker.heldUntil = clock.now() + (failure.retryInMs ?? later())
      worker.note = { rule: 'kubelet/not-started', text: `${failure.reason}: ${failure.message}` }
      if (!worker.interrupt.signal.aborted)
        context.log.info({ pod: worker.pod.metadata.name, reason: failure.message }, 'pod not started')
    }
    const texts = started.map(name => `started container ${name}`)
    for (const [name, { reason, message }] of errors) texts.push(`container ${name}: ${reason}: ${message}`)
    if (texts.length > 0)
      worker.note = { rule: started.length > 0 ? 'kubelet/started' : 'kubelet/back-off', text: texts.join('; ') }
  }

  const heldFor = (worker: Worker): number => {
    const now = clock.now()
    const ends = [worker.heldUntil, ...[...worker.startErrors.values()].map(error => error.until)].filter(until => until > now)
    return ends.length === 0 ? Number.POSITIVE_INFINITY : Math.min(...ends) - now
  }

  const terminate = async (worker: Worker): Promise<number> => {
    const { uid, pod } = worker
    probes.watch(pod, { isTerminal: false })
    await report(worker)
    const runtime = view.get(uid)
    if (isAnythingRunning(runtime) || runtime.sandboxes.some(sandbox => sandbox.state === 'ready')) {
      worker.hasActed = true
      const grace = effectiveGrace(worker)
      worker.graceInUse = grace
      await killer.killPod(pod, runtime, grace)
    }
    await view.refresh()
    worker.hasActed = false
    if (isAnythingRunning(view.get(uid))) throw new Error('containers are still running after they were stopped')
    probes.stop(uid)
    await report(worker, { isTerminal: true })
    worker.stage = 'terminated'
    worker.isDirty = true
    for (const tell of worker.onEnded) tell()
    worker.onEnded = []
    return 0
  }

  const cleanUp = async (worker: Worker): Promise<number> => {
    await volumes.tearDown(worker.uid)
    backoff.forget(`${worker.uid}/`)
    images.forget(worker.uid)
    worker.startErrors.clear()
    worker.stage = 'finished'
    worker.isDirty = true
    return 0
  }

  /** The object goes when its user wanted it gone; what the runtime keeps for `logs` goes with it. */
  const finish = async (worker: Worker): Promise<number> => {
    const { pod, uid } = worker
    if (worker.isGone) {
      for (const sandbox of view.get(uid).sandboxes) await engine.removeSandbox(sandbox.id)
      statuses.forget(uid)
    } else if (pod.metadata.deletionTimestamp && !worker.hasAskedRemoval) {
      worker.hasAskedRemoval = true
      statuses.remove(pod)
    }
    return Number.POSITIVE_INFINITY
  }

  return {
    async step(worker) {
      // What was seen before the last action says nothing about what it has led to.
      if (worker.hasActed) {
        await view.refresh()
        worker.hasActed = false
      }
      switch (worker.stage) {
        case 'syncing':
          return sync(worker)
        case 'terminating':
          return terminate(worker)
        case 'terminated':
          return cleanUp(worker)
        case 'finished':
          return finish(worker)
      }
    },
  }
}
