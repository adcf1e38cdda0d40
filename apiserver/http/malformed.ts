import type { IncomingMessage } from 'node:http'
import { ApiError } from '../../api/errors.ts'
import { longestBody } from './body.ts'

/** What is wrong with a request that the parser lets pass, but HTTP/1.1 does not. */
export function flawOf({ httpVersionMajor, httpVersionMinor, headers }: IncomingMessage): ApiError | undefined {
  if (httpVersionMajor !== 1) return new ApiError('BadRequest', 'unsupported protocol version')
  if (httpVersionMinor > 0 && headers.host === undefined) return new ApiError('BadRequest', 'missing required Host header')
  return undefined
}

/** Why bytes are no request, or not in time: what the parser says of them. */
export function clientError({ code, message }: { code?: string; message: string }): ApiError {
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') return new ApiError('Timeout', 'the request took too long', { code: 408 })
  if (code === 'HPE_HEADER_OVERFLOW') return new ApiError('BadRequest', 'the headers are too long', { code: 431 })
  return new ApiError('BadRequest', `the request cannot be read: ${message}`)
}

/** What fastify found wrong before the request reached us; anything else comes back as it is. */
export function parserError(error: Error & { code?: string }): unknown {
  if (error.code === 'FST_ERR_CTP_BODY_TOO_LARGE') {
    return new ApiError('RequestEntityTooLarge', `Request entity too large: limit is ${longestBody}`)
  }
  if (error.code === 'FST_ERR_BAD_URL') return new ApiError('BadRequest', 'invalid URL escape')
  if (error.code?.startsWith('FST_ERR_CTP')) return new ApiError('BadRequest', `the request body cannot be read: ${error}`)
  return error
}

/** For methods that nobody has heard of, and tunnels. */
export const methodNotAllowed = () =>
  new ApiError('MethodNotAllowed', 'the server does not allow this method on the requested resource')

/** The client expects something other than to be told to go on (RFC 9110, 10.1.1). */
export const unmetExpectation = () => new ApiError('BadRequest', 'the expectation cannot be met', { code: 417 })

/** Whether a body is announced. */
export const hasBody = ({ headers }: IncomingMessage): boolean =>
  headers['content-length'] !== undefined || headers['transfer-encoding'] !== undefined
