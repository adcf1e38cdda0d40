import * as z from 'zod'
import { copy } from '../lib/json.ts'
import {
  atomicList,
  atomicMap,
  choice,
  int64,
  listMap,
  named,
  plain,
  requiredText,
  setList,
  stringMap,
  text,
  texts,
  timestampText,
} from './schema.ts'
import { setWire } from './wire.ts'

/** A reference from an object to the one that owns it (semantics B0). */
export const OwnerReferenceSchema = named(
  'meta/v1.OwnerReference',
  'Names the object that owns this one.',
  () => ({
    apiVersion: requiredText('API version of the owner.'),
    kind: requiredText('Kind of the owner.'),
    name: requiredText('Name of the owner.'),
    uid: requiredText('UID of the owner.'),
    controller: z.boolean().optional().describe('Whether the owner manages this object; one owner at most does.'),
    blockOwnerDeletion: z
      .boolean()
      .optional()
      .describe('Whether a foreground deletion of the owner waits for this object to be gone.'),
  }),
  { ...atomicMap, wire: 'kind 3:name uid apiVersion controller blockOwnerDeletion' },
)

const ManagedFieldsEntry = named(
  'meta/v1.ManagedFieldsEntry',
  'Which fields a manager has set.',
  () => ({
    manager: text('Who set the fields.'),
    operation: text('Apply or Update.'),
    apiVersion: text('The version of the object that the fields are named in.'),
    time: timestampText().optional().describe('When the entry changed last.'),
    fieldsType: text('FieldsV1.'),
    fieldsV1: z
      .record(z.string(), z.unknown())
      .transform(fields => copy(fields))
      .optional()
      .describe('The set of fields, as a tree.'),
    subresource: text('The subresource the fields were written through.'),
  }),
  { wire: 'manager operation apiVersion time 6:fieldsType fieldsV1 subresource' },
)

/** Templates have them as well: there it is one type. */
const metaWire = `
  name generateName namespace selfLink uid resourceVersion generation creationTimestamp deletionTimestamp
  deletionGracePeriodSeconds labels annotations ownerReferences finalizers 17:managedFields`

const common = {
  generateName: text('A prefix from which the server makes a unique name when name is empty.'),
  namespace: text('The namespace the object lives in; absent on cluster-scoped kinds.'),
  generation: plain(int64().optional()).describe('Counts the changes of the desired state; set by the server.'),
  deletionTimestamp: timestampText().optional().describe('When the object will be, or should have been, removed.'),
  deletionGracePeriodSeconds: int64().optional().describe('Seconds it has to end gracefully.'),
  labels: stringMap().optional().describe('Keys and values to select by.'),
  annotations: stringMap().optional().describe('Keys and values that tools keep with the object.'),
  ownerReferences: listMap(OwnerReferenceSchema, 'uid').optional().describe('The objects this one depends on.'),
  finalizers: setList(z.string()).optional().describe('Who has to agree before the object vanishes.'),
  selfLink: text('Unused; accepted from old clients.'),
  managedFields: atomicList(ManagedFieldsEntry).optional().describe('Which manager set which fields.'),
}

/** Metadata that every object carries. */
export const ObjectMeta = named(
  'meta/v1.ObjectMeta',
  'Metadata that every object carries.',
  () => ({
    name: requiredText('Unique within the namespace, for this kind.'),
    uid: requiredText('Set by the server: unique in time and space.'),
    resourceVersion: requiredText('Opaque: the version of this object, for watches and optimistic concurrency.'),
    creationTimestamp: timestampText().default('').describe('When the server created the object.'),
    ...common,
  }),
  { wire: metaWire },
).prefault({})

export type ObjectMeta = z.output<typeof ObjectMeta>
/** Metadata of a kind that lives in a namespace. */
export type NamespacedObjectMeta = Omit<ObjectMeta, 'namespace'> & { namespace: string }

/** Metadata inside a template: what the objects made from it will carry. */
export const TemplateMeta = setWire(
  z.object({
    name: text('Unused: whoever makes the object names it.'),
    uid: text('Unused.'),
    resourceVersion: text('Unused.'),
    creationTimestamp: timestampText().optional().describe('Unused.'),
    ...common,
  }),
  metaWire,
)
  .describe('Metadata that the objects made from this template will carry.')
  .prefault({})

/** What a label must be like. */
export const LabelSelectorRequirement = named(
  'meta/v1.LabelSelectorRequirement',
  'A key, an operator, and values.',
  () => ({
    key: requiredText('The label key.'),
    operator: choice('In', 'NotIn', 'Exists', 'DoesNotExist')
      .default('' as 'In')
      .describe('How the key relates to the values.'),
    values: atomicList(z.string()).optional().describe('For In and NotIn: one or more; otherwise none.'),
  }),
  { wire: 'key operator values' },
)

/** Selects objects by their labels; all requirements must hold. An empty one selects everything. */
export const LabelSelector = named(
  'meta/v1.LabelSelector',
  'Selects objects by their labels; all requirements must hold.',
  () => ({
    matchLabels: stringMap().optional().describe('Labels that must be there with exactly these values.'),
    matchExpressions: atomicList(LabelSelectorRequirement).optional().describe('Further requirements.'),
  }),
  { ...atomicMap, wire: 'matchLabels matchExpressions' },
)
export type LabelSelector = z.output<typeof LabelSelector>
export type LabelSelectorRequirement = z.output<typeof LabelSelectorRequirement>

/** An aspect of an object's state, as newer kinds report it. */
export const Condition = named(
  'meta/v1.Condition',
  "An aspect of an object's state.",
  () => ({
    type: requiredText('Which aspect.'),
    status: choice('True', 'False', 'Unknown')
      .default('' as 'Unknown')
      .describe('Whether it holds.'),
    observedGeneration: plain(int64().optional()).describe('The generation this was found out for.'),
    lastTransitionTime: timestampText().optional().describe('When status changed last.'),
    reason: requiredText('Why, in one CamelCase word.'),
    message: requiredText('Why, for people.'),
  }),
  { wire: 'type status observedGeneration lastTransitionTime reason message' },
)

/** The fields that every older condition type has in common. */
export const conditionFields = {
  type: requiredText('Which aspect.'),
  status: choice('True', 'False', 'Unknown')
    .default('' as 'Unknown')
    .describe('Whether it holds.'),
  lastTransitionTime: timestampText().optional().describe('When status changed last.'),
  reason: text('Why, in one CamelCase word.'),
  message: text('Why, for people.'),
}

/** The body of DELETE, and part of an Eviction. */
export const DeleteOptions = named(
  'meta/v1.DeleteOptions',
  'How to delete.',
  () => ({
    apiVersion: text(),
    kind: text(),
    dryRun: texts('All: check everything, delete nothing.'),
    gracePeriodSeconds: int64().optional().describe('Seconds to end gracefully; 0 removes at once.'),
    orphanDependents: z.boolean().optional().describe('Old form of propagationPolicy: Orphan.'),
    preconditions: named(
      'meta/v1.Preconditions',
      'What must hold for the deletion to happen.',
      () => ({
        uid: z.string().optional().describe('The UID the object must have.'),
        resourceVersion: z.string().optional().describe('The version the object must have.'),
      }),
      { wire: 'uid resourceVersion' },
    ).optional(),
    propagationPolicy: choice('Orphan', 'Background', 'Foreground').optional().describe('What becomes of dependents.'),
    ignoreStoreReadErrorWithClusterBreakingPotential: z.boolean().optional(),
  }),
  {
    wire: `
      gracePeriodSeconds preconditions orphanDependents propagationPolicy dryRun
      ignoreStoreReadErrorWithClusterBreakingPotential`,
  },
)
export type DeleteOptions = z.output<typeof DeleteOptions>

// For those who have the schema at hand anyway; keys.ts itself loads no zod.
export { keyOf, splitKey } from './keys.ts'
