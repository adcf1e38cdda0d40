import { ApiError } from '../api/errors.ts'
import { Compacted, FutureRevision, StoreUnavailable } from '../storage/store.ts'

/** The version asked for is no longer kept; who gets this lists again. */
export function expired(message: string, continueToken?: string): ApiError {
  const error = new ApiError('Expired', message)
  if (continueToken) error.status.metadata.continue = continueToken
  return error
}

export const listExpiredMessage = 'The resourceVersion for the provided list is too old.'

/** A watch that starts before what is kept. */
export function watchExpired(revision: number, oldest: number): ApiError {
  return expired(`too old resource version: ${revision} (${oldest})`)
}

/** A version that has not happened yet, waited for in vain. */
export function tooLargeRevision(revision: number, current: number): ApiError {
  return notYet(`Too large resource version: ${revision}, current: ${current}`)
}

function notYet(message: string, cause?: unknown): ApiError {
  const causes = [{ reason: 'ResourceVersionTooLarge', message: 'Too large resource version' }]
  return new ApiError('Timeout', `Timeout: ${message}`, { details: { causes, retryAfterSeconds: 1 }, cause })
}

/** Waits for the store; its refusals come out as ApiErrors. Only this file knows both. */
export async function fromStore<T>(answer: Promise<T>, whenCompacted?: () => ApiError) {
  try {
    return await answer
  } catch (error) {
    throw storeError(error, whenCompacted)
  }
}

/** What the store threw, as the API says it; anything else stays as it is. */
export function storeError(
  error: unknown,
  whenCompacted: (oldest: number) => ApiError = () => expired(listExpiredMessage),
): unknown {
  if (error instanceof Compacted) return whenCompacted(error.compactedRevision)
  if (error instanceof FutureRevision) return notYet(error.message, error)
  if (error instanceof StoreUnavailable) return new ApiError('ServiceUnavailable', error.message, { cause: error })
  return error
}
