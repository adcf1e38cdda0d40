import { Deployment } from '../../../api/apps/deployment.ts'
import { ReplicaSet } from '../../../api/apps/replica-set.ts'
import type { Random } from '../../../lib/random.ts'
import { aNamespace, anImage, type Deed, named, oneOf, pick, pickObject, podTemplate, propagation, type Theme } from '../theme.ts'

const strategy = (random: Random) => {
  if (random.below(5) === 0) return { type: 'Recreate' as const, rollingUpdate: null }
  const maxSurge = pick(random, 0, 1, 2, '25%', '50%', '100%')
  return {
    type: 'RollingUpdate' as const,
    rollingUpdate: { maxSurge, maxUnavailable: maxSurge ? pick(random, 0, 1, '25%', '50%') : 1 },
  }
}

const create: Deed = ({ random, client }) => {
  const metadata = { namespace: aNamespace(random), name: pick(random, 'web', 'api') }
  const image = anImage(random)
  const spec = {
    replicas: random.below(7),
    selector: { matchLabels: { app: metadata.name } },
    template: podTemplate(metadata.name, image),
    strategy: strategy(random) as never,
    minReadySeconds: pick(random, 0, 0, 5),
    revisionHistoryLimit: random.below(4),
    progressDeadlineSeconds: pick(random, 20, 600),
  }
  return {
    text: `deployment ${named({ metadata })}: ${spec.replicas} of ${image}, ${JSON.stringify(spec.strategy)}`,
    act: () => client.create(Deployment, { metadata, spec }),
  }
}

const change: Deed = ({ random, client, picture }) => {
  const deployment = oneOf(random, picture.of(Deployment))
  if (!deployment) return undefined
  const image = anImage(random)
  const template = { spec: { containers: [{ name: 'main', image }] } }
  const spec = pickObject(
    random,
    ...([{ replicas: random.below(9) }, { template }, { template }, { template, replicas: random.below(6) }] as const),
    ...[{ paused: !deployment.spec.paused }, { strategy: strategy(random) }, { minReadySeconds: pick(random, 0, 5) }],
  )
  return {
    text: `deployment ${named(deployment)}: ${JSON.stringify(spec)}`,
    act: () => client.patch(Deployment, deployment.metadata, 'strategic', { spec }),
  }
}

const remove: Deed = ({ random, client, picture }) => {
  const deployment = oneOf(random, picture.of(Deployment))
  if (!deployment) return undefined
  const propagationPolicy = propagation(random)
  return {
    text: `deployment ${named(deployment)}: deleted, ${propagationPolicy}`,
    act: () => client.delete(Deployment, deployment.metadata, { propagationPolicy }),
  }
}

/** Somebody works on what is the controller's. */
const meddle: Deed = ({ random, client, picture }) => {
  const set = oneOf(
    random,
    picture.of(ReplicaSet).filter(({ metadata }) => metadata.ownerReferences?.length),
  )
  if (!set) return undefined
  const what = random.below(3)
  if (what === 0) {
    const propagationPolicy = propagation(random)
    return {
      text: `replica set ${named(set)}: deleted behind its deployment's back, ${propagationPolicy}`,
      act: () => client.delete(ReplicaSet, set.metadata, { propagationPolicy }),
    }
  }
  if (what === 1) {
    const replicas = random.below(6)
    return {
      text: `replica set ${named(set)}: scaled to ${replicas} behind its deployment's back`,
      act: () => client.patch(ReplicaSet, set.metadata, 'merge', { spec: { replicas } }),
    }
  }
  return {
    text: `replica set ${named(set)}: disowned`,
    act: () => client.patch(ReplicaSet, set.metadata, 'merge', { metadata: { ownerReferences: null } }),
  }
}

export const deployments: Theme = {
  name: 'deployments',
  opening: [create, create],
  deeds: [create, change, change, change, change, change, change, remove, meddle],
  async calm({ client, picture }) {
    for (const deployment of picture.of(Deployment)) {
      if (deployment.spec.paused) await client.patch(Deployment, deployment.metadata, 'merge', { spec: { paused: false } })
    }
  },
}
