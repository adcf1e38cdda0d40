import type { Pod } from '../../api/core/pod.ts'
import { type AnyContainer, isSidecar } from '../pod-types.ts'
import type { ResizePlan } from '../resize/plan.ts'
import type { ContainerState } from '../runtime/runtime.ts'
import { newestOf, type PodRuntime } from '../workers/pod-runtime.ts'
import { containerHash, labels } from './labels.ts'
import { isRestartable, mayRestart, mayStart, restartsAfterKill, toldRun } from './restart-policy.ts'

export type ProbeResult = 'success' | 'failure' | 'unknown'

/** What the probes found out about a container instance; `undefined`: nothing yet. */
export interface ProbeResults {
  liveness(containerId: string): ProbeResult | undefined
  startup(containerId: string): ProbeResult | undefined
}

export interface ContainerKill {
  readonly container: ContainerState
  readonly message: string
  readonly reason?: 'liveness' | 'startup' | 'unknown'
}

/** What has to be done to bring a pod's containers to where its spec wants them. */
export interface PodActions {
  /** Stop everything, sandbox included. Together with `createSandbox`: start over. */
  killPod: boolean
  createSandbox: boolean
  /** The sandbox to keep. */
  sandboxId?: string
  /** How many sandboxes there have been. */
  attempt: number
  /** In order. */
  initToStart: string[]
  ephemeralToStart: string[]
  /** In spec order. */
  appsToStart: string[]
  toKill: ContainerKill[]
  /** Sizes of running containers to be changed before others start. */
  resize?: ResizePlan
}

/**
 * Decides, from the spec and what the runtime holds, which containers to kill and which to start
 * (semantics C2, pkg/kubelet/kuberuntime computePodActions).
 */
export function computePodActions(pod: Pod, runtime: PodRuntime, probes: ProbeResults): PodActions {
  const { createSandbox, attempt, sandboxId } = sandboxChange(pod, runtime)
  const actions: PodActions = {
    killPod: createSandbox,
    createSandbox,
    ...(sandboxId !== undefined && { sandboxId }),
    attempt,
    initToStart: [],
    ephemeralToStart: [],
    appsToStart: [],
    toKill: [],
  }
  if (createSandbox) planFreshStart(pod, runtime, actions)
  else planInPlace(pod, runtime, probes, actions)
  return actions
}

/** A pod lives in one ready sandbox with an address; anything else means a new one. */
function sandboxChange(
  { spec }: Pod,
  { sandboxes }: PodRuntime,
): { createSandbox: boolean; attempt: number; sandboxId?: string } {
  const [newest] = sandboxes
  if (!newest) return { createSandbox: true, attempt: 0 }
  const ready = sandboxes.filter(sandbox => sandbox.state === 'ready').length
  const lacksAddress = !spec.hostNetwork && newest.ip === ''
  // Only a static pod with a uid of its own can change that.
  const isElsewhere = newest.hostNetwork !== undefined && newest.hostNetwork !== (spec.hostNetwork ?? false)
  if (ready > 1 || newest.state !== 'ready' || isElsewhere || lacksAddress)
    return { createSandbox: true, attempt: newest.attempt + 1 }
  return { createSandbox: false, attempt: newest.attempt, sandboxId: newest.id }
}

function planFreshStart(pod: Pod, runtime: PodRuntime, actions: PodActions): void {
  const { containers, initContainers = [], restartPolicy } = pod.spec
  const isOnce = !mayRestart(pod) && actions.attempt !== 0
  const toStart = containers.filter(container => {
    const newest = newestOf(runtime, container.name)
    // What was made but never begun, because the engine went away meanwhile, has not had its run (upstream leaves such a pod Pending).
    if (isOnce) return newest ? newest.state === 'created' : !toldRun(pod, container)
    const hasSucceeded = newest?.state === 'exited' && newest.exitCode === 0
    return !(hasSucceeded && !isRestartable(container, 'app', restartPolicy, 0))
  })
  if (toStart.length === 0 || (isOnce && hasFailedToInitialize(runtime))) {
    actions.createSandbox = false
    return
  }
  const [firstInit] = initContainers
  if (firstInit) actions.initToStart = [firstInit.name]
  else actions.appsToStart = toStart.map(container => container.name)
}

const hasFailedToInitialize = ({ containers }: PodRuntime): boolean =>
  containers.some(
    ({ role, state, exitCode }) => role === 'init' && state !== 'created' && !(state === 'exited' && exitCode === 0),
  )

function planInPlace(pod: Pod, runtime: PodRuntime, probes: ProbeResults, actions: PodActions): void {
  for (const container of pod.spec.ephemeralContainers ?? [])
    if (!newestOf(runtime, container.name)) actions.ephemeralToStart.push(container.name)
  const isInitialized = planInitContainers(pod, runtime, probes, actions)
  if (actions.killPod || !isInitialized) return
  const kept = planApps(pod, runtime, probes, actions)
  if (kept > 0 || actions.appsToStart.length > 0) return
  actions.killPod = true
  actions.initToStart = []
}

/** Regular containers; answers how many run and stay. */
function planApps(pod: Pod, runtime: PodRuntime, probes: ProbeResults, actions: PodActions): number {
  const restartPolicy = pod.spec.restartPolicy
  let kept = 0
  for (const container of pod.spec.containers) {
    const newest = newestOf(runtime, container.name)
    if (newest?.state !== 'running') {
      if (!mayStart(newest, container, 'app', restartPolicy)) continue
      actions.appsToStart.push(container.name)
      if (newest?.state === 'unknown') actions.toKill.push(unknownKill(newest))
      continue
    }
    const kill = whyKill('Container', container, newest, probes)
    if (!kill) {
      kept++
      continue
    }
    const restarts = kill.isChanged || restartsAfterKill(container, restartPolicy)
    if (restarts) actions.appsToStart.push(container.name)
    actions.toKill.push({ ...kill, message: restarts ? `${kill.message}, will be restarted` : kill.message })
  }
  return kept
}

const unknownKill = (container: ContainerState): ContainerKill => ({
  container,
  message: 'Container is in "unknown" state, try killing it before restart',
  reason: 'unknown',
})

const unknownInitKill = (container: ContainerState): ContainerKill => ({
  ...unknownKill(container),
  message: 'Init container is in "unknown" state, try killing it before restart',
})

function whyKill(
  what: string,
  spec: AnyContainer,
  container: ContainerState,
  probes: ProbeResults,
): (ContainerKill & { isChanged: boolean }) | undefined {
  const hash = container.annotations[labels.hash] ?? container.labels[labels.hash]
  if (hash !== undefined && hash !== containerHash(spec))
    return { container, message: `${what} ${spec.name} definition changed`, isChanged: true }
  if (probes.liveness(container.id) === 'failure')
    return { container, message: `${what} ${spec.name} failed liveness probe`, reason: 'liveness', isChanged: false }
  if (probes.startup(container.id) === 'failure')
    return { container, message: `${what} ${spec.name} failed startup probe`, reason: 'startup', isChanged: false }
  return undefined
}

/**
 * Init containers, from the last to the first: the last one with a status tells how far initialisation has come; of those before
 * it only sidecars are still looked after. Answers whether regular containers may run.
 */
function planInitContainers(pod: Pod, runtime: PodRuntime, probes: ProbeResults, actions: PodActions): boolean {
  const { initContainers = [], containers, restartPolicy } = pod.spec
  if (initContainers.length === 0) return true
  // One that has exited proves nothing: it may have lived in the sandbox before, and initialisation begins anew with each.
  let isInitialized = containers.some(({ name }) => ['created', 'running'].includes(newestOf(runtime, name)?.state ?? ''))
  let isReached = isInitialized
  const toStart = new Set<string>()
  for (let i = initContainers.length - 1; i >= 0; i--) {
    const container = initContainers[i]
    if (!container) continue
    const staysUp = isSidecar(container)
    const newest = newestOf(runtime, container.name)
    if (!newest) {
      if (isReached && staysUp) toStart.add(container.name)
      continue
    }
    if (isReached && !staysUp) continue
    const verdict = staysUp
      ? judgeSidecar(container, newest, probes, actions)
      : judgeInit(container, newest, restartPolicy, actions)
    if (verdict === 'fail') {
      actions.killPod = true
      return false
    }
    if (verdict === 'start') toStart.add(container.name)
    if (verdict === 'next' || verdict === 'next, but restart') {
      const following = initContainers[i + 1]
      if (!isReached && !following) isInitialized = true
      else if (!isReached && following) toStart.add(following.name)
      if (verdict === 'next, but restart') toStart.add(container.name)
    }
    isReached = true
  }
  if (!isReached && initContainers[0]) toStart.add(initContainers[0].name)
  actions.initToStart = initContainers.map(container => container.name).filter(name => toStart.has(name))
  return isInitialized
}

type Verdict = 'wait' | 'start' | 'next' | 'next, but restart' | 'fail'

function judgeInit(spec: AnyContainer, newest: ContainerState, podPolicy: string, actions: PodActions): Verdict {
  if (newest.state === 'running') return 'wait'
  if (newest.state === 'created') return 'start'
  if (newest.state === 'exited') {
    if (newest.exitCode === 0) return 'next'
    return isRestartable(spec, 'init', podPolicy, newest.exitCode) ? 'start' : 'fail'
  }
  if (!restartsAfterKill(spec, podPolicy)) return 'fail'
  actions.toKill.push(unknownInitKill(newest))
  return 'start'
}

function judgeSidecar(spec: AnyContainer, newest: ContainerState, probes: ProbeResults, actions: PodActions): Verdict {
  if (newest.state === 'unknown') actions.toKill.push(unknownInitKill(newest))
  if (newest.state !== 'running') return 'start'
  if (spec.startupProbe && probes.startup(newest.id) !== 'success') {
    if (probes.startup(newest.id) !== 'failure') return 'wait'
  }
  const kill = whyKill('Init container', spec, newest, probes)
  if (!kill) return 'next'
  actions.toKill.push(kill)
  return kill.reason === 'startup' ? 'start' : 'next, but restart'
}
