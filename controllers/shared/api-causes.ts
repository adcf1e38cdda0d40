import { ApiError } from '../../api/errors.ts'

/** Whether something could not be created because its namespace is being deleted: no fault, and nothing to try again. */
export function isNamespaceEnding(error: unknown): boolean {
  return error instanceof ApiError && (error.status.details?.causes ?? []).some(cause => cause.reason === 'NamespaceTerminating')
}
