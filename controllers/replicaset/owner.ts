import type { ReplicaSetStatus } from '../../api/apps/replica-set.ts'
import type { PodTemplateSpec } from '../../api/core/pod-spec.ts'
import type { AnyKind } from '../../api/kind.ts'
import type { NamespacedObjectMeta } from '../../api/meta.ts'
import type { Selector } from '../../api/selectors.ts'

/** What keeps a number of equal pods, as far as its controller looks into it: a ReplicaSet, a ReplicationController. */
export interface ReplicaOwner {
  readonly apiVersion: string
  readonly kind: string
  readonly metadata: NamespacedObjectMeta
  readonly spec: {
    readonly replicas: number
    readonly minReadySeconds?: number | undefined
    readonly template?: PodTemplateSpec | undefined
  }
  readonly status: ReplicaSetStatus
}

/** What a kind that keeps a number of equal pods has of its own. */
export interface ReplicaKind {
  /** The controller's name, and the first word of its notes' rules. */
  readonly name: string
  /** Who its Events come from, where that is not `<name>-controller`. */
  readonly source?: string
  readonly kind: AnyKind
  readonly selectorOf: (owner: ReplicaOwner) => Selector
  /** Whether its status has a field for the pods that are on their way out. */
  readonly countsTerminating: boolean
}
