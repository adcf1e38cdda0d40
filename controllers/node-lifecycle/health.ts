import type { Lease } from '../../api/coordination/lease.ts'
import type { Node, NodeCondition } from '../../api/core/node.ts'
import { timestamp } from '../../lib/clock.ts'

/** A node's last sign of life, stamped on our own steady clock: remote clocks are never compared with it. */
export interface Sign {
  readonly uid: string
  /** Of the newest renewal seen. */
  readonly renewTime: string
  /** Of the Ready condition seen last; empty when there was none. */
  readonly heartbeat: string
  at: number
}

/** Allocates nothing: it is asked for every node every few seconds. */
export function ready(node: Node): NodeCondition | undefined {
  const { conditions } = node.status
  if (conditions) for (const condition of conditions) if (condition.type === 'Ready') return condition
  return undefined
}

const isNewer = (renewTime: string, than: string) =>
  renewTime !== than && renewTime !== '' && (than === '' || Date.parse(renewTime) > Date.parse(than))

/**
 * The sign of life after looking at a node and its lease: stamped anew when the lease was renewed or the heartbeat is another one. A node that
 * never reported counts from its creation (pkg/controller/nodelifecycle tryUpdateNodeHealth). `now` is on the steady clock, `wallNow` on the wall's.
 */
export function observe(known: Sign | undefined, node: Node, lease: Lease | undefined, now: number, wallNow: number): Sign {
  const { uid } = node.metadata
  const renewTime = lease?.spec.renewTime ?? ''
  const condition = ready(node)
  const heartbeat = condition ? (condition.lastHeartbeatTime ?? 'none') : ''
  if (!known || known.uid !== uid) {
    const ageInMs = condition || renewTime ? 0 : Math.max(0, wallNow - Date.parse(node.metadata.creationTimestamp))
    return { uid, renewTime, heartbeat, at: now - ageInMs }
  }
  const isRenewed = isNewer(renewTime, known.renewTime)
  if (!isRenewed && known.heartbeat === heartbeat) return known
  return { uid, renewTime: isRenewed ? renewTime : known.renewTime, heartbeat, at: now }
}

const watched = ['Ready', 'MemoryPressure', 'DiskPressure', 'PIDPressure']

/** The conditions of a node that has been silent for too long, or `undefined` when they say so already. */
export function unknownConditions(node: Node, now: number): NodeCondition[] | undefined {
  const known = node.status.conditions ?? []
  if (ready(node)?.status === 'Unknown') return undefined
  const lastTransitionTime = timestamp(now)
  const stopped = known.map((condition): NodeCondition => {
    if (!watched.includes(condition.type) || condition.status === 'Unknown') return condition
    const message = 'Kubelet stopped posting node status.'
    return { ...condition, status: 'Unknown', reason: 'NodeStatusUnknown', message, lastTransitionTime }
  })
  const missing = watched.filter(type => !known.some(condition => condition.type === type))
  const never = missing.map((type): NodeCondition => {
    const message = 'Kubelet never posted node status.'
    const lastHeartbeatTime = node.metadata.creationTimestamp
    return { type, status: 'Unknown', reason: 'NodeStatusNeverUpdated', message, lastHeartbeatTime, lastTransitionTime }
  })
  return [...stopped, ...never]
}
