import type { DaemonSet } from '../../api/apps/daemon-set.ts'
import type { StatefulSet } from '../../api/apps/stateful-set.ts'
import type { ReplicationController } from '../../api/core/replication-controller.ts'
import { formatSelector, fromLabelMap, fromLabelSelector } from '../../api/selectors.ts'
import type { Describer } from './around.ts'
import { events } from './events.ts'
import { page as newPage, type Page } from './page.ts'
import { annotations, goList, heading, labels, lines, longTime, onOneLine, pairs, workloadConditions } from './parts.ts'
import { podCounts } from './pod-counts.ts'
import { podTemplate } from './template.ts'

export const describeStatefulSet: Describer<StatefulSet> = async (set, around) => {
  const { metadata, spec, status } = set
  const selector = fromLabelSelector(spec.selector)
  const page = newPage()
  heading(page, set)
  page.line(0, `CreationTimestamp:\t${longTime(metadata.creationTimestamp)}`)
  page.line(0, `Selector:\t${formatSelector(selector)}`)
  labels(page, set)
  annotations(page, metadata.annotations)
  page.line(0, `Replicas:\t${spec.replicas} desired | ${status.replicas} total`)
  page.line(0, `Update Strategy:\t${spec.updateStrategy.type}`)
  const { partition, maxUnavailable } = spec.updateStrategy.rollingUpdate ?? {}
  if (partition !== undefined) {
    page.line(1, `Partition:\t${partition}`)
    if (maxUnavailable !== undefined) page.line(1, `MaxUnavailable:\t${maxUnavailable}`)
  }
  page.line(0, `Pods Status:\t${await podCounts(set, selector, around)}`)
  podTemplate(page, spec.template)
  claimTemplates(page, spec.volumeClaimTemplates)
  events(page, around.events, around.now)
  return page.text()
}

function claimTemplates(page: Page, templates: StatefulSet['spec']['volumeClaimTemplates']): void {
  if (!templates?.length) return page.line(0, 'Volume Claims:\t<none>')
  page.line(0, 'Volume Claims:')
  for (const { metadata, spec } of templates) {
    page.line(1, `Name:\t${metadata?.name ?? ''}`)
    page.line(1, `StorageClass:\t${spec.storageClassName ?? ''}`)
    lines(page, '  Labels', pairs(metadata?.labels))
    lines(page, '  Annotations', pairs(metadata?.annotations))
    page.line(1, `Capacity:\t${spec.resources?.requests?.storage ?? '<default>'}`)
    page.line(1, `Access Modes:\t${goList(spec.accessModes)}`)
  }
}

export const describeDaemonSet: Describer<DaemonSet> = async (set, around) => {
  const { metadata, spec, status } = set
  const selector = fromLabelSelector(spec.selector)
  const page = newPage()
  page.line(0, `Name:\t${metadata.name}`)
  page.line(0, `Selector:\t${formatSelector(selector)}`)
  page.line(0, `Node-Selector:\t${onOneLine(spec.template.spec.nodeSelector)}`)
  labels(page, set)
  annotations(page, metadata.annotations)
  page.line(0, `Desired Number of Nodes Scheduled: ${status.desiredNumberScheduled}`)
  page.line(0, `Current Number of Nodes Scheduled: ${status.currentNumberScheduled}`)
  page.line(0, `Number of Nodes Scheduled with Up-to-date Pods: ${status.updatedNumberScheduled ?? 0}`)
  page.line(0, `Number of Nodes Scheduled with Available Pods: ${status.numberAvailable ?? 0}`)
  page.line(0, `Number of Nodes Misscheduled: ${status.numberMisscheduled}`)
  page.line(0, `Pods Status:\t${await podCounts(set, selector, around)}`)
  podTemplate(page, spec.template)
  events(page, around.events, around.now)
  return page.text()
}

export const describeReplicationController: Describer<ReplicationController> = async (controller, around) => {
  const { metadata, spec, status } = controller
  const page = newPage()
  heading(page, controller)
  page.line(0, `Selector:\t${onOneLine(spec.selector)}`)
  labels(page, controller)
  annotations(page, metadata.annotations)
  page.line(0, `Replicas:\t${status.replicas} current / ${spec.replicas} desired`)
  page.line(0, `Pods Status:\t${await podCounts(controller, fromLabelMap(spec.selector), around)}`)
  podTemplate(page, spec.template)
  workloadConditions(page, status.conditions)
  events(page, around.events, around.now)
  return page.text()
}
