import type { Node } from '../../api/core/node.ts'
import type { Pod } from '../../api/core/pod.ts'
import { timestamp } from '../../lib/clock.ts'
import type { KubeletContext } from '../context.ts'
import type { KeptLogs } from '../garbage/kept-logs.ts'
import { isTerminalPhase } from '../pod-types.ts'
import type { Probes } from '../probes/probes.ts'
import { withRestarts } from '../resize/plan.ts'
import type { PodResources } from '../resize/pod-resources.ts'
import type { MirrorPods } from '../static-pods/mirrors.ts'
import type { Verdict } from '../status/pod-status.ts'
import type { StatusWriter } from '../status/status-writer.ts'
import { computePodActions, type PodActions } from '../sync/actions.ts'
import type { CrashBackoff } from '../sync/crash-backoff.ts'
import type { Images } from '../sync/images.ts'
import type { Killer } from '../sync/kill.ts'
import type { SyncPod } from '../sync/sync-pod.ts'
import type { PodVolumes } from '../volumes/volumes.ts'
import { podAdmission } from './admit.ts'
import { podHolds } from './holds.ts'
import { isAnythingAlive, isAnythingRunning } from './pod-runtime.ts'
import type { RuntimeView } from './relist.ts'
import { podReport } from './report.ts'
import { effectiveGrace, type Worker } from './worker.ts'

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
  /** What each pod has of the node. */
  readonly resources: PodResources
  /** The node as the API has it now, when what is known may be old. */
  readonly freshNode: () => Promise<Node | undefined>
  readonly mirrors: Pick<MirrorPods, 'want'>
  /** Whether it is this pod's turn: static pods of one name wait for each other. */
  readonly isNext: (worker: Worker) => boolean
  readonly activePods: () => Pod[]
  readonly evict: (podUid: string, verdict: Verdict, graceInSeconds: number) => Promise<void>
  /** Copies the ends of logs before their containers are removed. */
  readonly keepLogs: KeptLogs['keep']
}

/** One step in the life of one pod; answers in how many milliseconds the next is due at the latest (Infinity: when something happens). */
export interface PodLife {
  step(worker: Worker): Promise<number>
}

export function podLife(options: PodLifeOptions): PodLife {
  const { context, view, statuses, probes, volumes, images, backoff, killer, syncPod, resources } = options
  const { clock, events, runtime: engine } = context
  const report = podReport(options)
  const admit = podAdmission(options)
  const holds = podHolds(context)

  /** Milliseconds until activeDeadlineSeconds is over; judges the pod when it is. */
  const deadlineIn = (worker: Worker): number => {
    const { pod } = worker
    const { activeDeadlineSeconds } = pod.spec
    if (activeDeadlineSeconds === undefined || worker.verdict) return Number.POSITIVE_INFINITY
    const startTime = pod.status.startTime || statuses.get(worker.uid)?.startTime || timestamp(worker.firstSeenAt)
    const left = Date.parse(startTime) + activeDeadlineSeconds * 1000 - clock.now()
    if (left > 0) return left
    const message = 'Pod was active on the node longer than the specified deadline'
    worker.verdict = { reason: 'DeadlineExceeded', message }
    worker.note = { rule: 'kubelet/deadline', text: message, data: { activeDeadlineSeconds } }
    events.record(pod, 'Normal', 'DeadlineExceeded', message)
    return 0
  }

  const sync = async (worker: Worker): Promise<number> => {
    if (!options.isNext(worker)) return Number.POSITIVE_INFINITY
    if (worker.isStatic) options.mirrors.want(worker.pod)
    if (!worker.isAdmitted && !(await admit(worker))) return Number.POSITIVE_INFINITY
    const deadline = deadlineIn(worker)
    const { uid } = worker
    const pod = resources.consider(worker.pod)
    resources.plan(pod, view.get(uid))
    const status = await report(worker)
    if (worker.stage !== 'syncing') return 0
    if (isTerminalPhase(status.phase)) {
      worker.stage = 'terminating'
      worker.isDirty = true
      return 0
    }
    probes.watch(pod, { isTerminal: false })
    refreshVolumes(worker)
    const actions = resizing(pod, holds.free(worker, computePodActions(pod, view.get(uid), probes)))
    worker.hasActed = true
    const outcome = await syncPod(pod, view.get(uid), actions, worker.interrupt.signal)
    worker.hasActed = outcome.hasActed
    holds.learn(worker, outcome)
    if (outcome.hasActed) worker.isDirty = true
    return Math.min(deadline, holds.left(worker))
  }

  const refreshVolumes = ({ uid, pod }: Worker) => {
    if (isAnythingRunning(view.get(uid))) void volumes.refresh(pod)
  }

  /** The actions with what it takes to give running containers the size that their pod has been given. */
  const resizing = (pod: Pod, actions: PodActions): PodActions => {
    if (actions.killPod) return actions
    const isBeingKilled = (name: string) => actions.toKill.some(({ container }) => container.name === name)
    const resize = resources.plan(pod, view.get(pod.metadata.uid), isBeingKilled)
    return resize ? { ...withRestarts(pod, actions, resize), resize } : actions
  }

  const look = async (worker: Worker) => {
    worker.isLooking = true
    try {
      await view.refresh(worker.uid)
      worker.hasActed = false
    } finally {
      worker.isLooking = false
    }
  }

  const terminate = async (worker: Worker): Promise<number> => {
    const { uid, pod } = worker
    probes.watch(pod, { isTerminal: false })
    await report(worker)
    const runtime = view.get(uid)
    if (isAnythingAlive(runtime)) {
      worker.hasActed = true
      await killer.killPod(pod, runtime, effectiveGrace(worker))
    }
    await look(worker)
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
    await Promise.all([volumes.tearDown(worker.uid), resources.release(worker.pod)])
    backoff.forget(`${worker.uid}/`)
    images.forget(worker.uid)
    worker.startErrors.clear()
    worker.stage = 'finished'
    worker.isDirty = true
    for (const tell of worker.onCleared) tell()
    worker.onCleared = []
    return 0
  }

  /** The object goes when its user wanted it gone; what the runtime keeps for `logs` goes with it. */
  const finish = async (worker: Worker): Promise<number> => {
    const { pod, uid } = worker
    if (worker.isGone) {
      const { sandboxes, containers } = view.get(uid)
      const { namespace, name } = pod.metadata
      await options.keepLogs({ namespace, name, uid }, containers)
      for (const sandbox of sandboxes) await engine.removeSandbox(sandbox.id)
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
      if (worker.hasActed) await look(worker)
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
