import { ApiError } from '../../api/errors.ts'

/** A patch that does not fit the object. The reason is lost on the way to the client, as upstream loses it. */
export function unprocessable(cause: unknown): ApiError {
  return new ApiError('Invalid', 'the server rejected our request due to an error in our request', { details: {}, cause })
}

/** A strategic merge that failed half-way. Upstream answers 500 without a reason, but it is the patch that is wrong. */
export function mergeFailure(message: string): ApiError {
  return new ApiError('BadRequest', message)
}
