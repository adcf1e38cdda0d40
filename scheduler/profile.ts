import { Namespace } from '../api/core/namespace.ts'
import { CSINode } from '../api/storage/csi-node.ts'
import type { PluginDependencies } from './dependencies.ts'
import type { WeightedPlugin } from './framework.ts'
import { balancedAllocation } from './plugins/balanced-allocation.ts'
import { defaultPreemption } from './plugins/default-preemption.ts'
import { defaultSelectorFrom } from './plugins/default-selector.ts'
import { imageLocality } from './plugins/image-locality.ts'
import { interPodAffinity } from './plugins/inter-pod-affinity.ts'
import { nodeAffinity } from './plugins/node-affinity.ts'
import { nodeName } from './plugins/node-name.ts'
import { nodePorts } from './plugins/node-ports.ts'
import { nodeResourcesFit } from './plugins/node-resources-fit.ts'
import { nodeUnschedulable } from './plugins/node-unschedulable.ts'
import { podTopologySpread } from './plugins/pod-topology-spread.ts'
import { schedulingGates } from './plugins/scheduling-gates.ts'
import { storageListers } from './plugins/pod-claims.ts'
import { taintToleration } from './plugins/taint-toleration.ts'
import { nodeVolumeLimits } from './plugins/node-volume-limits.ts'
import { storageCapacity } from './plugins/storage-capacity.ts'
import { volumeBinding } from './plugins/volume-binding.ts'
import { volumeRestrictions } from './plugins/volume-restrictions.ts'
import { volumeWrites } from './plugins/volume-writes.ts'
import { volumeZone } from './plugins/volume-zone.ts'

/** The name pods ask for in `spec.schedulerName`, and the plugins that place them. */
export interface Profile {
  readonly schedulerName: string
  readonly plugins: readonly WeightedPlugin[]
}

/** In the order in which they are asked, with the weights of their scores (pkg/scheduler/apis/config/v1/default_plugins.go). */
export function defaultProfile(dependencies: PluginDependencies): Profile {
  const schedulerName = 'default-scheduler'
  const namespaces = dependencies.informers.of(Namespace)
  const labelsOf = (namespace: string) => namespaces.lister.get(namespace)?.metadata.labels ?? {}
  const storage = storageListers(dependencies.informers)
  return {
    schedulerName,
    plugins: [
      { plugin: schedulingGates },
      { plugin: nodeUnschedulable },
      { plugin: nodeName },
      { plugin: taintToleration, weight: 3 },
      { plugin: nodeAffinity, weight: 2 },
      { plugin: nodePorts },
      { plugin: nodeResourcesFit(), weight: 1 },
      { plugin: volumeRestrictions(storage) },
      { plugin: nodeVolumeLimits(storage, dependencies.informers.of(CSINode).lister) },
      { plugin: volumeBinding(storage, volumeWrites(dependencies), storageCapacity(dependencies.informers)) },
      { plugin: volumeZone(storage) },
      { plugin: podTopologySpread(defaultSelectorFrom(dependencies.informers)), weight: 2 },
      { plugin: interPodAffinity(labelsOf, () => namespaces.revision), weight: 2 },
      { plugin: defaultPreemption({ ...dependencies, schedulerName, budgets: () => [] }) },
      { plugin: balancedAllocation, weight: 1 },
      { plugin: imageLocality, weight: 1 },
    ],
  }
}
