import type { MetricSpec, MetricStatus, MetricTarget } from '../../api/autoscaling/metric-spec.ts'
import { formatQuantity } from '../../api/quantity.ts'
import { formatSelector, fromLabelSelector, type LabelSelectorObject } from '../../api/selectors.ts'
import { goSelectorText } from '../shared/selector-text.ts'
import type { Metrics } from './metrics.ts'
import { replicasForAverage, replicasForShare, replicasForUtilization, replicasForValue, type Situation } from './replicas.ts'
import { largest, milliOf } from './usages.ts'

/** What one metric says. */
export type Proposal =
  | {
      readonly replicas: number
      /** How messages call the metric. */
      readonly metric: string
      readonly status: MetricStatus
    }
  | {
      /** Why the metric says nothing: a condition's reason, and what its message says after the colon. */
      readonly reason: string
      readonly why: string
      /** What is told of it together with other metrics. */
      readonly text: string
    }

/** Everything that a metric is asked with. */
export interface Inquiry {
  readonly metrics: Metrics
  readonly situation: Situation
  readonly namespace: string
  /** The target's pods, as text. */
  readonly selector: string
  /** How many there are, as the target says. */
  readonly present: number
}

type Valid = Extract<Proposal, { metric: string }>

const quantity = (milli: bigint, format: 'DecimalSI' | 'BinarySI' = 'DecimalSI') =>
  formatQuantity({ nano: milli * 1_000_000n, format })
const selectorText = (selector: LabelSelectorObject | undefined) => formatSelector(fromLabelSelector(selector))
const prefixed = async <T>(prefix: string, act: () => Promise<T> | T): Promise<T> => {
  try {
    return await act()
  } catch (error) {
    throw new Error(`${prefix}: ${messageOf(error)}`, { cause: error })
  }
}
const messageOf = (error: unknown) => (error instanceof Error ? error.message : String(error))

/**
 * Asks for a metric and says how many pods it wants; never rejects (pkg/controller/podautoscaler/horizontal.go
 * computeReplicasForMetric).
 */
export async function proposalOf(spec: MetricSpec, inquiry: Inquiry): Promise<Proposal> {
  const { reason, doing, propose } = sourceOf(spec, inquiry)
  try {
    return await propose()
  } catch (error) {
    const why = messageOf(error)
    return { reason, why, text: doing ? `${doing}: ${why}` : why }
  }
}

interface Source {
  readonly reason: string
  /** What failed when it fails. */
  readonly doing: string
  readonly propose: () => Promise<Valid>
}

function sourceOf(spec: MetricSpec, inquiry: Inquiry): Source {
  const { type, object, pods, resource, containerResource, external } = spec
  if (type === 'Object' && object) {
    return {
      reason: 'FailedGetObjectMetric',
      doing: 'failed to get object metric value',
      propose: () => fromObject(object, inquiry),
    }
  }
  if (type === 'Pods' && pods) {
    return { reason: 'FailedGetPodsMetric', doing: 'failed to get pods metric value', propose: () => fromPods(pods, inquiry) }
  }
  if (type === 'Resource' && resource) {
    return {
      reason: 'FailedGetResourceMetric',
      doing: `failed to get ${resource.name} resource metric value`,
      async propose() {
        const { current, ...proposal } = await fromUse({ ...resource, container: '' }, inquiry)
        return { ...proposal, status: { type, resource: { name: resource.name, current } } }
      },
    }
  }
  if (type === 'ContainerResource' && containerResource) {
    const { name, container } = containerResource
    return {
      reason: 'FailedGetContainerResourceMetric',
      doing: `failed to get ${container} container metric value`,
      async propose() {
        const { current, ...proposal } = await fromUse(containerResource, inquiry)
        return { ...proposal, status: { type, containerResource: { name, container, current } } }
      },
    }
  }
  if (type === 'External' && external) {
    return {
      reason: 'FailedGetExternalMetric',
      doing: `failed to get ${external.metric.name} external metric value`,
      propose: () => fromExternal(external, inquiry),
    }
  }
  const fail = () => Promise.reject(new Error(`unknown metric source type "${type}"`))
  return { reason: 'InvalidMetricSourceType', doing: '', propose: fail }
}

interface Use {
  readonly name: string
  /** Empty: all of them. */
  readonly container: string
  readonly target: MetricTarget
}

async function fromUse({ name, container, target }: Use, { metrics, situation, namespace, selector }: Inquiry) {
  const names = situation.pods.map(pod => pod.metadata.name)
  const usages = () =>
    prefixed(`unable to get metrics for resource ${name}`, () =>
      metrics.resource(name, container, { namespace, selector, names }),
    )
  const format = name === 'memory' ? 'BinarySI' : 'DecimalSI'
  if (target.averageValue !== undefined) {
    const wanted = milliOf(target.averageValue)
    const { replicas, average } = await prefixed(`failed to get ${name} usage`, async () =>
      replicasForAverage({ situation, usages: await usages(), resource: name }, wanted),
    )
    return { replicas, metric: `${name} resource`, current: { averageValue: quantity(average, format) } }
  }
  const percent = target.averageUtilization
  if (percent === undefined) {
    throw new Error(
      'invalid resource metric source: neither an average utilization target nor an average value (usage) target was set',
    )
  }
  const { replicas, utilization, average } = await prefixed(`failed to get ${name} utilization`, async () =>
    replicasForUtilization({ situation, usages: await usages(), resource: name, container }, percent),
  )
  const what = container === '' ? 'resource' : 'container resource'
  const current = { averageUtilization: utilization, averageValue: quantity(average, format) }
  return { replicas, metric: `${name} ${what} utilization (percentage of request)`, current }
}

async function fromPods(
  { metric, target }: NonNullable<MetricSpec['pods']>,
  { metrics, situation, namespace, selector }: Inquiry,
): Promise<Valid> {
  const ask = () => metrics.ofPods(metric.name, namespace, selector, selectorText(metric.selector))
  const usages = await prefixed(`unable to get metric ${metric.name}`, ask)
  const { replicas, average } = replicasForAverage({ situation, usages }, milliOf(target.averageValue ?? '0'))
  const current = { averageValue: quantity(average) }
  return { replicas, metric: `pods metric ${metric.name}`, status: { type: 'Pods', pods: { metric, current } } }
}

async function fromObject(
  { describedObject, metric, target }: NonNullable<MetricSpec['object']>,
  { metrics, situation, namespace, present }: Inquiry,
): Promise<Valid> {
  const { kind, name } = describedObject
  // As upstream puts it, with what went wrong in the middle.
  const ask = async () => {
    try {
      return await metrics.ofObject(metric.name, namespace, describedObject, selectorText(metric.selector))
    } catch (error) {
      const why = `unable to get metric ${metric.name}: ${messageOf(error)} on ${kind} ${namespace}/${name}`
      throw new Error(why, { cause: error })
    }
  }
  const statusOf = (current: { value?: string; averageValue?: string }): MetricStatus => ({
    type: 'Object',
    object: { metric, describedObject, current },
  })
  if (target.type === 'Value' && target.value !== undefined) {
    const value = await ask()
    const replicas = replicasForValue(situation, value, milliOf(target.value))
    return { replicas, metric: `${kind} metric ${metric.name}`, status: statusOf({ value: quantity(value) }) }
  }
  const wanted = target.averageValue
  if (target.type !== 'AverageValue' || wanted === undefined) {
    throw new Error('invalid object metric source: neither a value target nor an average value target was set')
  }
  const value = await prefixed(`failed to get ${metric.name} object metric`, ask)
  const { replicas, average } = replicasForShare(situation, present, value, milliOf(wanted))
  const text = `external metric ${metric.name}(${goSelectorText(metric.selector)})`
  return { replicas, metric: text, status: statusOf({ averageValue: quantity(average) }) }
}

async function fromExternal(
  { metric, target }: NonNullable<MetricSpec['external']>,
  { metrics, situation, namespace, present }: Inquiry,
): Promise<Valid> {
  const text = goSelectorText(metric.selector)
  const ask = async () => {
    const of = `${namespace}/${metric.name}/${text}`
    const read = () => metrics.external(metric.name, namespace, selectorText(metric.selector))
    const values = await prefixed(`unable to get external metric ${of}`, read)
    const sum = values.reduce((total, value) => total + value, 0n)
    return sum > largest ? largest : sum
  }
  const statusOf = (current: { value?: string; averageValue?: string }): MetricStatus => ({
    type: 'External',
    external: { metric, current },
  })
  const name = `external metric ${metric.name}(${text})`
  const { averageValue, value: wanted } = target
  if (averageValue !== undefined) {
    const sum = await prefixed(`failed to get ${metric.name} external metric`, ask)
    const { replicas, average } = replicasForShare(situation, present, sum, milliOf(averageValue))
    return { replicas, metric: name, status: statusOf({ averageValue: quantity(average) }) }
  }
  if (wanted === undefined) {
    throw new Error('invalid external metric source: neither a value target nor an average value target was set')
  }
  return prefixed(`failed to get external metric ${metric.name}`, async () => {
    const sum = await ask()
    const replicas = replicasForValue(situation, sum, milliOf(wanted))
    return { replicas, metric: name, status: statusOf({ value: quantity(sum) }) }
  })
}
