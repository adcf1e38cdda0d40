import type { Pod } from '../../api/core/pod.ts'
import { qosClassOf } from '../../api/placement/qos.ts'
import { timestamp } from '../../lib/clock.ts'
import {
  type ContainerStatus,
  containersOf,
  isSidecar,
  isStaticPod,
  isTerminalPhase,
  type PodCondition,
  type PodPhase,
  type PodSpec,
  type PodStatus,
} from '../pod-types.ts'
import { inProgressType, pendingType } from '../resize/conditions.ts'
import type { PodRuntime } from '../workers/pod-runtime.ts'
import { containersReadyCondition, type Finding, initializedCondition, mergeConditions, readyCondition } from './conditions.ts'
import { type ContainerStatusInput, computeContainerStatuses } from './container-status.ts'
import { computePhase } from './phase.ts'

/** Why the kubelet itself ends a pod: evicted, past its deadline, preempted. */
export interface Verdict {
  readonly reason: string
  readonly message: string
  /** Said by a DisruptionTarget condition, with reason TerminationByKubelet. */
  readonly disruption?: string
}

export interface PodStatusInput
  extends Pick<
    ContainerStatusInput,
    'startErrors' | 'probes' | 'terminationMessages' | 'runtimeName' | 'actualResources' | 'resourceHealth'
  > {
  readonly pod: Pod
  /** The newest status known: what was written last, or what the API has. */
  readonly previous: Pod['status'] | PodStatus
  readonly runtime: PodRuntime
  readonly nodeIps: readonly string[]
  readonly now: number
  /** When this kubelet saw the pod first. */
  readonly firstSeenAt: number
  readonly verdict?: Verdict | undefined
  /** How far a resize has come; absent: what the API has of it stays. */
  readonly resizeConditions?: readonly PodCondition[] | undefined
  /** Every container has been stopped for good. */
  readonly isTerminal: boolean
}

/** The whole status of a pod as the runtime shows it now (semantics C3-C5). */
export function computePodStatus(input: PodStatusInput): PodStatus {
  const { pod, previous, runtime, nodeIps, verdict } = input
  const { spec } = pod
  const all = containersOf(spec)
  const containers = {
    ...input,
    restartPolicy: spec.restartPolicy,
    isDeleting: pod.metadata.deletionTimestamp !== undefined,
    hasInitContainers: (spec.initContainers ?? []).length > 0,
  }
  const of = (roles: readonly string[], old: readonly unknown[] | undefined) =>
    computeContainerStatuses({
      ...containers,
      containers: all.filter(({ role }) => roles.includes(role)),
      previous: (old ?? []) as readonly ContainerStatus[],
    })
  const initStatuses = of(['init', 'sidecar'], previous.initContainerStatuses)
  const appStatuses = of(['app'], previous.containerStatuses).sort((a, b) => (a.name < b.name ? -1 : 1))
  const ephemeralStatuses = of(['ephemeral'], previous.ephemeralContainerStatuses)
  const statuses = [...initStatuses, ...appStatuses]
  const phase = computeFinalPhase(input, statuses)
  if (input.isTerminal) settle(spec, initStatuses, appStatuses)

  const conditions = computeConditions(input, statuses, phase)
  const [sandbox] = runtime.sandboxes
  const podIp = spec.hostNetwork ? nodeIps[0] : sandbox?.ip || previous.podIP
  const { reason, message } = verdict ?? [previous, pod.status].find(known => known.phase === phase) ?? {}
  return {
    ...(pod.metadata.generation !== undefined && { observedGeneration: pod.metadata.generation }),
    phase,
    conditions,
    ...(message && { message }),
    ...(reason && { reason }),
    ...(nodeIps[0] && { hostIP: nodeIps[0], hostIPs: nodeIps.map(ip => ({ ip })) }),
    ...(podIp && { podIP: podIp, podIPs: (spec.hostNetwork ? nodeIps : [podIp]).map(ip => ({ ip })) }),
    startTime: previous.startTime || timestamp(input.firstSeenAt),
    ...(initStatuses.length > 0 && { initContainerStatuses: initStatuses }),
    containerStatuses: appStatuses,
    ...(ephemeralStatuses.length > 0 && { ephemeralContainerStatuses: ephemeralStatuses }),
    qosClass: previous.qosClass ?? qosClassOf(spec),
  }
}

/** A finished phase is final; what was stopped before it could finish has failed. Static pods never finish: their file is there. */
function computeFinalPhase(
  { pod, previous, verdict, isTerminal, runtime }: PodStatusInput,
  statuses: readonly ContainerStatus[],
): PodPhase {
  for (const { phase } of [previous, pod.status]) if (phase !== undefined && isTerminalPhase(phase)) return phase
  if (verdict) return 'Failed'
  const isStatic = isStaticPod(pod)
  const sandboxId = runtime.sandboxes[0]?.id
  const hasInitialized = runtime.containers.some(
    one => one.sandboxId === sandboxId && pod.spec.containers.some(({ name }) => name === one.name),
  )
  const phase = computePhase(pod.spec, statuses, { isTerminal: isTerminal && !isStatic, hasInitialized })
  return isTerminal && !isStatic && !isTerminalPhase(phase) ? 'Failed' : phase
}

/**
 * No container of a finished pod may still look alive: as nobody knows whether it did its work, it counts as failed
 * (pkg/kubelet/status/status_manager.go TerminatePod). Those whose turn had never come stay as they are.
 */
function settle({ initContainers = [] }: PodSpec, init: readonly ContainerStatus[], apps: readonly ContainerStatus[]): void {
  const hasBegun = ({ state, lastState }: ContainerStatus) => !state.waiting || lastState.terminated !== undefined
  const last = init.at(-1)
  const lastSpec = initContainers.find(({ name }) => name === last?.name)
  const isInitialized =
    initContainers.length === 0 ||
    apps.some(hasBegun) ||
    (lastSpec && isSidecar(lastSpec)
      ? last?.state.running !== undefined && last.started === true
      : last?.state.terminated?.exitCode === 0 || last?.lastState.terminated?.exitCode === 0)
  const begun = init.slice(0, Math.max(1, init.findLastIndex(hasBegun) + 1))
  for (const status of [...begun, ...(isInitialized ? apps : [])]) {
    if (status.state.terminated) continue
    const message = 'The container could not be located when the pod was terminated'
    status.state = { terminated: { exitCode: 137, reason: 'ContainerStatusUnknown', message } }
    status.ready = false
    status.started = false
  }
}

function computeConditions(input: PodStatusInput, statuses: readonly ContainerStatus[], phase: string): PodCondition[] {
  const { pod, previous, runtime, verdict, now } = input
  const { spec } = pod
  const [sandbox] = runtime.sandboxes
  const hasNetwork = sandbox?.state === 'ready' && (spec.hostNetwork || sandbox.ip !== '')
  // Readiness gates and the like are other people's: the newest of them are in the pod from the API.
  const own = new Set([
    'DisruptionTarget',
    'PodReadyToStartContainers',
    'Initialized',
    'Ready',
    'ContainersReady',
    'PodScheduled',
    ...(input.resizeConditions ? [pendingType, inProgressType] : []),
  ])
  const foreign = (pod.status.conditions ?? []).filter(
    condition => !own.has(condition.type) || condition.type === 'DisruptionTarget',
  )
  const ofResize = input.resizeConditions ?? []
  const mine = (previous.conditions ?? []).filter(
    condition => own.has(condition.type) && condition.type !== pendingType && condition.type !== inProgressType,
  )
  const old = [...foreign.filter(one => !mine.some(other => other.type === one.type)), ...mine] as PodCondition[]
  const containersReady = containersReadyCondition(spec, statuses, phase)
  const findings: Finding[] = [
    ...(verdict?.disruption
      ? [{ type: 'DisruptionTarget', status: 'True' as const, reason: 'TerminationByKubelet', message: verdict.disruption }]
      : []),
    { type: 'PodReadyToStartContainers', status: hasNetwork && !input.isTerminal ? 'True' : 'False' },
    initializedCondition(spec, statuses, phase),
    readyCondition(spec, containersReady, old),
    containersReady,
    { type: 'PodScheduled', status: 'True' },
  ]
  return [...ofResize, ...mergeConditions(old, findings, timestamp(now), pod.metadata.generation)]
}
