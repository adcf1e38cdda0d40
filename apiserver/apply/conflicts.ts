import { ApiError } from '../../api/errors.ts'
import { type FieldSet, type Path, pathsOf } from './field-set.ts'
import type { ManagedEntry } from './managed.ts'
import { pathText } from './path-element.ts'

/** A field that somebody else owns and that would change. */
export interface Conflict {
  readonly owner: ManagedEntry
  readonly path: Path
}

/** A conflict for each of the fields. */
export const conflictsWith = (owner: ManagedEntry, fields: FieldSet): Conflict[] => pathsOf(fields).map(path => ({ owner, path }))

/** The owner as people are told of it: `"me" with subresource "status" using v1`. */
function ownerText({ manager = '', operation, apiVersion, subresource }: ManagedEntry): string {
  const name = JSON.stringify(manager) + (subresource ? ` with subresource ${JSON.stringify(subresource)}` : '')
  return operation === 'Update' ? `${name} using ${apiVersion}` : name
}

/** 409: what an apply without force runs into (apimachinery managedfields/internal/conflict.go). */
export function conflictError(conflicts: readonly Conflict[]): ApiError {
  const causes = conflicts.map(({ owner, path }) => ({
    reason: 'FieldManagerConflict',
    message: `conflict with ${ownerText(owner)}`,
    field: pathText(path),
  }))
  return new ApiError('Conflict', messageOf(conflicts), { details: { causes } })
}

function messageOf(conflicts: readonly Conflict[]): string {
  const [only] = conflicts
  if (only && conflicts.length === 1) {
    return `Apply failed with 1 conflict: conflict with ${ownerText(only.owner)}: ${pathText(only.path)}`
  }
  const byOwner = new Map<string, Path[]>()
  for (const { owner, path } of conflicts) {
    const text = ownerText(owner)
    const paths = byOwner.get(text)
    if (paths) paths.push(path)
    else byOwner.set(text, [path])
  }
  const lines = [...byOwner.keys()]
    .sort()
    .flatMap(owner => [`conflicts with ${owner}:`, ...(byOwner.get(owner) ?? []).map(path => `- ${pathText(path)}`)])
  return `Apply failed with ${conflicts.length} conflicts: ${lines.join('\n')}`
}
