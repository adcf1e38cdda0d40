/** The reasons a Status may give and the HTTP code that goes with each (k8s.io/apimachinery/pkg/apis/meta/v1/types.go). */
const codes = {
  BadRequest: 400,
  Unauthorized: 401,
  Forbidden: 403,
  NotFound: 404,
  MethodNotAllowed: 405,
  NotAcceptable: 406,
  AlreadyExists: 409,
  Conflict: 409,
  Gone: 410,
  Expired: 410,
  RequestEntityTooLarge: 413,
  UnsupportedMediaType: 415,
  Invalid: 422,
  TooManyRequests: 429,
  InternalError: 500,
  ServiceUnavailable: 503,
  Timeout: 504,
  ServerTimeout: 500,
} as const

export type Reason = keyof typeof codes

export interface StatusCause {
  reason?: string
  message?: string
  field?: string
}

export interface StatusDetails {
  name?: string
  group?: string
  kind?: string
  uid?: string
  causes?: StatusCause[]
  retryAfterSeconds?: number
}

/** What the API server answers instead of an object when something went wrong. */
export interface Status {
  kind: 'Status'
  apiVersion: 'v1'
  metadata: Record<string, unknown>
  status: 'Success' | 'Failure'
  message?: string
  reason?: Reason | (string & {})
  details?: StatusDetails
  code: number
}

/** The one error that crosses a boundary: it is a Status. */
export class ApiError extends Error {
  readonly status: Status
  constructor(
    reason: Reason,
    message: string,
    { details, code, cause }: { details?: StatusDetails; code?: number; cause?: unknown } = {},
  ) {
    const frames = Error.stackTraceLimit
    // A refusal is an answer: who asked matters, not where in the code it was said; and finding that out costs more than all the rest.
    if ((code ?? codes[reason]) < 500) Error.stackTraceLimit = 0
    super(message, { cause })
    Error.stackTraceLimit = frames
    this.name = 'ApiError'
    this.status = {
      kind: 'Status',
      apiVersion: 'v1',
      metadata: {},
      status: 'Failure',
      message,
      reason,
      ...(details && { details }),
      code: code ?? codes[reason],
    }
  }

  /** The error that a Status received over the wire stands for. */
  static of(status: Status): ApiError {
    const error = new ApiError((status.reason ?? 'InternalError') as Reason, status.message ?? 'unknown error', {
      ...(status.details && { details: status.details }),
      code: status.code,
    })
    return error
  }
}

/** Whether an error is a Status with one of these reasons. */
export function isReason(error: unknown, ...reasons: Reason[]): error is ApiError {
  return error instanceof ApiError && reasons.includes(error.status.reason as Reason)
}

/** For `promise.catch(ignore('NotFound'))`: swallows errors with these reasons, rethrows all others. */
export function ignore(...reasons: Reason[]): (error: unknown) => undefined {
  return error => {
    if (!isReason(error, ...reasons)) throw error
    return undefined
  }
}

interface ResourceName {
  group: string
  plural: string
}

/** `pods` or `deployments.apps`. */
export function qualifiedResource({ group, plural }: ResourceName): string {
  return group ? `${plural}.${group}` : plural
}

const detailsOf = (resource: ResourceName, name: string): StatusDetails => ({
  ...(name && { name }),
  ...(resource.group && { group: resource.group }),
  kind: resource.plural,
})

export function notFound(resource: ResourceName, name: string): ApiError {
  return new ApiError('NotFound', `${qualifiedResource(resource)} "${name}" not found`, { details: detailsOf(resource, name) })
}

export function alreadyExists(resource: ResourceName, name: string): ApiError {
  return new ApiError('AlreadyExists', `${qualifiedResource(resource)} "${name}" already exists`, {
    details: detailsOf(resource, name),
  })
}

export function conflict(resource: ResourceName, name: string, why: string): ApiError {
  return new ApiError('Conflict', `Operation cannot be fulfilled on ${qualifiedResource(resource)} "${name}": ${why}`, {
    details: detailsOf(resource, name),
  })
}

export const staleMessage = 'the object has been modified; please apply your changes to the latest version and try again'

/** `pods "x" is forbidden: why`; without a name `pods is forbidden: why`. */
export function forbiddenError(resource: ResourceName, name: string, why: string): ApiError {
  const subject = name ? `${qualifiedResource(resource)} "${name}"` : qualifiedResource(resource)
  return new ApiError('Forbidden', `${subject} is forbidden: ${why}`, { details: detailsOf(resource, name) })
}
