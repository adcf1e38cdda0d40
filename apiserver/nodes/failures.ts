import { ApiError } from '../../api/errors.ts'

const reasons: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'connect: connection refused',
  EHOSTUNREACH: 'connect: no route to host',
  ENETUNREACH: 'connect: network is unreachable',
  ETIMEDOUT: 'i/o timeout',
}
const unknownAuthority = new Set([
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
])

/** Why a kubelet could not be reached, in the words of Go's net and tls packages, which people know from upstream. */
export function connectionFailure(address: string, failure: unknown): string {
  const { code = '', message = String(failure) } = failure as { code?: string; message?: string }
  if (reasons[code]) return `dial tcp ${address}: ${reasons[code]}`
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN') return `dial tcp: lookup ${address.replace(/:\d+$/, '')}: no such host`
  if (unknownAuthority.has(code)) {
    return 'tls: failed to verify certificate: x509: certificate signed by unknown authority'
  }
  if (code === 'CERT_HAS_EXPIRED' || code === 'CERT_NOT_YET_VALID') {
    return 'tls: failed to verify certificate: x509: certificate has expired or is not yet valid'
  }
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID') return `tls: failed to verify certificate: x509: ${message}`
  if (code === 'ECONNRESET' || message === 'socket hang up') return 'EOF'
  return message
}

/** An error without a reason of its own: clients show its message and nothing else. */
export function plainError(message: string, cause?: unknown): ApiError {
  const status = { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Failure', message, reason: '', code: 500 } as const
  const error = ApiError.of(status)
  if (cause !== undefined) error.cause = cause
  return error
}

/** What an answer of a kubelet that is no success means to whoever asked (apiserver/pkg/registry/generic/rest/response_checker.go). */
export function refusalOf(code: number, text: string): ApiError {
  if (code === 400) return new ApiError('BadRequest', text)
  if (code === 404) return new ApiError('NotFound', text || 'the server could not find the requested resource')
  if (code === 401) return new ApiError('Unauthorized', 'the server has asked for the client to provide credentials')
  if (code === 403) return new ApiError('Forbidden', text)
  if (code === 500) return new ApiError('InternalError', text)
  if (code === 503) return new ApiError('ServiceUnavailable', text)
  return new ApiError('InternalError', text || `an error on the server has prevented the request from succeeding`, { code })
}
