import { DaemonSet } from '../../../api/apps/daemon-set.ts'
import type { Random } from '../../../lib/random.ts'
import { aNamespace, anImage, type Deed, named, oneOf, pick, pickObject, podTemplate, propagation, type Theme } from '../theme.ts'

const strategy = (random: Random) =>
  pickObject(
    random,
    { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: 1, maxSurge: 0 } },
    { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: '50%', maxSurge: 0 } },
    { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: 0, maxSurge: pick(random, 1, '50%') } },
    { type: 'OnDelete', rollingUpdate: null },
  ) as never

const create: Deed = ({ random, client }) => {
  const metadata = { namespace: aNamespace(random), name: pick(random, 'agent', 'logger') }
  const some = { nodeSelector: { fits: 'yes' }, tolerations: [{ key: 'test/taint', operator: 'Exists' as const }] }
  const updateStrategy = strategy(random)
  const template = podTemplate(metadata.name, anImage(random), pickObject(random, {}, some))
  const spec = {
    ...{ updateStrategy, template, minReadySeconds: pick(random, 0, 0, 5), revisionHistoryLimit: random.below(3) },
    selector: { matchLabels: { app: metadata.name } },
  }
  return {
    text: `daemon set ${named({ metadata })}: ${JSON.stringify(updateStrategy)}`,
    act: () => client.create(DaemonSet, { metadata, spec }),
  }
}

const change: Deed = ({ random, client, picture }) => {
  const set = oneOf(random, picture.of(DaemonSet))
  if (!set) return undefined
  const template = { spec: { containers: [{ name: 'main', image: anImage(random) }] } }
  const spec = pickObject(
    random,
    { template },
    { template },
    { updateStrategy: strategy(random) },
    { template: { spec: { nodeSelector: pickObject(random, { fits: 'yes' }, { fits: null }) } } },
    { minReadySeconds: random.below(2) * 5 },
  )
  return {
    text: `daemon set ${named(set)}: ${JSON.stringify(spec)}`,
    act: () => client.patch(DaemonSet, set.metadata, 'strategic', { spec }),
  }
}

const remove: Deed = ({ random, client, picture }) => {
  const set = oneOf(random, picture.of(DaemonSet))
  if (!set) return undefined
  const propagationPolicy = propagation(random)
  return {
    text: `daemon set ${named(set)}: deleted, ${propagationPolicy}`,
    act: () => client.delete(DaemonSet, set.metadata, { propagationPolicy }),
  }
}

export const daemonSets: Theme = {
  name: 'daemon sets',
  opening: [create, create],
  deeds: [create, change, change, change, change, remove],
}
