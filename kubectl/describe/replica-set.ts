import type { ReplicaSet } from '../../api/apps/replica-set.ts'
import type { Pod } from '../../api/core/pod.ts'
import { describeSelector, formatSelector, fromLabelSelector } from '../../api/selectors.ts'
import type { Describer } from './around.ts'
import { events } from './events.ts'
import { page as newPage } from './page.ts'
import { annotations, controlledBy, heading, labels, workloadConditions } from './parts.ts'
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
  const labelSelector = formatSelector(fromLabelSelector(spec.selector))
  const pods = await around.list<Pod>('pods', metadata.namespace, { labelSelector })
  const own = pods.filter(pod => pod.metadata.ownerReferences?.some(({ controller, uid }) => controller && uid === metadata.uid))
  const count = (phase: string) => own.filter(pod => pod.status.phase === phase).length
  const waiting = count('Pending')
  page.line(
    0,
    `Pods Status:\t${count('Running')} Running / ${waiting} Waiting / ${count('Succeeded')} Succeeded / ${count('Failed')} Failed`,
  )
  podTemplate(page, spec.template)
  workloadConditions(page, status.conditions)
  events(page, around.events, around.now)
  return page.text()
}
