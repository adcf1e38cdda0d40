import type { Pod } from '../../api/core/pod.ts'
import { deepEqual } from '../../lib/json.ts'
import type { PodStatus } from '../pod-types.ts'
import { inProgressType, pendingType } from '../resize/conditions.ts'

const resizeTypes = new Set([pendingType, inProgressType])

/**
 * The strategic merge patch that turns the API's status into ours, touching only fields that differ and only our own conditions;
 * `undefined` when nothing does. Other writers' conditions survive (semantics C1: no resourceVersion, the uid is the precondition).
 */
export function statusPatch(
  pod: Pod,
  status: PodStatus,
): { metadata: { uid: string }; status: Record<string, unknown> } | undefined {
  const old = pod.status as Record<string, unknown>
  const patch: Record<string, unknown> = {}
  for (const [field, value] of Object.entries(status)) {
    if (field === 'conditions' || deepEqual(old[field], value)) continue
    const isAddressList = (field === 'podIPs' || field === 'hostIPs') && old[field] !== undefined
    patch[field] = isAddressList ? [{ $patch: 'replace' }, ...(value as unknown[])] : value
  }
  for (const field of ['reason', 'message', 'podIP', 'podIPs'] as const)
    if (old[field] !== undefined && old[field] !== '' && status[field] === undefined) patch[field] = null
  const conditions = (status.conditions ?? []).filter(
    condition =>
      !deepEqual(
        condition,
        pod.status.conditions?.find(old => old.type === condition.type),
      ),
  )
  // A reason that is gone has to be named to vanish: lists of conditions are merged entry by entry.
  const changes: object[] = conditions.map(one => ({ reason: null, message: null, ...one }))
  // These are there only while they hold.
  for (const { type } of pod.status.conditions ?? [])
    if (resizeTypes.has(type) && !status.conditions?.some(one => one.type === type)) changes.push({ $patch: 'delete', type })
  if (changes.length > 0) patch.conditions = changes
  return Object.keys(patch).length === 0 ? undefined : { metadata: { uid: pod.metadata.uid }, status: patch }
}
