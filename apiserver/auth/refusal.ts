import { type ApiError, forbiddenError } from '../../api/errors.ts'
import type { Attempt } from '../admission.ts'

/** The 403 of an admission step. */
export const forbidAttempt = ({ kind, name, object }: Attempt, why: string): ApiError =>
  forbiddenError(kind, name ?? object.metadata.name, why)
