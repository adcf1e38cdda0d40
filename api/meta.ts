import { z } from 'zod'
import { atomicList, listMap, setList, stringMap, timestampText } from './schema.ts'

/** A reference from an object to the one that owns it (semantics B0). */
export const OwnerReferenceSchema = z
  .object({
    apiVersion: z.string().default(''),
    kind: z.string().default(''),
    name: z.string().default(''),
    uid: z.string().default(''),
    controller: z.boolean().optional(),
    blockOwnerDeletion: z.boolean().optional(),
  })
  .meta({ id: 'io.k8s.apimachinery.pkg.apis.meta.v1.OwnerReference', description: 'Names the object that owns this one.' })

/** Metadata that every object carries. */
export const ObjectMeta = z
  .object({
    name: z.string().default('').describe('Unique within the namespace, for this kind.'),
    generateName: z.string().optional().describe('A prefix from which the server makes a unique name when name is empty.'),
    namespace: z.string().optional().describe('The namespace the object lives in; absent on cluster-scoped kinds.'),
    uid: z.string().default('').describe('Set by the server: unique in time and space.'),
    resourceVersion: z
      .string()
      .default('')
      .describe('Opaque: the version of this object, for watches and optimistic concurrency.'),
    generation: z.int().optional().describe('Counts the changes of the desired state; set by the server.'),
    creationTimestamp: timestampText().default('').describe('When the server created the object.'),
    deletionTimestamp: timestampText().optional().describe('When the object will be, or should have been, removed.'),
    deletionGracePeriodSeconds: z.int().optional().describe('Seconds it has to end gracefully.'),
    labels: stringMap().optional().describe('Keys and values to select by.'),
    annotations: stringMap().optional().describe('Keys and values that tools keep with the object.'),
    ownerReferences: listMap(OwnerReferenceSchema, 'uid').optional().describe('The objects this one depends on.'),
    finalizers: setList(z.string()).optional().describe('Who has to agree before the object vanishes.'),
    selfLink: z.string().optional().describe('Unused; accepted from old clients.'),
    managedFields: atomicList(z.record(z.string(), z.unknown())).optional().describe('Which manager set which fields.'),
  })
  .prefault({})
  .meta({ id: 'io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta', description: 'Metadata that every object carries.' })

export type ObjectMeta = z.output<typeof ObjectMeta>
/** Metadata of a kind that lives in a namespace. */
export type NamespacedObjectMeta = Omit<ObjectMeta, 'namespace'> & { namespace: string }

/** `namespace/name`, or `name` for cluster-scoped objects: the key that queues and caches use. */
export function keyOf(object: { metadata: { name: string; namespace?: string | undefined } }): string {
  const { namespace, name } = object.metadata
  return namespace ? `${namespace}/${name}` : name
}

/** The two halves of a key. */
export function splitKey(key: string): { namespace: string; name: string } {
  const slash = key.indexOf('/')
  return slash < 0 ? { namespace: '', name: key } : { namespace: key.slice(0, slash), name: key.slice(slash + 1) }
}
