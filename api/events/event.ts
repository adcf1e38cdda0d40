import { Event as CoreEvent, EventSource } from '../core/event.ts'
import { ObjectReference } from '../core/references.ts'
import { type Column, defineKind, type ObjectOf } from '../kind.ts'
import { microTimestampText, named, text, timestampText, whole } from '../schema.ts'
import { type EventObject, fromCore, toCore } from './conversion.ts'
import { validateEvent } from './event-validation.ts'

/** The columns of core's events, seen through the conversion. */
const columns: Column<EventObject>[] = CoreEvent.columns.map(({ value, ...column }) => ({
  ...column,
  value: (event, now) => value(toCore(event) as CoreEvent, now),
}))

/** Something that happened to an object, in the newer shape. What is kept is core's. */
export const Event = defineKind({
  group: 'events.k8s.io',
  version: 'v1',
  kind: 'Event',
  plural: 'events',
  shortNames: ['ev'],
  namespaced: true,
  description: 'Something that happened to an object; kept for a while.',
  wire: 'metadata eventTime series reportingController reportingInstance action reason regarding related note type deprecatedSource deprecatedFirstTimestamp deprecatedLastTimestamp deprecatedCount',
  fields: () => ({
    eventTime: microTimestampText().optional().describe('When it happened first.'),
    series: named(
      'events/v1.EventSeries',
      'Repetitions.',
      () => ({
        count: whole('How often it happened.'),
        lastObservedTime: microTimestampText().optional().describe('When it happened last.'),
      }),
      { wire: 'count lastObservedTime' },
    )
      .optional()
      .describe('Repetitions.'),
    reportingController: text('Who says so: `kubernetes.io/kubelet`.'),
    reportingInstance: text('Which instance of it.'),
    action: text('What was done or attempted.'),
    reason: text('What happened, in one word.'),
    regarding: ObjectReference.prefault({}).describe('What it happened to.'),
    related: ObjectReference.optional().describe('What else is concerned.'),
    note: text('What happened, for people.'),
    type: text('Normal or Warning.'),
    deprecatedSource: EventSource.prefault({}).describe('Who says so; older reporters.'),
    deprecatedFirstTimestamp: timestampText().optional().describe('When it happened first; older reporters.'),
    deprecatedLastTimestamp: timestampText().optional().describe('When it happened last; older reporters.'),
    deprecatedCount: whole('How often it happened; older reporters.'),
  }),
  columns,
  rowName: false,
  allowCreateOnUpdate: true,
  selectableFields: {
    'regarding.kind': ({ regarding }) => regarding.kind ?? '',
    'regarding.namespace': ({ regarding }) => regarding.namespace ?? '',
    'regarding.name': ({ regarding }) => regarding.name ?? '',
    'regarding.uid': ({ regarding }) => regarding.uid ?? '',
    'regarding.apiVersion': ({ regarding }) => regarding.apiVersion ?? '',
    'regarding.resourceVersion': ({ regarding }) => regarding.resourceVersion ?? '',
    'regarding.fieldPath': ({ regarding }) => regarding.fieldPath ?? '',
    reason: ({ reason }) => reason ?? '',
    reportingController: ({ reportingController }) => reportingController ?? '',
    type: ({ type }) => type ?? '',
  },
  validate: validateEvent,
  storedAs: { kind: CoreEvent, toStored: toCore, fromStored: object => fromCore(object as CoreEvent), hasOwnRules: true },
})
export type Event = ObjectOf<typeof Event>
