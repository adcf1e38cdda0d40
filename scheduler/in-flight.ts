import type { ClusterEvent } from './framework.ts'

/**
 * Pods that are being tried, and what has happened since each was taken: an event that comes too late for an attempt and too early
 * for the queue would otherwise be lost, and the pod would wait for nothing (semantics A1).
 */
export interface InFlight {
  begin(uid: string): void
  has(uid: string): boolean
  /** Kept only while somebody is in flight. */
  record(event: ClusterEvent): void
  /** What was recorded since `begin`. */
  eventsFor(uid: string): readonly ClusterEvent[]
  done(uid: string): void
  readonly size: number
  /** How many events are kept. */
  readonly kept: number
}

/** So many events that nobody needs any more are put up with before they are thrown away. */
const slack = 256

export function inFlightPods(): InFlight {
  /** How many events there had been when a pod was taken; the oldest first. */
  const began = new Map<string, number>()
  let events: ClusterEvent[] = []
  let dropped = 0
  const forgetWhatNobodyNeeds = () => {
    const [oldest = dropped + events.length] = began.values()
    if (began.size > 0 && oldest - dropped < slack) return
    events = events.slice(oldest - dropped)
    dropped = oldest
  }
  return {
    begin: uid => void began.set(uid, dropped + events.length),
    has: uid => began.has(uid),
    record(event) {
      if (began.size > 0) events.push(event)
    },
    eventsFor(uid) {
      const start = began.get(uid)
      return start === undefined ? [] : events.slice(start - dropped)
    },
    done(uid) {
      if (began.delete(uid) && events.length > 0) forgetWhatNobodyNeeds()
    },
    get size() {
      return began.size
    },
    get kept() {
      return events.length
    },
  }
}
