import { age, column, orNone, wide } from '../columns.ts'
import { humanDuration } from '../duration.ts'
import type { Column, RowCondition } from '../kind.ts'
import type { Container } from './container.ts'
import type { ContainerState, ContainerStatus, PodObject } from './pod-status.ts'

/** How `get pods` sees pods (pkg/printers/internalversion/printers.go printPod). */
export const podColumns: Column<PodObject>[] = [
  column('Ready', 'How many of its containers are ready.', readyOf),
  column('Status', 'What it does, or why it does not.', statusOf),
  column('Restarts', 'How often its containers were started again.', restartsOf),
  age,
  wide('IP', 'Its address.', ({ status }) => orNone(status.podIPs?.[0]?.ip ?? status.podIP)),
  wide('Node', 'Where it runs.', ({ spec }) => orNone(spec.nodeName)),
  wide('Nominated Node', 'Where room is being made for it.', ({ status }) => orNone(status.nominatedNodeName)),
  wide('Readiness Gates', 'How many of the conditions it waits for are met.', gatesOf),
]

const isSidecar = ({ restartPolicy }: Container) => restartPolicy === 'Always'
const sidecarNames = ({ spec }: PodObject) => new Set(spec.initContainers?.filter(isSidecar).map(({ name }) => name))

function readyOf(pod: PodObject): string {
  const { spec, status } = pod
  const sidecars = sidecarNames(pod)
  const readySidecars = status.initContainerStatuses?.filter(each => sidecars.has(each.name) && each.ready && each.started) ?? []
  const ready = status.containerStatuses?.filter(each => each.ready && each.state.running) ?? []
  return `${ready.length + readySidecars.length}/${spec.containers.length + sidecars.size}`
}

/** The STATUS column: the phase, or the most telling reason that can be found. */
export function statusOf(pod: PodObject): string {
  const { metadata, status } = pod
  let text: string = status.reason || status.phase
  if (status.conditions?.some(({ type, reason }) => type === 'PodScheduled' && reason === 'SchedulingGated')) {
    text = 'SchedulingGated'
  }
  text = initStatusOf(pod) ?? mainStatusOf(pod, text)
  if (!metadata.deletionTimestamp) return text
  if (status.reason === 'NodeLost') return 'Unknown'
  return status.phase === 'Succeeded' || status.phase === 'Failed' ? text : 'Terminating'
}

/** Why a container ended. */
function endOf({ reason, signal, exitCode }: NonNullable<ContainerState['terminated']>): string {
  return reason || (signal ? `Signal:${signal}` : `ExitCode:${exitCode}`)
}

const isDone = ({ state, started }: ContainerStatus, sidecars: Set<string>, name: string) =>
  state.terminated?.exitCode === 0 || (sidecars.has(name) && started === true)

/** What the first unfinished init container does; `undefined` when all are done. */
function initStatusOf(pod: PodObject): string | undefined {
  const statuses = pod.status.initContainerStatuses ?? []
  const sidecars = sidecarNames(pod)
  for (const [i, container] of statuses.entries()) {
    if (isDone(container, sidecars, container.name)) continue
    const { terminated, waiting } = container.state
    if (terminated) return `Init:${endOf(terminated)}`
    if (waiting?.reason && waiting.reason !== 'PodInitializing') return `Init:${waiting.reason}`
    return `Init:${i}/${pod.spec.initContainers?.length ?? 0}`
  }
  return undefined
}

function mainStatusOf({ status }: PodObject, phase: string): string {
  let text = phase
  let isRunning = false
  let failure: string | undefined
  for (const { state, ready } of [...(status.containerStatuses ?? [])].reverse()) {
    const { waiting, terminated, running } = state
    if (waiting?.reason) text = waiting.reason
    else if (terminated) {
      text = endOf(terminated)
      if (terminated.exitCode !== 0) failure = text
    } else if (ready && running) isRunning = true
  }
  if (text !== 'Completed') return text
  const isReady = status.conditions?.some(({ type, status: value }) => type === 'Ready' && value === 'True')
  if (isRunning) return isReady ? 'Running' : (failure ?? 'NotReady')
  return failure ?? text
}

function restartsOf(pod: PodObject, now: number): string {
  const sidecars = sidecarNames(pod)
  const init = pod.status.initContainerStatuses ?? []
  const isInitialized = initStatusOf(pod) === undefined
  const counted = isInitialized
    ? [...init.filter(({ name }) => sidecars.has(name)), ...(pod.status.containerStatuses ?? [])]
    : init
  let restarts = 0
  let last = 0
  for (const { restartCount, lastState } of counted) {
    restarts += restartCount
    const finishedAt = lastState.terminated?.finishedAt
    if (finishedAt) last = Math.max(last, Date.parse(finishedAt))
  }
  return restarts > 0 && last > 0 ? `${restarts} (${humanDuration(now - last)} ago)` : String(restarts)
}

function gatesOf({ spec, status }: PodObject): string {
  const gates = spec.readinessGates ?? []
  if (gates.length === 0) return '<none>'
  const isTrue = (gate: string) => status.conditions?.some(({ type, status: value }) => type === gate && value === 'True')
  return `${gates.filter(({ conditionType }) => isTrue(conditionType)).length}/${gates.length}`
}

/** Finished pods say so beside their row. */
export function podRowConditions({ status: { phase } }: PodObject): RowCondition[] | undefined {
  if (phase !== 'Succeeded' && phase !== 'Failed') return undefined
  const message = phase === 'Succeeded' ? 'The pod has completed successfully.' : 'The pod failed.'
  return [{ type: 'Completed', status: 'True', reason: phase, message }]
}
