import type { Status } from '../../api/errors.ts'
import type { UserInfo } from '../../api/user.ts'
import { type Clock, microTimestamp } from '../../lib/clock.ts'
import type { Decision } from '../auth/authorizer.ts'
import { described } from '../auth/reviews.ts'
import type { RequestAttributes } from '../http/attributes.ts'
import type { Annotate, ApiRequest, ApiResponse } from '../request.ts'
import { type Extent, extentOf, type Policy, type Stage } from './policy.ts'

/** Takes lines, each a JSON object. */
export interface AuditSink {
  write(line: string): void
}

/** A request as it came in. */
export interface Received {
  readonly auditId: string
  readonly uri: string
  readonly userAgent: string | undefined
  readonly sourceIPs: readonly string[]
  readonly attributes: RequestAttributes
  /** Nobody: whoever it was could not be believed. */
  readonly user: UserInfo | undefined
}

/** Writes down who did what (k8s.io/apiserver/pkg/audit). */
export interface Auditor {
  /** Begins to follow a request; nothing when the policy does not ask for it. */
  begin(request: Received): Trail | undefined
}

/** What becomes of one request; each of these is told when it is known. */
export interface Trail {
  /** Whom it acts as. */
  actsAs(user: UserInfo): void
  decided(decision: Decision): void
  /** The decoded body. */
  asked(call: ApiRequest): void
  /** What somebody on the way has to say about it (k8s.io/apiserver/pkg/audit AddAuditAnnotation). */
  readonly annotate: Annotate
  answered(answer: ApiResponse): void
  failed(status: Status): void
  /** The answer has begun and will go on for long. */
  started(code: number): void
  /** Nothing more will be said. Only the first call counts. */
  ended(code: number): void
  /** Something went wrong that nobody had thought of. */
  panicked(message: string): void
}

const mostOfUserAgent = 1024

interface AuditEvent {
  [field: string]: unknown
  objectRef?: Record<string, unknown>
  responseStatus?: object
  annotations?: Record<string, string>
}

/** Begins a trail for each request that the policy wants to know of. */
export function auditor({ policy, sink, clock }: { policy: Policy; sink: AuditSink; clock: Clock }): Auditor {
  return {
    begin(request) {
      const extent = extentOf(policy, request.user, request.attributes)
      return extent.level === 'None' ? undefined : trail(request, extent, { sink, clock })
    },
  }
}

/** What one request leaves behind, stage by stage. */
function trail(request: Received, extent: Extent, { sink, clock }: { sink: AuditSink; clock: Clock }): Trail {
  const { level, omitStages, omitManagedFields } = extent
  const { attributes, user, userAgent = '' } = request
  const received = microTimestamp(clock.now())
  const event: AuditEvent = {
    requestURI: request.uri,
    verb: attributes.verb,
    user: user ? described(user) : {},
    sourceIPs: request.sourceIPs,
    ...(userAgent && { userAgent: shortened(userAgent) }),
    ...(attributes.path === undefined && { objectRef: objectRefOf(attributes) }),
  }
  const hasBodies = level === 'Request' || level === 'RequestResponse'
  let isOver = false

  const emit = (stage: Stage) => {
    if (omitStages.includes(stage)) return
    const times = { requestReceivedTimestamp: received, stageTimestamp: microTimestamp(clock.now()) }
    sink.write(line(event, { level, auditID: request.auditId, stage }, times))
  }
  const tidy = (object: unknown) => (omitManagedFields ? withoutManagedFields(object) : object)

  emit('RequestReceived')
  return {
    actsAs(acting) {
      event.impersonatedUser = described(acting)
    },
    decided({ allowed, reason }) {
      event.annotations = {
        ...event.annotations,
        'authorization.k8s.io/decision': allowed ? 'allow' : 'forbid',
        'authorization.k8s.io/reason': reason,
      }
    },
    asked({ body }) {
      if (body === undefined || body === null || attributes.path !== undefined) return
      complete(event, body)
      if (hasBodies) event.requestObject = tidy(body)
    },
    annotate(key, value, needs) {
      if (needs === 'Request' && !hasBodies) return
      event.annotations = { [key]: value, ...event.annotations }
    },
    answered(answer) {
      if (level !== 'RequestResponse') return
      if (answer.type === 'object') event.responseObject = tidy(answer.object)
      if (answer.type === 'list') event.responseObject = tidy(wholeList(answer))
    },
    failed(status) {
      const { kind: _kind, apiVersion: _version, ...told } = status
      event.responseStatus = told
      if (level === 'RequestResponse') event.responseObject = status
    },
    started(code) {
      event.responseStatus ??= { metadata: {}, code }
      emit('ResponseStarted')
    },
    ended(code) {
      if (isOver) return
      isOver = true
      event.responseStatus ??= { metadata: {}, code }
      emit('ResponseComplete')
    },
    panicked(message) {
      isOver = true
      const reason = 'InternalError'
      event.responseStatus = { metadata: {}, status: 'Failure', message: `APIServer panic'd: ${message}`, reason, code: 500 }
      emit('Panic')
    },
  }
}

/** One event as it is written: what it is about first, then the facts, bodies and annotations last. */
function line({ requestObject, responseObject, annotations, ...facts }: AuditEvent, about: object, times: object): string {
  const told = {
    kind: 'Event',
    apiVersion: 'audit.k8s.io/v1',
    ...about,
    ...facts,
    ...(requestObject !== undefined && { requestObject }),
    ...(responseObject !== undefined && { responseObject }),
    ...times,
    ...(annotations && { annotations }),
  }
  return `${JSON.stringify(told)}\n`
}

const shortened = (text: string) => (text.length > mostOfUserAgent ? `${text.slice(0, mostOfUserAgent)}...TRUNCATED` : text)

function objectRefOf({ resource, namespace, name, group, version, subresource }: RequestAttributes): Record<string, unknown> {
  return {
    resource,
    ...(namespace && { namespace }),
    ...(name && { name }),
    ...(group && { apiGroup: group }),
    ...(version && { apiVersion: version }),
    ...(subresource && { subresource }),
  }
}

/** What the path did not say but the body does. */
function complete(event: AuditEvent, body: unknown): void {
  const { metadata } = body as { metadata?: Readonly<Record<string, unknown>> }
  if (!event.objectRef || typeof metadata !== 'object' || metadata === null) return
  for (const field of ['namespace', 'name', 'uid', 'resourceVersion']) {
    if (event.objectRef[field] === undefined && metadata[field]) event.objectRef[field] = metadata[field]
  }
}

function wholeList({ apiVersion, kind, resourceVersion, continue: token, items }: Extract<ApiResponse, { type: 'list' }>) {
  const metadata = { resourceVersion, ...(token && { continue: token }) }
  return { apiVersion, kind, metadata, items: items.map(({ object }) => object) }
}

interface Loose {
  readonly metadata?: { readonly managedFields?: unknown }
  readonly items?: readonly unknown[]
}

function withoutManagedFields(object: unknown): unknown {
  if (typeof object !== 'object' || object === null || Array.isArray(object)) return object
  const { metadata, items } = object as Loose
  if (Array.isArray(items)) return { ...object, items: items.map(withoutManagedFields) }
  if (!metadata || metadata.managedFields === undefined) return object
  const { managedFields: _gone, ...rest } = metadata
  return { ...object, metadata: rest }
}
