import type * as z from 'zod'
import { age, column, templateColumns } from '../columns.ts'
import { ClaimTemplate } from '../core/claim-template.ts'
import { defaultPodSpec, roundUp } from '../core/pod-defaults.ts'
import { PodTemplateSpec } from '../core/pod-spec.ts'
import { templateWarnings } from '../core/pod-warnings.ts'
import { claimSpecWarnings } from '../core/volume-warnings.ts'
import { type Column, type Draft, defineKind, type ObjectOf } from '../kind.ts'
import { conditionFields, LabelSelector } from '../meta.ts'
import {
  atomicList,
  choice,
  demanded,
  int32,
  int64,
  intOrString,
  listMap,
  named,
  plain,
  pointer,
  requiredText,
  text,
  whole,
} from '../schema.ts'
import { formatSelector, fromLabelSelector } from '../selectors.ts'
import { validateStatefulSet, validateStatefulSetStatus } from './stateful-set-validation.ts'

const RollingUpdate = named(
  'apps/v1.RollingUpdateStatefulSetStrategy',
  'How far a rolling update goes.',
  () => ({
    partition: int32().optional().describe('Pods with a lower ordinal keep their revision.'),
    maxUnavailable: intOrString().optional().describe('How many pods may be missing, as a number or a percentage.'),
  }),
  { wire: 'partition maxUnavailable' },
)

const UpdateStrategy = named(
  'apps/v1.StatefulSetUpdateStrategy',
  'How pods come to a new revision.',
  () => ({
    type: plain(choice('OnDelete', 'RollingUpdate').optional()).describe('By themselves, or when somebody deletes them.'),
    rollingUpdate: RollingUpdate.optional().describe('How far a rolling update goes.'),
  }),
  { wire: 'type rollingUpdate' },
)

const retention = (when: string) => plain(choice('Delete', 'Retain').optional()).describe(`What becomes of claims when ${when}.`)

const ClaimRetentionPolicy = named(
  'apps/v1.StatefulSetPersistentVolumeClaimRetentionPolicy',
  'What becomes of the claims that were made from the templates.',
  () => ({ whenDeleted: retention('the set is deleted'), whenScaled: retention('their pod is scaled away') }),
  { wire: 'whenDeleted whenScaled' },
)

const Ordinals = named(
  'apps/v1.StatefulSetOrdinals',
  'How pods are numbered.',
  () => ({ start: int32().default(0).describe('The number of the first pod.') }),
  { wire: 'start' },
)

/** Which pods there should be, each with a name and claims of its own. */
export const StatefulSetSpec = named(
  'apps/v1.StatefulSetSpec',
  'Which pods there should be, each with a name and claims of its own.',
  () => ({
    replicas: int32().default(1).describe('How many pods.'),
    selector: demanded(LabelSelector.describe('Labels of its pods; never changes.')),
    template: PodTemplateSpec.prefault({}).describe('What its pods look like.'),
    volumeClaimTemplates: atomicList(ClaimTemplate).optional().describe('What the claims of each pod look like.'),
    serviceName: requiredText('The headless Service that gives its pods their names.'),
    podManagementPolicy: plain(choice('OrderedReady', 'Parallel').optional()).describe('One after the other, or all at once.'),
    updateStrategy: UpdateStrategy.prefault({}).describe('How pods come to a new revision.'),
    revisionHistoryLimit: int32().default(10).describe('How many old revisions to keep for a rollback.'),
    minReadySeconds: whole('Seconds a pod must be ready to count as available.'),
    persistentVolumeClaimRetentionPolicy: pointer(ClaimRetentionPolicy.prefault({})).describe('What becomes of claims.'),
    ordinals: Ordinals.optional().describe('How pods are numbered; from 0 by default.'),
  }),
  {
    wire: 'replicas selector template volumeClaimTemplates serviceName podManagementPolicy updateStrategy revisionHistoryLimit minReadySeconds persistentVolumeClaimRetentionPolicy ordinals',
  },
)
export type StatefulSetSpec = z.output<typeof StatefulSetSpec>

const StatefulSetStatus = named(
  'apps/v1.StatefulSetStatus',
  'Which pods there are.',
  () => ({
    observedGeneration: plain(int64().optional()).describe('The generation this is about.'),
    replicas: int32().default(0).describe('Pods there are.'),
    readyReplicas: whole('Pods that are ready.'),
    currentReplicas: whole('Pods of the current revision.'),
    updatedReplicas: whole('Pods of the revision that is being rolled out.'),
    currentRevision: text('The revision before the update.'),
    updateRevision: text('The revision that is being rolled out.'),
    collisionCount: int32().optional().describe("Collisions of the new revision's name."),
    conditions: listMap(
      named('apps/v1.StatefulSetCondition', "An aspect of a StatefulSet's state.", () => conditionFields, {
        wire: 'type status lastTransitionTime reason message',
      }),
      'type',
    )
      .optional()
      .describe('Aspects of its state.'),
    availableReplicas: int32().default(0).describe('Pods that have been ready for minReadySeconds.'),
  }),
  {
    wire: 'observedGeneration replicas readyReplicas currentReplicas updatedReplicas currentRevision updateRevision 9:collisionCount conditions availableReplicas',
  },
)
export type StatefulSetStatus = z.output<typeof StatefulSetStatus>

interface StatefulSetParts {
  readonly metadata: { readonly generation?: number | undefined }
  readonly spec: StatefulSetSpec
  readonly status: StatefulSetStatus
}

const columns: Column<StatefulSetParts>[] = [
  column(
    'Ready',
    'Ready pods, and how many there should be.',
    ({ spec, status }) => `${status.readyReplicas ?? 0}/${spec.replicas}`,
  ),
]

/** Conditional defaults (pkg/apis/apps/v1/defaults.go SetDefaults_StatefulSet). */
function setDefaults({ spec }: Draft<StatefulSetParts>): void {
  defaultPodSpec(spec.template.spec)
  spec.podManagementPolicy ??= 'OrderedReady'
  const { updateStrategy: strategy, persistentVolumeClaimRetentionPolicy: retained } = spec
  if (!strategy.type) {
    strategy.type = 'RollingUpdate'
    strategy.rollingUpdate ??= {}
  }
  if (strategy.type === 'RollingUpdate' && strategy.rollingUpdate) strategy.rollingUpdate.partition ??= 0
  retained.whenDeleted ??= 'Retain'
  retained.whenScaled ??= 'Retain'
  for (const { spec: claim } of spec.volumeClaimTemplates ?? []) {
    roundUp(claim.resources.requests)
    roundUp(claim.resources.limits)
  }
}

/** Upstream drops it as long as its feature gate (MaxUnavailableStatefulSet) is off, which is the default. */
function dropMaxUnavailable({ spec }: Draft<StatefulSetParts>, old?: StatefulSetParts): void {
  if (old?.spec.updateStrategy.rollingUpdate?.maxUnavailable !== undefined) return
  delete spec.updateStrategy.rollingUpdate?.maxUnavailable
}

/** pkg/registry/apps/statefulset/strategy.go, which names the claims in two ways. */
function statefulSetWarnings({ metadata, spec }: StatefulSetParts, old?: StatefulSetParts): string[] {
  const isSame = old && old.metadata.generation === metadata.generation
  const warnings = isSame ? [] : templateWarnings(spec.template, 'spec.template')
  for (const [i, claim] of (spec.volumeClaimTemplates ?? []).entries()) {
    warnings.push(...claimSpecWarnings(claim.spec, `spec.volumeClaimTemplates[${i}]${old ? '.Spec' : ''}`))
  }
  if (spec.revisionHistoryLimit < 0) {
    const why = 'a negative value retains all historical revisions; a value >= 0 is recommended'
    warnings.push(`spec.revisionHistoryLimit: ${why}`)
  }
  return warnings
}

/** Pods with names and storage of their own. */
export const StatefulSet = defineKind({
  group: 'apps',
  version: 'v1',
  kind: 'StatefulSet',
  plural: 'statefulsets',
  shortNames: ['sts'],
  categories: ['all'],
  namespaced: true,
  description: 'Pods with names and storage of their own, which they keep when they are replaced.',
  fields: () => ({
    spec: StatefulSetSpec.prefault({}).describe('Which pods there should be.'),
    status: StatefulSetStatus.prefault({}).describe('Which pods there are.'),
  }),
  columns: [...columns, age, ...templateColumns<StatefulSetParts>(({ spec }) => spec).slice(0, 2)],
  subresources: ['status', 'scale'],
  scale: {
    specReplicas: ({ spec }) => spec.replicas,
    statusReplicas: ({ status }) => status.replicas,
    selector: ({ spec }) => formatSelector(fromLabelSelector(spec.selector)),
    setReplicas(set, replicas) {
      set.spec.replicas = replicas
    },
  },
  generationOf: ({ spec }) => spec,
  default: setDefaults,
  prepareForCreate: set => dropMaxUnavailable(set),
  prepareForUpdate: dropMaxUnavailable,
  validate: validateStatefulSet,
  warnings: statefulSetWarnings,
  validateStatus: ({ status }, old) => validateStatefulSetStatus(status, old.status),
})
export type StatefulSet = ObjectOf<typeof StatefulSet>
