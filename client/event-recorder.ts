import { Event } from '../api/core/event.ts'
import { ApiError, isReason } from '../api/errors.ts'
import { type Clock, timestamp } from '../lib/clock.ts'
import type { Log } from '../lib/log.ts'
import type { Run } from '../lib/run.ts'
import { workQueue } from '../lib/work-queue.ts'
import { boundedMap } from './bounded-map.ts'
import type { Client } from './client.ts'
import { eventCorrelator } from './event-correlator.ts'
import type { EventRecorder, EventSubject } from './events.ts'

/** The Events of a process: recorders to tell them to, and the loop that writes them. */
export interface Events {
  /** A recorder for a component (`replicaset-controller`), perhaps on a host (the kubelet's node). */
  from(component: string, host?: string): EventRecorder
  /** Writes what was told. What is told while nobody runs this waits, within bounds. */
  readonly run: Run
}

/** An Event as it should be; `written` says how much of it the API has. */
interface Entry {
  readonly component: string
  readonly host: string
  readonly about: EventSubject
  readonly type: 'Normal' | 'Warning'
  readonly reason: string
  readonly message: string
  readonly name: string
  readonly annotations: Readonly<Record<string, string>> | undefined
  readonly first: number
  last: number
  count: number
  written: number
  failures: number
}

const maxFailures = 12
const remembered = 4096
const writers = 4

/**
 * Events are written later and by others than who tells them, so telling costs next to nothing and never fails. Equal ones are
 * counted up in place, and those told faster than they can be written become one write.
 */
export function createEvents({ client, clock, log }: { client: Client; clock: Clock; log: Log }): Events {
  const entries = boundedMap<string, Entry>(remembered)
  const correlator = eventCorrelator(clock)
  const queue = workQueue(clock, { initialInMs: 1000, maxInMs: 30_000 })
  let sequence = 0

  const record = (
    component: string,
    host: string,
    ...[about, type, reason, text, annotations]: Parameters<EventRecorder['record']>
  ) => {
    const { uid, namespace = '', name } = about.metadata
    const subject = [about.apiVersion, about.kind, namespace, name, uid].join('\n')
    const told = correlator.correlate({ source: `${component}\n${host}`, subject, type, reason, message: text })
    if (!told) return
    const now = clock.now()
    // Limits are those of the object; what is said of its parts is counted apart.
    const key = about.fieldPath ? `${told.key}\n${about.fieldPath}` : told.key
    const known = entries.get(key)
    // Nanoseconds, as upstream names events; the counter keeps those of one millisecond apart.
    const id = (BigInt(Math.trunc(now)) * 1_000_000n + BigInt(sequence++ % 1_000_000)).toString(16)
    const entry: Entry =
      known?.message === told.message
        ? known
        : {
            ...{ component, host, about, type, reason, message: told.message, name: known?.name ?? `${name}.${id}`, annotations },
            ...{ first: known?.first ?? now, last: now, count: known?.count ?? 0, written: known?.written ?? 0, failures: 0 },
          }
    entry.count += 1
    entry.last = now
    entries.set(key, entry)
    queue.add(key)
  }

  const write = async (key: string): Promise<void> => {
    const entry = entries.get(key)
    if (!entry || entry.written === entry.count) return
    const { count } = entry
    try {
      if (entry.written > 0) await countUp(entry)
      else await create(entry)
      entry.written = count
      entry.failures = 0
      queue.forget(key)
    } catch (err) {
      const isRefused = err instanceof ApiError && err.status.code < 500 && err.status.code !== 429
      entry.failures += 1
      if (isRefused || entry.failures > maxFailures) {
        log.debug({ err, reason: entry.reason }, 'event dropped')
        entries.delete(key)
        queue.forget(key)
      } else queue.retry(key)
    }
  }

  const create = async (entry: Entry): Promise<void> => {
    const { about, component, host } = entry
    const { name, namespace = '', uid, resourceVersion } = about.metadata
    await client.as({ actor: component }).create(Event, {
      metadata: {
        name: entry.name,
        namespace: namespace || 'default',
        ...(entry.annotations && { annotations: { ...entry.annotations } }),
      },
      involvedObject: {
        ...{ apiVersion: about.apiVersion, kind: about.kind, namespace, name, uid, resourceVersion },
        ...(about.fieldPath && { fieldPath: about.fieldPath }),
      },
      reason: entry.reason,
      message: entry.message,
      type: entry.type,
      count: entry.count,
      firstTimestamp: timestamp(entry.first),
      lastTimestamp: timestamp(entry.last),
      source: { component, ...(host && { host }) },
      reportingComponent: component,
      reportingInstance: host,
    })
  }

  const countUp = async (entry: Entry): Promise<void> => {
    const { about, component, count, message } = entry
    const ref = { namespace: about.metadata.namespace || 'default', name: entry.name }
    try {
      await client.as({ actor: component }).patch(Event, ref, 'merge', { count, message, lastTimestamp: timestamp(entry.last) })
    } catch (err) {
      // Events expire: one that comes up again after an hour starts a new object.
      if (!isReason(err, 'NotFound')) throw err
      await create(entry)
    }
  }

  return {
    from: (component, host = '') => ({
      record: (...told) => record(component, host, ...told),
    }),
    run: signal => queue.drain(write, { concurrency: writers, signal }),
  }
}

/** For those who have nobody to tell. */
export const noEvents: Pick<Events, 'from'> = { from: () => ({ record: () => {} }) }
