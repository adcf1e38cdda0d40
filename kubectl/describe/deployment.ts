import type { Deployment } from '../../api/apps/deployment.ts'
import type { ReplicaSet } from '../../api/apps/replica-set.ts'
import { formatSelector, fromLabelSelector } from '../../api/selectors.ts'
import { versionsOf } from '../rollout/versions.ts'
import type { Describer } from './around.ts'
import { events } from './events.ts'
import { page as newPage } from './page.ts'
import { annotations, heading, labels, longTime, workloadConditions } from './parts.ts'
import { podTemplate } from './template.ts'

export const describeDeployment: Describer<Deployment> = async (deployment, around) => {
  const { metadata, spec, status } = deployment
  const selector = formatSelector(fromLabelSelector(spec.selector))
  const sets = await around.list<ReplicaSet>('replicasets.apps', metadata.namespace, { labelSelector: selector })
  const { fresh, old } = versionsOf(deployment, sets)
  const page = newPage()
  heading(page, deployment)
  page.line(0, `CreationTimestamp:\t${longTime(metadata.creationTimestamp)}`)
  labels(page, deployment)
  annotations(page, metadata.annotations)
  page.line(0, `Selector:\t${selector}`)
  page.line(
    0,
    `Replicas:\t${spec.replicas} desired | ${status.updatedReplicas ?? 0} updated | ${status.replicas ?? 0} total | ${status.availableReplicas ?? 0} available | ${status.unavailableReplicas ?? 0} unavailable`,
  )
  page.line(0, `StrategyType:\t${spec.strategy.type}`)
  page.line(0, `MinReadySeconds:\t${spec.minReadySeconds ?? 0}`)
  const rolling = spec.strategy.rollingUpdate
  if (rolling) {
    page.line(0, `RollingUpdateStrategy:\t${rolling.maxUnavailable} max unavailable, ${rolling.maxSurge} max surge`)
  }
  podTemplate(page, spec.template)
  workloadConditions(page, status.conditions)
  if (fresh || old.length > 0) {
    page.line(0, `OldReplicaSets:\t${setsText(old)}`)
    page.line(0, `NewReplicaSet:\t${setsText(fresh ? [fresh] : [])}`)
  }
  events(page, around.events, around.now)
  return page.text()
}

function setsText(sets: readonly ReplicaSet[]): string {
  const texts = sets.map(
    ({ metadata, spec, status }) => `${metadata.name} (${status.replicas}/${spec.replicas} replicas created)`,
  )
  return texts.join(', ') || '<none>'
}
