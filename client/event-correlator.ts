import type { Clock } from '../lib/clock.ts'
import { boundedMap } from './bounded-map.ts'

/** What is told about an object, before it becomes an Event. */
export interface Report {
  /** Who tells: component and host. */
  readonly source: string
  /** What about: the identity of the object. */
  readonly subject: string
  readonly type: 'Normal' | 'Warning'
  readonly reason: string
  readonly message: string
}

/** Decides under which key a report is counted, and with which message it is shown; `undefined`: it is dropped. */
export interface EventCorrelator {
  correlate(report: Report): { key: string; message: string } | undefined
}

/** The limits of k8s.io/client-go/tools/record/events_cache.go. */
const remembered = 4096
const burst = 25
const refillInMs = 300_000
const maxDistinctMessages = 10
const similarWithinMs = 600_000

/**
 * Keeps a chatty component from flooding the API: one source may tell 25 things about an object and one more every five minutes,
 * and from the tenth different message for the same reason on, they are counted as one.
 */
export function eventCorrelator(clock: Clock): EventCorrelator {
  const buckets = boundedMap<string, { tokens: number; at: number }>(remembered)
  const similar = boundedMap<string, { messages: Set<string>; at: number }>(remembered)

  const mayTell = (key: string): boolean => {
    const now = clock.now()
    const bucket = buckets.get(key) ?? { tokens: burst, at: now }
    bucket.tokens = Math.min(burst, bucket.tokens + (now - bucket.at) / refillInMs)
    bucket.at = now
    buckets.set(key, bucket)
    if (bucket.tokens < 1) return false
    bucket.tokens -= 1
    return true
  }

  const isOneOfMany = (key: string, message: string): boolean => {
    const now = clock.now()
    const known = similar.get(key)
    const group = known && now - known.at <= similarWithinMs ? known : { messages: new Set<string>(), at: now }
    group.at = now
    group.messages.add(message)
    similar.set(key, group)
    if (group.messages.size < maxDistinctMessages) return false
    const [any] = group.messages
    if (any !== undefined) group.messages.delete(any)
    return true
  }

  return {
    correlate({ source, subject, type, reason, message }) {
      const key = [source, subject, type, reason].join('\n')
      const isCombined = isOneOfMany(key, message)
      if (!mayTell(`${source}\n${subject}`)) return undefined
      if (isCombined) return { key, message: `(combined from similar events): ${message}` }
      return { key: `${key}\n${message}`, message }
    },
  }
}
