import type { Node } from '../../api/core/node.ts'
import type { Pod } from '../../api/core/pod.ts'
import { isFinished } from '../shared/pod-state.ts'

export interface Removal {
  readonly pod: Pod
  readonly rule: 'terminated' | 'orphaned' | 'unscheduled' | 'out-of-service'
  readonly text: string
  /** What a pod that had not ended says beside being Failed. */
  readonly condition?: { readonly reason: string; readonly message: string }
  /** The node that must be confirmed to be gone first. */
  readonly missingNode?: string
}

/** How long a node must have been gone before its pods are (podgc quarantineTime). */
const quarantineInMs = 40_000
const orphan = { reason: 'DeletionByPodGC', message: 'PodGC: node no longer exists' }

const outOfService = 'node.kubernetes.io/out-of-service'

/** Which pods are to be removed, and why. Keeps in `missingSince` which nodes are missed, and since when. */
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
  if (terminatedThreshold <= 0 || pods.length <= terminatedThreshold) return []
  const ended = pods.filter(isFinished)
  const surplus = ended.length - terminatedThreshold
  if (surplus <= 0) return []
  const text = `${ended.length} pods have ended, ${terminatedThreshold} are kept`
  return ended
    .sort(evictedThenOldest)
    .slice(0, surplus)
    .map(pod => ({ pod, rule: 'terminated', text }))
}

function evictedThenOldest(a: Pod, b: Pod): number {
  const rank = (pod: Pod) => (pod.status.phase === 'Failed' && pod.status.reason === 'Evicted' ? 0 : 1)
  const [x, y] = [a.metadata, b.metadata]
  if (rank(a) !== rank(b)) return rank(a) - rank(b)
  if (x.creationTimestamp !== y.creationTimestamp) return x.creationTimestamp < y.creationTimestamp ? -1 : 1
  return x.name < y.name ? -1 : 1
}

function orphaned({ pods, nodeOf, missingSince, now }: Parameters<typeof plan>[0]): Removal[] {
  const removals: Removal[] = []
  const missed = new Set<string>()
  for (const pod of pods) {
    const { nodeName } = pod.spec
    if (!nodeName || nodeOf(nodeName)) continue
    missed.add(nodeName)
    const since = missingSince.get(nodeName)
    if (since === undefined) missingSince.set(nodeName, now)
    if (since === undefined || now - since < quarantineInMs) continue
    const text = `its node ${nodeName} no longer exists`
    removals.push({ pod, rule: 'orphaned', text, condition: orphan, missingNode: nodeName })
  }
  for (const name of missingSince.keys()) if (!missed.has(name)) missingSince.delete(name)
  return removals
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
    return [{ pod, rule: 'out-of-service' as const, text: `its node ${node.metadata.name} is out of service` }]
  })
}
