import type { DaemonSet } from '../../api/apps/daemon-set.ts'
import type { IntOrPercent } from '../../api/int-or-percent.ts'

/** How far an update may go at a time, in nodes. */
export interface Limits {
  readonly surge: number
  readonly unavailable: number
}

/**
 * Both percentages round up, of the nodes that should run the pod. If both come to nothing, one node may be without, or nothing
 * would ever move (pkg/controller/daemon/update.go, updatedDesiredNodeCounts).
 */
export function limitsOf({ spec: { updateStrategy } }: DaemonSet, desired: number): Limits {
  const { type, rollingUpdate } = updateStrategy
  if (type === 'OnDelete') return { surge: 0, unavailable: 0 }
  const surge = resolve(rollingUpdate?.maxSurge, desired)
  const unavailable = resolve(rollingUpdate?.maxUnavailable, desired)
  return { surge, unavailable: desired > 0 && surge === 0 && unavailable === 0 ? 1 : unavailable }
}

/** Whether there may be two pods on a node for a while. */
export function allowsSurge(set: DaemonSet): boolean {
  return limitsOf(set, 1).surge > 0
}

function resolve(share: IntOrPercent | undefined, of: number): number {
  if (typeof share !== 'string') return share ?? 0
  const percent = /^(\d+)%$/.exec(share)?.[1]
  return percent === undefined ? 0 : Math.ceil((Number(percent) * of) / 100)
}
