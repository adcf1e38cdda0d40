import type { DaemonSet } from '../../api/apps/daemon-set.ts'
import type { Node } from '../../api/core/node.ts'
import type { Pod } from '../../api/core/pod.ts'
import { isFinished } from '../shared/pod-state.ts'
import { placementOf, targetNode, type Verdict } from './placement.ts'

/** A label that pods and revisions of one template share. */
export const hashLabel = 'controller-revision-hash'
/** The template's number, which older pods carry instead (k8s.io/api/extensions/v1beta1, DaemonSetTemplateGenerationKey). */
export const generationLabel = 'pod-template-generation'
const generationAnnotation = 'deprecated.daemonset.template.generation'

/** What a set knows of a node. */
export interface Place {
  readonly node: string
  readonly verdict: Verdict
  /** Bound ones first, then the oldest. */
  readonly pods: readonly Pod[]
}

/** The nodes of a cluster as a set sees them. */
export interface Picture {
  readonly set: DaemonSet
  /** Of the present template. */
  readonly hash: string
  /** All nodes that there are. */
  readonly places: readonly Place[]
  /** Pods by names of nodes that there are not. */
  readonly elsewhere: ReadonlyMap<string, readonly Pod[]>
  /** In milliseconds. */
  readonly now: number
}

/** Sorts pods by node. A pod that has ended and is on its way out, or is for no node, is none of a set's business any more. */
export function pictureOf(set: DaemonSet, hash: string, nodes: readonly Node[], pods: readonly Pod[], now: number): Picture {
  const byNode = new Map<string, Pod[]>()
  for (const pod of pods) {
    if (isFinished(pod) && pod.metadata.deletionTimestamp) continue
    const node = targetNode(pod)
    if (node === undefined) continue
    const known = byNode.get(node)
    if (known) known.push(pod)
    else byNode.set(node, [pod])
  }
  const judge = placementOf(set)
  const places: Place[] = []
  for (const node of nodes) {
    const { name } = node.metadata
    const own = byNode.get(name) ?? []
    byNode.delete(name)
    places.push({ node: name, verdict: judge(node), pods: own.length > 1 ? own.sort(boundThenOldest) : own })
  }
  return { set, hash, places, elsewhere: byNode, now }
}

function boundThenOldest({ metadata: a, spec }: Pod, { metadata: b, spec: other }: Pod): number {
  if (Boolean(spec.nodeName) !== Boolean(other.nodeName)) return spec.nodeName ? -1 : 1
  if (a.creationTimestamp !== b.creationTimestamp) return a.creationTimestamp < b.creationTimestamp ? -1 : 1
  return a.name < b.name ? -1 : 1
}

/** The number of a set's present template, if it says. */
export function generationOf({ metadata }: DaemonSet): string | undefined {
  const generation = metadata.annotations?.[generationAnnotation]
  return generation !== undefined && /^-?\d+$/.test(generation) ? generation : undefined
}

/** Whether a pod is of the present template. */
export function isUpdated({ metadata: { labels } }: Pod, { hash, set }: Pick<Picture, 'hash' | 'set'>): boolean {
  if (hash !== '' && labels?.[hashLabel] === hash) return true
  const generation = generationOf(set)
  return generation !== undefined && labels?.[generationLabel] === generation
}
