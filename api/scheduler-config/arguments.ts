import type { Affinity, TopologySpreadConstraint } from '../core/affinity.ts'
import type { RawArguments } from './schema.ts'

/** How much a resource counts among others. */
export interface ResourceWeight {
  readonly name: string
  readonly weight: number
}

/** A point of a piecewise linear function: utilization 0..100, score 0..10. */
export interface ShapePoint {
  readonly utilization: number
  readonly score: number
}

export type ScoringStrategy =
  | { readonly type: 'LeastAllocated' | 'MostAllocated'; readonly resources: readonly ResourceWeight[] }
  | {
      readonly type: 'RequestedToCapacityRatio'
      readonly resources: readonly ResourceWeight[]
      readonly shape: readonly ShapePoint[]
    }

/** What every plugin that can be told something is told, defaults filled in (pkg/scheduler/apis/config/v1/defaults.go). */
export interface PluginArguments {
  readonly DefaultPreemption: { readonly minCandidateNodesPercentage: number; readonly minCandidateNodesAbsolute: number }
  readonly InterPodAffinity: { readonly hardPodAffinityWeight: number; readonly ignorePreferredTermsOfExistingPods: boolean }
  readonly NodeAffinity: { readonly addedAffinity?: AddedAffinity | undefined }
  readonly NodeResourcesBalancedAllocation: { readonly resources: readonly ResourceWeight[] }
  readonly NodeResourcesFit: {
    readonly ignoredResources: readonly string[]
    readonly ignoredResourceGroups: readonly string[]
    readonly scoringStrategy: ScoringStrategy
  }
  readonly PodTopologySpread: {
    /** `List`: the constraints given here; `System`: the built-in ones. */
    readonly defaultingType: 'System' | 'List'
    readonly defaultConstraints: readonly TopologySpreadConstraint[]
  }
  readonly VolumeBinding: { readonly bindTimeoutSeconds: number }
}

/** What all pods of a profile want of nodes in addition. */
export type AddedAffinity = NonNullable<Affinity['nodeAffinity']>

const cpuAndMemory: readonly ResourceWeight[] = [
  { name: 'cpu', weight: 1 },
  { name: 'memory', weight: 1 },
]

function weighted(resources: readonly { name: string; weight?: number | undefined }[] = []): readonly ResourceWeight[] {
  return resources.length === 0 ? cpuAndMemory : resources.map(({ name, weight }) => ({ name, weight: weight || 1 }))
}

/** What applies where nobody says anything. */
export const defaultArguments: PluginArguments = withDefaults({})

/** Fills in what was not said. Values are as they were written: validate before. */
export function withDefaults(raw: Partial<RawArguments>): PluginArguments {
  const preemption = raw.DefaultPreemption ?? {}
  const affinity = raw.InterPodAffinity ?? {}
  const fit = raw.NodeResourcesFit ?? {}
  const { type = 'LeastAllocated', resources, requestedToCapacityRatio } = fit.scoringStrategy ?? {}
  const strategyResources = weighted(resources)
  const spread = raw.PodTopologySpread ?? {}
  return {
    DefaultPreemption: {
      minCandidateNodesPercentage: preemption.minCandidateNodesPercentage ?? 10,
      minCandidateNodesAbsolute: preemption.minCandidateNodesAbsolute ?? 100,
    },
    InterPodAffinity: {
      hardPodAffinityWeight: affinity.hardPodAffinityWeight ?? 1,
      ignorePreferredTermsOfExistingPods: affinity.ignorePreferredTermsOfExistingPods ?? false,
    },
    NodeAffinity: { addedAffinity: raw.NodeAffinity?.addedAffinity },
    NodeResourcesBalancedAllocation: { resources: weighted(raw.NodeResourcesBalancedAllocation?.resources) },
    NodeResourcesFit: {
      ignoredResources: fit.ignoredResources ?? [],
      ignoredResourceGroups: fit.ignoredResourceGroups ?? [],
      scoringStrategy:
        type === 'RequestedToCapacityRatio'
          ? { type, resources: strategyResources, shape: requestedToCapacityRatio?.shape ?? [] }
          : { type: type === 'MostAllocated' ? type : 'LeastAllocated', resources: strategyResources },
    },
    PodTopologySpread: {
      defaultingType: spread.defaultingType === 'List' ? 'List' : 'System',
      defaultConstraints: spread.defaultConstraints ?? [],
    },
    VolumeBinding: { bindTimeoutSeconds: raw.VolumeBinding?.bindTimeoutSeconds ?? 600 },
  }
}
