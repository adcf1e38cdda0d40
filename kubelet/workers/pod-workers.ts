import type { Pod } from '../../api/core/pod.ts'
import type { Note } from '../../api/journal.ts'
import type { Change } from '../../client/informer.ts'
import { deepEqual } from '../../lib/json.ts'
import { isTerminalPhase } from '../pod-types.ts'
import type { Verdict } from '../status/pod-status.ts'
import { messageOf } from '../sync/sync-error.ts'
import { isAnythingRunning } from './pod-runtime.ts'
import type { PodLife, PodLifeOptions } from './pod-life.ts'
import { podLife } from './pod-life.ts'
import { effectiveGrace, jittered, newWorker, type Worker } from './worker.ts'

/** Looks after every pod of the node: one step of one pod at a time, all pods side by side. */
export interface PodWorkers {
  /** Changes of the API. */
  feed(changes: readonly Change<Pod>[]): void
  /** These pods' containers changed, or a probe's result did. */
  wake(podUid: string, note?: Note): void
  /** Ends a pod on the kubelet's own account; resolves when its containers have stopped. */
  evict(podUid: string, verdict: Verdict, graceInSeconds: number): Promise<void>
  /** Admitted and not finished. */
  activePods(): Pod[]
  find(namespace: string, name: string): Pod | undefined
  has(podUid: string): boolean
  readonly size: number
  readonly hasActive: boolean
  /** Wakes pods that are due for another look. */
  tick(now: number): void
  /** Resolves when no step is under way any more. */
  stopped(): Promise<void>
}

export function podWorkers(options: Omit<PodLifeOptions, 'activePods' | 'evict'> & { signal: AbortSignal }): PodWorkers {
  const { context, view, killer, signal } = options
  const { clock, log, random, config } = context
  const workers = new Map<string, Worker>()
  const running = new Set<Promise<void>>()

  const activePods = () => {
    const active: Pod[] = []
    for (const worker of workers.values())
      if (worker.isAdmitted && worker.stage !== 'finished' && worker.stage !== 'terminated') active.push(worker.pod)
    return active
  }
  const evict: PodWorkers['evict'] = (podUid, verdict, graceInSeconds) => {
    const worker = workers.get(podUid)
    if (!worker || worker.stage === 'terminated' || worker.stage === 'finished') return Promise.resolve()
    worker.verdict ??= verdict
    worker.graceOverride = graceInSeconds
    worker.note = { rule: 'kubelet/evicted', text: verdict.message }
    shortenGrace(worker)
    const ended = new Promise<void>(resolve => worker.onEnded.push(resolve))
    terminate(worker)
    return ended
  }
  const life: PodLife = podLife({ ...options, activePods, evict })

  const wake = (worker: Worker) => {
    worker.isDirty = true
    if (worker.isBusy || signal.aborted) return
    worker.isBusy = true
    const done: Promise<void> = run(worker).finally(() => running.delete(done))
    running.add(done)
  }

  const run = async (worker: Worker) => {
    let delay = 0
    while (worker.isDirty && !signal.aborted) {
      worker.isDirty = false
      worker.cancelTimer()
      if (worker.interrupt.signal.aborted) worker.interrupt = new AbortController()
      try {
        delay = await life.step(worker)
      } catch (err) {
        if (signal.aborted) break
        log.warn({ err: messageOf(err), pod: worker.pod.metadata.name, stage: worker.stage }, 'pod step failed')
        delay = jittered(config.retryEveryMs, random)
      }
    }
    worker.isBusy = false
    if (worker.stage === 'finished' && worker.isGone && !signal.aborted) return void workers.delete(worker.uid)
    worker.nextSyncAt = clock.now() + jittered(config.syncEveryMs, random)
    if (Number.isFinite(delay) && !signal.aborted) worker.cancelTimer = clock.after(delay, () => wake(worker))
  }

  /** Leaves syncing for good, and whatever a step may be waiting for. */
  const terminate = (worker: Worker) => {
    if (worker.stage === 'syncing') worker.stage = 'terminating'
    worker.interrupt.abort()
    wake(worker)
  }

  const update = (pod: Pod, revision: number) => {
    const { uid } = pod.metadata
    let worker = workers.get(uid)
    const isNew = worker === undefined
    if (!worker) {
      worker = newWorker(pod, clock.now())
      workers.set(uid, worker)
      if (isTerminalPhase(pod.status.phase)) worker.stage = isAnythingRunning(view.get(uid)) ? 'terminating' : 'terminated'
    }
    const before = worker.pod
    worker.pod = pod
    if (!isNew && isOnlyStatus(before, pod)) return
    worker.wokenBy = [revision]
    if (pod.metadata.deletionTimestamp) {
      shortenGrace(worker)
      return worker.stage === 'syncing' ? terminate(worker) : wake(worker)
    }
    worker.startErrors.forEach(error => {
      error.until = 0
    })
    worker.heldUntil = 0
    worker.refreshedAt = 0
    wake(worker)
  }

  /** A later update may only make it quicker. */
  const shortenGrace = (worker: Worker) => {
    const grace = effectiveGrace(worker)
    if (worker.graceInUse === undefined || grace >= worker.graceInUse) return
    worker.graceInUse = grace
    killer
      .killPod(worker.pod, view.get(worker.uid), grace)
      .catch((err: unknown) => log.warn({ err: messageOf(err) }, 'kill failed'))
  }

  return {
    feed(changes) {
      for (const { type, object, revision } of changes) {
        if (type !== 'deleted') {
          update(object, revision)
          continue
        }
        const worker = workers.get(object.metadata.uid)
        if (!worker) continue
        worker.isGone = true
        worker.pod = object
        shortenGrace(worker)
        terminate(worker)
      }
    },
    wake(podUid, note) {
      const worker = workers.get(podUid)
      if (!worker) return
      if (note) worker.note = note
      wake(worker)
    },
    evict,
    activePods,
    find(namespace, name) {
      for (const { pod, isGone } of workers.values())
        if (!isGone && pod.metadata.name === name && pod.metadata.namespace === namespace) return pod
      return undefined
    },
    has: podUid => workers.has(podUid),
    get size() {
      return workers.size
    },
    get hasActive() {
      for (const { stage } of workers.values()) if (stage !== 'finished') return true
      return false
    },
    tick(now) {
      for (const worker of workers.values()) if (worker.stage !== 'finished' && now >= worker.nextSyncAt) wake(worker)
    },
    async stopped() {
      for (const worker of workers.values()) {
        worker.cancelTimer()
        worker.interrupt.abort()
      }
      await Promise.all(running)
    },
  }
}

/** Our own status writes come back as changes; there is nothing to do about them, except when others' conditions changed. */
function isOnlyStatus(before: Pod, after: Pod): boolean {
  if (before.metadata.deletionTimestamp !== after.metadata.deletionTimestamp) return false
  if (before.metadata.deletionGracePeriodSeconds !== after.metadata.deletionGracePeriodSeconds) return false
  if (!deepEqual(before.spec, after.spec)) return false
  if (!deepEqual(before.metadata.labels, after.metadata.labels)) return false
  if (!deepEqual(before.metadata.annotations, after.metadata.annotations)) return false
  const gates = new Set(after.spec.readinessGates?.map(gate => gate.conditionType))
  if (gates.size === 0) return true
  const statuses = (pod: Pod) => pod.status.conditions?.filter(one => gates.has(one.type)).map(one => one.type + one.status)
  return deepEqual(statuses(before), statuses(after))
}
