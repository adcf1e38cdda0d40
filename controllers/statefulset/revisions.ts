import { ControllerRevision } from '../../api/apps/controller-revision.ts'
import { StatefulSet } from '../../api/apps/stateful-set.ts'
import type { Pod } from '../../api/core/pod.ts'
import { fromLabelSelector, matchesLabels } from '../../api/selectors.ts'
import type { ReconcileContext } from '../../client/controller.ts'
import { claim } from '../shared/claims.ts'
import { controlledBy, orphansIn } from '../shared/owner-references.ts'
import { byRevision, nextRevision } from '../shared/revisions/order.ts'
import { isSnapshotOf } from '../shared/revisions/snapshot.ts'
import { createRevision, removeRevisions, renumber } from '../shared/revisions/writes.ts'
import { revisionLabel } from './identity.ts'

const hashLabel = 'controller.kubernetes.io/hash'

/** The revisions that a set is between. `update` is that of its template; `current` the same when no update is under way. */
export interface SetRevisions {
  readonly current: ControllerRevision
  readonly update: ControllerRevision
  readonly collisionCount: number
}

/** A set's revisions, the lowest first, after adopting those that match and have no owner. */
export async function revisionsOf(context: ReconcileContext, set: StatefulSet): Promise<readonly ControllerRevision[]> {
  const lister = context.lister(ControllerRevision)
  const selector = fromLabelSelector(set.spec.selector)
  const matches = ({ metadata }: ControllerRevision) => matchesLabels(selector, metadata.labels ?? {})
  const candidates = [...controlledBy(lister, set), ...orphansIn(lister, set.metadata.namespace)].filter(matches)
  const owned = await claim(context, StatefulSet, set, ControllerRevision, candidates, matches)
  return [...owned].sort(byRevision)
}

/** Has the set's template kept: the newest revision if it is that, an older one renumbered, or a new one. (getStatefulSetRevisions) */
export async function syncRevisions(
  { client }: ReconcileContext,
  set: StatefulSet,
  kept: readonly ControllerRevision[],
): Promise<SetRevisions> {
  const { template } = set.spec
  const newest = kept.at(-1)
  const equal = kept.findLast(revision => isSnapshotOf(revision, template))
  const number = nextRevision(kept)
  let collisionCount = set.status.collisionCount ?? 0
  let update = newest && isSnapshotOf(newest, template) ? newest : equal && (await renumber(client, equal, number))
  while (!update) {
    const wanted = { ownerKind: StatefulSet, owner: set, template, revision: number, collisionCount, hashLabel }
    update = await createRevision(client, wanted)
    if (!update) collisionCount++
  }
  const current = kept.find(({ metadata }) => metadata.name === set.status.currentRevision) ?? update
  return { current, update, collisionCount }
}

/** Removes the lowest of those revisions that no pod is of and no update is between, beyond the limit. */
export async function truncate(
  { client }: ReconcileContext,
  set: StatefulSet,
  kept: readonly ControllerRevision[],
  { current, update }: Pick<SetRevisions, 'current' | 'update'>,
  pods: readonly Pod[],
): Promise<void> {
  const limit = set.spec.revisionHistoryLimit
  const live = new Set([current.metadata.name, update.metadata.name, ...pods.map(pod => pod.metadata.labels?.[revisionLabel])])
  const idle = kept.filter(({ metadata }) => !live.has(metadata.name))
  if (limit < 0 || idle.length <= limit) return
  const because = `${set.metadata.name} keeps ${limit} old revisions`
  await removeRevisions(client, idle.slice(0, idle.length - limit), because)
}
