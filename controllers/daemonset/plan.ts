import type { Pod } from '../../api/core/pod.ts'
import { isAvailable, isReady } from '../shared/pod-state.ts'
import { allowsSurge } from './limits.ts'
import { hashLabel, type Picture, type Place } from './nodes.ts'

export interface Removal {
  readonly pod: Pod
  readonly node: string
  readonly rule: 'failed' | 'succeeded' | 'excess' | 'misplaced' | 'update'
  readonly because: string
}

export interface Steps {
  /** The nodes that are to get a pod. */
  readonly create: readonly string[]
  readonly remove: readonly Removal[]
}

export interface Management extends Steps {
  /** In how many milliseconds a failed pod that has to wait may be removed. */
  readonly retryInMs: number | undefined
}

/** In how many milliseconds the next failed pod of a node may be removed; 0: now. */
export type Patience = (node: string) => number

/**
 * Which nodes lack a pod and which pods must go, update or no update (pkg/controller/daemon/daemon_controller.go, manage): a
 * replacement comes in a later run, when what was there is gone.
 */
export function manage(picture: Picture, patienceOf: Patience): Management {
  const create: string[] = []
  const remove: Removal[] = []
  let retryInMs: number | undefined
  for (const place of picture.places) {
    const { node, pods, verdict } = place
    if (verdict.shouldRun && pods.length === 0) create.push(node)
    else if (verdict.mayStay) {
      const wait = manageNode(picture, place, patienceOf, { create, remove })
      if (wait !== undefined) retryInMs = Math.min(wait, retryInMs ?? wait)
    } else {
      const because = `node ${node} does not match the template or has taints that it does not tolerate`
      for (const pod of pods) if (!isEnding(pod)) remove.push({ pod, node, rule: 'misplaced', because })
    }
  }
  for (const [node, pods] of picture.elsewhere) {
    const because = `there is no node ${node}`
    // Those that were bound to it are the pod garbage collector's.
    for (const pod of pods) if (!pod.spec.nodeName && !isEnding(pod)) remove.push({ pod, node, rule: 'misplaced', because })
  }
  return { create, remove, retryInMs }
}

const isEnding = ({ metadata }: Pod) => metadata.deletionTimestamp !== undefined

interface Found {
  readonly create: string[]
  readonly remove: Removal[]
}

/** A node on which the pod may be. Answers how long a failed pod has to wait, if one has to. */
function manageNode(picture: Picture, place: Place, patienceOf: Patience, { create, remove }: Found): number | undefined {
  const { node, pods, verdict } = place
  const running: Pod[] = []
  let wait: number | undefined
  let hasFailed = false
  for (const pod of pods) {
    if (isEnding(pod)) continue
    if (pod.status.phase === 'Failed') {
      // One failed pod at a time: a kubelet that refuses every pod is not to be flooded.
      const patience = hasFailed ? Number.POSITIVE_INFINITY : patienceOf(node)
      hasFailed = true
      if (patience > 0) {
        if (Number.isFinite(patience)) wait = patience
        continue
      }
      remove.push({ pod, node, rule: 'failed', because: `it has failed on node ${node}` })
    } else if (pod.status.phase === 'Succeeded') {
      remove.push({ pod, node, rule: 'succeeded', because: `it has ended on node ${node}, and is to run for ever` })
    } else running.push(pod)
  }
  if (running.length > 1) {
    const excess = allowsSurge(picture.set) ? superseded(picture, running) : running.slice(1)
    const because = `there are ${running.length} pods on node ${node}`
    remove.push(...excess.map((pod): Removal => ({ pod, node, rule: 'excess', because })))
  } else if (running.length === 0 && verdict.shouldRun && allowsSurge(picture.set)) create.push(node)
  return wait
}

/** Of several pods while surging, the oldest new and the oldest old one may stay, until the new one is available or the old one fails. */
function superseded({ hash, set, now }: Picture, running: readonly Pod[]): Pod[] {
  const isNew = ({ metadata }: Pod) => metadata.labels?.[hashLabel] === hash
  const fresh = running.find(isNew)
  const old = running.find(pod => !isNew(pod))
  const excess = running.filter(pod => pod !== fresh && pod !== old)
  const isOver = fresh && old && (!isReady(old) || isAvailable(fresh, set.spec.minReadySeconds ?? 0, now))
  return isOver ? [...excess, old] : excess
}
