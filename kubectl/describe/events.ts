import type { Event } from '../../api/core/event.ts'
import { ageOf } from '../../api/duration.ts'
import type { Page } from './page.ts'

/** How long ago, and how often: `3m (x5 over 10m)`. */
export function eventAge({ eventTime, firstTimestamp, lastTimestamp, series, count }: Event, now: number): string {
  const first = ageOf(eventTime ?? firstTimestamp, now)
  if (series) return `${ageOf(series.lastObservedTime, now)} (x${series.count ?? 0} over ${first})`
  return (count ?? 0) > 1 ? `${ageOf(lastTimestamp, now)} (x${count} over ${first})` : first
}

/** When it happened last, for sorting. */
export function eventTimeOf({ series, lastTimestamp, eventTime, firstTimestamp }: Event): number {
  return Date.parse(series?.lastObservedTime ?? lastTimestamp ?? eventTime ?? firstTimestamp ?? '') || 0
}

/** The table at the end of a description, oldest first; nothing when events are not wanted. */
export function events(page: Page, list: readonly Event[] | undefined, now: number): void {
  if (!list) return
  if (list.length === 0) return page.line(0, 'Events:\t<none>')
  page.cut()
  page.line(0, 'Events:')
  page.line(0, '  Type\tReason\tAge\tFrom\tMessage')
  page.line(1, '----\t------\t----\t----\t-------')
  for (const event of [...list].sort((a, b) => eventTimeOf(a) - eventTimeOf(b))) {
    const { type = '', reason = '', source, reportingComponent, message = '' } = event
    const from = source.component || reportingComponent
    page.line(1, [type, reason, eventAge(event, now), from, message.trim()].join('\t'))
  }
}
