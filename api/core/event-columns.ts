import { column, wide } from '../columns.ts'
import { ageOf, humanDuration } from '../duration.ts'
import type { Column } from '../kind.ts'

interface EventObject {
  readonly metadata: { readonly name: string }
  readonly involvedObject: { readonly kind?: string; readonly name?: string; readonly fieldPath?: string }
  readonly reason?: string
  readonly message?: string
  readonly type?: string
  readonly source: { readonly component?: string; readonly host?: string }
  readonly reportingComponent: string
  readonly reportingInstance: string
  readonly firstTimestamp?: string
  readonly lastTimestamp?: string
  readonly eventTime?: string
  readonly count?: number
  readonly series?: { readonly count?: number; readonly lastObservedTime?: string }
}

/** How `get events` sees events (pkg/printers/internalversion/printers.go printEvent). */
export const eventColumns: Column<EventObject>[] = [
  column('Last Seen', 'How long ago it happened last.', lastSeen),
  column('Type', 'Normal or Warning.', ({ type }) => type ?? ''),
  column('Reason', 'What happened, in one word.', ({ reason }) => reason ?? ''),
  column('Object', 'What it happened to.', objectOf),
  wide('Subobject', 'The part it happened to.', ({ involvedObject }) => involvedObject.fieldPath ?? ''),
  wide('Source', 'Who says so.', sourceOf),
  column('Message', 'What happened, for people.', ({ message }) => (message ?? '').trim()),
  wide('First Seen', 'How long ago it happened first.', firstSeen),
  wide('Count', 'How often it happened.', event => event.series?.count ?? event.count ?? 1),
  wide('Name', 'Name of the event.', ({ metadata }) => metadata.name),
]

function firstSeen({ firstTimestamp, eventTime }: EventObject, now: number): string {
  return firstTimestamp ? ageOf(firstTimestamp, now) : ageOf(eventTime, now)
}

function lastSeen(event: EventObject, now: number): string {
  const { series, lastTimestamp } = event
  if (series?.lastObservedTime) return humanDuration(now - Date.parse(series.lastObservedTime))
  return lastTimestamp ? ageOf(lastTimestamp, now) : firstSeen(event, now)
}

function objectOf({ involvedObject: { kind = '', name = '' } }: EventObject): string {
  return name ? `${kind.toLowerCase()}/${name}` : kind.toLowerCase()
}

function sourceOf({ source, reportingComponent, reportingInstance }: EventObject): string {
  const component = source.component || reportingComponent
  const host = source.host || reportingInstance
  return host ? `${component}, ${host}` : component
}
