import type { Event as CoreEvent } from '../core/event.ts'
import type { ObjectReference } from '../core/references.ts'

/** An event as events.k8s.io has it. */
export interface EventObject {
  readonly apiVersion: string
  readonly kind: string
  readonly metadata: CoreEvent['metadata']
  readonly eventTime?: string | undefined
  readonly series?: { readonly count?: number | undefined; readonly lastObservedTime?: string | undefined } | undefined
  readonly reportingController?: string | undefined
  readonly reportingInstance?: string | undefined
  readonly action?: string | undefined
  readonly reason?: string | undefined
  readonly regarding: ObjectReference
  readonly related?: ObjectReference | undefined
  readonly note?: string | undefined
  readonly type?: string | undefined
  readonly deprecatedSource: { readonly component?: string | undefined; readonly host?: string | undefined }
  readonly deprecatedFirstTimestamp?: string | undefined
  readonly deprecatedLastTimestamp?: string | undefined
  readonly deprecatedCount?: number | undefined
}

/** The same event as core has it: the same facts under other names (pkg/apis/events/v1/conversion.go). */
export function toCore(event: EventObject): object {
  const { metadata, eventTime, series, action, reason, related, type } = event
  return compact({
    apiVersion: 'v1',
    kind: 'Event',
    metadata,
    involvedObject: event.regarding,
    reason,
    message: event.note,
    source: event.deprecatedSource,
    firstTimestamp: event.deprecatedFirstTimestamp,
    lastTimestamp: event.deprecatedLastTimestamp,
    count: event.deprecatedCount,
    type,
    eventTime,
    series,
    action,
    related,
    reportingComponent: event.reportingController ?? '',
    reportingInstance: event.reportingInstance ?? '',
  })
}

/** The other way round. */
export function fromCore(event: CoreEvent): object {
  const { metadata, eventTime, series, action, reason, related, type } = event
  return compact({
    apiVersion: 'events.k8s.io/v1',
    kind: 'Event',
    metadata,
    eventTime,
    series,
    reportingController: event.reportingComponent || undefined,
    reportingInstance: event.reportingInstance || undefined,
    action,
    reason,
    regarding: event.involvedObject,
    related,
    note: event.message,
    type,
    deprecatedSource: event.source,
    deprecatedFirstTimestamp: event.firstTimestamp,
    deprecatedLastTimestamp: event.lastTimestamp,
    deprecatedCount: event.count,
  })
}

/** Without what is undefined. */
const compact = (object: Record<string, unknown>): object =>
  Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined))
