import type { ReplicaSet } from '../../api/apps/replica-set.ts'
import type { StatefulSet } from '../../api/apps/stateful-set.ts'
import type { Namespace } from '../../api/core/namespace.ts'
import type { Node } from '../../api/core/node.ts'
import type { PersistentVolume } from '../../api/core/persistent-volume.ts'
import type { PersistentVolumeClaim } from '../../api/core/persistent-volume-claim.ts'
import type { Pod } from '../../api/core/pod.ts'
import type { ReplicationController } from '../../api/core/replication-controller.ts'
import type { Service } from '../../api/core/service.ts'
import type { PodDisruptionBudget } from '../../api/policy/pod-disruption-budget.ts'
import type { CSIDriver } from '../../api/storage/csi-driver.ts'
import type { CSINode } from '../../api/storage/csi-node.ts'
import type { CSIStorageCapacity } from '../../api/storage/csi-storage-capacity.ts'
import type { StorageClass } from '../../api/storage/storage-class.ts'
import type { VolumeAttachment } from '../../api/storage/volume-attachment.ts'

/** Everything a scheduling decision looks at, as plain lists. */
export interface Cluster {
  readonly nodes: readonly Node[]
  /** Those with a `spec.nodeName`. */
  readonly pods: readonly Pod[]
  /** Pods that wait for victims to leave a node. */
  readonly nominations: readonly Nomination[]
  readonly namespaces: readonly Namespace[]
  readonly services: readonly Service[]
  readonly replicaSets: readonly ReplicaSet[]
  readonly statefulSets: readonly StatefulSet[]
  readonly replicationControllers: readonly ReplicationController[]
  readonly claims: readonly PersistentVolumeClaim[]
  readonly volumes: readonly PersistentVolume[]
  readonly storageClasses: readonly StorageClass[]
  readonly csiNodes: readonly CSINode[]
  readonly csiDrivers: readonly CSIDriver[]
  readonly capacities: readonly CSIStorageCapacity[]
  readonly attachments: readonly VolumeAttachment[]
  readonly budgets: readonly PodDisruptionBudget[]
}

export interface Nomination {
  readonly pod: Pod
  readonly nodeName: string
}

/** The cluster as an attempt found it, and what a what-if question changes: pods that came (with their node set) and pods that left. */
export interface World {
  readonly cluster: Cluster
  readonly come: readonly Pod[]
  /** By uid. */
  readonly gone: ReadonlySet<string>
}

export const asFound = (cluster: Cluster): World => ({ cluster, come: [], gone: new Set() })

/** The pods on a node, what-if changes counted. */
export function podsOn(node: Node, { cluster, come, gone }: World): Pod[] {
  const there = cluster.pods.filter(pod => !gone.has(pod.metadata.uid))
  return [...there, ...come].filter(pod => pod.spec.nodeName === node.metadata.name)
}

/** What a node answers when it does not take a pod. `Unresolvable`: taking pods away cannot help. */
export interface Refusal {
  readonly code: 'Unschedulable' | 'Unresolvable'
  readonly plugin: string
  readonly reasons: readonly string[]
}

/**
 * One plugin in its plainest form. `prepare` looks at the cluster once and may take the plugin out of the attempt ('skip'), refuse for
 * all nodes, or name the only nodes that can be right; `score` gives the final 0 to 100 of each feasible node, in their order.
 */
export interface ReferencePlugin {
  readonly name: string
  readonly weight?: number
  readonly prepare?: (pod: Pod, cluster: Cluster) => 'skip' | Refusal | ReadonlySet<string> | undefined
  readonly filter?: (pod: Pod, node: Node, world: World) => Refusal | undefined
  readonly score?: (pod: Pod, nodes: readonly Node[], cluster: Cluster) => number[]
}

export type Labels = Readonly<Record<string, string>>

export const labelsOf = ({ metadata }: { readonly metadata: { readonly labels?: Labels | undefined } }): Labels =>
  metadata.labels ?? {}

export const priorityOf = ({ spec }: Pod): number => spec.priority ?? 0
