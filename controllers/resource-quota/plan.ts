import { type ResourceQuota, scopesOf } from '../../api/core/resource-quota.ts'
import type { AnyKind } from '../../api/kind.ts'
import { type Quantity } from '../../api/quantity.ts'
import { type Amounts, addTo, increase, only, readAmounts, writeAmounts, zero } from '../../api/quota/amounts.ts'
import { evaluatorOf } from '../../api/quota/evaluators.ts'
import type { KubeObject } from '../../api/transport.ts'
import { deepEqual } from '../../lib/json.ts'

type Status = ResourceQuota['status']
type Quota = Pick<ResourceQuota, 'spec' | 'status'>

/** The status that a quota should have, given the objects of its namespace. What cannot be counted (undefined) stays as it was. */
export function statusOf(
  { spec, status }: Quota,
  kinds: readonly AnyKind[],
  objectsOf: (kind: AnyKind) => readonly KubeObject[] | undefined,
  now: number,
): Status {
  const hard = spec.hard ?? {}
  const names = Object.keys(hard)
  const used: Record<string, Quantity> = Object.fromEntries(names.map(name => [name, zero]))
  const scopes = scopesOf(spec)
  const countable = (amounts: Amounts, counts = (_name: string) => true) => only(amounts, name => name in hard && counts(name))
  for (const kind of kinds) {
    const evaluator = evaluatorOf(kind)
    if (!names.some(evaluator.counts)) continue
    const objects = objectsOf(kind)
    if (!objects) addTo(used, countable(readAmounts(status.used), evaluator.counts))
    for (const object of objects ?? []) {
      if (!scopes.every(scope => evaluator.fits(scope, object))) continue
      addTo(used, countable(evaluator.usage(object, now)))
    }
  }
  return { hard, used: writeAmounts(used) }
}

/** Whether the quota says something else than it should. */
export const differs = (quota: Quota, status: Status): boolean => !deepEqual(normal(quota.status), normal(status))

/** Empty lists are as good as none. */
const normal = ({ hard = {}, used = {} }: Status) => ({ hard, used })

/** Whether the new status gives back something that was charged. */
export function givesBack({ status: { used: before } }: Quota, { used }: Status): boolean {
  return Object.keys(increase(readAmounts(before), readAmounts(used))).length > 0
}
