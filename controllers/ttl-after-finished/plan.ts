import type { Job } from '../../api/batch/job.ts'

/**
 * When a job is to be deleted, in milliseconds; `undefined` while it has not ended or does not say when it did, if it does not say for
 * how long it stays, or when it is being deleted already.
 */
export function expiresAt({ metadata, spec, status }: Job): number | undefined {
  if (metadata.deletionTimestamp || spec.ttlSecondsAfterFinished === undefined) return undefined
  const end = status.conditions?.find(({ type, status }) => (type === 'Complete' || type === 'Failed') && status === 'True')
  const endedAt = Date.parse(end?.lastTransitionTime ?? '')
  return Number.isNaN(endedAt) ? undefined : endedAt + spec.ttlSecondsAfterFinished * 1000
}
