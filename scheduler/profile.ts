import { Namespace } from '../api/core/namespace.ts'
import { defaultArguments, type PluginArguments } from '../api/scheduler-config/arguments.ts'
import type { PluginDependencies } from './dependencies.ts'
import type { ExtensionPoint, Plugin, WeightedPlugin } from './framework.ts'
import { balancedAllocation } from './plugins/balanced-allocation.ts'
import { budgetsFrom } from './plugins/budgets.ts'
import { defaultBinder } from './plugins/default-binder.ts'
import { defaultPreemption } from './plugins/default-preemption.ts'
import { defaultSelectorFrom } from './plugins/default-selector.ts'
import { imageLocality } from './plugins/image-locality.ts'
import { interPodAffinity } from './plugins/inter-pod-affinity.ts'
import { nodeAffinity } from './plugins/node-affinity.ts'
import { nodeName } from './plugins/node-name.ts'
import { nodePorts } from './plugins/node-ports.ts'
import { nodeResourcesFit } from './plugins/node-resources-fit.ts'
import { nodeUnschedulable } from './plugins/node-unschedulable.ts'
import { nodeVolumeLimits } from './plugins/node-volume-limits.ts'
import { storageListers } from './plugins/pod-claims.ts'
import { podTopologySpread } from './plugins/pod-topology-spread.ts'
import { prioritySort } from './plugins/priority-sort.ts'
import { schedulingGates } from './plugins/scheduling-gates.ts'
import { storageCapacity } from './plugins/storage-capacity.ts'
import { taintToleration } from './plugins/taint-toleration.ts'
import { volumeBinding } from './plugins/volume-binding.ts'
import { volumeRestrictions } from './plugins/volume-restrictions.ts'
import { volumeWrites } from './plugins/volume-writes.ts'
import { volumeZone } from './plugins/volume-zone.ts'

/** The name pods ask for in `spec.schedulerName`, and the plugins that place them. */
export interface Profile {
  readonly schedulerName: string
  /** In the order in which they are asked. */
  readonly plugins: readonly WeightedPlugin[]
  /** Where the order is another, the plugins' names in it. */
  readonly orders?: { readonly [Point in ExtensionPoint]?: readonly string[] }
  /** How many of all nodes are enough to choose from, in per cent; 0 or absent: as the size of the cluster suggests. */
  readonly percentageOfNodesToScore?: number
}

/** Which function of a plugin stands for an extension point. */
export const functionAt = {
  preEnqueue: 'preEnqueue',
  queueSort: 'sortsQueue',
  preFilter: 'preFilter',
  filter: 'filter',
  postFilter: 'postFilter',
  preScore: 'preScore',
  score: 'score',
  reserve: 'reserve',
  permit: 'permit',
  preBind: 'preBind',
  bind: 'bind',
  postBind: 'postBind',
} as const satisfies { readonly [Point in ExtensionPoint]: keyof Plugin }

/** The plugins that take part in an extension point, in its order. */
export function pluginsAt({ plugins, orders }: Pick<Profile, 'plugins' | 'orders'>, point: ExtensionPoint): readonly Plugin[] {
  const taking = plugins.map(({ plugin }) => plugin).filter(plugin => plugin[functionAt[point]] !== undefined)
  const order = orders?.[point]
  return order ? taking.sort((a, b) => order.indexOf(a.name) - order.indexOf(b.name)) : taking
}

/** All plugins there are, in the order in which they are asked, with the weights of their scores (pkg/scheduler/apis/config/v1/default_plugins.go). */
export function allPlugins(dependencies: PluginDependencies, args: PluginArguments, schedulerName: string): WeightedPlugin[] {
  const { informers } = dependencies
  const namespaces = informers.of(Namespace)
  const labelsOf = (namespace: string) => namespaces.lister.get(namespace)?.metadata.labels ?? {}
  const storage = storageListers(informers)
  const writes = volumeWrites(dependencies, args.VolumeBinding)
  return [
    { plugin: schedulingGates },
    { plugin: prioritySort },
    { plugin: nodeUnschedulable },
    { plugin: nodeName },
    { plugin: taintToleration, weight: 3 },
    { plugin: nodeAffinity(args.NodeAffinity), weight: 2 },
    { plugin: nodePorts },
    { plugin: nodeResourcesFit(args.NodeResourcesFit), weight: 1 },
    { plugin: volumeRestrictions(storage) },
    { plugin: nodeVolumeLimits(storage, informers) },
    { plugin: volumeBinding(storage, writes, storageCapacity(informers), dependencies.promised) },
    { plugin: volumeZone(storage) },
    { plugin: podTopologySpread(defaultSelectorFrom(informers), args.PodTopologySpread), weight: 2 },
    { plugin: interPodAffinity(labelsOf, () => namespaces.revision, args.InterPodAffinity), weight: 2 },
    { plugin: defaultPreemption({ ...dependencies, ...args.DefaultPreemption, schedulerName, budgets: budgetsFrom(informers) }) },
    { plugin: balancedAllocation(args.NodeResourcesBalancedAllocation), weight: 1 },
    { plugin: imageLocality, weight: 1 },
    { plugin: defaultBinder(dependencies) },
  ]
}

/** What applies without a configuration. */
export function defaultProfile(dependencies: PluginDependencies): Profile {
  const schedulerName = 'default-scheduler'
  return { schedulerName, plugins: allPlugins(dependencies, defaultArguments, schedulerName) }
}
