import type { ControllerRevision } from '../../../api/apps/controller-revision.ts'

/** The lowest number first; of equals the older one, then by name (pkg/controller/history, SortControllerRevisions). */
export function byRevision(a: ControllerRevision, b: ControllerRevision): number {
  if (a.revision !== b.revision) return a.revision - b.revision
  const [left, right] = [a.metadata, b.metadata]
  if (left.creationTimestamp !== right.creationTimestamp) return left.creationTimestamp < right.creationTimestamp ? -1 : 1
  return left.name < right.name ? -1 : left.name > right.name ? 1 : 0
}

/** The number of the next revision. */
export function nextRevision(revisions: readonly ControllerRevision[]): number {
  return Math.max(0, ...revisions.map(({ revision }) => revision)) + 1
}
