import type { Pod } from '../../api/core/pod.ts'
import type { Note } from '../../api/journal.ts'
import type { Change } from '../../client/informer.ts'
import { deepEqual } from '../../lib/json.ts'
import { isMirrorPod, isTerminalPhase, sourceAnnotations } from '../pod-types.ts'
import { fullName, type MirrorPods } from '../static-pods/mirrors.ts'
import type { Verdict } from '../status/pod-status.ts'
import { messageOf } from '../sync/sync-error.ts'
import type { PodLife, PodLifeOptions } from './pod-life.ts'
import { podLife } from './pod-life.ts'
import { isAnythingAlive } from './pod-runtime.ts'
import { effectiveGrace, jittered, newWorker, type Worker } from './worker.ts'

/** Looks after every pod of the node: one step of one pod at a time, all pods side by side. */
export interface PodWorkers {
  /** Changes of the API, mirror pods among them. */
  feed(changes: readonly Change<Pod>[]): void
  /** Changes of the pods in this node's own files. */
  feedStatic(changes: readonly Change<Pod>[]): void
  /** This pod has to be looked at. */
  wake(podUid: string, note?: Note): void
  /** A relist found this pod's containers changed. */
  changed(podUid: string): void
  /** Ends a pod on the kubelet's own account; resolves when its containers have stopped. */
  evict(podUid: string, verdict: Verdict, graceInSeconds: number): Promise<void>
  /** Admitted and not finished. */
  activePods(): Pod[]
  /** Those, and those that are still to be admitted. */
  expectedPods(): Pod[]
  /** By its name, and its uid if given: a static pod answers to that of its mirror as well. */
  find(namespace: string, name: string, uid?: string): Pod | undefined
  /** Whether a static pod of that full name is here, or about to end. */
  hasStatic(name: string): boolean
  /** Resolves when nothing is left of a pod on this node but its object. */
  cleared(podUid: string): Promise<void>
  has(podUid: string): boolean
  /** Whether a step is at its containers, after which it has them relisted. */
  isChanging(podUid: string): boolean
  /** Whether all that it ran has ended for good. */
  hasEnded(podUid: string): boolean
  readonly size: number
  readonly hasActive: boolean
  /** Wakes pods that are due for another look. */
  tick(now: number): void
  /** Resolves when no step is under way any more. */
  stopped(): Promise<void>
}

interface Options extends Omit<PodLifeOptions, 'activePods' | 'evict' | 'isNext'> {
  signal: AbortSignal
  mirrors: MirrorPods
}

/** Made once: the one that `abort` makes for itself writes down where it came from, for each of many thousand pods. */
const interrupted = new Error('the pod takes another course')

export function podWorkers(options: Options): PodWorkers {
  const { context, view, killer, statuses, mirrors, signal } = options
  const { clock, log, random, config } = context
  const workers = new Map<string, Worker>()
  const running = new Set<Promise<void>>()

  const podsOf = (isMeant: (worker: Worker) => boolean) => {
    const pods: Pod[] = []
    for (const worker of workers.values())
      if (worker.stage !== 'finished' && worker.stage !== 'terminated' && isMeant(worker)) pods.push(worker.pod)
    return pods
  }
  const activePods = () => podsOf(worker => worker.isAdmitted)
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
  /** Static pods of one name run one after the other, in the order they came in. */
  const isNext = (worker: Worker): boolean => {
    if (!worker.isStatic) return true
    for (const other of workers.values()) {
      if (other === worker) return true
      if (other.isStatic && other.stage !== 'finished' && fullName(other.pod) === fullName(worker.pod)) return false
    }
    return true
  }
  const life: PodLife = podLife({ ...options, activePods, evict, isNext })

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
    if (worker.stage === 'finished' && worker.isGone && !signal.aborted) return leave(worker)
    worker.nextSyncAt = clock.now() + jittered(config.syncEveryMs, random)
    if (Number.isFinite(delay) && !signal.aborted) worker.cancelTimer = clock.after(delay, () => wake(worker))
  }

  /** Nothing is left of it; who waited for that comes in. */
  const leave = (worker: Worker) => {
    workers.delete(worker.uid)
    if (worker.isStatic) mirrors.unwant(worker.pod)
    if (worker.next) succeed(worker.next)
    if (!worker.isStatic) return
    const name = fullName(worker.pod)
    for (const other of workers.values()) if (other.isStatic && fullName(other.pod) === name) wake(other)
  }

  /** What was seen of the one before says nothing about this one. */
  const succeed = (pod: Pod) => {
    const worker = newWorker(pod, clock.now())
    worker.hasActed = true
    workers.set(worker.uid, worker)
    if (pod.metadata.deletionTimestamp) terminate(worker)
    else wake(worker)
  }

  /** Leaves syncing for good, and whatever a step may be waiting for. */
  const terminate = (worker: Worker) => {
    if (worker.stage === 'syncing') worker.stage = 'terminating'
    worker.interrupt.abort(interrupted)
    wake(worker)
  }

  const update = (pod: Pod, revision: number) => {
    const { uid } = pod.metadata
    let worker = workers.get(uid)
    const isNew = worker === undefined
    if (worker?.isGone) {
      worker.next = pod
      return
    }
    if (!worker) {
      worker = newWorker(pod, clock.now())
      workers.set(uid, worker)
      if (isTerminalPhase(pod.status.phase)) worker.stage = isAnythingAlive(view.get(uid)) ? 'terminating' : 'terminated'
    }
    const before = worker.pod
    worker.pod = pod
    if (!isNew && isOnlyStatus(before, pod)) {
      // Somebody else has declared it over, which is final.
      if (isTerminalPhase(pod.status.phase) && !isTerminalPhase(before.status.phase) && worker.stage === 'syncing')
        terminate(worker)
      return statuses.seen(pod)
    }
    worker.wokenBy = revision === 0 ? [] : [revision]
    if (pod.metadata.deletionTimestamp) {
      shortenGrace(worker)
      return worker.stage === 'syncing' ? terminate(worker) : wake(worker)
    }
    worker.startErrors.forEach(error => {
      error.until = 0
    })
    worker.heldUntil = 0
    wake(worker)
  }

  /** What is being ended already, for whatever reason, may only become quicker. */
  const shortenGrace = (worker: Worker) => killer.hasten(view.get(worker.uid), effectiveGrace(worker))

  const remove = (pod: Pod) => {
    const worker = workers.get(pod.metadata.uid)
    if (!worker) return
    worker.next = undefined
    worker.isGone = true
    worker.pod = pod
    shortenGrace(worker)
    terminate(worker)
  }

  return {
    feed(changes) {
      for (const change of oldestFirst(changes)) {
        const { type, object, revision } = change
        if (isMirrorPod(object)) mirrors.told(change)
        else if (type === 'deleted') remove(object)
        else update(fromApi(object), revision)
      }
    },
    feedStatic(changes) {
      for (const { type, object } of changes) {
        if (type === 'deleted') remove(object)
        else update(object, 0)
      }
    },
    wake(podUid, note) {
      const worker = workers.get(podUid)
      if (!worker) return
      if (note) worker.note = note
      wake(worker)
    },
    changed(podUid) {
      const worker = workers.get(podUid)
      if (worker && !worker.isLooking) wake(worker)
    },
    evict,
    activePods,
    expectedPods: () => podsOf(() => true),
    find(namespace, name, uid = '') {
      for (const { pod, isGone, isStatic } of workers.values()) {
        if (isGone || pod.metadata.name !== name || pod.metadata.namespace !== namespace) continue
        if (uid === '' || pod.metadata.uid === uid || (isStatic && mirrors.uidOf(pod) === uid)) return pod
      }
      return undefined
    },
    hasStatic(name) {
      for (const { pod, isStatic, isGone, stage } of workers.values()) {
        const isLeaving = isGone && (stage === 'terminated' || stage === 'finished')
        if (isStatic && !isLeaving && fullName(pod) === name) return true
      }
      return false
    },
    cleared(podUid) {
      const worker = workers.get(podUid)
      if (!worker || worker.stage === 'finished') return Promise.resolve()
      return new Promise(resolve => worker.onCleared.push(resolve))
    },
    has: podUid => workers.has(podUid),
    isChanging(podUid) {
      const worker = workers.get(podUid)
      return worker !== undefined && worker.isBusy && worker.hasActed && !worker.isLooking
    },
    hasEnded(podUid) {
      const stage = workers.get(podUid)?.stage
      return stage === 'terminated' || stage === 'finished'
    },
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
        worker.interrupt.abort(interrupted)
      }
      await Promise.all(running)
    },
  }
}

/** Pods that come in together are admitted in the order of their making. */
function oldestFirst(changes: readonly Change<Pod>[]): readonly Change<Pod>[] {
  if (changes.length < 2 || changes.some(({ type }) => type !== 'added')) return changes
  const madeAt = ({ object }: Change<Pod>) => object.metadata.creationTimestamp
  return [...changes].sort((a, b) => (madeAt(a) < madeAt(b) ? -1 : madeAt(a) > madeAt(b) ? 1 : 0))
}

/** A pod of the API is that, whatever its annotations claim. */
function fromApi(pod: Pod): Pod {
  const source = pod.metadata.annotations?.[sourceAnnotations.source]
  if (source === undefined || source === 'api') return pod
  const annotations = { ...pod.metadata.annotations, [sourceAnnotations.source]: 'api' }
  return { ...pod, metadata: { ...pod.metadata, annotations } }
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
