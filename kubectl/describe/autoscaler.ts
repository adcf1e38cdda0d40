import type { HorizontalPodAutoscaler } from '../../api/autoscaling/horizontal-pod-autoscaler.ts'
import type { Describer } from './around.ts'
import { events } from './events.ts'
import { page as newPage, type Page } from './page.ts'
import { annotations, heading, labels, longTime } from './parts.ts'

type Autoscaler = HorizontalPodAutoscaler
type Metric = NonNullable<Autoscaler['spec']['metrics']>[number]
type Current = NonNullable<Autoscaler['status']['currentMetrics']>[number]
type Rules = NonNullable<NonNullable<Autoscaler['spec']['behavior']>['scaleUp']>

/** Whatever version is asked for, the newest tells everything. */
const newest = 'horizontalpodautoscalers.v2.autoscaling'

export const describeAutoscaler: Describer<Autoscaler> = async (given, around) => {
  const isOld = given.apiVersion === 'autoscaling/v1'
  const { name, namespace } = given.metadata
  const autoscaler = isOld ? await around.get<Autoscaler>(newest, namespace, name) : given
  const { metadata, spec, status } = autoscaler
  const page = newPage()
  heading(page, autoscaler)
  labels(page, autoscaler)
  annotations(page, metadata.annotations)
  page.line(0, `CreationTimestamp:\t${longTime(metadata.creationTimestamp)}`)
  page.line(0, `Reference:\t${spec.scaleTargetRef.kind}/${spec.scaleTargetRef.name}`)
  page.line(0, 'Metrics:\t( current / target )')
  spec.metrics?.forEach((metric, i) => page.line(1, metricText(metric, status.currentMetrics?.[i])))
  page.line(0, `Min replicas:\t${spec.minReplicas ?? '<unset>'}`)
  page.line(0, `Max replicas:\t${spec.maxReplicas}`)
  if (spec.behavior) {
    page.line(0, 'Behavior:')
    direction(page, 'Scale Up', spec.behavior.scaleUp)
    direction(page, 'Scale Down', spec.behavior.scaleDown)
  }
  const { currentReplicas = 0, desiredReplicas = 0, conditions } = status
  page.line(0, `${spec.scaleTargetRef.kind} pods:\t${currentReplicas} current / ${desiredReplicas} desired`)
  if (conditions?.length) {
    page.line(0, 'Conditions:')
    page.line(1, 'Type\tStatus\tReason\tMessage')
    page.line(1, '----\t------\t------\t-------')
    for (const { type, status: is, reason = '', message = '' } of conditions) {
      page.line(1, [type, is, reason, message].join('\t'))
    }
  }
  events(page, around.events, around.now)
  return page.text()
}

const unknown = '<unknown>'

/** What is measured, what it is and what it should be. */
function metricText({ type, external, pods, object, resource, containerResource }: Metric, now: Current | undefined): string {
  if (type === 'External' && external) {
    const { metric, target } = external
    const isAverage = target.averageValue !== undefined
    const current = isAverage ? now?.external?.current.averageValue : now?.external?.current.value
    const wanted = isAverage ? target.averageValue : target.value
    return `"${metric.name}" (target ${isAverage ? 'average ' : ''}value):\t${current ?? unknown} / ${wanted}`
  }
  if (type === 'Pods' && pods) {
    return `"${pods.metric.name}" on pods:\t${now?.pods?.current.averageValue ?? unknown} / ${pods.target.averageValue}`
  }
  if (type === 'Object' && object) {
    const { metric, describedObject, target } = object
    const isAverage = target.type === 'AverageValue'
    const current = isAverage ? now?.object?.current.averageValue : now?.object?.current.value
    const wanted = isAverage ? target.averageValue : target.value
    const what = `"${metric.name}" on ${describedObject.kind}/${describedObject.name}`
    return `${what} (target ${isAverage ? 'average ' : ''}value):\t${current ?? unknown} / ${wanted}`
  }
  if (type === 'Resource' && resource) {
    return `resource ${resource.name} on pods${usageText(resource.target, now?.resource?.current)}`
  }
  if (type === 'ContainerResource' && containerResource) {
    const { name, container, target } = containerResource
    return `resource ${name} of container "${container}" on pods${usageText(target, now?.containerResource?.current)}`
  }
  return `<unknown metric type "${type}">`
}

function usageText(
  target: { averageValue?: string | undefined; averageUtilization?: number | undefined },
  now: { averageValue?: string | undefined; averageUtilization?: number | undefined } | undefined,
): string {
  if (target.averageValue !== undefined) return `:\t${now?.averageValue ?? unknown} / ${target.averageValue}`
  const percent = now?.averageUtilization
  const current = percent === undefined ? unknown : `${percent}% (${now?.averageValue ?? ''})`
  const wanted = target.averageUtilization === undefined ? '<auto>' : `${target.averageUtilization}%`
  return `  (as a percentage of request):\t${current} / ${wanted}`
}

function direction(page: Page, title: string, rules: Rules | undefined): void {
  if (!rules) return
  const { stabilizationWindowSeconds, policies = [], selectPolicy = 'Max' } = rules
  page.line(1, `${title}:`)
  if (stabilizationWindowSeconds !== undefined) page.line(2, `Stabilization Window: ${stabilizationWindowSeconds} seconds`)
  if (policies.length === 0) return
  page.line(2, `Select Policy: ${selectPolicy}`)
  page.line(2, 'Policies:')
  for (const { type, value, periodSeconds } of policies) {
    page.line(3, `- Type: ${type}\tValue: ${value}\tPeriod: ${periodSeconds} seconds`)
  }
}
