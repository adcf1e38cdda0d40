import type { Node, Taint } from '../../api/core/node.ts'
import { timestamp } from '../../lib/clock.ts'
import { ready } from './health.ts'

export const notReadyTaint = 'node.kubernetes.io/not-ready'
export const unreachableTaint = 'node.kubernetes.io/unreachable'
const unschedulableTaint = 'node.kubernetes.io/unschedulable'

/** Which NoSchedule taint each condition puts on a node, by the condition's status (pkg/controller/nodelifecycle nodeConditionToTaintKeyStatusMap). */
const byCondition: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  Ready: { False: notReadyTaint, Unknown: unreachableTaint },
  MemoryPressure: { True: 'node.kubernetes.io/memory-pressure' },
  DiskPressure: { True: 'node.kubernetes.io/disk-pressure' },
  PIDPressure: { True: 'node.kubernetes.io/pid-pressure' },
  NetworkUnavailable: { True: 'node.kubernetes.io/network-unavailable' },
}
const managed = new Set([unschedulableTaint, ...Object.values(byCondition).flatMap(keys => Object.values(keys))])

const isSame = (a: Pick<Taint, 'key' | 'effect'>, b: Pick<Taint, 'key' | 'effect'>) => a.key === b.key && a.effect === b.effect

/** The taints that a node should have so that NoSchedule says what its conditions and `unschedulable` say; `undefined`: as they are. */
export function noScheduleTaints(node: Node, now: number): Taint[] | undefined {
  const wanted = new Set<string>()
  for (const { type, status } of node.status.conditions ?? []) {
    const key = byCondition[type]?.[status]
    if (key) wanted.add(key)
  }
  if (node.spec.unschedulable) wanted.add(unschedulableTaint)
  const taints = node.spec.taints ?? []
  const isStale = (taint: Taint) => taint.effect === 'NoSchedule' && managed.has(taint.key) && !wanted.has(taint.key)
  const missing = [...wanted].filter(key => !taints.some(taint => isSame(taint, { key, effect: 'NoSchedule' })))
  if (missing.length === 0 && !taints.some(isStale)) return undefined
  const added = missing.map(key => ({ key, effect: 'NoSchedule' as const, timeAdded: timestamp(now) }))
  return [...taints.filter(taint => !isStale(taint)), ...added]
}

/** The taints with exactly this NoExecute taint of the two about readiness, or none; `undefined`: as they are. */
export function withNoExecute(taints: readonly Taint[], key: string | undefined, now: number): Taint[] | undefined {
  const isOurs = (taint: Taint) => taint.effect === 'NoExecute' && (taint.key === notReadyTaint || taint.key === unreachableTaint)
  const ours = taints.filter(isOurs)
  if (key === undefined ? ours.length === 0 : ours.length === 1 && ours[0]?.key === key) return undefined
  const others = taints.filter(taint => !isOurs(taint))
  return key === undefined ? others : [...others, { key, effect: 'NoExecute', timeAdded: timestamp(now) }]
}

/** What is to be done about a node's NoExecute taints: nothing, take them off, swap one for the other at once, or add one when its turn comes. */
export type NoExecuteStep = 'none' | 'remove' | 'swap' | 'queue'

/** Decides by the Ready condition; a node without one is left alone (pkg/controller/nodelifecycle processTaintBaseEviction). */
export function noExecuteStep(node: Node): NoExecuteStep {
  const key = noExecuteKey(node)
  let [hasWanted, hasOther] = [false, false]
  for (const taint of node.spec.taints ?? []) {
    if (taint.effect !== 'NoExecute' || (taint.key !== notReadyTaint && taint.key !== unreachableTaint)) continue
    if (taint.key === key) hasWanted = true
    else hasOther = true
  }
  if (hasOther) return key === undefined ? (ready(node) ? 'remove' : 'none') : 'swap'
  return key === undefined || hasWanted ? 'none' : 'queue'
}

/** The NoExecute taint that a node's Ready condition calls for. */
export function noExecuteKey(node: Node): string | undefined {
  const status = ready(node)?.status
  return status === 'False' ? notReadyTaint : status === 'Unknown' ? unreachableTaint : undefined
}
