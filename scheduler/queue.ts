import { type Bell, bell } from '../lib/bell.ts'
import type { Clock } from '../lib/clock.ts'
import { type BackoffLimits, backoffEnd, defaultBackoff, isBackingOff, windowInMs, windowOf } from './backoff.ts'
import { type ClusterEvent, isWokenBy, mayOpen, type Plugin } from './framework.ts'
import { type Heap, heap } from './heap.ts'
import { type InFlight, inFlightPods } from './in-flight.ts'
import type { PodInfo } from './pod-info.ts'
import { backsOffBefore, isTriedBefore, newlyQueued, nobody, type Place, type QueuedPod } from './queued-pod.ts'

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
  requeue(queued: QueuedPod, pod: PodInfo, refusedBy: ReadonlySet<string>, pendingOn?: ReadonlySet<string>): void
  /** The pod has a place; events need no longer be kept for it. */
  done(uid: string): void
  /** Something happened: wakes the pods that were refused by a plugin which cares, except the one it is no news to. */
  moveOn(event: ClusterEvent, exceptUid?: string): void
  /** Tries a waiting pod again at once, whatever refused it; one that is being tried comes back after its back-off. */
  activate(uid: string): void
  readonly counts: Readonly<Record<Place, number>>
  /** Cancels what time would have done. */
  close(): void
}

interface Dependencies {
  readonly clock: Clock
  /** All there are, of every profile. */
  readonly plugins: readonly Plugin[]
  /** Those of the profile that a pod asks for; absent: all. */
  readonly pluginsFor?: (pod: PodInfo) => readonly Plugin[]
  readonly backoff?: BackoffLimits
}

/** How long a pod waits for an event before it is tried anyway, and how often that is looked at. */
const patience = { maxInMs: 300_000, checkInMs: 30_000 }

/** What an event means to a waiting pod: nothing, another attempt when its back-off is over, or one at once. */
type Strategy = 'skip' | 'afterBackoff' | 'immediately'

export function schedulingQueue({
  clock,
  plugins,
  pluginsFor = () => plugins,
  backoff = defaultBackoff,
}: Dependencies): SchedulingQueue {
  const known = new Map<string, QueuedPod>()
  const active: Heap<QueuedPod> = heap(isTriedBefore)
  const backingOff: Heap<QueuedPod> = heap(backsOffBefore(backoff))
  const failing: Heap<QueuedPod> = heap(backsOffBefore(backoff))
  /** The parked, by uid, and again by the plugins that hold them. */
  const parked = new Map<string, QueuedPod>()
  const heldBy = new Map<Plugin, Set<QueuedPod>>(plugins.map(plugin => [plugin, new Set()]))
  const inFlight: InFlight = inFlightPods()
  /** In flight, and to be tried again however this attempt ends. */
  const forced = new Set<string>()
  const arrived = bell()
  let sequence = 0
  let cancelErrorTimer = () => {}
  let cancelPatience: (() => void) | undefined

  const stamp = (queued: QueuedPod) => {
    queued.since = clock.now()
    queued.sequence = ++sequence
  }
  /** The plugins that keep a pod from being tried: those that refused it, and its gate. */
  const holders = ({ pod, refusedBy, gate }: QueuedPod) =>
    pluginsFor(pod).filter(({ name }) => name === gate || refusedBy.has(name))
  const gateOf = ({ pod, gate }: QueuedPod) => pluginsFor(pod).find(({ name }) => name === gate)
  const park = (queued: QueuedPod, place: 'unschedulable' | 'gated') => {
    queued.place = place
    parked.set(queued.pod.uid, queued)
    for (const plugin of holders(queued)) heldBy.get(plugin)?.add(queued)
    cancelPatience ??= clock.after(patience.checkInMs, releaseThePatient)
  }
  const takeOut = (queued: QueuedPod) => {
    if (queued.place === 'active') active.remove(queued)
    else if (queued.place === 'backoff') backingOff.remove(queued)
    else if (queued.place === 'errorBackoff') failing.remove(queued)
    else if (parked.delete(queued.pod.uid)) for (const plugin of holders(queued)) heldBy.get(plugin)?.delete(queued)
  }

  const shutGate = ({ pod }: QueuedPod) => pluginsFor(pod).find(plugin => plugin.preEnqueue?.(pod) !== undefined)
  /** Puts a pod that is nowhere where it may be tried from: unless a gate is shut, at once or after its backoff. */
  const enqueue = (queued: QueuedPod, strategy: Strategy = 'afterBackoff') => {
    queued.gate = shutGate(queued)?.name
    if (queued.gate) return park(queued, 'gated')
    const mustWait = strategy === 'afterBackoff' && isBackingOff(queued, clock.now(), backoff)
    if (!mustWait) {
      queued.place = 'active'
      active.add(queued)
    } else if (queued.refusedBy.size > 0) {
      queued.place = 'backoff'
      backingOff.add(queued)
    } else {
      queued.place = 'errorBackoff'
      failing.add(queued)
      armErrorTimer()
    }
    arrived.ring()
  }
  const move = (queued: QueuedPod, revision: number, strategy: Strategy) => {
    takeOut(queued)
    queued.wokenBy = revision
    enqueue(queued, strategy)
  }

  /** What has waited long enough becomes active. */
  const release = (waiting: Heap<QueuedPod>) => {
    const now = clock.now()
    for (let first = waiting.peek(); first && !isBackingOff(first, now, backoff); first = waiting.peek()) {
      waiting.take()
      first.place = 'active'
      active.add(first)
    }
  }
  /** Only errors need one: the refused are taken from their back-off when nobody else is there. */
  const armErrorTimer = () => {
    cancelErrorTimer()
    const first = failing.peek()
    if (!first) return
    const over = (backoffEnd(first, backoff) ?? windowOf(clock.now())) + windowInMs
    cancelErrorTimer = clock.after(over - clock.now(), () => arrived.ring())
  }
  const releaseThePatient = () => {
    cancelPatience = undefined
    for (const queued of [...parked.values()]) {
      const isOpen = queued.place === 'unschedulable' || !shutGate(queued)
      if (isOpen && clock.now() - queued.since > patience.maxInMs) move(queued, 0, 'afterBackoff')
    }
    const isAnybodyWaiting = [...parked.values()].some(({ place, refusedBy }) => place === 'unschedulable' || refusedBy.size > 0)
    if (isAnybodyWaiting) cancelPatience ??= clock.after(patience.checkInMs, releaseThePatient)
  }

  const strategyOf = ({ pendingOn }: QueuedPod, { name }: Plugin): Strategy =>
    pendingOn.has(name) ? 'immediately' : 'afterBackoff'
  const worthOf = (queued: QueuedPod, event: ClusterEvent): Strategy => {
    if (event.resource === 'self' && event.after?.uid !== queued.pod.uid) return 'skip'
    let worth: Strategy = 'skip'
    for (const plugin of holders(queued)) {
      if (worth === strategyOf(queued, plugin) || !isWokenBy(plugin, queued.pod, event)) continue
      worth = strategyOf(queued, plugin)
      if (worth === 'immediately') return worth
    }
    return worth
  }
  /** Whom an event moves, and how; found from the plugins that care rather than from all that wait. */
  const woken = (event: ClusterEvent): Map<QueuedPod, Strategy> => {
    const found = new Map<QueuedPod, Strategy>()
    for (const [plugin, held] of heldBy) {
      if (held.size === 0 || (plugin.wakes && !plugin.wakes[event.resource])) continue
      for (const queued of held) {
        if (found.get(queued) === 'immediately' || found.get(queued) === strategyOf(queued, plugin)) continue
        const gate = queued.gate ? gateOf(queued) : undefined
        if (gate && (!mayOpen(gate, event) || gate.preEnqueue?.(queued.pod) !== undefined)) continue
        if (isWokenBy(plugin, queued.pod, event)) found.set(queued, strategyOf(queued, plugin))
      }
    }
    return found
  }
  /** What the events that came while a pod was being tried mean to it. */
  const worthOfMissed = (queued: QueuedPod, missed: readonly ClusterEvent[]): readonly [Strategy, number] => {
    let best: readonly [Strategy, number] = ['skip', queued.wokenBy]
    for (const event of missed) {
      const worth = worthOf(queued, event)
      if (worth === 'immediately') return [worth, event.revision]
      if (worth === 'afterBackoff' && best[0] === 'skip') best = [worth, event.revision]
      if (best[0] !== 'skip' && queued.pendingOn.size === 0) return best
    }
    return best
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
      const isReordered = before.priority !== after.priority
      const heap = queued.place === 'active' ? active : queued.place === 'backoff' ? backingOff : undefined
      if (isReordered) heap?.remove(queued)
      queued.pod = after
      if (isReordered) heap?.add(queued)
      if (!parked.has(after.uid)) return
      const worth = worthOf(queued, event)
      if (worth !== 'skip') move(queued, revision, worth)
    },
    remove(uid) {
      const queued = known.get(uid)
      if (!queued) return
      known.delete(uid)
      forced.delete(uid)
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
      queued.refusedBy = nobody
      queued.pendingOn = nobody
      inFlight.begin(queued.pod.uid)
      return queued
    },
    requeue(queued, pod, refusedBy, pendingOn = nobody) {
      const { uid } = queued.pod
      const missed = inFlight.eventsFor(uid)
      const isForced = forced.delete(uid)
      inFlight.done(uid)
      const present = known.get(uid)
      if (present && present !== queued) return
      known.set(uid, queued)
      queued.pod = pod
      queued.refusedBy = refusedBy
      queued.pendingOn = pendingOn
      stamp(queued)
      if (refusedBy.size === 0) {
        queued.errors++
        return enqueue(queued)
      }
      queued.errors = 0
      queued.refusals++
      const [worth, revision] = isForced ? (['afterBackoff', 0] as const) : worthOfMissed(queued, missed)
      if (worth === 'skip') return park(queued, 'unschedulable')
      queued.wokenBy = revision
      enqueue(queued, worth)
    },
    done(uid) {
      inFlight.done(uid)
      forced.delete(uid)
      if (known.get(uid)?.place === 'inFlight') known.delete(uid)
    },
    moveOn(event, exceptUid) {
      inFlight.record(event)
      if (parked.size === 0) return
      for (const [queued, strategy] of woken(event)) if (queued.pod.uid !== exceptUid) move(queued, event.revision, strategy)
    },
    activate(uid) {
      const queued = known.get(uid)
      if (!queued || queued.place === 'active') return
      if (queued.place === 'inFlight') forced.add(uid)
      else move(queued, queued.wokenBy, 'immediately')
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
