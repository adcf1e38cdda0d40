import type { IncomingHttpHeaders } from 'node:http'
import { ApiError, type Reason, type Status } from '../api/errors.ts'

/** What each code means when the answer carries no Status (a proxy's page, say). */
const reasons: Record<number, Reason> = {
  400: 'BadRequest',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'NotFound',
  405: 'MethodNotAllowed',
  406: 'NotAcceptable',
  409: 'Conflict',
  410: 'Gone',
  413: 'RequestEntityTooLarge',
  415: 'UnsupportedMediaType',
  422: 'Invalid',
  429: 'TooManyRequests',
  503: 'ServiceUnavailable',
  504: 'Timeout',
}

/** The error that an unsuccessful answer stands for: its Status, or one made from its code. */
export function responseError(code: number, text: string, headers: IncomingHttpHeaders = {}): ApiError {
  const status = statusIn(text)
  if (status) return ApiError.of(status)
  const retryAfterSeconds = Number(headers['retry-after'])
  return new ApiError(reasons[code] ?? 'InternalError', text.trim().slice(0, 1000) || `the server answered ${code}`, {
    code,
    ...(retryAfterSeconds > 0 && { details: { retryAfterSeconds } }),
  })
}

function statusIn(text: string): Status | undefined {
  try {
    const value = JSON.parse(text) as Status
    return value.kind === 'Status' ? value : undefined
  } catch {
    return undefined
  }
}

/** The error for when there was no answer; `cause` is the socket's. The texts are those kubectl prints. */
export function connectionError(cause: unknown, host: string): ApiError {
  const code = (cause as NodeJS.ErrnoException).code ?? ''
  const message = cause instanceof Error ? cause.message : String(cause)
  if (code === 'ECONNREFUSED') {
    const text = `The connection to the server ${host} was refused - did you specify the right host or port?`
    return new ApiError('ServiceUnavailable', text, { cause })
  }
  const isCertificate =
    code.startsWith('ERR_TLS') || code.startsWith('CERT_') || code.includes('SIGNATURE') || code.includes('_CERT')
  const text = isCertificate ? `tls: failed to verify certificate: ${message}` : message
  return new ApiError('ServiceUnavailable', `Unable to connect to the server: ${text}`, { cause })
}
