import type { Pod } from '../../api/core/pod.ts'
import { qosClassOf } from '../../api/placement/qos.ts'
import { describeSelector } from '../../api/selectors.ts'
import type { Describer } from './around.ts'
import { containers, resources } from './containers.ts'
import { events } from './events.ts'
import { page as newPage, type Page } from './page.ts'
import { annotations, controlledBy, heading, labels, lines, longTime, pairs, statusText, tolerations } from './parts.ts'
import { volumes } from './volumes.ts'

export const describePod: Describer<Pod> = (pod, around) => {
  const page = newPage()
  const { spec, status } = pod
  const { priority, priorityClassName, runtimeClassName, serviceAccountName, nodeName } = spec
  heading(page, pod)
  if (priority !== undefined) page.line(0, `Priority:\t${priority}`)
  if (priorityClassName) page.line(0, `Priority Class Name:\t${priorityClassName}`)
  if (runtimeClassName) page.line(0, `Runtime Class Name:\t${runtimeClassName}`)
  if (serviceAccountName) page.line(0, `Service Account:\t${serviceAccountName}`)
  page.line(0, `Node:\t${nodeName ? `${nodeName}/${status.hostIP ?? ''}` : '<none>'}`)
  if (status.startTime) page.line(0, `Start Time:\t${longTime(status.startTime)}`)
  labels(page, pod)
  annotations(page, pod.metadata.annotations)
  phase(page, pod, around.now)
  page.line(0, `IP:\t${status.podIP ?? ''}`)
  const addresses = status.podIPs ?? []
  page.line(0, `IPs:${addresses.length === 0 ? '\t<none>' : ''}`)
  for (const { ip } of addresses) page.line(1, `IP:\t${ip}`)
  controlledBy(page, pod)
  if (status.nominatedNodeName) page.line(0, `NominatedNodeName:\t${status.nominatedNodeName}`)
  if (spec.resources) {
    page.line(0, 'Resources:')
    resources(page, 1, spec.resources)
  }
  if (spec.initContainers?.length) {
    containers(page, 'Init Containers', spec.initContainers, { pod, statuses: status.initContainerStatuses })
  }
  containers(page, 'Containers', spec.containers, { pod, statuses: status.containerStatuses })
  if (spec.ephemeralContainers?.length) {
    containers(page, 'Ephemeral Containers', spec.ephemeralContainers, { pod, statuses: status.ephemeralContainerStatuses })
  }
  conditions(page, pod)
  volumes(page, spec.volumes, '')
  page.line(0, `QoS Class:\t${status.qosClass ?? qosClassOf(spec)}`)
  lines(page, 'Node-Selectors', pairs(spec.nodeSelector))
  tolerations(page, spec.tolerations, 'Tolerations')
  spreadConstraints(page, spec.topologySpreadConstraints, '')
  events(page, around.events, around.now)
  return page.text()
}

function phase(page: Page, pod: Pod, now: number): void {
  const { metadata, spec, status } = pod
  const isOver = status.phase === 'Succeeded' || status.phase === 'Failed'
  page.line(0, `Status:\t${isOver ? status.phase : statusText(pod, status.phase, now)}`)
  if (metadata.deletionTimestamp && !isOver)
    page.line(0, `Termination Grace Period:\t${metadata.deletionGracePeriodSeconds ?? 0}s`)
  if (status.reason) page.line(0, `Reason:\t${status.reason}`)
  if (status.message) page.line(0, `Message:\t${status.message}`)
  const seccomp = spec.securityContext?.seccompProfile
  if (seccomp) page.line(0, `SeccompProfile:\t${seccomp.type}`)
  if (seccomp?.localhostProfile) page.line(0, `LocalhostProfile:\t${seccomp.localhostProfile}`)
}

function conditions(page: Page, { spec, status }: Pod): void {
  const all = status.conditions ?? []
  if (spec.readinessGates?.length) {
    page.line(0, 'Readiness Gates:')
    page.line(0, '  Type\tStatus')
    for (const { conditionType } of spec.readinessGates) {
      page.line(1, `${conditionType} \t${all.find(({ type }) => type === conditionType)?.status ?? '<none>'} `)
    }
  }
  if (all.length === 0) return
  page.line(0, 'Conditions:')
  page.line(0, '  Type\tStatus')
  for (const { type, status } of all) page.line(1, `${type} \t${status} `)
}

/** `zone:DoNotSchedule when max skew 1 is exceeded for selector app=web`, one below the other. */
export function spreadConstraints(page: Page, list: Pod['spec']['topologySpreadConstraints'], indent: string): void {
  if (!list?.length) return
  const sorted = [...list].sort((a, b) => (a.topologyKey < b.topologyKey ? -1 : 1))
  const texts = sorted.map(({ topologyKey, whenUnsatisfiable, maxSkew, labelSelector }) => {
    const selector = labelSelector ? ` for selector ${describeSelector(labelSelector)}` : ''
    return `${topologyKey}:${whenUnsatisfiable} when max skew ${maxSkew} is exceeded${selector}`
  })
  lines(page, `${indent}Topology Spread Constraints`, texts)
}
