import * as z from 'zod'
import { age } from '../columns.ts'
import { fieldError } from '../field-errors.ts'
import { defineKind, type ObjectOf } from '../kind.ts'
import { conditionFields } from '../meta.ts'
import { labelName } from '../names.ts'
import { atomicList, choice, listMap, named } from '../schema.ts'
import { validateFinalizer } from '../validation.ts'

const NamespaceSpec = named(
  'core/v1.NamespaceSpec',
  'What is wanted of a namespace.',
  () => ({
    finalizers: atomicList(z.string()).optional().describe('Who must have cleaned up before it vanishes: kubernetes.'),
  }),
  { wire: 'finalizers' },
)

const NamespaceStatus = named(
  'core/v1.NamespaceStatus',
  'How a namespace is.',
  () => ({
    phase: choice('Active', 'Terminating').default('Active').describe('Whether it is in use or going away.'),
    conditions: listMap(
      named('core/v1.NamespaceCondition', 'How its deletion goes.', () => conditionFields, {
        wire: 'type status 4:lastTransitionTime reason message',
      }),
      'type',
    )
      .optional()
      .describe('How its deletion goes.'),
  }),
  { wire: 'phase conditions' },
)

/** Lets selectors name namespaces. */
const nameLabel = 'kubernetes.io/metadata.name'
const permanent = new Set(['default', 'kube-system', 'kube-public'])

/** A scope for names. */
export const Namespace = defineKind({
  group: '',
  version: 'v1',
  kind: 'Namespace',
  plural: 'namespaces',
  shortNames: ['ns'],
  namespaced: false,
  description: 'A scope for names, and for rights.',
  fields: () => ({
    spec: NamespaceSpec.prefault({}).describe('What is wanted of it.'),
    status: NamespaceStatus.prefault({}).describe('How it is.'),
  }),
  columns: [{ name: 'Status', description: 'Whether it is in use or going away.', value: ({ status }) => status.phase }, age],
  subresources: ['status', 'finalize'],
  selectableFields: { 'status.phase': ({ status }) => status.phase },
  validateName: labelName,
  default({ metadata }) {
    metadata.labels ??= {}
    if (metadata.name) metadata.labels[nameLabel] = metadata.name
  },
  prepareForCreate(namespace) {
    namespace.status = { phase: 'Active' }
    const finalizers = (namespace.spec.finalizers ??= [])
    if (!finalizers.includes('kubernetes')) finalizers.push('kubernetes')
  },
  prepareForUpdate(namespace, old) {
    if (old.spec.finalizers) namespace.spec.finalizers = [...old.spec.finalizers]
    else delete namespace.spec.finalizers
  },
  validate: ({ spec }) => (spec.finalizers ?? []).flatMap((each, i) => validateFinalizer(each, `spec.finalizers[${i}]`)),
  validateStatus({ metadata, status }) {
    const isTerminating = status.phase === 'Terminating'
    if (isTerminating === (metadata.deletionTimestamp !== undefined)) return []
    const why = isTerminating
      ? "may only have 'Terminating' phase if `deletionTimestamp` is not empty"
      : "may only have 'Active' phase if `deletionTimestamp` is empty"
    return [fieldError.invalid('status.Phase', status.phase, why)]
  },
  deletion: {
    answersObject: true,
    forbidden: ({ metadata }) => (permanent.has(metadata.name) ? 'this namespace may not be deleted' : undefined),
    holds: ({ spec }) => (spec.finalizers?.length ?? 0) > 0,
    prepare(namespace) {
      namespace.status.phase = 'Terminating'
    },
  },
})
export type Namespace = ObjectOf<typeof Namespace>
