import type { ProbeResult } from '../sync/actions.ts'

export const probeTypes = ['startup', 'liveness', 'readiness'] as const
export type ProbeType = (typeof probeTypes)[number]

/** What a probe has found out so far about the present instance of its container. */
export interface ProbeState {
  readonly containerId: string
  readonly result: ProbeResult
  /** The latest outcome and how often in a row it came. */
  readonly last: 'success' | 'failure' | undefined
  readonly run: number
  /** The container failed and will be killed: nothing to ask before there is a new one. */
  readonly isOnHold: boolean
}

const initialResults: Record<ProbeType, ProbeResult> = { liveness: 'success', readiness: 'failure', startup: 'unknown' }

export function initialState(type: ProbeType, containerId = ''): ProbeState {
  return { containerId, result: initialResults[type], last: undefined, run: 0, isOnHold: false }
}

/** How the container is at the moment of a tick. */
export interface Observation {
  /** The newest instance; `undefined`: there is none. */
  readonly container: { id: string; state: 'created' | 'running' | 'exited' | 'unknown'; startedAt: number } | undefined
  readonly isPodTerminal: boolean
  readonly isPodDeleting: boolean
  readonly restartsNever: boolean
  /** Whether the startup probe has succeeded, or there is none. */
  readonly isStarted: boolean
  readonly now: number
}

/** What a tick does: stop for good, nothing, or ask the container (semantics C7, pkg/kubelet/prober/worker.go). */
export function planTick(
  state: ProbeState,
  { type, initialDelaySeconds = 0 }: { type: ProbeType; initialDelaySeconds?: number | undefined },
  { container, isPodTerminal, isPodDeleting, restartsNever, isStarted, now }: Observation,
): { state: ProbeState; do: 'stop' | 'wait' | 'probe' } {
  if (isPodTerminal) return { state, do: 'stop' }
  if (!container) return { state, do: 'wait' }
  const current = container.id === state.containerId ? state : initialState(type, container.id)
  if (current.isOnHold) return { state: current, do: 'wait' }
  if (container.state !== 'running') {
    const isOver = container.state === 'exited' && restartsNever
    return { state: { ...current, result: 'failure' }, do: isOver ? 'stop' : 'wait' }
  }
  if (isPodDeleting && type !== 'readiness') return { state: { ...current, result: 'success' }, do: 'stop' }
  if (Math.trunc((now - container.startedAt) / 1000) < initialDelaySeconds) return { state: current, do: 'wait' }
  if (isStarted === (type === 'startup')) return { state: current, do: 'wait' }
  return { state: current, do: 'probe' }
}

/** Takes in one outcome: the result changes only after enough equal ones in a row. */
export function countOutcome(
  state: ProbeState,
  outcome: 'success' | 'failure',
  { type, successThreshold, failureThreshold }: { type: ProbeType; successThreshold: number; failureThreshold: number },
): ProbeState {
  const run = state.last === outcome ? state.run + 1 : 1
  const counted = { ...state, last: outcome, run }
  if (run < (outcome === 'success' ? successThreshold : failureThreshold)) return counted
  if (outcome === 'failure' && type !== 'readiness') return { ...counted, result: outcome, isOnHold: true, run: 0 }
  return { ...counted, result: outcome }
}
