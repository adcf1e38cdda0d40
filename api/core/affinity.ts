import * as z from 'zod'
import { LabelSelector } from '../meta.ts'
import { atomicList, atomicMap, choice, int32, int64, named, plain, requiredText, text } from '../schema.ts'

const NodeSelectorRequirement = named(
  'core/v1.NodeSelectorRequirement',
  'A key, an operator, and values.',
  () => ({
    key: requiredText('The label key, or the field.'),
    operator: choice('In', 'NotIn', 'Exists', 'DoesNotExist', 'Gt', 'Lt')
      .default('' as 'In')
      .describe('How the key relates to the values.'),
    values: atomicList(z.string()).optional().describe('None, one, or several, as the operator demands.'),
  }),
  { wire: 'key operator values' },
)
export type NodeSelectorRequirement = z.output<typeof NodeSelectorRequirement>

const NodeSelectorTerm = named(
  'core/v1.NodeSelectorTerm',
  'Requirements that must all hold; a term without any matches nothing.',
  () => ({
    matchExpressions: atomicList(NodeSelectorRequirement).optional().describe('Requirements on labels.'),
    matchFields: atomicList(NodeSelectorRequirement).optional().describe('Requirements on fields: metadata.name.'),
  }),
  { ...atomicMap, wire: 'matchExpressions matchFields' },
)
export type NodeSelectorTerm = z.output<typeof NodeSelectorTerm>

/** Terms of which one must match. */
export const NodeSelector = named(
  'core/v1.NodeSelector',
  'Terms of which one must match.',
  () => ({ nodeSelectorTerms: atomicList(NodeSelectorTerm).default([]).describe('The terms.') }),
  { ...atomicMap, wire: 'nodeSelectorTerms' },
)
export type NodeSelector = z.output<typeof NodeSelector>

const weight = () => int32().default(0).describe('How much it counts, 1 to 100.')

/** Which nodes to run on. */
export const NodeAffinity = named(
  'core/v1.NodeAffinity',
  'Which nodes to run on.',
  () => ({
    requiredDuringSchedulingIgnoredDuringExecution: NodeSelector.optional().describe('What a node must have.'),
    preferredDuringSchedulingIgnoredDuringExecution: atomicList(
      named(
        'core/v1.PreferredSchedulingTerm',
        'A wish and its weight.',
        () => ({
          weight: weight(),
          preference: NodeSelectorTerm.prefault({}).describe('What is wished for.'),
        }),
        { wire: 'weight preference' },
      ),
    )
      .optional()
      .describe('What would be nice for a node to have.'),
  }),
  { wire: 'requiredDuringSchedulingIgnoredDuringExecution preferredDuringSchedulingIgnoredDuringExecution' },
)

const PodAffinityTerm = named(
  'core/v1.PodAffinityTerm',
  'Pods to be near, or far from.',
  () => ({
    labelSelector: LabelSelector.optional().describe('Which pods; none where absent.'),
    namespaces: atomicList(z.string()).optional().describe('Namespaces of those pods, by name.'),
    topologyKey: requiredText('Node label whose value tells what is near.'),
    namespaceSelector: LabelSelector.optional().describe('Namespaces of those pods, by label.'),
    matchLabelKeys: atomicList(z.string()).optional().describe('Labels whose values must equal the own.'),
    mismatchLabelKeys: atomicList(z.string()).optional().describe('Labels whose values must differ from the own.'),
  }),
  { wire: 'labelSelector namespaces topologyKey namespaceSelector matchLabelKeys mismatchLabelKeys' },
)
export type PodAffinityTerm = z.output<typeof PodAffinityTerm>

const WeightedPodAffinityTerm = named(
  'core/v1.WeightedPodAffinityTerm',
  'A wish and its weight.',
  () => ({
    weight: weight(),
    podAffinityTerm: PodAffinityTerm.prefault({}).describe('What is wished for.'),
  }),
  { wire: 'weight podAffinityTerm' },
)

const podTerms = () => ({
  requiredDuringSchedulingIgnoredDuringExecution: atomicList(PodAffinityTerm).optional().describe('What must hold.'),
  preferredDuringSchedulingIgnoredDuringExecution: atomicList(WeightedPodAffinityTerm).optional().describe('What would be nice.'),
})

/** Where a pod wants to run. */
export const Affinity = named(
  'core/v1.Affinity',
  'Where a pod wants to run.',
  () => ({
    nodeAffinity: NodeAffinity.optional().describe('Which nodes to run on.'),
    podAffinity: named('core/v1.PodAffinity', 'Pods to be near.', () => podTerms(), {
      wire: 'requiredDuringSchedulingIgnoredDuringExecution preferredDuringSchedulingIgnoredDuringExecution',
    })
      .optional()
      .describe('Pods to be near.'),
    podAntiAffinity: named('core/v1.PodAntiAffinity', 'Pods to be far from.', () => podTerms(), {
      wire: 'requiredDuringSchedulingIgnoredDuringExecution preferredDuringSchedulingIgnoredDuringExecution',
    })
      .optional()
      .describe('Pods to be far from.'),
  }),
  { wire: 'nodeAffinity podAffinity podAntiAffinity' },
)
export type Affinity = z.output<typeof Affinity>

export const taintEffects = ['NoSchedule', 'PreferNoSchedule', 'NoExecute'] as const

/** Which taints a pod puts up with. */
export const Toleration = named(
  'core/v1.Toleration',
  'Which taints a pod puts up with.',
  () => ({
    key: text('Key of the taint; every key where empty.'),
    operator: plain(choice('Equal', 'Exists').optional()).describe('Equal compares the value as well.'),
    value: text('Value of the taint.'),
    effect: plain(choice(...taintEffects).optional()).describe('Effect of the taint; every effect where empty.'),
    tolerationSeconds: int64().optional().describe('How long to stay on a node with a NoExecute taint; for ever where absent.'),
  }),
  { wire: 'key operator value effect tolerationSeconds' },
)
export type Toleration = z.output<typeof Toleration>

/** How evenly pods are spread. */
export const TopologySpreadConstraint = named(
  'core/v1.TopologySpreadConstraint',
  'How evenly pods are spread.',
  () => ({
    maxSkew: int32().default(0).describe('How uneven it may be.'),
    topologyKey: requiredText('Node label whose values are the domains.'),
    whenUnsatisfiable: choice('DoNotSchedule', 'ScheduleAnyway')
      .default('' as 'DoNotSchedule')
      .describe('Whether it is a demand or a wish.'),
    labelSelector: LabelSelector.optional().describe('Which pods are counted.'),
    minDomains: int32().optional().describe('The least number of domains.'),
    nodeAffinityPolicy: choice('Honor', 'Ignore').optional().describe("Whether only nodes that the pod's affinity allows count."),
    nodeTaintsPolicy: choice('Honor', 'Ignore').optional().describe('Whether only nodes whose taints are tolerated count.'),
    matchLabelKeys: atomicList(z.string()).optional().describe('Labels whose values must equal the own.'),
  }),
  {
    wire: `
      maxSkew topologyKey whenUnsatisfiable labelSelector minDomains nodeAffinityPolicy nodeTaintsPolicy
      matchLabelKeys`,
  },
)
export type TopologySpreadConstraint = z.output<typeof TopologySpreadConstraint>
