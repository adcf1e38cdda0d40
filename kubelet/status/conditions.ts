import { type ContainerStatus, isSidecar, type PodCondition, type PodSpec } from '../pod-types.ts'
import { hasStarted } from './phase.ts'

/** A condition without its times. */
export interface Finding {
  type: string
  status: 'True' | 'False'
  reason?: string
  message?: string
}

const isTrue = (type: string): Finding => ({ type, status: 'True' })
const isFalse = (type: string, reason: string, message?: string): Finding => ({
  type,
  status: 'False',
  reason,
  ...(message && { message }),
})

/** Whether all init containers have done their work (semantics C4, pkg/kubelet/status/generate.go). */
export function initializedCondition(spec: PodSpec, statuses: readonly ContainerStatus[] | undefined, phase: string): Finding {
  const type = 'Initialized'
  const initContainers = spec.initContainers ?? []
  if (!statuses && initContainers.length > 0) return isFalse(type, 'UnknownContainerStatuses')
  const byName = new Map(statuses?.map(status => [status.name, status]))
  const unknown: string[] = []
  const incomplete: string[] = []
  for (const container of initContainers) {
    const status = byName.get(container.name)
    if (!status) unknown.push(container.name)
    else if (isSidecar(container) ? !status.started : !status.ready) incomplete.push(container.name)
  }
  if (phase === 'Succeeded' && unknown.length === 0) return { type, status: 'True', reason: 'PodCompleted' }
  if (spec.containers.some(container => hasStarted(byName.get(container.name)))) return isTrue(type)
  const parts = []
  if (unknown.length > 0) parts.push(`containers with unknown status: [${unknown.join(' ')}]`)
  if (incomplete.length > 0) parts.push(`containers with incomplete status: [${incomplete.join(' ')}]`)
  return parts.length === 0 ? isTrue(type) : isFalse(type, 'ContainersNotInitialized', parts.join(', '))
}

/** Whether every sidecar and every container is ready. */
export function containersReadyCondition(
  spec: PodSpec,
  statuses: readonly ContainerStatus[] | undefined,
  phase: string,
): Finding {
  const type = 'ContainersReady'
  if (!statuses) return isFalse(type, 'UnknownContainerStatuses')
  const byName = new Map(statuses.map(status => [status.name, status]))
  const unknown: string[] = []
  const unready: string[] = []
  for (const container of [...(spec.initContainers ?? []).filter(isSidecar), ...spec.containers]) {
    const status = byName.get(container.name)
    if (!status) unknown.push(container.name)
    else if (!status.ready) unready.push(container.name)
  }
  if (phase === 'Succeeded' && unknown.length === 0) return isFalse(type, 'PodCompleted')
  if (phase === 'Failed' && unknown.length === 0) return isFalse(type, 'PodFailed')
  const parts = []
  if (unknown.length > 0) parts.push(`containers with unknown status: [${unknown.join(' ')}]`)
  if (unready.length > 0) parts.push(`containers with unready status: [${unready.join(' ')}]`)
  return parts.length === 0 ? isTrue(type) : isFalse(type, 'ContainersNotReady', parts.join(', '))
}

/** Ready to serve: the containers are, and so says everyone whom a readiness gate names. */
export function readyCondition(spec: PodSpec, containersReady: Finding, conditions: readonly PodCondition[]): Finding {
  if (containersReady.status !== 'True') return { ...containersReady, type: 'Ready' }
  const complaints = []
  for (const { conditionType } of spec.readinessGates ?? []) {
    const found = conditions.find(condition => condition.type === conditionType)
    if (!found) complaints.push(`corresponding condition of pod readiness gate "${conditionType}" does not exist.`)
    else if (found.status !== 'True')
      complaints.push(`the status of pod readiness gate "${conditionType}" is not "True", but ${found.status}`)
  }
  return complaints.length === 0 ? isTrue('Ready') : isFalse('Ready', 'ReadinessGatesNotReady', complaints.join(', '))
}

/**
 * The whole list: others' conditions as they are, then the kubelet's own, which say for which generation of the spec they were found;
 * a transition is stamped only when the status changes.
 */
export function mergeConditions(
  old: readonly PodCondition[],
  findings: readonly Finding[],
  now: string,
  generation?: number,
): PodCondition[] {
  const own = new Set(findings.map(finding => finding.type))
  const kept = old.filter(condition => !own.has(condition.type))
  return [
    ...kept,
    ...findings.map(finding => {
      const before = old.find(condition => condition.type === finding.type)
      const lastTransitionTime = before?.status === finding.status ? (before.lastTransitionTime ?? now) : now
      return { ...finding, ...(generation !== undefined && { observedGeneration: generation }), lastTransitionTime }
    }),
  ]
}
