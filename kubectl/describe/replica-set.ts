import type { ReplicaSet } from '../../api/apps/replica-set.ts'
import { describeSelector, fromLabelSelector } from '../../api/selectors.ts'
import type { Describer } from './around.ts'
import { events } from './events.ts'
import { page as newPage } from './page.ts'
import { annotations, controlledBy, heading, labels, workloadConditions } from './parts.ts'
import { podCounts } from './pod-counts.ts'
import { podTemplate } from './template.ts'

export const describeReplicaSet: Describer<ReplicaSet> = async (set, around) => {
  const { metadata, spec, status } = set
  const page = newPage()
  heading(page, set)
  page.line(0, `Selector:\t${describeSelector(spec.selector)}`)
  labels(page, set)
  annotations(page, metadata.annotations)
  controlledBy(page, set)
  page.line(0, `Replicas:\t${status.replicas} current / ${spec.replicas} desired`)
  page.line(0, `Pods Status:\t${await podCounts(set, fromLabelSelector(spec.selector), around)}`)
  podTemplate(page, spec.template)
  workloadConditions(page, status.conditions)
  events(page, around.events, around.now)
  return page.text()
}
