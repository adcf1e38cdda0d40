import { defineKind, type ObjectOf } from '../kind.ts'
import { atomicList, named, quantityMap, requiredText, text, timestampText } from '../schema.ts'

const ContainerMetrics = named(
  'metrics/v1beta1.ContainerMetrics',
  'What a container uses.',
  () => ({
    name: requiredText('Name of the container.'),
    usage: quantityMap().default({}).describe('Processor time and memory.'),
  }),
  { wire: 'name usage' },
)

/**
 * What the containers of a pod use. No short names and no categories: clients would take them for those of pods
 * (contract 0.1, row 12).
 */
export const PodMetrics = defineKind({
  group: 'metrics.k8s.io',
  version: 'v1beta1',
  kind: 'PodMetrics',
  plural: 'pods',
  singular: '',
  namespaced: true,
  description: 'What the containers of a pod use.',
  wire: 'metadata timestamp window containers',
  fields: () => ({
    timestamp: timestampText().optional().describe('When it was measured.'),
    window: text('Over how long: `10s`.'),
    containers: atomicList(ContainerMetrics).default([]).describe('What each container uses.'),
  }),
  verbs: ['get', 'list'],
})
export type PodMetrics = ObjectOf<typeof PodMetrics>
