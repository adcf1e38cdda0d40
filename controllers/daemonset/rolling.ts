import type { Pod } from '../../api/core/pod.ts'
import { isAvailable } from '../shared/pod-state.ts'
import { type Limits, limitsOf } from './limits.ts'
import { isUpdated, type Picture } from './nodes.ts'
import type { Removal, Steps } from './plan.ts'

/** A node in an update. No verdict: the node is gone. */
interface Candidate {
  readonly node: string
  readonly shouldRun: boolean
  /** At most one of each; undefined when there are several, which are dealt with first. */
  readonly pods: { readonly fresh: Pod | undefined; readonly old: Pod | undefined } | undefined
}

/**
 * The next step of a rolling update, once all nodes have what they should (pkg/controller/daemon/update.go, rollingUpdate): without
 * surge old pods go, and the new ones come when they are gone; with surge new ones come first.
 */
export function planUpdate(picture: Picture): Steps {
  const desired = picture.places.filter(({ verdict }) => verdict.shouldRun).length
  const limits = limitsOf(picture.set, desired)
  const candidates = candidatesOf(picture)
  return limits.surge === 0 ? replace(picture, candidates, limits) : surge(picture, candidates, limits, desired)
}

/** Nodes that should have a pod or have one. */
function candidatesOf(picture: Picture): Candidate[] {
  const candidates: Candidate[] = []
  for (const { node, verdict, pods } of picture.places) {
    if (verdict.shouldRun || pods.length > 0) candidates.push({ node, shouldRun: verdict.shouldRun, pods: pairOf(picture, pods) })
  }
  for (const [node, pods] of picture.elsewhere) candidates.push({ node, shouldRun: false, pods: pairOf(picture, pods) })
  return candidates
}

function pairOf(picture: Picture, pods: readonly Pod[]): Candidate['pods'] {
  let fresh: Pod | undefined
  let old: Pod | undefined
  for (const pod of pods) {
    if (pod.metadata.deletionTimestamp) continue
    if (isUpdated(pod, picture)) {
      if (fresh) return undefined
      fresh = pod
    } else {
      if (old) return undefined
      old = pod
    }
  }
  return { fresh, old }
}

const availability =
  ({ set, now }: Picture) =>
  (pod: Pod) =>
    isAvailable(pod, set.spec.minReadySeconds ?? 0, now)

/** Old pods that do not serve go at once; of those that serve as many as may be missing beside the nodes that are without already. */
function replace(picture: Picture, candidates: readonly Candidate[], { unavailable: limit }: Limits): Steps {
  const isAvailable = availability(picture)
  const remove: Removal[] = []
  const serving: { node: string; pod: Pod }[] = []
  let missing = 0
  for (const { node, pods } of candidates) {
    const { fresh, old } = pods ?? {}
    if (Boolean(fresh) === Boolean(old)) missing++
    else if (fresh) missing += isAvailable(fresh) ? 0 : 1
    else if (old && isAvailable(old)) serving.push({ node, pod: old })
    else if (old) {
      missing++
      remove.push({ pod: old, node, rule: 'update', because: 'it is of an old template and not available' })
    }
  }
  const because = `it is of an old template; ${missing} of at most ${limit} nodes are without an available pod`
  for (const { node, pod } of serving.slice(0, Math.max(0, limit - missing))) remove.push({ pod, node, rule: 'update', because })
  return { create: [], remove }
}

/** New pods come beside old ones, which go when the new one is available. Old ones that do not serve do not count against the limit. */
function surge(picture: Picture, candidates: readonly Candidate[], { surge: limit }: Limits, desired: number): Steps {
  const isAvailable = availability(picture)
  const remove: Removal[] = []
  const misplaced: Removal[] = []
  const create: string[] = []
  const extra: string[] = []
  let surging = 0
  let available = 0
  for (const { node, shouldRun, pods } of candidates) {
    if (!pods) {
      surging++
      continue
    }
    const { fresh, old } = pods
    const counted = old ?? fresh
    if (counted && isAvailable(counted)) available++
    if (!old) continue
    const removal = (because: string): Removal => ({ pod: old, node, rule: 'update', because })
    if (fresh) {
      if (isAvailable(fresh)) remove.push(removal(`the new pod ${fresh.metadata.name} is available`))
      else surging++
    } else if (!shouldRun) {
      if (isAvailable(old)) misplaced.push(removal('the node should not run it, and enough others serve'))
      else remove.push(removal('the node should not run it, and it does not serve'))
    } else if (isAvailable(old)) extra.push(node)
    else create.push(node)
  }
  return {
    create: [...create, ...extra.slice(0, Math.max(0, limit - surging))],
    remove: [...remove, ...misplaced.slice(0, Math.max(0, available - desired))],
  }
}
