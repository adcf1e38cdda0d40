import { Pod } from '../../../api/core/pod.ts'
import { controllerOf } from '../../../client/watches.ts'
import { isFinished } from '../../shared/pod-state.ts'
import type { Stage } from '../stage.ts'
import { type Act, type Deed, named, oneOf, pick, type Theme } from '../theme.ts'

const aPod = ({ random, picture }: Stage, isFit: (pod: Pod) => boolean = () => true) =>
  oneOf(random, picture.of(Pod).filter(isFit))

const to =
  (isFit: (pod: Pod) => boolean, act: (stage: Stage, pod: Pod) => Act): Deed =>
  stage => {
    const pod = aPod(stage, isFit)
    return pod && act(stage, pod)
  }
const runs = ({ status, metadata }: Pod) => status.phase === 'Running' && !metadata.deletionTimestamp

/** Pods of stateful sets: while one that has left its set is there, its set cannot have another of its name. */
const isNumbered = ({ metadata }: Pod) => metadata.labels?.['apps.kubernetes.io/pod-index'] !== undefined

const remove = to(
  () => true,
  ({ client }, pod) => ({ text: `pod ${named(pod)}: deleted`, act: () => client.delete(Pod, pod.metadata) }),
)
const forceAway = to(
  () => true,
  ({ client }, pod) => ({
    text: `pod ${named(pod)}: deleted by force`,
    act: () => client.delete(Pod, pod.metadata, { gracePeriodSeconds: 0 }),
  }),
)
const fail = to(runs, ({ kubelets, random }, pod) => {
  const exitCode = pick(random, 1, 1, 3, 0)
  return { text: `pod ${named(pod)}: ends with ${exitCode}`, act: () => kubelets.finish(pod, exitCode) }
})
const evictedByKubelet = to(runs, ({ kubelets }, pod) => ({
  text: `pod ${named(pod)}: evicted by its kubelet`,
  act: () => kubelets.finish(pod, 137, 'DisruptionTarget'),
}))
const unready = to(runs, ({ kubelets }, pod) => ({
  text: `pod ${named(pod)}: not ready`,
  act: () => kubelets.setReady(pod, false),
}))
const relabel = to(
  pod => !isFinished(pod) && pod.metadata.labels?.app !== undefined,
  ({ client, random }, pod) => {
    const app = isNumbered(pod) ? 'stray' : pick(random, 'stray', 'web', 'solo')
    return {
      text: `pod ${named(pod)}: relabelled ${app}`,
      act: () => client.patch(Pod, pod.metadata, 'merge', { metadata: { labels: { app } } }),
    }
  },
)
const disown = to(
  pod => pod.metadata.ownerReferences !== undefined,
  ({ client }, pod) => ({
    text: `pod ${named(pod)}: disowned`,
    act: () => client.patch(Pod, pod.metadata, 'merge', { metadata: { ownerReferences: null } }),
  }),
)
const cost = to(runs, ({ client, random }, pod) => {
  const annotations = { 'controller.kubernetes.io/pod-deletion-cost': String(random.below(5) - 2) }
  return {
    text: `pod ${named(pod)}: ${JSON.stringify(annotations)}`,
    act: () => client.patch(Pod, pod.metadata, 'merge', { metadata: { annotations } }),
  }
})

export const pods: Theme = {
  name: 'pods',
  deeds: [remove, remove, forceAway, fail, fail, evictedByKubelet, unready, relabel, disown, cost],
  async calm({ client, picture }) {
    for (const pod of picture.of(Pod)) {
      if (isNumbered(pod) && !controllerOf(pod)) await client.delete(Pod, pod.metadata, { gracePeriodSeconds: 0 })
    }
  },
}
