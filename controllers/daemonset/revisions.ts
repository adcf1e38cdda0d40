import { ControllerRevision } from '../../api/apps/controller-revision.ts'
import { DaemonSet } from '../../api/apps/daemon-set.ts'
import { Pod } from '../../api/core/pod.ts'
import { ApiError, ignore } from '../../api/errors.ts'
import { fromLabelSelector, matchesLabels } from '../../api/selectors.ts'
import type { ReconcileContext } from '../../client/controller.ts'
import { claim } from '../shared/claims.ts'
import { controlledBy, orphansIn } from '../shared/owner-references.ts'
import { byRevision, nextRevision } from '../shared/revisions/order.ts'
import { isSnapshotOf } from '../shared/revisions/snapshot.ts'
import { createRevision, removeRevisions, renumber } from '../shared/revisions/writes.ts'
import { hashLabel } from './nodes.ts'

/** A set's revisions: that of its template, and the others, the lowest first. */
export interface SetRevisions {
  readonly current: ControllerRevision
  readonly old: readonly ControllerRevision[]
}

/**
 * Has the set's template kept: equal revisions become one, which gets the highest number; a new template a new one
 * (pkg/controller/daemon/update.go, constructHistory). `pods` are relabelled when their revision is merged into another.
 */
export async function syncRevisions(context: ReconcileContext, set: DaemonSet, pods: readonly Pod[]): Promise<SetRevisions> {
  const { client } = context
  const { template } = set.spec
  const kept = await Promise.all((await owned(context, set)).map(revision => withHash(context, revision)))
  const old = kept.filter(revision => !isSnapshotOf(revision, template)).sort(byRevision)
  const equal = kept.filter(revision => isSnapshotOf(revision, template))
  const number = nextRevision(old)
  if (equal.length === 0) return { current: await keep(context, set, number), old }
  const current = equal.reduce((best, revision) => (revision.revision >= best.revision ? revision : best))
  const duplicates = equal.filter(revision => revision !== current)
  if (duplicates.length > 0) await merge(context, current, duplicates, pods)
  return { current: current.revision < number ? await renumber(client, current, number) : current, old }
}

function owned(context: ReconcileContext, set: DaemonSet): Promise<readonly ControllerRevision[]> {
  const lister = context.lister(ControllerRevision)
  const selector = fromLabelSelector(set.spec.selector)
  const matches = ({ metadata }: ControllerRevision) => matchesLabels(selector, metadata.labels ?? {})
  const candidates = [...controlledBy(lister, set), ...orphansIn(lister, set.metadata.namespace)]
  return claim(context, DaemonSet, set, ControllerRevision, candidates, matches)
}

/** A revision without its hash, from a time before there was one, gets its name for it. */
async function withHash({ client }: ReconcileContext, revision: ControllerRevision): Promise<ControllerRevision> {
  const { labels, name } = revision.metadata
  if (labels?.[hashLabel] !== undefined) return revision
  const metadata = { ...revision.metadata, labels: { ...labels, [hashLabel]: name } }
  const note = { rule: 'daemonset/revision-label', text: `${name} has no hash: its name stands for it` }
  return client.update(ControllerRevision, { ...revision, metadata }, { note })
}

async function keep({ client }: ReconcileContext, set: DaemonSet, revision: number): Promise<ControllerRevision> {
  const { template } = set.spec
  const { collisionCount } = set.status
  const wanted = { ownerKind: DaemonSet, owner: set, template, revision, collisionCount, hashLabel }
  const kept = await createRevision(client, wanted)
  if (kept) return kept
  const newest = await client.get(DaemonSet, set.metadata)
  // With an old count the name may only seem to be taken: the next run knows better.
  if (newest.status.collisionCount === collisionCount) {
    const status = { ...newest.status, collisionCount: (collisionCount ?? 0) + 1 }
    const text = `another template already goes by the name of the new revision: the next try takes another name`
    const note = { rule: 'daemonset/collision', text, data: { collisionCount: status.collisionCount } }
    await client.updateStatus(DaemonSet, { ...newest, status }, { note })
  }
  throw new ApiError('Conflict', `the name of revision ${revision} of ${set.metadata.name} stands for another template`)
}

async function merge(
  { client }: ReconcileContext,
  current: ControllerRevision,
  duplicates: readonly ControllerRevision[],
  pods: readonly Pod[],
): Promise<void> {
  const hash = current.metadata.labels?.[hashLabel]
  const note = { rule: 'daemonset/merge', text: `${current.metadata.name} stands for all revisions with its template` }
  for (const { metadata } of pods) {
    if (metadata.labels?.[hashLabel] === hash) continue
    await client
      .patch(Pod, metadata, 'merge', { metadata: { labels: { [hashLabel]: hash } } }, { note })
      .catch(ignore('NotFound'))
  }
  await removeRevisions(client, duplicates, `${current.metadata.name} keeps the same template`)
}

/** Removes the lowest old revisions that no pod is of, as many as there are too many. */
export async function truncate(
  { client }: ReconcileContext,
  set: DaemonSet,
  old: readonly ControllerRevision[],
  pods: readonly Pod[],
): Promise<void> {
  const limit = set.spec.revisionHistoryLimit
  const surplus = old.length - limit
  if (surplus <= 0) return
  const live = new Set(pods.map(({ metadata }) => metadata.labels?.[hashLabel]))
  const idle = old.filter(({ metadata }) => !live.has(metadata.labels?.[hashLabel]))
  await removeRevisions(client, idle.slice(0, surplus), `${set.metadata.name} keeps ${limit} old revisions`)
}
