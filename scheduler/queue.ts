import { type Bell, bell } from '../lib/bell.ts'
import type { Clock } from '../lib/clock.ts'
import { type ClusterEvent, isWokenBy, type Plugin } from './framework.ts'
import { type Heap, heap } from './heap.ts'
import { type InFlight, inFlightPods } from './in-flight.ts'
import type { PodInfo } from './pod-info.ts'

/**
 * Pods that want a node. `active` ones are tried next, highest priority first; those in `backoff` (refused) and `errorBackoff`
 * (something went wrong) wait 1 to 10 s; `unschedulable` ones wait for an event that one of the plugins that refused them cares for,
 * five minutes at most; `gated` ones may not even be tried (pkg/scheduler/backend/queue, semantics A1).
 */
export interface SchedulingQueue {
  add(pod: PodInfo): void
  /** The pod itself changed. */
  update(before: PodInfo, after: PodInfo, revision: number): void
  remove(uid: string): void
  /** The next pod to try, which is in flight from now on until `requeue` or `done`. */
  pop(): QueuedPod | undefined
  /** Rings when `pop` may have something new. */
  readonly arrived: Bell
  /**
   * An attempt failed, even if the pod was `done` already. No plugins: by an error, so it is tried again after its backoff
   * whatever happens. Only for pods that still exist.
   */
  requeue(queued: QueuedPod, pod: PodInfo, refusedBy: ReadonlySet<string>): void
  /** The pod has a place; events need no longer be kept for it. */
  done(uid: string): void
  /** Something happened: wakes the pods that were refused by a plugin which cares. */
  moveOn(event: ClusterEvent): void
  /** What gated a pod may have gone. */
  reconsider(uid: string): void
  /** Tries a waiting pod again, whatever refused it. */
  retry(uid: string): void
  readonly counts: Readonly<Record<Place, number>>
  /** Cancels what time would have done. */
  close(): void
}

export type Place = 'active' | 'backoff' | 'errorBackoff' | 'unschedulable' | 'gated' | 'inFlight'

export interface QueuedPod {
  pod: PodInfo
  place: Place
  /** When it was last put into the queue, in milliseconds; and a number that grows with each time. */
  since: number
  sequence: number
  /** How often it was refused, and how often errors came in a row. */
  refusals: number
  errors: number
  attempts: number
  /** The plugins that refused it the last time. */
  refusedBy: ReadonlySet<string>
  /** The plugin that does not let it in. */
  gate: string | undefined
  /** The revision of the write that brought it back into the queue. */
  wokenBy: number
}

export const backoff = { initialInMs: 1000, maxInMs: 10_000 }
/** How long a pod waits for an event before it is tried anyway, and how often that is looked at. */
const patience = { maxInMs: 300_000, checkInMs: 30_000 }

/** No wait before the first attempt, then 1, 2, 4, 8, 10, 10 ... seconds. */
export function backoffInMs(failures: number): number {
  return failures === 0 ? 0 : Math.min(backoff.initialInMs * 2 ** (failures - 1), backoff.maxInMs)
}

export function schedulingQueue({ clock, plugins }: { clock: Clock; plugins: readonly Plugin[] }): SchedulingQueue {
  const known = new Map<string, QueuedPod>()
  const active: Heap<QueuedPod> = heap(isTriedBefore)
  const backingOff: Heap<QueuedPod> = heap(
    (a, b) => readyAt(a) < readyAt(b) || (readyAt(a) === readyAt(b) && a.sequence < b.sequence),
  )
  const failing: Heap<QueuedPod> = heap(
    (a, b) => readyAt(a) < readyAt(b) || (readyAt(a) === readyAt(b) && a.sequence < b.sequence),
  )
  /** The parked, by uid, and again by the plugins that hold them. */
  const parked = new Map<string, QueuedPod>()
  const heldBy = new Map<string, Set<QueuedPod>>(plugins.map(plugin => [plugin.name, new Set()]))
  const inFlight: InFlight = inFlightPods()
  const arrived = bell()
  const pluginNamed = new Map(plugins.map(plugin => [plugin.name, plugin]))
  let sequence = 0
  let cancelErrorTimer = () => {}
  let cancelPatience: (() => void) | undefined

  const stamp = (queued: QueuedPod) => {
    queued.since = clock.now()
    queued.sequence = ++sequence
  }

  const holders = (queued: QueuedPod): Iterable<string> => (queued.gate ? [queued.gate] : queued.refusedBy)
  const park = (queued: QueuedPod, place: 'unschedulable' | 'gated') => {
    queued.place = place
    parked.set(queued.pod.uid, queued)
    for (const name of holders(queued)) heldBy.get(name)?.add(queued)
    if (place === 'unschedulable') cancelPatience ??= clock.after(patience.checkInMs, releaseThePatient)
  }
  const takeOut = (queued: QueuedPod) => {
    if (queued.place === 'active') active.remove(queued)
    else if (queued.place === 'backoff') backingOff.remove(queued)
    else if (queued.place === 'errorBackoff') failing.remove(queued)
    else if (parked.delete(queued.pod.uid)) for (const name of holders(queued)) heldBy.get(name)?.delete(queued)
  }

  /** Puts a pod that is nowhere where it may be tried from: unless a gate is shut, at once or after its backoff. */
  const enqueue = (queued: QueuedPod) => {
    queued.gate = plugins.find(plugin => plugin.preEnqueue?.(queued.pod) !== undefined)?.name
    if (queued.gate) return park(queued, 'gated')
    if (queued.errors > 0) {
      queued.place = 'errorBackoff'
      failing.add(queued)
      armErrorTimer()
    } else if (readyAt(queued) > clock.now()) {
      queued.place = 'backoff'
      backingOff.add(queued)
    } else {
      queued.place = 'active'
      active.add(queued)
    }
    arrived.ring()
  }
  const move = (queued: QueuedPod, revision: number) => {
    takeOut(queued)
    queued.wokenBy = revision
    enqueue(queued)
  }

  /** What has waited long enough becomes active. */
  const release = (waiting: Heap<QueuedPod>) => {
    const now = clock.now()
    for (let first = waiting.peek(); first && readyAt(first) <= now; first = waiting.peek()) {
      waiting.take()
      first.place = 'active'
      active.add(first)
    }
  }
  const armErrorTimer = () => {
    cancelErrorTimer()
    const first = failing.peek()
    if (first) cancelErrorTimer = clock.after(readyAt(first) - clock.now(), () => arrived.ring())
  }
  const releaseThePatient = () => {
    cancelPatience = undefined
    const waiting = [...parked.values()].filter(({ place }) => place === 'unschedulable')
    for (const queued of waiting) if (clock.now() - queued.since > patience.maxInMs) move(queued, 0)
    if (waiting.some(({ place }) => place === 'unschedulable'))
      cancelPatience ??= clock.after(patience.checkInMs, releaseThePatient)
  }

  const isWorthTrying = (queued: QueuedPod, event: ClusterEvent): boolean => {
    if (event.resource === 'self' && event.after?.uid !== queued.pod.uid) return false
    for (const name of holders(queued)) {
      const plugin = pluginNamed.get(name)
      if (plugin && isWokenBy(plugin, queued.pod, event)) return true
    }
    return false
  }

  return {
    arrived,
    add(pod) {
      if (known.has(pod.uid)) return
      const queued = newlyQueued(pod)
      known.set(pod.uid, queued)
      stamp(queued)
      enqueue(queued)
    },
    update(before, after, revision) {
      const queued = known.get(after.uid)
      if (!queued) return this.add(after)
      const event: ClusterEvent = { resource: 'self', action: 'update', before, after, revision }
      if (queued.place === 'inFlight') return inFlight.record(event)
      if (queued.place === 'active' && before.priority !== after.priority) takeOut(queued)
      queued.pod = after
      if (queued.place === 'active') active.add(queued)
      else if (parked.has(after.uid) && isWorthTrying(queued, event)) move(queued, revision)
    },
    remove(uid) {
      const queued = known.get(uid)
      if (!queued) return
      known.delete(uid)
      if (queued.place === 'inFlight') inFlight.done(uid)
      else takeOut(queued)
    },
    pop() {
      release(backingOff)
      release(failing)
      const queued = active.take() ?? backingOff.take()
      if (!queued) {
        armErrorTimer()
        return undefined
      }
      queued.place = 'inFlight'
      queued.attempts++
      inFlight.begin(queued.pod.uid)
      return queued
    },
    requeue(queued, pod, refusedBy) {
      const { uid } = queued.pod
      const missed = inFlight.eventsFor(uid)
      inFlight.done(uid)
      const present = known.get(uid)
      if (present && present !== queued) return
      known.set(uid, queued)
      queued.pod = pod
      queued.refusedBy = refusedBy
      stamp(queued)
      if (refusedBy.size === 0) {
        queued.errors++
        return enqueue(queued)
      }
      queued.errors = 0
      queued.refusals++
      const cause = missed.find(event => isWorthTrying(queued, event))
      if (!cause) return park(queued, 'unschedulable')
      queued.wokenBy = cause.revision
      enqueue(queued)
    },
    done(uid) {
      inFlight.done(uid)
      if (known.get(uid)?.place === 'inFlight') known.delete(uid)
    },
    moveOn(event) {
      inFlight.record(event)
      if (parked.size === 0) return
      const woken = new Set<QueuedPod>()
      for (const plugin of plugins) {
        if (!plugin.wakes?.[event.resource]) continue
        for (const queued of heldBy.get(plugin.name) ?? [])
          if (!woken.has(queued) && isWokenBy(plugin, queued.pod, event)) woken.add(queued)
      }
      for (const queued of woken) move(queued, event.revision)
    },
    reconsider(uid) {
      const queued = known.get(uid)
      if (queued?.place === 'gated') move(queued, queued.wokenBy)
    },
    retry(uid) {
      const queued = known.get(uid)
      if (queued?.place === 'gated' || queued?.place === 'unschedulable') move(queued, queued.wokenBy)
    },
    get counts() {
      const gated = [...parked.values()].filter(({ place }) => place === 'gated').length
      return {
        active: active.size,
        backoff: backingOff.size,
        errorBackoff: failing.size,
        unschedulable: parked.size - gated,
        gated,
        inFlight: inFlight.size,
      }
    },
    close() {
      cancelErrorTimer()
      cancelPatience?.()
      cancelPatience = undefined
    },
  }
}

function newlyQueued(pod: PodInfo): QueuedPod {
  return {
    pod,
    place: 'active',
    since: 0,
    sequence: 0,
    refusals: 0,
    errors: 0,
    attempts: 0,
    refusedBy: new Set(),
    gate: undefined,
    wokenBy: 0,
  }
}

/** Higher priority first, then who has waited longer (plugins/queuesort/priority_sort.go). */
function isTriedBefore(a: QueuedPod, b: QueuedPod): boolean {
  if (a.pod.priority !== b.pod.priority) return a.pod.priority > b.pod.priority
  return a.since !== b.since ? a.since < b.since : a.sequence < b.sequence
}

function readyAt({ since, refusals, errors }: QueuedPod): number {
  return since + backoffInMs(errors > 0 ? errors : refusals)
}
