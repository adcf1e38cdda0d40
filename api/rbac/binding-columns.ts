import { column, wide } from '../columns.ts'
import type { Column } from '../kind.ts'
import type { RoleRef, Subject } from './rules.ts'

interface BindingParts {
  readonly subjects?: readonly Subject[]
  readonly roleRef: RoleRef
}

const named = (wanted: string, text: (subject: Subject) => string) => (binding: BindingParts) =>
  (binding.subjects ?? [])
    .filter(({ kind }) => kind === wanted)
    .map(text)
    .join(', ')

const role: Column<BindingParts> = column('Role', 'Which role is given.', ({ roleRef }) => `${roleRef.kind}/${roleRef.name}`)
const subjects: Column<BindingParts>[] = [
  wide(
    'Users',
    'Users who get it.',
    named('User', ({ name }) => name),
  ),
  wide(
    'Groups',
    'Groups who get it.',
    named('Group', ({ name }) => name),
  ),
  wide(
    'ServiceAccounts',
    'Service accounts that get it.',
    named('ServiceAccount', ({ namespace = '', name }) => `${namespace}/${name}`),
  ),
]

/** How tables see bindings. */
export const bindingColumns = { role, subjects }
