import * as z from 'zod'
import { atomicMap, named, requiredText, text } from '../schema.ts'

/** Names an object of a known kind in the same namespace. */
export const LocalObjectReference = named(
  'core/v1.LocalObjectReference',
  'Names an object in the same namespace.',
  () => ({ name: requiredText('Name of the object.') }),
  { ...atomicMap, wire: 'name' },
)

/** Names any object, or a part of one. */
export const ObjectReference = named(
  'core/v1.ObjectReference',
  'Names an object, or a part of one.',
  () => ({
    apiVersion: text('API version of the object.'),
    kind: text('Kind of the object.'),
    name: text('Name of the object.'),
    namespace: text('Namespace of the object.'),
    uid: text('UID of the object.'),
    resourceVersion: text('The version of the object that is meant.'),
    fieldPath: text('The part of the object that is meant: `spec.containers{web}`.'),
  }),
  { ...atomicMap, wire: 'kind namespace name uid apiVersion resourceVersion fieldPath' },
)
export type ObjectReference = z.output<typeof ObjectReference>

export const SecretReference = named(
  'core/v1.SecretReference',
  'Names a Secret in any namespace.',
  () => ({ name: text('Name of the Secret.'), namespace: text('Namespace of the Secret.') }),
  { ...atomicMap, wire: 'name namespace' },
)

export const TypedLocalObjectReference = named(
  'core/v1.TypedLocalObjectReference',
  'Names an object of any kind in the same namespace.',
  () => ({
    apiGroup: z.string().optional().describe('API group of the object; absent for the core group.'),
    kind: requiredText('Kind of the object.'),
    name: requiredText('Name of the object.'),
  }),
  { ...atomicMap, wire: 'apiGroup kind name' },
)

/** An object of any kind, maybe in another namespace. */
export const TypedObjectReference = named(
  'core/v1.TypedObjectReference',
  'Names an object of any kind in any namespace.',
  () => ({
    apiGroup: z.string().optional().describe('API group of the object; absent for the core group.'),
    kind: requiredText('Kind of the object.'),
    name: requiredText('Name of the object.'),
    namespace: z.string().optional().describe('Namespace of the object.'),
  }),
  { wire: 'apiGroup kind name namespace' },
)
