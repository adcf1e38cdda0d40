import type { Node } from '../../api/core/node.ts'
import type { Pod } from '../../api/core/pod.ts'
import { isFinished } from '../shared/pod-state.ts'

export interface Removal {
  readonly pod: Pod
  readonly rule: 'terminated' | 'orphaned' | 'unscheduled' | 'out-of-service'
  readonly text: string
  /** Set on pods that had not ended when they are removed. */
  readonly condition?: { readonly reason: string; readonly message: string }
  /** The node that must be confirmed to be gone first. */
  readonly missingNode?: string
}

/** How long a node must have been gone before its pods are (podgc quarantineTime). */
const quarantineInMs = 40_000

const outOfService = 'node.kubernetes.io/out-of-service'

/** Which pods are to be removed, and why. Notes in `missingSince` which nodes are missed. */
export function plan(state: {
  pods: readonly Pod[]
  nodeOf: (name: string) => Node | undefined
  missingSince: Map<string, number>
  now: number
  terminatedThreshold: number
}): Removal[] {
  return [...terminated(state), ...orphaned(state), ...unscheduled(state.pods), ...onDeadNodes(state)]
}

function terminated({ pods, terminatedThreshold }: Parameters<typeof plan>[0]): Removal[] {
  const ended = pods.filter(pod => isFinished(pod) && !pod.metadata.deletionTimestamp)
  const surplus = ended.length - terminatedThreshold
  if (terminatedThreshold <= 0 || surplus <= 0) return []
  const isEvicted = (pod: Pod) => (pod.status.reason === 'Evicted' ? 0 : 1)
  const oldestFirst = (a: Pod, b: Pod) =>
    isEvicted(a) - isEvicted(b) ||
    (a.metadata.creationTimestamp < b.metadata.creationTimestamp
      ? -1
      : a.metadata.creationTimestamp > b.metadata.creationTimestamp
        ? 1
        : 0) ||
    (a.metadata.name < b.metadata.name ? -1 : 1)
  const text = `${ended.length} pods have ended, ${terminatedThreshold} are kept`
  return ended
    .sort(oldestFirst)
    .slice(0, surplus)
    .map(pod => ({ pod, rule: 'terminated', text }))
}

function orphaned({ pods, nodeOf, missingSince, now }: Parameters<typeof plan>[0]): Removal[] {
  return pods.flatMap(pod => {
    const name = pod.spec.nodeName
    if (!name || nodeOf(name)) return []
    const since = missingSince.get(name)
    if (since === undefined) missingSince.set(name, now)
    if (since === undefined || now - since < quarantineInMs) return []
    const condition = { reason: 'DeletionByPodGC', message: 'PodGC: node no longer exists' }
    return [{ pod, rule: 'orphaned' as const, text: `its node ${name} no longer exists`, condition, missingNode: name }]
  })
}

function unscheduled(pods: readonly Pod[]): Removal[] {
  return pods
    .filter(pod => pod.metadata.deletionTimestamp && !pod.spec.nodeName)
    .map(pod => ({ pod, rule: 'unscheduled', text: 'it was deleted before it had a node' }))
}

function onDeadNodes({ pods, nodeOf }: Parameters<typeof plan>[0]): Removal[] {
  return pods.flatMap(pod => {
    const node = pod.metadata.deletionTimestamp && pod.spec.nodeName ? nodeOf(pod.spec.nodeName) : undefined
    const isOut = node?.spec.taints?.some(taint => taint.key === outOfService)
    const isReady = node?.status.conditions?.some(condition => condition.type === 'Ready' && condition.status === 'True')
    if (!node || !isOut || isReady) return []
    const condition = { reason: 'DeletionByPodGC', message: 'PodGC: node is out of service' }
    return [{ pod, rule: 'out-of-service' as const, text: `its node ${node.metadata.name} is out of service`, condition }]
  })
}
