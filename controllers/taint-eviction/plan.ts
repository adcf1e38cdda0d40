import type { Taint } from '../../api/core/node.ts'
import type { Pod } from '../../api/core/pod.ts'
import { tolerates } from '../../api/placement/tolerations.ts'

/**
 * How long a pod may stay on a node with these NoExecute taints: milliseconds since they were seen, 0 for not at all, `undefined` for ever. Of
 * several matching tolerations of a taint the first counts; of several taints the shortest stay (pkg/controller/tainteviction).
 */
export function allowedStay(tolerations: NonNullable<Pod['spec']['tolerations']>, taints: readonly Taint[]): number | undefined {
  let shortest: number | undefined
  for (const taint of taints) {
    const used = tolerations.find(toleration => tolerates(toleration, taint))
    if (!used) return 0
    if (used.tolerationSeconds === undefined) continue
    const stay = Math.max(0, used.tolerationSeconds * 1000)
    shortest = Math.min(shortest ?? stay, stay)
  }
  return shortest
}
