import { defineKind, type ObjectOf } from '../kind.ts'
import { microTimestampText, named, requiredText, text, timestampText, whole } from '../schema.ts'
import { ObjectReference } from './references.ts'

/** Something that happened to an object. */
export const Event = defineKind({
  group: '',
  version: 'v1',
  kind: 'Event',
  plural: 'events',
  shortNames: ['ev'],
  namespaced: true,
  description: 'Something that happened to an object; kept for a while.',
  fields: {
    involvedObject: ObjectReference.prefault({}).describe('What it happened to.'),
    reason: text('What happened, in one word.'),
    message: text('What happened, for people.'),
    source: named('core/v1.EventSource', 'Who says so.', {
      component: text('The component.'),
      host: text('The node it runs on.'),
    })
      .prefault({})
      .describe('Who says so.'),
    firstTimestamp: timestampText().optional().describe('When it happened first.'),
    lastTimestamp: timestampText().optional().describe('When it happened last.'),
    count: whole('How often it happened.'),
    type: text('Normal or Warning.'),
    eventTime: microTimestampText().optional().describe('When it happened first; newer reporters.'),
    series: named('core/v1.EventSeries', 'Repetitions.', {
      count: whole('How often it happened.'),
      lastObservedTime: microTimestampText().optional().describe('When it happened last.'),
    })
      .optional()
      .describe('Repetitions; newer reporters.'),
    action: text('What was done or attempted.'),
    related: ObjectReference.optional().describe('What else is concerned.'),
    reportingComponent: requiredText('Who says so; newer reporters.'),
    reportingInstance: requiredText('Which instance of it.'),
  },
})
export type Event = ObjectOf<typeof Event>
