import { ReplicaSet } from '../../api/apps/replica-set.ts'
import { StatefulSet } from '../../api/apps/stateful-set.ts'
import { Namespace } from '../../api/core/namespace.ts'
import { PersistentVolume } from '../../api/core/persistent-volume.ts'
import { PersistentVolumeClaim } from '../../api/core/persistent-volume-claim.ts'
import { ReplicationController } from '../../api/core/replication-controller.ts'
import { Service } from '../../api/core/service.ts'
import type { AnyKind } from '../../api/kind.ts'
import { keyOf } from '../../api/meta.ts'
import { PodDisruptionBudget } from '../../api/policy/pod-disruption-budget.ts'
import { CSIDriver } from '../../api/storage/csi-driver.ts'
import { CSINode } from '../../api/storage/csi-node.ts'
import { CSIStorageCapacity } from '../../api/storage/csi-storage-capacity.ts'
import { StorageClass } from '../../api/storage/storage-class.ts'
import { VolumeAttachment } from '../../api/storage/volume-attachment.ts'
import type { KubeObject } from '../../api/transport.ts'
import type { Client } from '../../client/client.ts'
import type { Informers } from '../../client/informer.ts'
import { objectCache } from '../../client/object-cache.ts'
import type { Cluster } from './cluster.ts'

/** The kinds whose objects the scheduler looks up, by where a cluster keeps them. */
const kinds = {
  namespaces: Namespace,
  services: Service,
  replicaSets: ReplicaSet,
  statefulSets: StatefulSet,
  replicationControllers: ReplicationController,
  claims: PersistentVolumeClaim,
  volumes: PersistentVolume,
  storageClasses: StorageClass,
  csiNodes: CSINode,
  csiDrivers: CSIDriver,
  capacities: CSIStorageCapacity,
  attachments: VolumeAttachment,
  budgets: PodDisruptionBudget,
} as const satisfies { readonly [K in keyof Cluster]?: AnyKind }

/** The objects of a cluster by kind, as informers would have them. */
export function surroundings(cluster: Cluster) {
  const known = new Map<string, { cache: ReturnType<typeof objectCache<KubeObject>>; informer: { revision: number } }>()
  const of = ({ kind }: AnyKind) => {
    let one = known.get(kind)
    if (!one) {
      const cache = objectCache<KubeObject>()
      cache.index('namespace', ({ metadata }) => [metadata.namespace ?? ''])
      const informer = {
        lister: cache,
        revision: 0,
        isSynced: true,
        subscribe: () => () => {},
        index: (name: string, values: (object: KubeObject) => readonly string[]) => cache.index(name, values),
      }
      one = { cache, informer }
      known.set(kind, one)
    }
    return one
  }
  const change = (list: keyof Cluster, edit: (cache: ReturnType<typeof objectCache<KubeObject>>) => void) => {
    const { cache, informer } = of(kinds[list as keyof typeof kinds])
    edit(cache)
    informer.revision++
  }
  const put = (list: keyof Cluster, object: object) => change(list, cache => cache.set(object as KubeObject))
  for (const list of Object.keys(kinds) as (keyof typeof kinds)[]) for (const object of cluster[list]) put(list, object)
  return {
    informers: { of: (kind: AnyKind) => of(kind).informer } as unknown as Informers,
    put,
    remove: (list: keyof Cluster, object: object) => change(list, cache => cache.remove(keyOf(object as KubeObject))),
  }
}

/** A client that only takes down whom the scheduler deletes. */
export function deletions() {
  const names = new Set<string>()
  const client = {
    as: () => client,
    patch: async () => {},
    delete: async (_: AnyKind, { namespace, name }: { namespace: string; name: string }) =>
      void names.add(`${namespace}/${name}`),
  }
  return { names, client: client as unknown as Client }
}
