import { ApiError } from '../../api/errors.ts'
import type { Pod } from '../../api/core/pod.ts'
import { Eviction } from '../../api/policy/eviction.ts'
import type { CallOptions } from '../../api/transport.ts'
import { timestamp } from '../../lib/clock.ts'
import { type AnyDraft, decodeBody } from '../decode-body.ts'
import { checkPreconditions } from '../metadata.ts'
import type { SubresourceDependencies, SubresourceHandler } from '../subresources.ts'

/** POST pods/x/eviction: tells the pod why, then deletes it (k8s.io/kubernetes/pkg/registry/core/pod/storage/eviction.go). */
export function eviction({ rewrite, remove, clock }: SubresourceDependencies): SubresourceHandler {
  return async (kind, request) => {
    const { draft, warnings } = decodeBody(Eviction, request.body, { fieldValidation: request.options?.fieldValidation })
    const { metadata, deleteOptions } = draft as unknown as Eviction
    if (metadata.name && metadata.name !== request.name) {
      throw new ApiError('BadRequest', 'name in URL does not match name in Eviction object')
    }
    const isDryRun = request.options?.dryRun === true || deleteOptions?.dryRun?.includes('All') === true
    const { preconditions } = deleteOptions ?? {}
    const options: CallOptions = {
      dryRun: isDryRun,
      ...(deleteOptions?.gracePeriodSeconds !== undefined && { gracePeriodSeconds: deleteOptions.gracePeriodSeconds }),
      ...(deleteOptions?.propagationPolicy && { propagationPolicy: deleteOptions.propagationPolicy }),
      ...(preconditions?.uid !== undefined && { preconditions: { uid: preconditions.uid } }),
    }
    if (!isDryRun) {
      const now = timestamp(clock.now())
      await rewrite(kind, request, old => {
        checkPreconditions(kind, preconditions ?? {}, old)
        return disrupted(old as unknown as Pod, now) as unknown as AnyDraft
      })
    }
    await remove(kind, { ...request, options })
    const success = { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', code: 201 }
    return { type: 'object', status: 201, object: success, warnings }
  }
}

const reason = 'EvictionByEvictionAPI'
const message = 'Eviction API: evicting'

/** The pod with DisruptionTarget=True; one that says so already, or is deleted anyway, stays as it is. */
function disrupted(pod: Pod, now: string): Pod {
  const { conditions = [] } = pod.status
  const told = conditions.find(({ type }) => type === 'DisruptionTarget')
  const isTold = told?.status === 'True' && told.reason === reason && told.message === message
  if (pod.metadata.deletionTimestamp || isTold) return { ...pod, metadata: { ...pod.metadata } }
  const condition = { type: 'DisruptionTarget', status: 'True', reason, message, lastTransitionTime: now } as const
  const others = conditions.filter(({ type }) => type !== 'DisruptionTarget')
  return { ...pod, metadata: { ...pod.metadata }, status: { ...pod.status, conditions: [...others, condition] } }
}
