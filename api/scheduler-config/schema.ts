import * as z from 'zod'
import { NodeAffinity, TopologySpreadConstraint } from '../core/affinity.ts'
import { atomicList, flag, int32, int64, lazyObject, requiredText, text } from '../schema.ts'

/**
 * A scheduler's configuration file: KubeSchedulerConfiguration of kubescheduler.config.k8s.io/v1, with upstream's names
 * (staging/src/k8s.io/kube-scheduler/config/v1). Only what somebody wrote is in there; defaults.ts fills in the rest.
 */
const PluginChoice = lazyObject(() => ({ name: requiredText(), weight: int32().optional() }))

/** The plugins of one extension point: which come in addition, and which of the usual ones do not; `*` means all. */
const PluginSet = lazyObject(() => ({
  enabled: atomicList(PluginChoice).optional(),
  disabled: atomicList(PluginChoice).optional(),
}))
export type PluginSet = z.output<typeof PluginSet>

const Plugins = lazyObject(() => ({
  preEnqueue: PluginSet.optional(),
  queueSort: PluginSet.optional(),
  preFilter: PluginSet.optional(),
  filter: PluginSet.optional(),
  postFilter: PluginSet.optional(),
  preScore: PluginSet.optional(),
  score: PluginSet.optional(),
  reserve: PluginSet.optional(),
  permit: PluginSet.optional(),
  preBind: PluginSet.optional(),
  bind: PluginSet.optional(),
  postBind: PluginSet.optional(),
  multiPoint: PluginSet.optional(),
}))
export type Plugins = z.output<typeof Plugins>

const Profile = lazyObject(() => ({
  schedulerName: z.string().optional(),
  percentageOfNodesToScore: int32().optional(),
  plugins: Plugins.optional(),
  pluginConfig: atomicList(lazyObject(() => ({ name: requiredText(), args: z.unknown().optional() }))).optional(),
}))

const LeaderElection = lazyObject(() => ({
  leaderElect: z.boolean().optional(),
  leaseDuration: text(),
  renewDeadline: text(),
  retryPeriod: text(),
  resourceLock: text(),
  resourceName: text(),
  resourceNamespace: text(),
}))

const ClientConnection = lazyObject(() => ({
  kubeconfig: text(),
  acceptContentTypes: text(),
  contentType: text(),
  qps: z.number().optional(),
  burst: int32().optional(),
}))

/** The file as a whole. */
export const ConfigurationFile = lazyObject(() => ({
  apiVersion: text(),
  kind: text(),
  parallelism: int32().optional(),
  leaderElection: LeaderElection.optional(),
  clientConnection: ClientConnection.optional(),
  enableProfiling: z.boolean().optional(),
  enableContentionProfiling: z.boolean().optional(),
  percentageOfNodesToScore: int32().optional(),
  podInitialBackoffSeconds: int64().optional(),
  podMaxBackoffSeconds: int64().optional(),
  delayCacheUntilActive: z.boolean().optional(),
  profiles: atomicList(Profile).optional(),
  extenders: atomicList(z.unknown()).optional(),
}))
export type ConfigurationFile = z.output<typeof ConfigurationFile>

const meta = { apiVersion: text(), kind: text() }
const ResourceSpec = lazyObject(() => ({ name: requiredText(), weight: int64().optional() }))
const ShapePoint = lazyObject(() => ({ utilization: int32().default(0), score: int32().default(0) }))

/** What each plugin can be told, by its name. */
export const argumentSchemas = {
  DefaultPreemption: lazyObject(() => ({
    ...meta,
    minCandidateNodesPercentage: int32().optional(),
    minCandidateNodesAbsolute: int32().optional(),
  })),
  InterPodAffinity: lazyObject(() => ({
    ...meta,
    hardPodAffinityWeight: int32().optional(),
    ignorePreferredTermsOfExistingPods: flag(),
  })),
  NodeAffinity: lazyObject(() => ({ ...meta, addedAffinity: NodeAffinity.optional() })),
  NodeResourcesBalancedAllocation: lazyObject(() => ({ ...meta, resources: atomicList(ResourceSpec).optional() })),
  NodeResourcesFit: lazyObject(() => ({
    ...meta,
    ignoredResources: atomicList(z.string()).optional(),
    ignoredResourceGroups: atomicList(z.string()).optional(),
    scoringStrategy: lazyObject(() => ({
      type: text(),
      resources: atomicList(ResourceSpec).optional(),
      requestedToCapacityRatio: lazyObject(() => ({ shape: atomicList(ShapePoint).optional() })).optional(),
    })).optional(),
  })),
  PodTopologySpread: lazyObject(() => ({
    ...meta,
    defaultConstraints: atomicList(TopologySpreadConstraint).optional(),
    defaultingType: text(),
  })),
  VolumeBinding: lazyObject(() => ({
    ...meta,
    bindTimeoutSeconds: int64().optional(),
    shape: atomicList(ShapePoint).optional(),
  })),
} as const
type Schemas = typeof argumentSchemas
export type PluginWithArguments = keyof Schemas
export type RawArguments = { readonly [Name in PluginWithArguments]: z.output<Schemas[Name]> }
