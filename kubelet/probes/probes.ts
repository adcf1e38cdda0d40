import type { Pod } from '../../api/core/pod.ts'
import type { EventRecorder } from '../../client/events.ts'
import type { Clock } from '../../lib/clock.ts'
import type { Random } from '../../lib/random.ts'
import { containerSubject } from '../container-subject.ts'
import { type AnyContainer, isSidecar, type Probe } from '../pod-types.ts'
import type { ProbeView } from '../status/container-status.ts'
import type { ProbeResult, ProbeResults } from '../sync/actions.ts'
import { newestOf } from '../workers/pod-runtime.ts'
import type { RuntimeView } from '../workers/relist.ts'
import type { Check, CheckResult } from './checks.ts'
import { countOutcome, initialState, type ProbeState, type ProbeType, planTick, probeTypes } from './probe-state.ts'

/** Asks running containers how they are, each probe at its own pace. */
export interface Probes extends ProbeResults, ProbeView {
  /** Makes sure that every probe of the pod has its worker; gives them the newest object. */
  watch(pod: Pod, options: { isTerminal: boolean }): void
  /** The pod's containers changed: probes of new instances start at once. */
  poke(podUid: string): void
  stop(podUid: string): void
  stopAll(): void
}

interface Worker {
  readonly type: ProbeType
  readonly probe: Probe
  readonly container: AnyContainer
  pod: Pod
  isTerminal: boolean
  state: ProbeState
  isBusy: boolean
  isStopped: boolean
  cancel: () => void
}

interface Options {
  view: RuntimeView
  check: Check
  clock: Clock
  random: Random
  events: EventRecorder
  /** Told when a result changed. */
  onChange: (podUid: string, note: { rule: string; text: string }) => void
  /** Told of every answer, for the kubelet's metrics. */
  onAsked?: (pod: Pod, container: string, type: ProbeType, outcome: CheckResult['outcome']) => void
}

const titles: Record<ProbeType, string> = { startup: 'Startup', liveness: 'Liveness', readiness: 'Readiness' }

export function createProbes({ view, check, clock, random, events, onChange, onAsked }: Options): Probes {
  const pods = new Map<string, Worker[]>()
  const results = new Map<string, Partial<Record<ProbeType, ProbeResult>>>()

  const resultOf = (type: ProbeType, containerId: string) => results.get(containerId)?.[type]

  const isStarted = (container: AnyContainer, containerId: string) =>
    !container.startupProbe || resultOf('startup', containerId) === 'success'

  const remember = (worker: Worker, next: ProbeState) => {
    const before = worker.state
    worker.state = next
    if (next.containerId === '') return
    if (before.containerId !== next.containerId) results.delete(before.containerId)
    const known = results.get(next.containerId) ?? {}
    const hasChanged = (known[worker.type] ?? initialState(worker.type).result) !== next.result
    results.set(next.containerId, { ...known, [worker.type]: next.result })
    if (!hasChanged || worker.isStopped) return
    const text = `${worker.type} probe of container ${worker.container.name}: ${next.result}`
    onChange(worker.pod.metadata.uid, { rule: `kubelet/${worker.type}-probe`, text })
  }

  const tell = ({ pod, container }: Worker, reason: string, message: string) =>
    events.record(containerSubject(pod, container.name), 'Warning', reason, message)

  const tick = async (worker: Worker) => {
    const { pod, type, probe, container } = worker
    const runtime = view.get(pod.metadata.uid)
    const newest = newestOf(runtime, container.name)
    const plan = planTick(
      worker.state,
      { type, initialDelaySeconds: probe.initialDelaySeconds },
      {
        container: newest,
        isPodTerminal: worker.isTerminal,
        isPodDeleting: pod.metadata.deletionTimestamp !== undefined,
        restartsNever: pod.spec.restartPolicy === 'Never' && !isSidecar(container as { restartPolicy?: string }),
        isStarted: newest !== undefined && isStarted(container, newest.id),
        now: clock.now(),
      },
    )
    remember(worker, plan.state)
    if (plan.do === 'stop') return halt(worker)
    if (plan.do === 'wait' || !newest) return
    const podIp = pod.spec.hostNetwork ? (pod.status.hostIP ?? '127.0.0.1') : (runtime.sandboxes[0]?.ip ?? '')
    // A pod that has lost its sandbox is about to be started over; that says nothing about the container.
    if (podIp === '' && !probe.exec) return
    const { outcome, output, warning } = await check(probe, { container, containerId: newest.id, podIp, type })
    onAsked?.(pod, container.name, type, outcome)
    if (worker.isStopped) return
    const title = titles[type]
    if (outcome === 'error') return tell(worker, 'Unhealthy', `${title} probe errored and resulted in unknown state: ${output}`)
    if (outcome === 'failure') tell(worker, 'Unhealthy', `${title} probe failed: ${output}`)
    else if (warning) tell(worker, 'ProbeWarning', `${title} probe warning: ${warning}`)
    remember(worker, countOutcome(worker.state, outcome, { type, ...thresholds(probe) }))
  }

  const run = async (worker: Worker) => {
    if (worker.isBusy || worker.isStopped) return
    worker.isBusy = true
    worker.cancel()
    await tick(worker)
    worker.isBusy = false
    schedule(worker, (worker.probe.periodSeconds || 10) * 1000)
  }

  const schedule = (worker: Worker, ms: number) => {
    worker.cancel()
    if (!worker.isStopped) worker.cancel = clock.after(ms, () => void run(worker))
  }

  const halt = (worker: Worker) => {
    worker.isStopped = true
    worker.cancel()
  }

  const start = (pod: Pod, container: AnyContainer, type: ProbeType, probe: Probe, isTerminal: boolean): Worker => {
    const state = initialState(type)
    const worker: Worker = { type, probe, container, pod, isTerminal, state, isBusy: false, isStopped: false, cancel: () => {} }
    const newest = newestOf(view.get(pod.metadata.uid), container.name)
    if (newest?.state !== 'running') return worker
    // Adopted after a restart of the kubelet: not everybody is asked in the same instant.
    remember(worker, seed(worker, newest.id))
    schedule(worker, random.below((probe.periodSeconds || 10) * 1000))
    return worker
  }

  return {
    watch(pod, { isTerminal }) {
      const { uid } = pod.metadata
      const known = pods.get(uid)
      if (known) {
        for (const worker of known) {
          worker.pod = pod
          worker.isTerminal = isTerminal
        }
        return
      }
      const workers: Worker[] = []
      const sidecars = (pod.spec.initContainers ?? []).filter(isSidecar)
      for (const container of [...sidecars, ...pod.spec.containers])
        for (const type of probeTypes) {
          const probe = container[`${type}Probe`]
          if (probe) workers.push(start(pod, container, type, probe, isTerminal))
        }
      if (workers.length > 0) pods.set(uid, workers)
    },
    poke(podUid) {
      for (const worker of pods.get(podUid) ?? []) {
        const newest = newestOf(view.get(podUid), worker.container.name)
        const isNew = newest?.state === 'running' && newest.id !== worker.state.containerId
        const hasEnded = newest?.state === 'exited' && newest.id === worker.state.containerId
        if (isNew || hasEnded) void run(worker)
      }
    },
    stop(podUid) {
      for (const worker of pods.get(podUid) ?? []) {
        halt(worker)
        results.delete(worker.state.containerId)
      }
      pods.delete(podUid)
    },
    stopAll() {
      for (const workers of pods.values()) workers.forEach(halt)
    },
    liveness: containerId => resultOf('liveness', containerId),
    startup: containerId => resultOf('startup', containerId),
    isStarted,
    isReady: (container, containerId) => !container.readinessProbe || resultOf('readiness', containerId) === 'success',
  }
}

function thresholds({ successThreshold, failureThreshold }: Probe) {
  return { successThreshold: successThreshold || 1, failureThreshold: failureThreshold || 3 }
}

/** A container that ran before the kubelet did keeps what its status says until the first probe (semantics C7). */
function seed({ type, pod, container }: Worker, containerId: string): ProbeState {
  const all = [...(pod.status.containerStatuses ?? []), ...(pod.status.initContainerStatuses ?? [])]
  const status = all.find(one => one.name === container.name && one.containerID?.endsWith(containerId))
  const state = initialState(type, containerId)
  if (type === 'readiness' && status?.ready) return { ...state, result: 'success' }
  if (type === 'startup' && status?.started) return { ...state, result: 'success' }
  return state
}
