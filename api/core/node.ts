import { defineKind, type ObjectOf } from '../kind.ts'
import { cidrWarnings } from '../warnings.ts'
import { nodeColumns } from './node-columns.ts'
import { NodeSpec, NodeStatus } from './node-spec.ts'
import { validateAmounts, validateNode } from './node-validation.ts'
import { roundUp } from './pod-defaults.ts'

export type { NodeCondition, NodeSystemInfo, Taint } from './node-spec.ts'

/** A machine that runs pods. */
export const Node = defineKind({
  group: '',
  version: 'v1',
  kind: 'Node',
  plural: 'nodes',
  shortNames: ['no'],
  namespaced: false,
  tracksManagers: 'onceApplied',
  description: 'A machine that runs pods.',
  fields: () => ({
    spec: NodeSpec.prefault({}).describe('What is wanted of it.'),
    status: NodeStatus.prefault({}).describe('How it is.'),
  }),
  columns: nodeColumns,
  subresources: ['status', 'proxy'],
  keepsStatusOnCreate: true,
  selectableFields: { 'spec.unschedulable': ({ spec }) => String(spec.unschedulable ?? false) },
  default({ status }) {
    roundUp(status.capacity)
    roundUp(status.allocatable)
    if (status.capacity) status.allocatable ??= { ...status.capacity }
  },
  validate: validateNode,
  validateStatus: node => validateAmounts(node),
  warnings({ spec }) {
    const warnings = (spec.podCIDRs ?? []).flatMap((range, i) => cidrWarnings(`spec.podCIDRs[${i}]`, range))
    if (spec.externalID) warnings.unshift('spec.externalID: this field is deprecated, and is unused by Kubernetes')
    if (spec.configSource) warnings.unshift('spec.configSource: the feature is removed')
    return warnings
  },
})
export type Node = ObjectOf<typeof Node>
