import type { Pod } from '../../api/core/pod.ts'
import type { NodeRefusal } from '../../api/placement/admit.ts'
import { type Amounts, podRequests } from '../../api/placement/pod-requests.ts'
import { type QosClass, qosClassOf } from '../../api/placement/qos.ts'
import type { EventRecorder } from '../../client/events.ts'
import type { Clock } from '../../lib/clock.ts'
import type { PodCondition } from '../pod-types.ts'
import type { ContainerState } from '../runtime/runtime.ts'
import { messageOf } from '../sync/sync-error.ts'
import type { PodRuntime } from '../workers/pod-runtime.ts'
import type { ActuateResize } from './actuate.ts'
import { type Allocations, type Resources, resizable } from './allocations.ts'
import { inProgressType, pendingType, resizeConditions } from './conditions.ts'
import { type Actual, planResize, type ResizePlan } from './plan.ts'

/** Resizing of pods in place (pkg/kubelet/allocation): what is granted, what waits, what is made so. */
export interface Resizes {
  /** The pod with what it has been given; that is what its containers, its cgroup and the node's bookkeeping go by. */
  allocated(pod: Pod): Pod
  /** What an earlier kubelet gave it; before it is admitted. */
  recall(pod: Pod): Promise<void>
  /** It may run: what it asks for is what it gets. */
  admitted(pod: Pod): void
  /** Called on each look at a pod, with what the API says: a new wish is granted or put off. Answers what `allocated` would. */
  consider(pod: Pod): Pod
  /** What has still to be done for running containers; keeps PodResizeInProgress true to it. */
  plan(allocated: Pod, runtime: PodRuntime, isLeftOut?: (name: string) => boolean): ResizePlan | undefined
  /** Does it. What stands in the way is told by the condition, and tried again later. */
  actuate(allocated: Pod, plan: ResizePlan): Promise<void>
  conditions(podUid: string): readonly PodCondition[]
  /** What a running container has; `undefined`: as allocated. */
  actual(podUid: string, instance: ContainerState): Resources | undefined
  /** A pod has ended or shrunk: those who wait are asked again, in their order. */
  roomMayHaveCome(): void
  forget(podUid: string): void
}

interface Options {
  readonly allocations: Allocations
  readonly actuate: ActuateResize
  readonly clock: Clock
  readonly events: EventRecorder
  /** As the API has them: a kubelet that has just come back grants nothing that those need who ran before. */
  readonly expectedPods: () => readonly Pod[]
  /** What pods may have in all: capacity less what is reserved. */
  readonly allocatable: () => Amounts
  /** The admission of a pod as it would be, against the others as they are. */
  readonly refuse: (wanted: Pod, others: readonly Pod[]) => NodeRefusal | undefined
  /** Something about a pod that waited has changed. */
  readonly onChange: (podUid: string) => void
  readonly signal: AbortSignal
}

/** Where the resources that a container was made with are kept: among its annotations. */
export const resourcesAnnotation = 'wherry.dev/resources'

const retryEveryMs = 180_000
const actuateAgainAfterMs = 10_000

export function resizes(options: Options): Resizes {
  const { allocations, clock, events, expectedPods, onChange, signal } = options
  const conditions = resizeConditions(clock)
  /** What waits, by uid, as the API has it. */
  const waiting = new Map<string, Pod>()
  /** What was asked for when a pod was judged last, so that nobody is judged twice for the same. */
  const judged = new Map<string, string>()
  /** After a failure, on the monotonic clock. */
  const heldUntil = new Map<string, number>()
  let cancelRetry: (() => void) | undefined

  const actual: Actual = (container, instance) => actualOf(instance.pod.uid, instance) ?? container.resources ?? {}
  const actualOf = (podUid: string, instance: ContainerState): Resources | undefined => {
    const known = allocations.actuated(podUid, instance.name, instance.id)
    if (known) return known
    const made = instance.annotations[resourcesAnnotation]
    return made === undefined ? undefined : (JSON.parse(made) as Resources)
  }

  /** Why not now (Deferred), or why never (Infeasible). */
  const whyNot = (pod: Pod): { reason: 'Deferred' | 'Infeasible'; message: string } | undefined => {
    const source = pod.metadata.annotations?.['kubernetes.io/config.source']
    if (source !== undefined && source !== 'api')
      return { reason: 'Infeasible', message: 'In-place resize of static-pods is not supported' }
    const { memory = 0, cpu = 0 } = podRequests(pod.spec)
    const { memory: memoryThere = 0, cpu: cpuThere = 0 } = options.allocatable()
    const tooLarge =
      memory > memoryThere
        ? `memory, requested: ${memory}, capacity: ${memoryThere}`
        : cpu > cpuThere
          ? `cpu, requested: ${cpu}, capacity: ${cpuThere}`
          : undefined
    if (tooLarge) return { reason: 'Infeasible', message: `Node didn't have enough capacity: ${tooLarge}` }
    const others = expectedPods().filter(other => other.metadata.uid !== pod.metadata.uid)
    const refusal = options.refuse(
      pod,
      others.map(other => allocations.allocated(other)),
    )
    return refusal && { reason: 'Deferred', message: refusal.message }
  }

  /** Answers whether it need not wait any longer. */
  const judge = (pod: Pod): boolean => {
    const refusal = whyNot(pod)
    if (refusal) {
      const before = conditions.get(pod.metadata.uid, pendingType)
      conditions.setPending(pod, refusal.reason, refusal.message)
      if (conditions.get(pod.metadata.uid, pendingType) !== before) onChange(pod.metadata.uid)
      return refusal.reason === 'Infeasible'
    }
    void allocations.allocate(pod)
    conditions.clear(pod.metadata.uid, pendingType)
    conditions.clear(pod.metadata.uid, inProgressType)
    conditions.setInProgress(pod)
    heldUntil.delete(pod.metadata.uid)
    onChange(pod.metadata.uid)
    return true
  }

  const judgeAll = () => {
    for (const pod of inOrder([...waiting.values()])) if (judge(pod)) waiting.delete(pod.metadata.uid)
    cancelRetry?.()
    cancelRetry = undefined
    if (waiting.size > 0 && !signal.aborted) cancelRetry = clock.after(retryEveryMs, judgeAll)
  }
  signal.addEventListener('abort', () => cancelRetry?.(), { once: true })

  const grows = (pod: Pod) => {
    const [now, wanted] = [podRequests(allocations.allocated(pod).spec), podRequests(pod.spec)]
    return (wanted.cpu ?? 0) > (now.cpu ?? 0) || (wanted.memory ?? 0) > (now.memory ?? 0)
  }
  /** Who gives something back, then by priority, then Guaranteed ones, then who has waited longest. */
  const inOrder = (pods: Pod[]): Pod[] => {
    const since = (pod: Pod) => conditions.get(pod.metadata.uid, pendingType)?.lastTransitionTime ?? '~'
    const isGuaranteed = ({ spec, status }: Pod) => ((status.qosClass as QosClass) ?? qosClassOf(spec)) === 'Guaranteed'
    return pods.sort(
      (a, b) =>
        Number(grows(a)) - Number(grows(b)) ||
        (b.spec.priority ?? 0) - (a.spec.priority ?? 0) ||
        Number(isGuaranteed(b)) - Number(isGuaranteed(a)) ||
        (since(a) < since(b) ? -1 : since(a) > since(b) ? 1 : 0),
    )
  }

  const forget = (podUid: string) => {
    waiting.delete(podUid)
    judged.delete(podUid)
    heldUntil.delete(podUid)
    conditions.forget(podUid)
    void allocations.forget(podUid)
  }

  return {
    allocated: allocations.allocated,
    recall: allocations.recall,
    admitted(pod) {
      if (!allocations.has(pod.metadata.uid)) void allocations.allocate(pod)
    },
    consider(pod) {
      const { uid } = pod.metadata
      const allocated = allocations.allocated(pod)
      if (allocated === pod || !allocations.has(uid)) {
        waiting.delete(uid)
        judged.delete(uid)
        conditions.clear(uid, pendingType)
        return pod
      }
      const wish = JSON.stringify(resizable(pod).map(({ name, resources }) => ({ name, resources })))
      if (judged.get(uid) === wish) return allocated
      judged.set(uid, wish)
      waiting.set(uid, pod)
      judgeAll()
      return allocations.allocated(pod)
    },
    plan(allocated, runtime, isLeftOut) {
      const { uid } = allocated.metadata
      const plan = planResize(allocated, runtime, actual, isLeftOut)
      if (plan) {
        conditions.setInProgress(allocated)
        return (heldUntil.get(uid) ?? 0) > clock.monotonic() ? undefined : plan
      }
      heldUntil.delete(uid)
      if (conditions.clear(uid, inProgressType)) {
        events.record(allocated, 'Normal', 'ResizeCompleted', completedMessage(allocated))
        judgeAll()
      }
      return undefined
    },
    async actuate(allocated, plan) {
      try {
        await options.actuate(allocated, plan)
      } catch (error) {
        const { uid } = allocated.metadata
        conditions.setInProgress(allocated, messageOf(error))
        heldUntil.set(uid, clock.monotonic() + actuateAgainAfterMs)
        void clock.sleep(actuateAgainAfterMs, signal).then(() => onChange(uid))
        onChange(uid)
      }
    },
    conditions: conditions.of,
    actual: actualOf,
    roomMayHaveCome() {
      if (waiting.size > 0) judgeAll()
    },
    forget,
  }
}

function completedMessage({ spec }: Pod): string {
  const told = (list: readonly { name: string; resources?: Resources | undefined }[]) =>
    list.map(({ name, resources: { limits, requests } = {} }) => ({
      name,
      resources: { ...(limits && { limits: sorted(limits) }), ...(requests && { requests: sorted(requests) }) },
    }))
  const { initContainers = [], containers } = spec
  const summary = {
    ...(initContainers.length > 0 && { initContainers: told(initContainers) }),
    containers: told(containers),
  }
  return `Pod resize completed: ${JSON.stringify(summary)}`
}

const sorted = (amounts: Readonly<Record<string, string>>) =>
  Object.fromEntries(Object.entries(amounts).sort(([a], [b]) => (a < b ? -1 : 1)))
