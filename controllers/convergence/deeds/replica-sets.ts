import { ReplicaSet } from '../../../api/apps/replica-set.ts'
import { ReplicationController } from '../../../api/core/replication-controller.ts'
import type { AnyKind } from '../../../api/kind.ts'
import type { KubeObject } from '../../../api/transport.ts'
import { aNamespace, anImage, type Deed, named, oneOf, pick, pickObject, podTemplate, propagation, type Theme } from '../theme.ts'

const createSet: Deed = ({ random, client }) => {
  const metadata = { namespace: aNamespace(random), name: 'solo' }
  const spec = {
    replicas: random.below(6),
    minReadySeconds: pick(random, 0, 0, 5),
    selector: { matchLabels: { app: 'solo' } },
    template: podTemplate('solo', anImage(random)),
  }
  return {
    text: `replica set ${named({ metadata })}: ${spec.replicas}`,
    act: () => client.create(ReplicaSet, { metadata, spec }),
  }
}

const createController: Deed = ({ random, client }) => {
  const metadata = { namespace: aNamespace(random), name: 'old' }
  const spec = {
    replicas: random.below(6),
    minReadySeconds: pick(random, 0, 5),
    selector: { app: 'old' },
    template: podTemplate('old', anImage(random)),
  }
  return {
    text: `replication controller ${named({ metadata })}: ${spec.replicas}`,
    act: () => client.create(ReplicationController, { metadata, spec }),
  }
}

const kinds: readonly [AnyKind, AnyKind] = [ReplicaSet, ReplicationController]

const change: Deed = ({ random, client, picture }) => {
  const kind = pick(random, ...kinds)
  const set = oneOf(
    random,
    (picture.of(kind) as readonly KubeObject[]).filter(({ metadata }) => !metadata.ownerReferences?.length),
  )
  if (!set) return undefined
  const spec = pickObject(random, { replicas: random.below(8) }, { minReadySeconds: random.below(2) * 5 })
  return {
    text: `${kind.singular} ${named(set)}: ${JSON.stringify(spec)}`,
    act: () => client.patch(kind, set.metadata, 'merge', { spec }),
  }
}

const remove: Deed = ({ random, client, picture }) => {
  const kind = pick(random, ...kinds)
  const set = oneOf(random, picture.of(kind) as readonly KubeObject[])
  if (!set) return undefined
  const propagationPolicy = propagation(random)
  return {
    text: `${kind.singular} ${named(set)}: deleted, ${propagationPolicy}`,
    act: () => client.delete(kind, set.metadata, { propagationPolicy }),
  }
}

export const replicaSets: Theme = {
  name: 'replica sets',
  opening: [createSet, createController],
  deeds: [createSet, createController, change, change, change, remove],
}
