import { type AnyContainer, type ContainerStatus, isSidecar, type PodPhase, type PodSpec } from '../pod-types.ts'
import { isRestartable } from '../sync/restart-policy.ts'

/**
 * A pod's phase from its container statuses (semantics C3, pkg/kubelet/kubelet_pods.go getPhase). `isTerminal`: its containers have
 * been stopped for good, so nothing will be restarted. `hasInitialized`: the present sandbox has a regular container in it. Leaves
 * out that a finished phase is final: the caller does not.
 */
export function computePhase(
  spec: PodSpec,
  statuses: readonly ContainerStatus[],
  { isTerminal, hasInitialized }: { isTerminal: boolean; hasInitialized: boolean },
): PodPhase {
  const byName = new Map(statuses.map(status => [status.name, status]))
  const count = { pendingInit: 0, failedInit: 0, pendingSidecar: 0, unknown: 0, running: 0, waiting: 0, stopped: 0, succeeded: 0 }
  const restartPolicy = spec.restartPolicy ?? 'Always'
  for (const container of spec.initContainers ?? []) {
    const status = byName.get(container.name)
    if (isSidecar(container)) countSidecar(count, status)
    else countInit(count, container, restartPolicy, status)
  }
  let anyRestarts = false
  for (const container of spec.containers) {
    const status = byName.get(container.name)
    countApp(count, status)
    const ended = status?.state?.terminated ?? status?.lastState?.terminated
    anyRestarts ||= ended !== undefined && isRestartable(container, 'app', restartPolicy, ended.exitCode)
  }
  if (count.failedInit > 0) return 'Failed'
  if (count.pendingInit > 0 || (count.pendingSidecar > 0 && !hasInitialized) || count.waiting > 0) return 'Pending'
  if (count.unknown > 0) return 'Pending'
  if (count.running > 0) return 'Running'
  if (count.stopped === 0) return 'Pending'
  if (anyRestarts && !isTerminal) return 'Running'
  return count.stopped === count.succeeded ? 'Succeeded' : 'Failed'
}

type Count = Record<
  'pendingInit' | 'failedInit' | 'pendingSidecar' | 'unknown' | 'running' | 'waiting' | 'stopped' | 'succeeded',
  number
>

/** Whether a container runs or has run: then initialisation is over. */
export function hasStarted(status: ContainerStatus | undefined): boolean {
  return Boolean(status?.state?.running || status?.state?.terminated || status?.lastState?.terminated)
}

function countInit(count: Count, container: AnyContainer, podPolicy: string, status: ContainerStatus | undefined): void {
  const { state, lastState } = status ?? {}
  const ended = state?.terminated ?? (state?.waiting ? lastState?.terminated : undefined)
  if (!ended) count.pendingInit++
  else if (ended.exitCode !== 0 && !isRestartable(container, 'init', podPolicy, ended.exitCode)) count.failedInit++
}

function countSidecar(count: Count, status: ContainerStatus | undefined): void {
  const { state, lastState, started } = status ?? {}
  if (state?.running) {
    if (!started) count.pendingSidecar++
    count.running++
  } else if (state?.waiting) {
    if (lastState?.terminated) return
    count.pendingSidecar++
    count.waiting++
  } else if (!state?.terminated) {
    count.unknown++
  }
}

function countApp(count: Count, status: ContainerStatus | undefined): void {
  const { state, lastState } = status ?? {}
  if (state?.running) count.running++
  else if (state?.terminated) {
    count.stopped++
    if (state.terminated.exitCode === 0) count.succeeded++
  } else if (state?.waiting) {
    if (lastState?.terminated) count.stopped++
    else count.waiting++
  } else count.unknown++
}
