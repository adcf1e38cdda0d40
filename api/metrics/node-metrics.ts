import { defineKind, type ObjectOf } from '../kind.ts'
import { quantityMap, text, timestampText } from '../schema.ts'

/** What a node's containers use together. As with PodMetrics, no short names. */
export const NodeMetrics = defineKind({
  group: 'metrics.k8s.io',
  version: 'v1beta1',
  kind: 'NodeMetrics',
  plural: 'nodes',
  singular: '',
  namespaced: false,
  description: 'What is used on a node.',
  wire: 'metadata timestamp window usage',
  fields: () => ({
    timestamp: timestampText().optional().describe('When it was measured.'),
    window: text('Over how long: `10s`.'),
    usage: quantityMap().default({}).describe('Processor time and memory.'),
  }),
  verbs: ['get', 'list'],
})
export type NodeMetrics = ObjectOf<typeof NodeMetrics>
