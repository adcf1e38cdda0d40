import * as z from 'zod'
import { copy } from '../../lib/json.ts'
import { age } from '../columns.ts'
import { fieldError } from '../field-errors.ts'
import { defineKind, type ObjectOf } from '../kind.ts'
import { int64 } from '../schema.ts'
import type { OwnerReference } from '../transport.ts'
import { nonNegative, unchanged } from '../validation.ts'

/** `statefulset.apps/web`: the owner that manages an object. */
function controllerOf(owners: readonly OwnerReference[] = []): string {
  const owner = owners.find(({ controller }) => controller)
  if (!owner) return '<none>'
  const [group = ''] = owner.apiVersion.includes('/') ? owner.apiVersion.split('/') : []
  return `${owner.kind.toLowerCase()}${group && `.${group}`}/${owner.name}`
}

/** What a StatefulSet or DaemonSet looked like at some time, for rolling back. */
export const ControllerRevision = defineKind({
  group: 'apps',
  version: 'v1',
  kind: 'ControllerRevision',
  plural: 'controllerrevisions',
  namespaced: true,
  description: 'What a StatefulSet or DaemonSet looked like at some time. Never changes; whoever made it may read it back.',
  wire: 'metadata data revision',
  fields: () => ({
    data: z
      .record(z.string(), z.unknown())
      .transform(data => copy(data))
      .optional()
      .meta({ description: 'The state, in a form of its maker.' }),
    revision: int64().default(0).describe('The number of the state; higher is later.'),
  }),
  columns: [
    {
      name: 'Controller',
      description: 'Whose state it is.',
      value: ({ metadata }) => controllerOf(metadata.ownerReferences),
    },
    { name: 'Revision', description: 'The number of the state.', value: ({ revision }) => revision },
    age,
  ],
  validate({ data, revision }, old) {
    const errors = nonNegative('revision', revision)
    if (old) return [...errors, ...unchanged('data', data, old.data)]
    return data ? errors : [...errors, fieldError.required('data', 'data is mandatory')]
  },
})
export type ControllerRevision = ObjectOf<typeof ControllerRevision>
