import { StatefulSet } from '../../../api/apps/stateful-set.ts'
import { PersistentVolumeClaim } from '../../../api/core/persistent-volume-claim.ts'
import type { Random } from '../../../lib/random.ts'
import { aNamespace, anImage, type Deed, named, oneOf, pick, pickObject, podTemplate, propagation, type Theme } from '../theme.ts'

const keep = (random: Random) => pick(random, 'Retain', 'Delete')
const retention = (random: Random) => ({ whenDeleted: keep(random), whenScaled: keep(random) })
const strategy = (random: Random) =>
  pick(
    random,
    { type: 'RollingUpdate' as const, rollingUpdate: { partition: 0 } },
    { type: 'RollingUpdate' as const, rollingUpdate: { partition: 2 } },
    { type: 'OnDelete' as const, rollingUpdate: null },
  )

const create: Deed = ({ random, client }) => {
  const metadata = { namespace: aNamespace(random), name: pick(random, 'db', 'queue') }
  const claim = { accessModes: ['ReadWriteOnce' as const], resources: { requests: { storage: '1Gi' } } }
  const spec = {
    ...{ serviceName: metadata.name, replicas: random.below(5), revisionHistoryLimit: random.below(3) },
    podManagementPolicy: pick(random, 'OrderedReady', 'OrderedReady', 'Parallel'),
    persistentVolumeClaimRetentionPolicy: retention(random),
    updateStrategy: strategy(random) as never,
    ordinals: { start: random.below(3) },
    minReadySeconds: pick(random, 0, 0, 5),
    volumeClaimTemplates: random.below(2) ? [{ metadata: { name: 'data' }, spec: claim }] : [],
  }
  const { podManagementPolicy, persistentVolumeClaimRetentionPolicy: policy } = spec
  return {
    text: `stateful set ${named({ metadata })}: ${spec.replicas}, ${podManagementPolicy}, ${spec.volumeClaimTemplates.length} claims, ${JSON.stringify(policy)}`,
    act: () =>
      client.create(StatefulSet, {
        metadata,
        spec: {
          ...spec,
          selector: { matchLabels: { app: metadata.name } },
          template: podTemplate(metadata.name, anImage(random)),
        },
      }),
  }
}

const change: Deed = ({ random, client, picture }) => {
  const set = oneOf(random, picture.of(StatefulSet))
  if (!set) return undefined
  const template = { spec: { containers: [{ name: 'main', image: anImage(random) }] } }
  const spec = pickObject(
    random,
    { replicas: random.below(6) },
    { replicas: random.below(6) },
    { template },
    { template },
    { template, replicas: random.below(4) },
    { updateStrategy: strategy(random) },
    { ordinals: { start: random.below(4) } },
    { persistentVolumeClaimRetentionPolicy: retention(random) },
    { minReadySeconds: random.below(2) * 5 },
  )
  return {
    text: `stateful set ${named(set)}: ${JSON.stringify(spec)}`,
    act: () => client.patch(StatefulSet, set.metadata, 'strategic', { spec }),
  }
}

const remove: Deed = ({ random, client, picture }) => {
  const set = oneOf(random, picture.of(StatefulSet))
  if (!set) return undefined
  // A pod that waits in the foreground for a claim that is protected from its loss waits for ever, upstream as well.
  const isCircle = set.spec.persistentVolumeClaimRetentionPolicy?.whenScaled === 'Delete'
  const propagationPolicy = isCircle ? pick(random, 'Background', 'Orphan') : propagation(random)
  return {
    text: `stateful set ${named(set)}: deleted, ${propagationPolicy}`,
    act: () => client.delete(StatefulSet, set.metadata, { propagationPolicy }),
  }
}

const removeClaim: Deed = ({ random, client, picture }) => {
  const claim = oneOf(random, picture.of(PersistentVolumeClaim))
  return (
    claim && {
      text: `claim ${named(claim)}: deleted`,
      act: () => client.delete(PersistentVolumeClaim, claim.metadata),
    }
  )
}

export const statefulSets: Theme = {
  name: 'stateful sets',
  opening: [create, create],
  deeds: [create, create, change, change, change, change, change, change, remove, removeClaim],
}
