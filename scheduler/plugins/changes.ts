import type { Node } from '../../api/core/node.ts'
import { deepEqual } from '../../lib/json.ts'
import type { PodInfo } from '../pod-info.ts'

/** What has changed, for hints (framework/events.go PodSchedulingPropertiesChange, NodeSchedulingPropertiesChange). */

/** Validation lets tolerations only grow in number or in seconds, but nobody need rely on that. */
export function haveTolerationsChanged(before: PodInfo | undefined, after: PodInfo | undefined): boolean {
  return !!before && !!after && !deepEqual(before.pod.spec.tolerations ?? [], after.pod.spec.tolerations ?? [])
}

export function haveLabelsChanged(before: PodInfo, after: PodInfo): boolean {
  return !deepEqual(before.labels, after.labels)
}

/** A node that is new, or whose labels are. */
export function isNewOrRelabelled({ before, after }: { readonly before?: Node | undefined; readonly after?: Node | undefined }) {
  return after !== undefined && !(before && deepEqual(before.metadata.labels ?? {}, after.metadata.labels ?? {}))
}

export function haveTaintsChanged(before: Node, after: Node): boolean {
  return !deepEqual(before.spec.taints ?? [], after.spec.taints ?? [])
}
