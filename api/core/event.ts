import { fieldError } from '../field-errors.ts'
import { defineKind, type ObjectOf } from '../kind.ts'
import { microTimestampText, named, requiredText, text, timestampText, whole } from '../schema.ts'
import { eventColumns } from './event-columns.ts'
import { ObjectReference } from './references.ts'

const clusterEventNamespaces = new Set(['default', 'kube-system'])

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
  validate({ metadata, involvedObject }) {
    // Events of cluster-scoped objects live in default, or wherever the reporter likes.
    const namespace = involvedObject.namespace ?? ''
    if (namespace === '' ? clusterEventNamespaces.has(metadata.namespace) : namespace === metadata.namespace) return []
    return [fieldError.invalid('involvedObject.namespace', namespace, 'does not match event.namespace')]
  },
})
export type Event = ObjectOf<typeof Event>
