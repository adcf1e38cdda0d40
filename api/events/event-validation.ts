import { type FieldError, fieldError } from '../field-errors.ts'
import { qualifiedName } from '../names.ts'
import { invalidWhen, unchanged } from '../validation.ts'
import type { EventObject } from './conversion.ts'

/** What the rules of both shapes look into, in core's words: errors name core's fields, whichever shape was sent. */
export interface EventFacts {
  readonly namespace: string
  readonly involvedNamespace: string
  readonly eventTime: string
  readonly controller: string
  readonly instance: string
  readonly action: string
  readonly reason: string
  readonly message: string
}

const most = { instance: 128, action: 128, reason: 128, message: 1024 }

/** Rules that hold for every event (pkg/apis/core/validation/events.go legacyValidateEvent). */
export function validateFacts(facts: EventFacts, controllerField: string): FieldError[] {
  const { namespace, involvedNamespace, eventTime, controller, instance, action, reason, message } = facts
  const wrongPlace = [fieldError.invalid('involvedObject.namespace', involvedNamespace, 'does not match event.namespace')]
  if (eventTime === '') {
    const isRight = involvedNamespace === '' ? namespace === 'default' : involvedNamespace === namespace
    return isRight ? [] : wrongPlace
  }
  const errors = involvedNamespace === '' && namespace !== 'default' && namespace !== 'kube-system' ? wrongPlace : []
  if (controller === '') errors.push(fieldError.required(controllerField))
  errors.push(...invalidWhen(controllerField, controller, qualifiedName(controller)))
  errors.push(...someText('reportingInstance', instance, most.instance), ...someText('action', action, most.action))
  errors.push(...someText('reason', reason, most.reason))
  if (message.length > most.message) errors.push(tooLong('message', most.message))
  return errors
}

const tooLong = (field: string, limit: number) => fieldError.invalid(field, '', `can have at most ${limit} characters`)

function someText(field: string, text: string, limit: number): FieldError[] {
  if (text === '') return [fieldError.required(field)]
  return text.length > limit ? [tooLong(field, limit)] : []
}

/** An event in the newer shape (ValidateEventCreate, ValidateEventUpdate). */
export function validateEvent(event: EventObject, old?: EventObject): FieldError[] {
  const { metadata, regarding, eventTime = '', note = '', action = '', reason = '', type = '' } = event
  const errors = validateFacts(
    {
      namespace: metadata.namespace,
      involvedNamespace: regarding.namespace ?? '',
      eventTime,
      controller: event.reportingController ?? '',
      instance: event.reportingInstance ?? '',
      action,
      reason,
      message: note,
    },
    'reportingController',
  )
  if (old) return [...errors, ...validateChange(event, old)]
  errors.push(...validateSeries(event))
  if (eventTime === '') errors.push(fieldError.required('eventTime'))
  if (type !== 'Normal' && type !== 'Warning') errors.push(fieldError.invalid('type', '', `has invalid value: ${type}`))
  const { component, host } = event.deprecatedSource
  const outdated = {
    firstTimestamp: event.deprecatedFirstTimestamp,
    lastTimestamp: event.deprecatedLastTimestamp,
    count: event.deprecatedCount,
    source: component || host,
  }
  for (const [field, value] of Object.entries(outdated)) {
    if (value) errors.push(fieldError.invalid(field, '', 'needs to be unset'))
  }
  return errors
}

function validateSeries({ series }: EventObject): FieldError[] {
  if (!series) return []
  const errors: FieldError[] = []
  if ((series.count ?? 0) < 2) errors.push(fieldError.invalid('series.count', '', 'should be at least 2'))
  if (!series.lastObservedTime) errors.push(fieldError.required('series.lastObservedTime'))
  return errors
}

/** The fields that never change, by core's names. */
const fixed: Record<string, (event: EventObject) => unknown> = {
  involvedObject: event => event.regarding,
  reason: event => event.reason,
  message: event => event.note,
  source: event => event.deprecatedSource,
  firstTimestamp: event => event.deprecatedFirstTimestamp,
  lastTimestamp: event => event.deprecatedLastTimestamp,
  count: event => event.deprecatedCount,
  type: event => event.type,
  eventTime: event => event.eventTime,
  action: event => event.action,
  related: event => event.related,
  reportingController: event => event.reportingController,
  reportingInstance: event => event.reportingInstance,
}

function validateChange(event: EventObject, old: EventObject): FieldError[] {
  const hasChanged = JSON.stringify(event.series) !== JSON.stringify(old.series)
  const errors = hasChanged ? validateSeries(event) : []
  for (const [field, get] of Object.entries(fixed)) errors.push(...unchanged(field, get(event) ?? null, get(old) ?? null))
  return errors
}
