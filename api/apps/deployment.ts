import type * as z from 'zod'
import { age, column, templateColumns } from '../columns.ts'
import { defaultPodSpec } from '../core/pod-defaults.ts'
import { PodTemplateSpec } from '../core/pod-spec.ts'
import { workloadWarnings } from '../core/pod-warnings.ts'
import { type Column, defineKind, type ObjectOf } from '../kind.ts'
import { conditionFields, LabelSelector } from '../meta.ts'
import {
  choice,
  demanded,
  flag,
  int32,
  int64,
  intOrString,
  listMap,
  named,
  plain,
  retainKeys,
  timestampText,
  whole,
} from '../schema.ts'
import { formatSelector, fromLabelSelector } from '../selectors.ts'
import { validateDeploymentSpec } from './workload-validation.ts'

const RollingUpdate = named(
  'apps/v1.RollingUpdateDeployment',
  'How far a rolling update may go at a time.',
  () => ({
    maxUnavailable: intOrString().optional().describe('How many pods may be missing, as a number or a percentage.'),
    maxSurge: intOrString().optional().describe('How many pods may be too many, as a number or a percentage.'),
  }),
  { wire: 'maxUnavailable maxSurge' },
)

const DeploymentStrategy = named(
  'apps/v1.DeploymentStrategy',
  'How old pods are replaced by new ones.',
  () => ({
    type: choice('Recreate', 'RollingUpdate').default('RollingUpdate').describe('All at once or step by step.'),
    rollingUpdate: RollingUpdate.optional().describe('How far a rolling update may go at a time.'),
  }),
  { wire: 'type rollingUpdate' },
)

/** Which pods there should be, and how to get there. */
export const DeploymentSpec = named(
  'apps/v1.DeploymentSpec',
  'Which pods there should be, and how to get there.',
  () => ({
    replicas: int32().default(1).describe('How many pods.'),
    selector: demanded(LabelSelector.describe('Labels of its pods; never changes.')),
    template: PodTemplateSpec.prefault({}).describe('What its pods look like.'),
    strategy: DeploymentStrategy.prefault({}).meta(retainKeys).describe('How old pods are replaced by new ones.'),
    minReadySeconds: whole('Seconds a pod must be ready to count as available.'),
    revisionHistoryLimit: int32().default(10).describe('How many old ReplicaSets to keep for a rollback.'),
    paused: flag('Do not roll out changes.'),
    progressDeadlineSeconds: int32().default(600).describe('Seconds without progress after which a rollout counts as stuck.'),
  }),
  {
    wire: `
      replicas selector template strategy minReadySeconds revisionHistoryLimit paused 9:progressDeadlineSeconds`,
  },
)
export type DeploymentSpec = z.output<typeof DeploymentSpec>

const DeploymentCondition = named(
  'apps/v1.DeploymentCondition',
  "An aspect of a deployment's state.",
  () => ({
    ...conditionFields,
    lastUpdateTime: timestampText().optional().describe('When it was looked at last.'),
  }),
  { wire: 'type status 4:reason message lastUpdateTime lastTransitionTime' },
)
export type DeploymentCondition = z.output<typeof DeploymentCondition>

const DeploymentStatus = named(
  'apps/v1.DeploymentStatus',
  'How far a deployment has come.',
  () => ({
    observedGeneration: plain(int64().optional()).describe('The generation this is about.'),
    replicas: whole('Pods there are.'),
    updatedReplicas: whole('Pods that look like the template.'),
    readyReplicas: whole('Pods that are ready.'),
    availableReplicas: whole('Pods that have been ready for minReadySeconds.'),
    unavailableReplicas: whole('Pods that are missing or not available.'),
    terminatingReplicas: int32().optional().describe('Pods that are going away.'),
    conditions: listMap(DeploymentCondition, 'type').optional().describe('Whether it is available and progressing.'),
    collisionCount: int32().optional().describe("Collisions of the new ReplicaSet's name."),
  }),
  {
    wire: `
      observedGeneration replicas updatedReplicas availableReplicas unavailableReplicas conditions readyReplicas
      collisionCount terminatingReplicas`,
  },
)
export type DeploymentStatus = z.output<typeof DeploymentStatus>

interface DeploymentParts {
  readonly spec: DeploymentSpec
  readonly status: DeploymentStatus
}

const columns: Column<DeploymentParts>[] = [
  column(
    'Ready',
    'Ready pods, and how many there should be.',
    ({ spec, status }) => `${status.readyReplicas ?? 0}/${spec.replicas}`,
  ),
  column('Up-to-date', 'Pods that look like the template.', ({ status }) => status.updatedReplicas ?? 0, 'string'),
  column('Available', 'Pods that can serve.', ({ status }) => status.availableReplicas ?? 0, 'string'),
]

/** A number of equal pods, and the way from one version of them to the next. */
export const Deployment = defineKind({
  group: 'apps',
  version: 'v1',
  kind: 'Deployment',
  plural: 'deployments',
  shortNames: ['deploy'],
  categories: ['all'],
  namespaced: true,
  statusKeeps: ['labels'],
  description: 'A number of equal pods, and the way from one version of them to the next.',
  fields: () => ({
    spec: DeploymentSpec.prefault({}).describe('Which pods there should be, and how to get there.'),
    status: DeploymentStatus.prefault({}).describe('How far it has come.'),
  }),
  columns: [...columns, age, ...templateColumns<DeploymentParts>(({ spec }) => spec)],
  subresources: ['status', 'scale'],
  scale: {
    specReplicas: ({ spec }) => spec.replicas,
    statusReplicas: ({ status }) => status.replicas ?? 0,
    selector: ({ spec }) => formatSelector(fromLabelSelector(spec.selector)),
    setReplicas(deployment, replicas) {
      deployment.spec.replicas = replicas
    },
  },
  // Annotations count: they are copied to the ReplicaSets.
  generationOf: ({ metadata, spec }) => [spec, metadata.annotations],
  default({ spec }) {
    defaultPodSpec(spec.template.spec)
    if (spec.strategy.type !== 'RollingUpdate') return
    spec.strategy.rollingUpdate ??= {}
    spec.strategy.rollingUpdate.maxUnavailable ??= '25%'
    spec.strategy.rollingUpdate.maxSurge ??= '25%'
  },
  validate: ({ spec }, old) => validateDeploymentSpec(spec, old?.spec),
  warnings: workloadWarnings,
})
export type Deployment = ObjectOf<typeof Deployment>
