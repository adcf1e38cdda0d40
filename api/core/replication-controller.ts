import type * as z from 'zod'
import { age, column, describeLabels, templateColumns } from '../columns.ts'
import { type FieldError, fieldError } from '../field-errors.ts'
import { type Column, type Draft, defineKind, type ObjectOf } from '../kind.ts'
import { conditionFields } from '../meta.ts'
import { demanded, listMap, named, stringMap } from '../schema.ts'
import { formatSelector, fromLabelMap, matchesLabels } from '../selectors.ts'
import { nonNegativeFields, supported } from '../validation.ts'
import { defaultPodSpec } from './pod-defaults.ts'
import { PodTemplateSpec } from './pod-spec.ts'
import { validatePodTemplate } from './pod-spec-validation.ts'
import { workloadWarnings } from './pod-warnings.ts'
import { replicaColumns, replicaSpecFields, replicaStatusFields } from './replicas.ts'

/** Which pods there should be. */
export const ReplicationControllerSpec = named(
  'core/v1.ReplicationControllerSpec',
  'Which pods there should be.',
  () => ({
    ...replicaSpecFields(),
    selector: stringMap().optional().meta({
      'x-kubernetes-map-type': 'atomic',
      description: "Labels of its pods; the template's where absent.",
    }),
    template: demanded(PodTemplateSpec.describe('What its pods look like.')),
  }),
  { wire: 'replicas selector template minReadySeconds' },
)
export type ReplicationControllerSpec = z.output<typeof ReplicationControllerSpec>

const ReplicationControllerStatus = named(
  'core/v1.ReplicationControllerStatus',
  'Which pods there are.',
  () => ({
    ...replicaStatusFields(),
    conditions: listMap(
      named('core/v1.ReplicationControllerCondition', "An aspect of a ReplicationController's state.", () => conditionFields, {
        wire: 'type status lastTransitionTime reason message',
      }),
      'type',
    )
      .optional()
      .describe('Whether making pods fails.'),
  }),
  { wire: 'replicas fullyLabeledReplicas observedGeneration readyReplicas availableReplicas conditions' },
)
export type ReplicationControllerStatus = z.output<typeof ReplicationControllerStatus>

interface ControllerParts {
  readonly metadata: { readonly labels?: Readonly<Record<string, string>> }
  readonly spec: ReplicationControllerSpec
  readonly status: ReplicationControllerStatus
}

const noTemplate = { spec: { containers: [] } }
const [containers, images] = templateColumns<ControllerParts>(({ spec }) => ({ template: spec.template ?? noTemplate }))

const columns: (Column<ControllerParts> | undefined)[] = [
  ...replicaColumns<ControllerParts>(),
  age as unknown as Column<ControllerParts>,
  containers,
  images,
  { ...column('Selector', 'Labels of its pods.', ({ spec }) => describeLabels(spec.selector)), priority: 1 },
]

/** What is not said is said by the template (pkg/apis/core/v1/defaults.go SetDefaults_ReplicationController). */
function setDefaults({ metadata, spec }: Draft<ControllerParts>): void {
  const template: Draft<PodTemplateSpec> | undefined = spec.template
  if (!template) return
  defaultPodSpec(template.spec)
  const { labels } = template.metadata
  if (!labels) return
  if (Object.keys(spec.selector ?? {}).length === 0) spec.selector = { ...labels }
  if (Object.keys(metadata.labels ?? {}).length === 0) metadata.labels = { ...labels }
}

/** pkg/apis/core/validation ValidateReplicationControllerSpec. */
function validate({ spec }: ControllerParts): FieldError[] {
  const { selector = {}, template } = spec
  const errors = nonNegativeFields('spec', spec, ['minReadySeconds'])
  const isEmpty = Object.keys(selector).length === 0
  if (isEmpty) errors.push(fieldError.required('spec.selector'))
  errors.push(...nonNegativeFields('spec', spec, ['replicas']))
  if (!template) return [...errors, fieldError.required('spec.template')]
  if (!isEmpty && !matchesLabels(fromLabelMap(selector), template.metadata.labels)) {
    const why = '`selector` does not match template `labels`'
    errors.push(fieldError.invalid('spec.template.metadata.labels', template.metadata.labels ?? null, why))
  }
  errors.push(...validatePodTemplate(template, 'spec.template'))
  errors.push(...supported('spec.template.spec.restartPolicy', template.spec.restartPolicy, ['Always']))
  if (template.spec.activeDeadlineSeconds !== undefined) {
    const why = 'activeDeadlineSeconds in ReplicationController is not Supported'
    errors.push(fieldError.forbidden('spec.template.spec.activeDeadlineSeconds', why))
  }
  return errors
}

const counters = ['fullyLabeledReplicas', 'readyReplicas', 'availableReplicas'] as const

/** ValidateReplicationControllerStatus. */
function validateStatus({ status }: ControllerParts): FieldError[] {
  const errors = nonNegativeFields('status', status, ['replicas', ...counters, 'observedGeneration'])
  for (const name of counters) {
    const count = status[name] ?? 0
    if (count > status.replicas)
      errors.push(fieldError.invalid(`status.${name}`, count, 'cannot be greater than status.replicas'))
  }
  const { availableReplicas = 0, readyReplicas = 0 } = status
  if (availableReplicas > readyReplicas) {
    errors.push(fieldError.invalid('status.availableReplicas', availableReplicas, 'cannot be greater than readyReplicas'))
  }
  return errors
}

/** A number of equal pods, as it was before there were ReplicaSets. */
export const ReplicationController = defineKind({
  group: '',
  version: 'v1',
  kind: 'ReplicationController',
  plural: 'replicationcontrollers',
  shortNames: ['rc'],
  categories: ['all'],
  namespaced: true,
  description: 'A number of equal pods, as it was before there were ReplicaSets.',
  fields: () => ({
    spec: ReplicationControllerSpec.prefault({}).describe('Which pods there should be.'),
    status: ReplicationControllerStatus.prefault({}).describe('Which pods there are.'),
  }),
  columns: columns.filter(each => each !== undefined),
  subresources: ['status', 'scale'],
  scale: {
    specReplicas: ({ spec }) => spec.replicas,
    statusReplicas: ({ status }) => status.replicas,
    selector: ({ spec }) => formatSelector(fromLabelMap(spec.selector)),
    setReplicas(controller, replicas) {
      controller.spec.replicas = replicas
    },
  },
  selectableFields: { 'status.replicas': ({ status }) => String(status.replicas) },
  generationOf: ({ spec }) => spec,
  default: setDefaults,
  validate,
  warnings: workloadWarnings,
  validateStatus,
  // Its pods stay unless the caller says otherwise, as they always have.
  deletion: { defaultPropagation: 'Orphan' },
})
export type ReplicationController = ObjectOf<typeof ReplicationController>
