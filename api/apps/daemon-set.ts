import type * as z from 'zod'
import { deepEqual } from '../../lib/json.ts'
import { age, column, describeLabels, templateColumns } from '../columns.ts'
import { defaultPodSpec } from '../core/pod-defaults.ts'
import { PodTemplateSpec } from '../core/pod-spec.ts'
import { templateWarnings } from '../core/pod-warnings.ts'
import { type Column, type Draft, defineKind, type ObjectOf } from '../kind.ts'
import { conditionFields, LabelSelector } from '../meta.ts'
import { choice, demanded, int32, int64, intOrString, listMap, named, plain, whole } from '../schema.ts'
import { validateDaemonSetSpec, validateDaemonSetStatus } from './daemon-set-validation.ts'

const RollingUpdate = named(
  'apps/v1.RollingUpdateDaemonSet',
  'How far a rolling update may go at a time.',
  () => ({
    maxUnavailable: intOrString().optional().describe('On how many nodes the pod may be missing, as a number or a percentage.'),
    maxSurge: intOrString().optional().describe('On how many nodes there may be two pods, as a number or a percentage.'),
  }),
  { wire: 'maxUnavailable maxSurge' },
)

const UpdateStrategy = named(
  'apps/v1.DaemonSetUpdateStrategy',
  'How old pods are replaced by new ones.',
  () => ({
    type: plain(choice('OnDelete', 'RollingUpdate').optional()).describe('By themselves, or when somebody deletes them.'),
    rollingUpdate: RollingUpdate.optional().describe('How far a rolling update may go at a time.'),
  }),
  { wire: 'type rollingUpdate' },
)

/** The pod there should be on each node. */
export const DaemonSetSpec = named(
  'apps/v1.DaemonSetSpec',
  'The pod there should be on each node.',
  () => ({
    selector: demanded(LabelSelector.describe('Labels of its pods; never changes.')),
    template: PodTemplateSpec.prefault({}).describe('What its pods look like, and which nodes get one.'),
    updateStrategy: UpdateStrategy.prefault({}).describe('How old pods are replaced by new ones.'),
    minReadySeconds: whole('Seconds a pod must be ready to count as available.'),
    revisionHistoryLimit: int32().default(10).describe('How many old revisions to keep for a rollback.'),
  }),
  { wire: 'selector template updateStrategy minReadySeconds 6:revisionHistoryLimit' },
)
export type DaemonSetSpec = z.output<typeof DaemonSetSpec>

const DaemonSetStatus = named(
  'apps/v1.DaemonSetStatus',
  'On which nodes there is a pod.',
  () => ({
    currentNumberScheduled: int32().default(0).describe('Nodes that should have a pod and do.'),
    numberMisscheduled: int32().default(0).describe('Nodes that have a pod and should not.'),
    desiredNumberScheduled: int32().default(0).describe('Nodes that should have a pod.'),
    numberReady: int32().default(0).describe('Nodes on which the pod is ready.'),
    observedGeneration: plain(int64().optional()).describe('The generation this is about.'),
    updatedNumberScheduled: whole('Nodes on which the pod looks like the template.'),
    numberAvailable: whole('Nodes on which the pod has been ready for minReadySeconds.'),
    numberUnavailable: whole('Nodes on which the pod is missing or not available.'),
    collisionCount: int32().optional().describe("Collisions of the new revision's name."),
    conditions: listMap(
      named('apps/v1.DaemonSetCondition', "An aspect of a DaemonSet's state.", () => conditionFields, {
        wire: 'type status lastTransitionTime reason message',
      }),
      'type',
    )
      .optional()
      .describe('Aspects of its state.'),
  }),
  {
    wire: 'currentNumberScheduled numberMisscheduled desiredNumberScheduled numberReady observedGeneration updatedNumberScheduled numberAvailable numberUnavailable collisionCount conditions',
  },
)
export type DaemonSetStatus = z.output<typeof DaemonSetStatus>

interface DaemonSetParts {
  readonly metadata: { readonly annotations?: Readonly<Record<string, string>> }
  readonly spec: DaemonSetSpec
  readonly status: DaemonSetStatus
}

const count = (name: string, description: string, value: (status: DaemonSetStatus) => number | undefined) =>
  column<DaemonSetParts>(name, description, ({ status }) => value(status) ?? 0, 'integer')

const columns: Column<DaemonSetParts>[] = [
  count('Desired', 'Nodes that should have a pod.', status => status.desiredNumberScheduled),
  count('Current', 'Nodes that have one.', status => status.currentNumberScheduled),
  count('Ready', 'Nodes on which it is ready.', status => status.numberReady),
  count('Up-to-date', 'Nodes on which it looks like the template.', status => status.updatedNumberScheduled),
  count('Available', 'Nodes on which it can serve.', status => status.numberAvailable),
  column('Node Selector', 'Labels of the nodes.', ({ spec }) => describeLabels(spec.template.spec.nodeSelector)),
]

/** Conditional defaults (pkg/apis/apps/v1/defaults.go SetDefaults_DaemonSet). */
function setDefaults({ spec }: Draft<DaemonSetParts>): void {
  defaultPodSpec(spec.template.spec)
  const strategy = spec.updateStrategy
  strategy.type ??= 'RollingUpdate'
  if (strategy.type !== 'RollingUpdate') return
  strategy.rollingUpdate ??= {}
  strategy.rollingUpdate.maxUnavailable ??= 1
  strategy.rollingUpdate.maxSurge ??= 0
}

const templateGeneration = 'deprecated.daemonset.template.generation'

/** Counts the changes of the template, where it has been kept since there was no ControllerRevision (pkg/apis/apps/v1/conversion.go). */
function countTemplates({ metadata, spec }: Draft<DaemonSetParts>, old?: DaemonSetParts): void {
  const generation = ({ annotations }: { annotations?: Readonly<Record<string, string>> }) =>
    Math.max(1, Number.parseInt(annotations?.[templateGeneration] ?? '1', 10) || 1)
  const isChanged = old !== undefined && !deepEqual(old.spec.template, spec.template)
  const next = old ? generation(old.metadata) + (isChanged ? 1 : 0) : generation(metadata)
  metadata.annotations = { ...metadata.annotations, [templateGeneration]: String(next) }
}

/** One pod on every node, or on some. */
export const DaemonSet = defineKind({
  group: 'apps',
  version: 'v1',
  kind: 'DaemonSet',
  plural: 'daemonsets',
  shortNames: ['ds'],
  categories: ['all'],
  namespaced: true,
  description: 'One pod on every node, or on every node of a kind.',
  fields: () => ({
    spec: DaemonSetSpec.prefault({}).describe('The pod there should be on each node.'),
    status: DaemonSetStatus.prefault({}).describe('On which nodes there is one.'),
  }),
  columns: [...columns, age, ...templateColumns<DaemonSetParts>(({ spec }) => spec)],
  subresources: ['status'],
  generationOf: ({ spec }) => spec,
  default: setDefaults,
  prepareForCreate: set => countTemplates(set),
  prepareForUpdate: countTemplates,
  validate: ({ spec }, old) => validateDaemonSetSpec(spec, old?.spec),
  warnings({ metadata, spec }, old) {
    const isSame = old && old.metadata.annotations?.[templateGeneration] === metadata.annotations?.[templateGeneration]
    return isSame ? [] : templateWarnings(spec.template, 'spec.template')
  },
  validateStatus: ({ status }, old) => validateDaemonSetStatus(status, old.status),
})
export type DaemonSet = ObjectOf<typeof DaemonSet>
