import { Node } from '../../api/core/node.ts'
import { PersistentVolume } from '../../api/core/persistent-volume.ts'
import { PersistentVolumeClaim } from '../../api/core/persistent-volume-claim.ts'
import { Pod } from '../../api/core/pod.ts'
import { ignore } from '../../api/errors.ts'
import { matchesNodeSelector, matchesNodeWishes } from '../../api/placement/node-affinity.ts'
import { untoleratedTaint } from '../../api/placement/tolerations.ts'
import { timestamp } from '../../lib/clock.ts'
import type { Random } from '../../lib/random.ts'
import { selectedNode } from '../persistent-volume/names.ts'
import { isFinished, isReady } from '../shared/pod-state.ts'
import type { TestCluster } from '../testing.ts'
import type { Machines } from './machines.ts'

/** What is known to fail for good: pods of this image never become ready. */
export const brokenImage = 'app:broken'

/** A scheduler and the kubelets of all live nodes, one step at a time. */
export interface Kubelets {
  /** Each pod takes its next step with this chance (1: all do), and work that ends fails with that one. Answers how many did. */
  turn(chance: { step: number; failure: number }): Promise<number>
  /** Says of a pod that all its containers have ended, in what way. */
  finish(pod: Pod, exitCode: number, condition?: string): Promise<void>
  /** Says whether a pod that runs is ready. */
  setReady(pod: Pod, isReady: boolean): Promise<void>
  /** From now on, what was broken works. */
  mend(): void
}

const gone = ignore('NotFound', 'Conflict')

export function kubelets({ client, clock }: TestCluster, machines: Machines, random: Random): Kubelets {
  let addresses = 0
  let broken: string | undefined = brokenImage
  const now = () => timestamp(clock.now())

  const write = async (pod: Pod, status: Partial<Pod['status']>) => {
    await client.updateStatus(Pod, { ...pod, status: { ...pod.status, ...status } }).catch(gone)
  }
  const withCondition = ({ status: { conditions = [] } }: Pod, type: string, isTrue: boolean, reason?: string) => {
    const status = isTrue ? ('True' as const) : ('False' as const)
    const known = conditions.find(each => each.type === type)
    const since = known?.status === status ? known.lastTransitionTime : now()
    return [...conditions.filter(each => each !== known), { type, status, ...(reason && { reason }), lastTransitionTime: since }]
  }
  const containerStatuses = ({ spec, status }: Pod, state: object, isReady: boolean, restarts = 0) =>
    spec.containers.map(({ name, image }, i) => ({
      ...{ name, image, imageID: '', ready: isReady, started: isReady, state },
      restartCount: (status.containerStatuses?.[i]?.restartCount ?? 0) + restarts,
    }))

  async function finish(pod: Pod, exitCode: number, condition?: string) {
    const terminated = { exitCode, startedAt: now(), finishedAt: now(), reason: exitCode ? 'Error' : 'Completed' }
    const disrupted = condition ? { ...pod, status: { ...pod.status, conditions: withCondition(pod, condition, true) } } : pod
    await write(pod, {
      phase: exitCode ? 'Failed' : 'Succeeded',
      conditions: withCondition(disrupted, 'Ready', false, exitCode ? 'PodFailed' : 'PodCompleted'),
      containerStatuses: containerStatuses(pod, { terminated }, false) as never,
    })
  }

  async function setReady(pod: Pod, isReady: boolean) {
    await write(pod, {
      conditions: withCondition(pod, 'Ready', isReady),
      containerStatuses: containerStatuses(pod, { running: { startedAt: now() } }, isReady) as never,
    })
  }

  async function begin(pod: Pod) {
    const isBroken = pod.spec.containers.some(({ image }) => image === broken)
    const address = ++addresses
    const podIP = `10.${128 + (address >> 16)}.${(address >> 8) & 255}.${address & 255}`
    await write(pod, {
      ...{ phase: 'Running', startTime: now(), podIP, podIPs: [{ ip: podIP }] },
      conditions: withCondition(pod, 'Ready', !isBroken),
      containerStatuses: containerStatuses(pod, { running: { startedAt: now() } }, !isBroken) as never,
    })
  }

  /** The kubelet says how it ended, and lets go. */
  async function end(pod: Pod) {
    if (!isFinished(pod)) await finish(pod, pod.status.phase === 'Pending' || random.below(2) ? 143 : 0)
    const { uid } = pod.metadata
    await client.delete(Pod, pod.metadata, { gracePeriodSeconds: 0, preconditions: { uid } }).catch(gone)
  }

  async function work(pod: Pod, failure: number) {
    if (random.next() >= failure) return finish(pod, 0)
    if (pod.spec.restartPolicy === 'OnFailure') {
      const restarted = containerStatuses(pod, { running: { startedAt: now() } }, true, 1)
      return write(pod, { containerStatuses: restarted as never })
    }
    return finish(pod, [1, 3, 42][random.below(3)] ?? 1, random.below(4) ? undefined : 'DisruptionTarget')
  }

  /** A node for a pod, once its claims are bound; a claim that waits for a consumer is told the node. */
  async function schedule(pod: Pod, nodes: readonly Node[]) {
    const fits = (node: Node) =>
      machines.isLive(node.metadata.name) &&
      isNodeReady(node) &&
      matchesNodeWishes(pod.spec, { name: node.metadata.name, labels: node.metadata.labels ?? {} }) &&
      !untoleratedTaint(node.spec.taints, pod.spec.tolerations ?? [], 'NoSchedule', 'NoExecute')
    let fitting = nodes.filter(fits)
    const unbound: PersistentVolumeClaim[] = []
    for (const { persistentVolumeClaim } of pod.spec.volumes ?? []) {
      if (!persistentVolumeClaim) continue
      const { namespace } = pod.metadata
      const ref = { namespace, name: persistentVolumeClaim.claimName }
      const claim = await client.get(PersistentVolumeClaim, ref).catch(ignore('NotFound'))
      if (!claim || claim.metadata.deletionTimestamp || claim.status.phase === 'Lost') return
      const volume =
        claim.spec.volumeName && claim.status.phase === 'Bound'
          ? await client.get(PersistentVolume, { name: claim.spec.volumeName }).catch(ignore('NotFound'))
          : undefined
      if (!volume) unbound.push(claim)
      const required = volume?.spec.nodeAffinity?.required
      if (required) {
        fitting = fitting.filter(({ metadata: { name, labels = {} } }) => matchesNodeSelector(required, { name, labels }))
      }
    }
    const node = fitting[random.below(Math.max(1, fitting.length))]?.metadata.name
    if (node === undefined) return
    for (const claim of unbound) {
      if (claim.metadata.annotations?.[selectedNode]) continue
      const annotations = { [selectedNode]: node }
      await client.patch(PersistentVolumeClaim, claim.metadata, 'merge', { metadata: { annotations } }).catch(gone)
    }
    if (unbound.length > 0) return
    const { name, uid } = pod.metadata
    const binding = { apiVersion: 'v1', kind: 'Binding', metadata: { name, uid }, target: { kind: 'Node', name: node } }
    await client.createSubresource(Pod, pod.metadata, 'binding', binding).catch(gone)
  }

  /** What is to be done about a pod, if anything. */
  function nextStep(pod: Pod, nodes: readonly Node[], failure: number): (() => Promise<void>) | undefined {
    const { spec, status, metadata } = pod
    if (!spec.nodeName) return metadata.deletionTimestamp ? undefined : () => schedule(pod, nodes)
    if (!machines.isLive(spec.nodeName) || !nodes.some(node => node.metadata.name === spec.nodeName)) return undefined
    if (metadata.deletionTimestamp) {
      // Somebody's finalizer keeps it: the kubelet has done its part.
      const isLetGo = isFinished(pod) && metadata.deletionGracePeriodSeconds === 0
      return isLetGo ? undefined : () => end(pod)
    }
    if (isFinished(pod)) return undefined
    if (status.phase === 'Pending') return () => begin(pod)
    if (spec.restartPolicy !== 'Always') return () => work(pod, failure)
    if (isReady(pod) || spec.containers.some(({ image }) => image === broken)) return undefined
    return () => setReady(pod, true)
  }

  return {
    async turn({ step, failure }) {
      const nodes = (await client.list(Node)).items
      await machines.turn(nodes)
      let steps = 0
      for (const pod of (await client.list(Pod)).items) {
        const act = nextStep(pod, nodes, failure)
        if (!act || random.next() >= step) continue
        steps++
        await act()
      }
      return steps
    },
    finish,
    setReady,
    mend: () => void (broken = undefined),
  }
}

const isNodeReady = ({ status }: Node) =>
  status.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') ?? false
