import type * as z from 'zod'
import { LabelSelector } from '../meta.ts'
import { choice, int32, named, plain, quantity, requiredText, text } from '../schema.ts'

/** What is scaled, or what a metric is about. */
export const CrossVersionObjectReference = named(
  'autoscaling/v2.CrossVersionObjectReference',
  'Names an object of any kind.',
  () => ({
    kind: requiredText('Kind of the object.'),
    name: requiredText('Name of the object.'),
    apiVersion: text('API version of the object.'),
  }),
  { wire: 'kind name apiVersion', 'x-kubernetes-map-type': 'atomic' },
)
export type CrossVersionObjectReference = z.output<typeof CrossVersionObjectReference>

const MetricIdentifier = named(
  'autoscaling/v2.MetricIdentifier',
  'Which metric.',
  () => ({ name: requiredText('Name of the metric.'), selector: LabelSelector.optional().describe('Labels of the metric.') }),
  { wire: 'name selector' },
)

const MetricTarget = named(
  'autoscaling/v2.MetricTarget',
  'What the metric should be.',
  () => ({
    type: plain(choice('Utilization', 'Value', 'AverageValue').default('' as 'Value')).describe('Which of the others counts.'),
    value: quantity().optional().describe('The value.'),
    averageValue: quantity().optional().describe('The value per pod.'),
    averageUtilization: int32().optional().describe('Percent of what the pods ask for.'),
  }),
  { wire: 'type value averageValue averageUtilization' },
)
export type MetricTarget = z.output<typeof MetricTarget>

const MetricValueStatus = named(
  'autoscaling/v2.MetricValueStatus',
  'What a metric is.',
  () => ({
    value: quantity().optional().describe('The value.'),
    averageValue: quantity().optional().describe('The value per pod.'),
    averageUtilization: int32().optional().describe('Percent of what the pods ask for.'),
  }),
  { wire: 'value averageValue averageUtilization' },
)

const metric = () => MetricIdentifier.prefault({}).describe('Which metric.')
const target = () => MetricTarget.prefault({}).describe('What it should be.')
const current = () => MetricValueStatus.prefault({}).describe('What it is.')
const described = () => CrossVersionObjectReference.prefault({}).describe('The object it is about.')
const resource = () => requiredText('The resource, as containers ask for it.')
const container = () => requiredText('The container.')
const sourceType = () =>
  plain(choice('Object', 'Pods', 'Resource', 'ContainerResource', 'External').default('' as 'Pods')).describe(
    'Which of the others counts.',
  )

const ObjectMetricSource = named(
  'autoscaling/v2.ObjectMetricSource',
  'A metric of some object.',
  () => ({ describedObject: described(), target: target(), metric: metric() }),
  { wire: 'describedObject target metric' },
)
const PodsMetricSource = named(
  'autoscaling/v2.PodsMetricSource',
  'A metric of each pod.',
  () => ({ metric: metric(), target: target() }),
  { wire: 'metric target' },
)
const ResourceMetricSource = named(
  'autoscaling/v2.ResourceMetricSource',
  'What the pods use of a resource.',
  () => ({ name: resource(), target: target() }),
  { wire: 'name target' },
)
const ContainerResourceMetricSource = named(
  'autoscaling/v2.ContainerResourceMetricSource',
  'What one container of each pod uses of a resource.',
  () => ({ name: resource(), target: target(), container: container() }),
  { wire: 'name target container' },
)
const ExternalMetricSource = named(
  'autoscaling/v2.ExternalMetricSource',
  'A metric from outside the cluster.',
  () => ({ metric: metric(), target: target() }),
  { wire: 'metric target' },
)

/** A metric, and what it should be. */
export const MetricSpec = named(
  'autoscaling/v2.MetricSpec',
  'A metric, and what it should be.',
  () => ({
    type: sourceType(),
    object: ObjectMetricSource.optional().describe('A metric of some object.'),
    pods: PodsMetricSource.optional().describe('A metric of each pod.'),
    resource: ResourceMetricSource.optional().describe('What the pods use of a resource.'),
    containerResource: ContainerResourceMetricSource.optional().describe('What one container of each pod uses.'),
    external: ExternalMetricSource.optional().describe('A metric from outside the cluster.'),
  }),
  { wire: 'type object pods resource external 7:containerResource' },
)
export type MetricSpec = z.output<typeof MetricSpec>

const ObjectMetricStatus = named(
  'autoscaling/v2.ObjectMetricStatus',
  'A metric of some object.',
  () => ({ metric: metric(), current: current(), describedObject: described() }),
  { wire: 'metric current describedObject' },
)
const PodsMetricStatus = named(
  'autoscaling/v2.PodsMetricStatus',
  'A metric of each pod.',
  () => ({ metric: metric(), current: current() }),
  { wire: 'metric current' },
)
const ResourceMetricStatus = named(
  'autoscaling/v2.ResourceMetricStatus',
  'What the pods use of a resource.',
  () => ({ name: resource(), current: current() }),
  { wire: 'name current' },
)
const ContainerResourceMetricStatus = named(
  'autoscaling/v2.ContainerResourceMetricStatus',
  'What one container of each pod uses of a resource.',
  () => ({ name: resource(), current: current(), container: container() }),
  { wire: 'name current container' },
)
const ExternalMetricStatus = named(
  'autoscaling/v2.ExternalMetricStatus',
  'A metric from outside the cluster.',
  () => ({ metric: metric(), current: current() }),
  { wire: 'metric current' },
)

/** A metric, and what it is. */
export const MetricStatus = named(
  'autoscaling/v2.MetricStatus',
  'A metric, and what it is.',
  () => ({
    type: sourceType(),
    object: ObjectMetricStatus.optional().describe('A metric of some object.'),
    pods: PodsMetricStatus.optional().describe('A metric of each pod.'),
    resource: ResourceMetricStatus.optional().describe('What the pods use of a resource.'),
    containerResource: ContainerResourceMetricStatus.optional().describe('What one container of each pod uses.'),
    external: ExternalMetricStatus.optional().describe('A metric from outside the cluster.'),
  }),
  { wire: 'type object pods resource external 7:containerResource' },
)
export type MetricStatus = z.output<typeof MetricStatus>
