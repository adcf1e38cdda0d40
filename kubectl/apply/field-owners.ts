import type { KubeObject } from '../../api/transport.ts'

/** Fields as managedFields have them (`f:spec`, `k:{"name":"main"}`, `.` for the field itself): an empty one is owned whole. */
export interface OwnedFields {
  readonly [step: string]: OwnedFields
}

/** Who set which fields, and how (meta/v1 ManagedFieldsEntry). */
export interface Owner {
  readonly manager?: string
  readonly operation?: string
  readonly apiVersion?: string
  readonly subresource?: string
  readonly fieldsV1?: OwnedFields
}

export const ownersOf = (object: KubeObject): readonly Owner[] | undefined =>
  (object.metadata as { managedFields?: readonly Owner[] }).managedFields

/** Whether an owner has the field at the end of these steps. */
export function owns({ fieldsV1 }: Owner, path: readonly string[]): boolean {
  let here: OwnedFields | undefined = fieldsV1
  for (const step of path) here = here?.[step]
  return here !== undefined && (Object.keys(here).length === 0 || '.' in here)
}

/**
 * Owners after the fields that somebody set by updates have become fields that `to` applies: from now on whoever leaves them out of what is
 * applied takes them away (k8s.io/client-go/util/csaupgrade). The same array when there is nothing to move.
 */
export function handedOver(owners: readonly Owner[], from: string, to: string): readonly Owner[] {
  const isGiving = ({ manager, operation, subresource = '' }: Owner) =>
    manager === from && operation === 'Update' && subresource === ''
  const taking = owners.findIndex(
    ({ manager, operation, subresource = '' }) => manager === to && operation === 'Apply' && subresource === '',
  )
  const at = taking >= 0 ? taking : owners.findIndex(isGiving)
  const taker = owners[at]
  if (!taker || !owners.some(isGiving)) return owners
  const given = owners.find(owner => isGiving(owner) && owner.apiVersion === taker.apiVersion)
  const fieldsV1 = union(taker.fieldsV1 ?? {}, given?.fieldsV1 ?? {})
  return owners
    .map((owner, i) => (i === at ? { ...owner, manager: to, operation: 'Apply', fieldsV1 } : owner))
    .filter(owner => !isGiving(owner))
}

/** Both sets of fields. A field that one owns whole and the other in parts is owned whole, and in parts. */
function union(a: OwnedFields, b: OwnedFields): OwnedFields {
  const all: Record<string, OwnedFields> = { ...a }
  for (const [step, inner] of Object.entries(b)) {
    const ours = all[step]
    if (!ours) all[step] = inner
    else {
      const isWhole = Object.keys(ours).length === 0 || Object.keys(inner).length === 0
      const both = union(ours, inner)
      all[step] = isWhole && Object.keys(both).length > 0 ? { '.': {}, ...both } : both
    }
  }
  return all
}
