import type * as z from 'zod'
import { age, templateColumns } from '../columns.ts'
import { defaultPodSpec } from '../core/pod-defaults.ts'
import { PodTemplateSpec } from '../core/pod-spec.ts'
import { workloadWarnings } from '../core/pod-warnings.ts'
import { replicaColumns, replicaSpecFields, replicaStatusFields } from '../core/replicas.ts'
import { defineKind, type ObjectOf } from '../kind.ts'
import { conditionFields, LabelSelector } from '../meta.ts'
import { demanded, int32, listMap, named } from '../schema.ts'
import { formatSelector, fromLabelSelector } from '../selectors.ts'
import { validateReplicaSetSpec } from './workload-validation.ts'

/** Which pods there should be. */
export const ReplicaSetSpec = named(
  'apps/v1.ReplicaSetSpec',
  'Which pods there should be.',
  () => ({
    ...replicaSpecFields(),
    selector: demanded(LabelSelector.describe('Labels of its pods; never changes.')),
    template: PodTemplateSpec.prefault({}).describe('What its pods look like.'),
  }),
  { wire: 'replicas selector template minReadySeconds' },
)
export type ReplicaSetSpec = z.output<typeof ReplicaSetSpec>

const ReplicaSetStatus = named(
  'apps/v1.ReplicaSetStatus',
  'Which pods there are.',
  () => ({
    ...replicaStatusFields(),
    terminatingReplicas: int32().optional().describe('Pods that are going away.'),
    conditions: listMap(
      named('apps/v1.ReplicaSetCondition', "An aspect of a ReplicaSet's state.", () => conditionFields, {
        wire: 'type status lastTransitionTime reason message',
      }),
      'type',
    )
      .optional()
      .describe('Whether making pods fails.'),
  }),
  {
    wire: `
      replicas fullyLabeledReplicas observedGeneration readyReplicas availableReplicas conditions
      terminatingReplicas`,
  },
)
export type ReplicaSetStatus = z.output<typeof ReplicaSetStatus>

interface ReplicaSetParts {
  readonly spec: ReplicaSetSpec
  readonly status: ReplicaSetStatus
}

/** A number of equal pods. */
export const ReplicaSet = defineKind({
  group: 'apps',
  version: 'v1',
  kind: 'ReplicaSet',
  plural: 'replicasets',
  shortNames: ['rs'],
  categories: ['all'],
  namespaced: true,
  description: 'A number of equal pods.',
  fields: () => ({
    spec: ReplicaSetSpec.prefault({}).describe('Which pods there should be.'),
    status: ReplicaSetStatus.prefault({}).describe('Which pods there are.'),
  }),
  columns: [...replicaColumns<ReplicaSetParts>(), age, ...templateColumns<ReplicaSetParts>(({ spec }) => spec)],
  subresources: ['status', 'scale'],
  scale: {
    specReplicas: ({ spec }) => spec.replicas,
    statusReplicas: ({ status }) => status.replicas,
    selector: ({ spec }) => formatSelector(fromLabelSelector(spec.selector)),
    setReplicas(replicaSet, replicas) {
      replicaSet.spec.replicas = replicas
    },
  },
  generationOf: ({ spec }) => spec,
  default: ({ spec }) => defaultPodSpec(spec.template.spec),
  validate: ({ spec }, old) => validateReplicaSetSpec(spec, old?.spec),
  warnings: workloadWarnings,
})
export type ReplicaSet = ObjectOf<typeof ReplicaSet>
