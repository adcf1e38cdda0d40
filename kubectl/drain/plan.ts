import type { KubeObject, OwnerReference } from '../../api/transport.ts'

/** A pod as far as draining looks into it. */
export interface DrainPod extends KubeObject {
  readonly spec?: { readonly volumes?: readonly { readonly emptyDir?: object }[] }
  readonly status?: { readonly phase?: string }
}

export interface DrainRules {
  readonly force: boolean
  readonly ignoreDaemonSets: boolean
  readonly deleteEmptyDirData: boolean
  /** Whether the DaemonSet that a pod belongs to is still there: if so, it would only start the pod again. */
  readonly daemonSetExists: (pod: DrainPod, owner: OwnerReference) => boolean
}

export interface DrainPlan {
  /** Those to evict. */
  readonly evict: readonly DrainPod[]
  /** Why the node cannot be drained; empty when it can. */
  readonly obstacles: readonly string[]
  readonly warnings: readonly string[]
}

type Verdict = { readonly evict: boolean; readonly warning?: string; readonly obstacle?: string }

const goes: Verdict = { evict: true }

/** Which of a node's pods to evict, and what stands against it (k8s.io/kubectl/pkg/drain/filters.go). */
export function planDrain(pods: readonly DrainPod[], rules: DrainRules): DrainPlan {
  const verdicts = pods.map(pod => ({ pod, verdict: verdictOn(pod, rules) }))
  const told = (what: 'warning' | 'obstacle') => {
    const names = new Map<string, string[]>()
    for (const { pod, verdict } of verdicts) {
      const text = verdict[what]
      if (text) names.set(text, [...(names.get(text) ?? []), `${pod.metadata.namespace}/${pod.metadata.name}`])
    }
    return [...names].map(([text, those]) => `${text}: ${those.join(', ')}`)
  }
  return {
    evict: verdicts.filter(({ verdict }) => verdict.evict).map(({ pod }) => pod),
    obstacles: told('obstacle').map(text => `cannot delete ${text}`),
    warnings: told('warning'),
  }
}

function verdictOn(pod: DrainPod, rules: DrainRules): Verdict {
  const { annotations = {}, ownerReferences = [] } = pod.metadata
  const isFinished = pod.status?.phase === 'Succeeded' || pod.status?.phase === 'Failed'
  const owner = ownerReferences.find(({ controller }) => controller)
  if (owner?.kind === 'DaemonSet' && !isFinished) return daemonSetVerdict(pod, owner, rules)
  // The kubelet runs it from a file of its own.
  if ('kubernetes.io/config.mirror' in annotations) return { evict: false }
  if (isFinished) return goes
  if (pod.spec?.volumes?.some(({ emptyDir }) => emptyDir !== undefined) && !rules.deleteEmptyDirData) {
    return { evict: false, obstacle: 'Pods with local storage (use --delete-emptydir-data to override)' }
  }
  if (owner) return goes
  return rules.force
    ? { evict: true, warning: 'deleting Pods that declare no controller' }
    : { evict: false, obstacle: 'Pods that declare no controller (use --force to override)' }
}

function daemonSetVerdict(pod: DrainPod, owner: OwnerReference, rules: DrainRules): Verdict {
  if (!rules.daemonSetExists(pod, owner)) {
    const text = `daemonsets.apps "${owner.name}" not found`
    return rules.force ? { evict: true, warning: text } : { evict: false, obstacle: text }
  }
  if (!rules.ignoreDaemonSets) return { evict: false, obstacle: 'DaemonSet-managed Pods (use --ignore-daemonsets to ignore)' }
  return { evict: false, warning: 'ignoring DaemonSet-managed Pods' }
}
