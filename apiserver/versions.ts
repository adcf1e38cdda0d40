import { ApiError } from '../api/errors.ts'
import { type FieldError, fieldError, invalidObject } from '../api/field-errors.ts'
import type { CallOptions } from '../api/transport.ts'

/** What a list may ask of its freshness. `atLeast` 0: whatever is at hand. */
export type ListVersion = { readonly newest: true } | { readonly atLeast: number } | { readonly exactly: number }

/** The number behind an opaque resourceVersion; undefined when none is given. */
export function revisionOf(text: string | undefined): number | undefined {
  if (text === undefined || text === '') return undefined
  const revision = Number(text)
  if (/^\d+$/.test(text) && Number.isSafeInteger(revision)) return revision
  throw new ApiError('BadRequest', `invalid resource version: ${JSON.stringify(text)}: must be a whole number`)
}

/** The matrix of resourceVersion, resourceVersionMatch, limit and continue (k8s.io/apimachinery/pkg/apis/meta/internalversion/validation). */
export function listVersion(options: CallOptions): ListVersion {
  const { resourceVersion, resourceVersionMatch: match, continue: token, limit = 0 } = options
  refuse([
    ...(match && !resourceVersion
      ? [fieldError.forbidden('resourceVersionMatch', 'resourceVersionMatch is forbidden unless resourceVersion is provided')]
      : []),
    ...(match && token
      ? [fieldError.forbidden('resourceVersionMatch', 'resourceVersionMatch is forbidden when continue is provided')]
      : []),
    ...unknownMatch(match),
    ...(match === 'Exact' && resourceVersion === '0'
      ? [fieldError.forbidden('resourceVersionMatch', 'resourceVersionMatch "exact" is forbidden for resourceVersion "0"')]
      : []),
    ...(options.sendInitialEvents !== undefined
      ? [fieldError.forbidden('sendInitialEvents', 'sendInitialEvents is forbidden for list')]
      : []),
  ])
  const revision = revisionOf(resourceVersion)
  if (token && revision) {
    throw new ApiError('BadRequest', 'specifying resource version is not allowed when using continue')
  }
  if (revision === undefined) return { newest: true }
  if (match === 'Exact' || (match === undefined && limit > 0 && revision > 0)) return { exactly: revision }
  return { atLeast: revision }
}

/** Where a watch starts: after a revision, or with what is there (not older than a revision, or the newest). */
export type WatchStart =
  | { readonly after: number | 'newest' }
  | { readonly initial: 'any' | 'newest' | number; readonly sendsEnd: boolean }

export function watchStart(options: CallOptions): WatchStart {
  const { resourceVersion, resourceVersionMatch: match, sendInitialEvents, allowWatchBookmarks } = options
  const errors: FieldError[] = []
  if (sendInitialEvents === undefined && match) {
    const text = 'resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided'
    errors.push(fieldError.forbidden('resourceVersionMatch', text))
  }
  if (sendInitialEvents !== undefined && match !== 'NotOlderThan') {
    const text = 'sendInitialEvents requires setting resourceVersionMatch to NotOlderThan'
    errors.push(fieldError.forbidden('resourceVersionMatch', text))
  }
  errors.push(...unknownMatch(match))
  refuse(errors)
  const revision = revisionOf(resourceVersion)
  if (sendInitialEvents) return { initial: revision || 'newest', sendsEnd: allowWatchBookmarks === true }
  if (sendInitialEvents === undefined && revision === undefined) return { initial: 'newest', sendsEnd: false }
  if (sendInitialEvents === undefined && revision === 0) return { initial: 'any', sendsEnd: false }
  return { after: revision || 'newest' }
}

function unknownMatch(match: string | undefined): FieldError[] {
  if (match === undefined || match === 'Exact' || match === 'NotOlderThan') return []
  return [fieldError.notSupported('resourceVersionMatch', match, ['Exact', 'NotOlderThan', ''])]
}

function refuse(errors: readonly FieldError[]): void {
  if (errors.length > 0) throw invalidObject({ group: 'meta.k8s.io', kind: 'ListOptions' }, '', errors)
}
