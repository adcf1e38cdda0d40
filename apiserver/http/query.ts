import { ApiError } from '../../api/errors.ts'
import { type FieldError, fieldError, invalidObject } from '../../api/field-errors.ts'
import type { ContainerLogOptions, ExecOptions } from '../../api/node-agent.ts'
import type { CallOptions, DeletionPropagation, FieldValidation } from '../../api/transport.ts'

/** Go's reading of a query parameter: everything but `false` and `0` is true (apimachinery/pkg/runtime/converter.go). */
export function isTrue(value: string | null): boolean {
  return value !== null && value.toLowerCase() !== 'false' && value !== '0'
}

function wholeNumber(text: string): number {
  if (!/^[+-]?\d+$/.test(text)) {
    throw new ApiError('BadRequest', `strconv.ParseInt: parsing ${JSON.stringify(text)}: invalid syntax`)
  }
  return Number(text)
}

const optionsKinds = { create: 'CreateOptions', update: 'UpdateOptions', patch: 'PatchOptions', delete: 'DeleteOptions' } as const

function invalidOptions(kind: string, errors: readonly FieldError[]): ApiError {
  return invalidObject({ group: 'meta.k8s.io', kind }, '', errors)
}

/** The options of a request, from its query; what is unknown is passed over, what cannot be read is a 400 or 422. */
export function callOptions(query: URLSearchParams, verb: keyof typeof optionsKinds | 'read'): CallOptions {
  const options: CallOptions = {}
  const kind = verb === 'read' ? 'ListOptions' : optionsKinds[verb]
  const seen = new Set<string>()
  for (const [key, value] of query) {
    const read = Object.hasOwn(readers, key) ? readers[key] : undefined
    // Of what is said twice the first counts; but nothing that is said about a rehearsal may be wrong.
    if (!read || (seen.has(key) && key !== 'dryRun')) continue
    seen.add(key)
    if (value !== '' || key === 'labelSelector' || key === 'fieldSelector') read(options, value, kind)
  }
  return options
}

type Reader = (options: CallOptions, value: string, kind: string) => void

const readers: Record<string, Reader> = {
  labelSelector: (options, value) => void (options.labelSelector = value),
  fieldSelector: (options, value) => void (options.fieldSelector = value),
  limit: (options, value) => void (options.limit = wholeNumber(value)),
  continue: (options, value) => void (options.continue = value),
  resourceVersion: (options, value) => void (options.resourceVersion = value),
  resourceVersionMatch: (options, value) => void (options.resourceVersionMatch = value as 'Exact'),
  timeoutSeconds: (options, value) => void (options.timeoutSeconds = wholeNumber(value)),
  allowWatchBookmarks: (options, value) => void (options.allowWatchBookmarks = isTrue(value)),
  sendInitialEvents: (options, value) => void (options.sendInitialEvents = isTrue(value)),
  dryRun: (options, value, kind) => void (options.dryRun = dryRun([value], kind)),
  fieldManager(options, value, kind) {
    const errors = kind in managed ? fieldManagerErrors(value) : []
    if (errors.length > 0) throw invalidOptions(kind, errors)
    options.fieldManager = value
  },
  fieldValidation(options, value, kind) {
    const supported = ['Ignore', 'Strict', 'Warn']
    if (!supported.includes(value)) throw invalidOptions(kind, [fieldError.notSupported('fieldValidation', value, supported)])
    options.fieldValidation = value as FieldValidation
  },
  force(options, value, kind) {
    if (kind === 'PatchOptions') options.force = isTrue(value)
  },
  gracePeriodSeconds: (options, value) => void (options.gracePeriodSeconds = wholeNumber(value)),
  propagationPolicy: (options, value) => void (options.propagationPolicy = propagation(value)),
  orphanDependents: (options, value) => orphan(options, isTrue(value)),
}

/** The options that name a field manager. */
const managed = { CreateOptions: true, UpdateOptions: true, PatchOptions: true }

/** A name of at most 128 bytes that can be printed (k8s.io/apimachinery/pkg/apis/meta/v1/validation, ValidateFieldManager). */
function fieldManagerErrors(name: string): FieldError[] {
  const errors = Buffer.byteLength(name) > 128 ? [fieldError.tooLong('fieldManager', 128)] : []
  let at = 0
  for (const character of name) {
    if (!/[\p{L}\p{M}\p{N}\p{P}\p{S} ]/u.test(character)) {
      const code = (character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')
      errors.push(fieldError.invalid('fieldManager', name, `invalid character U+${code} (at position ${at})`))
    }
    at += Buffer.byteLength(character)
  }
  return errors
}

/** As `fieldError.notSupported`, for values that are no text. */
function notSupported(field: string, value: unknown, supported: readonly string[]): FieldError {
  const { message } = fieldError.notSupported(field, '', supported)
  return { type: 'FieldValueNotSupported', field, message: message.replace('""', () => JSON.stringify(value)) }
}

function dryRun(values: readonly unknown[], kind: string): boolean {
  if (values.some(value => value !== 'All')) throw invalidOptions(kind, [notSupported('dryRun', values, ['All'])])
  return values.length > 0
}

function propagation(value: unknown): DeletionPropagation {
  const supported = ['Foreground', 'Background', 'Orphan']
  if (typeof value !== 'string' || !supported.includes(value)) {
    throw invalidOptions('DeleteOptions', [notSupported('propagationPolicy', value, [...supported, 'nil'])])
  }
  return value as DeletionPropagation
}

/** The forerunner of propagationPolicy; both together contradict. */
function orphan(options: CallOptions, shouldOrphan: boolean): void {
  if (options.propagationPolicy) {
    const detail = 'orphanDependents and deletionPropagation cannot be both set'
    throw invalidOptions('DeleteOptions', [fieldError.invalid('propagationPolicy', options.propagationPolicy, detail)])
  }
  options.propagationPolicy = shouldOrphan ? 'Orphan' : 'Background'
}

/** The options that the body of a DELETE holds; they take the place of the query's altogether. */
export function deleteOptions(body: unknown): CallOptions {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) throw undecodable('DeleteOptions')
  const { gracePeriodSeconds, propagationPolicy, orphanDependents, preconditions, dryRun: dry } = body as Record<string, unknown>
  const options: CallOptions = {}
  if (isGiven(gracePeriodSeconds)) {
    if (!Number.isSafeInteger(gracePeriodSeconds)) throw undecodable('DeleteOptions')
    options.gracePeriodSeconds = gracePeriodSeconds as number
  }
  if (isGiven(propagationPolicy)) options.propagationPolicy = propagation(propagationPolicy)
  if (isGiven(orphanDependents)) orphan(options, orphanDependents === true)
  if (isGiven(dry)) options.dryRun = dryRun([dry].flat(), 'DeleteOptions')
  if (isGiven(preconditions)) {
    const { uid, resourceVersion } = preconditions as { uid?: unknown; resourceVersion?: unknown }
    options.preconditions = {
      ...(typeof uid === 'string' && { uid }),
      ...(typeof resourceVersion === 'string' && { resourceVersion }),
    }
  }
  return options
}

const isGiven = (value: unknown) => value !== undefined && value !== null

function undecodable(kind: string): ApiError {
  return new ApiError('BadRequest', `the body cannot be handled as ${kind}`)
}

/** The query of a log request (PodLogOptions). */
export function logParameters(query: URLSearchParams): ContainerLogOptions {
  const options: ContainerLogOptions = {}
  for (const name of ['container', 'sinceTime'] as const) {
    const value = query.get(name)
    if (value) options[name] = value
  }
  const stream = query.get('stream')
  if (stream) options.stream = stream as 'All' // whether it is one of the three is looked at with the rest of what they say
  for (const name of ['follow', 'previous', 'timestamps'] as const) if (query.has(name)) options[name] = isTrue(query.get(name))
  for (const name of ['tailLines', 'limitBytes', 'sinceSeconds'] as const) {
    const value = query.get(name)
    if (value) options[name] = wholeNumber(value)
  }
  return options
}

/** The query of exec and attach. */
export function execParameters(query: URLSearchParams): ExecOptions & { container?: string } {
  const container = query.get('container')
  const flag = (name: string) => isTrue(query.get(name))
  return {
    command: query.getAll('command'),
    stdin: flag('stdin'),
    stdout: flag('stdout'),
    stderr: flag('stderr'),
    tty: flag('tty'),
    ...(container && { container }),
  }
}
