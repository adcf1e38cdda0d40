import type { ClusterEvent } from './framework.ts'

/**
 * Pods that are being tried, and what has happened since each was taken: an event that comes too late for an attempt and too early
 * for the queue would otherwise be lost, and the pod would wait for nothing (semantics A1).
 */
export interface InFlight {
  begin(uid: string): void
  /** Kept only while somebody is in flight. */
  record(event: ClusterEvent): void
  /** What was recorded since `begin`. */
  eventsFor(uid: string): readonly ClusterEvent[]
  done(uid: string): void
  readonly size: number
}

export function inFlightPods(): InFlight {
  /** How many events there had been when a pod was taken. */
  const began = new Map<string, number>()
  let events: ClusterEvent[] = []
  let dropped = 0
  return {
    begin: uid => void began.set(uid, dropped + events.length),
    record(event) {
      if (began.size > 0) events.push(event)
    },
    eventsFor(uid) {
      const start = began.get(uid)
      return start === undefined ? [] : events.slice(start - dropped)
    },
    done(uid) {
      if (!began.delete(uid) || began.size > 0) return
      dropped += events.length
      events = []
    },
    get size() {
      return began.size
    },
  }
}
