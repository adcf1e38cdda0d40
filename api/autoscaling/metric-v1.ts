import type { Draft } from '../kind.ts'
import type { MetricSpec, MetricStatus } from './metric-spec.ts'

/**
 * Metrics as autoscaling/v1 writes them into annotations: flat, with other names, and a zero where nothing is
 * (pkg/apis/autoscaling/v1/conversion.go).
 */
type Fields = Readonly<Record<string, unknown>>

/** Only what is there. */
const present = (fields: Fields): Fields => Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined))
const fieldsOf = (value: unknown): Fields => (typeof value === 'object' && value !== null ? (value as Fields) : {})

/** The one source that a metric has, converted. */
function converted(metric: Fields, by: Readonly<Record<string, (source: Fields) => Fields>>): Fields {
  const result: Record<string, unknown> = { type: metric.type }
  for (const [name, convert] of Object.entries(by)) if (metric[name]) result[name] = present(convert(fieldsOf(metric[name])))
  return result
}

const identified = (name: unknown, selector: unknown) => ({ name: name ?? '', ...present({ selector }) })

const usageTarget = (source: Fields) => ({
  type: source.targetAverageUtilization === undefined ? 'AverageValue' : 'Utilization',
  ...present({ averageValue: source.targetAverageValue, averageUtilization: source.targetAverageUtilization }),
})

/** A metric of v1 in the form of v2. */
export function metricFromV1(metric: Fields): Draft<MetricSpec> {
  return converted(metric, {
    object: ({ target, metricName, targetValue, selector, averageValue }) => ({
      describedObject: target,
      metric: identified(metricName, selector),
      target: { type: averageValue === undefined ? 'Value' : 'AverageValue', ...present({ value: targetValue, averageValue }) },
    }),
    pods: ({ metricName, targetAverageValue, selector }) => ({
      metric: identified(metricName, selector),
      target: { type: 'AverageValue', averageValue: targetAverageValue },
    }),
    resource: source => ({ name: source.name, target: usageTarget(source) }),
    containerResource: source => ({ name: source.name, container: source.container, target: usageTarget(source) }),
    external: ({ metricName, metricSelector, targetValue: value, targetAverageValue: averageValue }) => ({
      metric: identified(metricName, metricSelector),
      target: { type: value === undefined ? 'AverageValue' : 'Value', ...present({ value, averageValue }) },
    }),
  }) as Draft<MetricSpec>
}

const usage = ({ name, container, target }: { name: string; container?: string; target: Target }) => ({
  name,
  targetAverageUtilization: target.averageUtilization,
  targetAverageValue: target.averageValue,
  container,
})
type Target = NonNullable<MetricSpec['resource']>['target']

/** A metric of v2 in the form of v1. */
export function metricToV1({ type, object, pods, resource, containerResource, external }: MetricSpec): Fields {
  return present({
    type,
    object: object && {
      target: object.describedObject,
      metricName: object.metric.name,
      targetValue: object.target.value ?? '0',
      ...present({ selector: object.metric.selector, averageValue: object.target.averageValue }),
    },
    pods: pods && {
      metricName: pods.metric.name,
      targetAverageValue: pods.target.averageValue ?? '0',
      ...present({ selector: pods.metric.selector }),
    },
    resource: resource && present(usage(resource)),
    containerResource: containerResource && present(usage(containerResource)),
    external:
      external &&
      present({
        metricName: external.metric.name,
        metricSelector: external.metric.selector,
        targetValue: external.target.value,
        targetAverageValue: external.target.averageValue,
      }),
  })
}

const usageStatus = (source: Fields) =>
  present({ averageValue: source.currentAverageValue, averageUtilization: source.currentAverageUtilization })

/** What a metric of v1 is, in the form of v2. */
export function metricStatusFromV1(metric: Fields): MetricStatus {
  return converted(metric, {
    object: ({ target, metricName, currentValue, selector, averageValue }) => ({
      describedObject: target,
      metric: identified(metricName, selector),
      current: present({ value: currentValue, averageValue }),
    }),
    pods: ({ metricName, currentAverageValue, selector }) => ({
      metric: identified(metricName, selector),
      current: present({ averageValue: currentAverageValue }),
    }),
    resource: source => ({ name: source.name, current: usageStatus(source) }),
    containerResource: source => ({ name: source.name, container: source.container, current: usageStatus(source) }),
    external: ({ metricName, metricSelector, currentValue, currentAverageValue }) => ({
      metric: identified(metricName, metricSelector),
      current: present({ value: currentValue, averageValue: currentAverageValue }),
    }),
  }) as unknown as MetricStatus
}

/** What a metric of v2 is, in the form of v1. */
export function metricStatusToV1({ type, object, pods, resource, containerResource, external }: MetricStatus): Fields {
  const used = (source: NonNullable<MetricStatus['resource']> & { container?: string }) =>
    present({
      name: source.name,
      currentAverageUtilization: source.current.averageUtilization,
      currentAverageValue: source.current.averageValue ?? '0',
      container: source.container,
    })
  return present({
    type,
    object:
      object &&
      present({
        target: object.describedObject,
        metricName: object.metric.name,
        currentValue: object.current.value ?? '0',
        selector: object.metric.selector,
        averageValue: object.current.averageValue,
      }),
    pods:
      pods &&
      present({
        metricName: pods.metric.name,
        currentAverageValue: pods.current.averageValue ?? '0',
        selector: pods.metric.selector,
      }),
    resource: resource && used(resource),
    containerResource: containerResource && used(containerResource),
    external:
      external &&
      present({
        metricName: external.metric.name,
        metricSelector: external.metric.selector,
        currentValue: external.current.value ?? '0',
        currentAverageValue: external.current.averageValue,
      }),
  })
}

/** The same value with every field's name changed: upstream writes the behavior with the names of its Go fields. */
export function recased(value: unknown, rename: (name: string) => string): unknown {
  if (Array.isArray(value)) return value.map(each => recased(each, rename))
  if (typeof value !== 'object' || value === null) return value
  const entries = Object.entries(value).filter(([, each]) => each !== null && each !== undefined)
  return Object.fromEntries(entries.map(([name, each]) => [rename(name), recased(each, rename)]))
}
