import type { Lease } from '../../api/coordination/lease.ts'
import type { Node, NodeCondition } from '../../api/core/node.ts'
import { timestamp } from '../../lib/clock.ts'

/** A node's last sign of life, stamped on our own clock: remote clocks are never compared. */
export interface Sign {
  renewTime: string
  heartbeat: string
  at: number
}

export const ready = (node: Node): NodeCondition | undefined => node.status.conditions?.find(({ type }) => type === 'Ready')

/** The sign of life after looking at a node and its lease: stamped anew when either moved. */
export function observe(known: Sign | undefined, node: Node, lease: Lease | undefined, now: number): Sign {
  const renewTime = lease?.spec.renewTime ?? ''
  const heartbeat = ready(node)?.lastHeartbeatTime ?? ''
  if (known && known.renewTime === renewTime && known.heartbeat === heartbeat) return known
  return { renewTime, heartbeat, at: now }
}

const watched = ['Ready', 'MemoryPressure', 'DiskPressure', 'PIDPressure'] as const

/** The conditions of a node that has been silent for too long, or `undefined` when they say so already. */
export function unknownConditions(node: Node, now: number): NodeCondition[] | undefined {
  const conditions = node.status.conditions ?? []
  if (watched.every(type => conditions.some(condition => condition.type === type && condition.status === 'Unknown')))
    return undefined
  const at = timestamp(now)
  const silent = watched.map((type): NodeCondition => {
    const known = conditions.find(condition => condition.type === type)
    if (known?.status === 'Unknown') return known
    const { reason, message } = known
      ? { reason: 'NodeStatusUnknown', message: 'Kubelet stopped posting node status.' }
      : { reason: 'NodeStatusNeverUpdated', message: 'Kubelet never posted node status.' }
    const lastHeartbeatTime = known?.lastHeartbeatTime ?? node.metadata.creationTimestamp
    return { type, status: 'Unknown', reason, message, lastHeartbeatTime, lastTransitionTime: at }
  })
  return [...conditions.filter(({ type }) => !watched.some(name => name === type)), ...silent]
}
