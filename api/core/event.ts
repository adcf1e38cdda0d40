import { validateFacts } from '../events/event-validation.ts'
import { defineKind, type ObjectOf } from '../kind.ts'
import { int32, microTimestampText, named, requiredText, text, timestampText, whole } from '../schema.ts'
import { eventColumns } from './event-columns.ts'
import { ObjectReference } from './references.ts'

/** Who says that something happened. */
export const EventSource = named(
  'core/v1.EventSource',
  'Who says so.',
  () => ({ component: text('The component.'), host: text('The node it runs on.') }),
  { wire: 'component host' },
)

/** Something that happened to an object. */
export const Event = defineKind({
  group: '',
  version: 'v1',
  kind: 'Event',
  plural: 'events',
  shortNames: ['ev'],
  namespaced: true,
  tracksManagers: 'onceApplied',
  description: 'Something that happened to an object; kept for a while.',
  wire: `
      metadata involvedObject reason message source firstTimestamp lastTimestamp count type eventTime series
      action related reportingComponent reportingInstance`,
  fields: () => ({
    involvedObject: ObjectReference.prefault({}).describe('What it happened to.'),
    reason: text('What happened, in one word.'),
    message: text('What happened, for people.'),
    source: EventSource.prefault({}).describe('Who says so.'),
    firstTimestamp: timestampText().optional().describe('When it happened first.'),
    lastTimestamp: timestampText().optional().describe('When it happened last.'),
    count: whole('How often it happened.'),
    type: text('Normal or Warning.'),
    eventTime: microTimestampText().optional().describe('When it happened first; newer reporters.'),
    series: named(
      'core/v1.EventSeries',
      'Repetitions.',
      () => ({
        count: int32().default(0).describe('How often it happened.'),
        lastObservedTime: microTimestampText().optional().describe('When it happened last.'),
      }),
      { wire: 'count lastObservedTime' },
    )
      .optional()
      .describe('Repetitions; newer reporters.'),
    action: text('What was done or attempted.'),
    related: ObjectReference.optional().describe('What else is concerned.'),
    reportingComponent: requiredText('Who says so; newer reporters.'),
    reportingInstance: requiredText('Which instance of it.'),
  }),
  columns: eventColumns,
  rowName: false,
  allowCreateOnUpdate: true,
  selectableFields: {
    'involvedObject.kind': ({ involvedObject }) => involvedObject.kind ?? '',
    'involvedObject.namespace': ({ involvedObject }) => involvedObject.namespace ?? '',
    'involvedObject.name': ({ involvedObject }) => involvedObject.name ?? '',
    'involvedObject.uid': ({ involvedObject }) => involvedObject.uid ?? '',
    'involvedObject.apiVersion': ({ involvedObject }) => involvedObject.apiVersion ?? '',
    'involvedObject.resourceVersion': ({ involvedObject }) => involvedObject.resourceVersion ?? '',
    'involvedObject.fieldPath': ({ involvedObject }) => involvedObject.fieldPath ?? '',
    reason: ({ reason }) => reason ?? '',
    reportingComponent: ({ reportingComponent }) => reportingComponent,
    source: ({ source, reportingComponent }) => source.component || reportingComponent,
    type: ({ type }) => type ?? '',
  },
  validate: ({ metadata, involvedObject, eventTime = '', message = '', action = '', reason = '', ...reporting }) =>
    validateFacts(
      {
        namespace: metadata.namespace,
        involvedNamespace: involvedObject.namespace ?? '',
        eventTime,
        controller: reporting.reportingComponent,
        instance: reporting.reportingInstance,
        action,
        reason,
        message,
      },
      'reportingComponent',
    ),
})
export type Event = ObjectOf<typeof Event>
