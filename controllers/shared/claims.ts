import { ignore } from '../../api/errors.ts'
import type { AnyKind } from '../../api/kind.ts'
import type { KubeObject } from '../../api/transport.ts'
import type { ReconcileContext } from '../../client/controller.ts'
import { controllerOf } from '../../client/watches.ts'
import { controllerReference } from './owner-references.ts'

/** Who among the candidates belongs to an owner, who should, and who should no longer. */
export interface Claims<T> {
  readonly owned: readonly T[]
  readonly adopt: readonly T[]
  readonly release: readonly T[]
}

/**
 * Sorts candidates (pkg/controller/controller_ref_manager.go): at most one controller each. What is ours and still matches stays; what
 * is ours and matches no longer is let go; what nobody controls and matches is taken, unless either side is being deleted.
 */
export function planClaims<T extends KubeObject>(
  owner: KubeObject,
  candidates: readonly T[],
  matches: (candidate: T) => boolean,
): Claims<T> {
  const owned: T[] = []
  const adopt: T[] = []
  const release: T[] = []
  const isEnding = owner.metadata.deletionTimestamp !== undefined
  for (const candidate of candidates) {
    const controller = controllerOf(candidate)
    if (controller && controller.uid !== owner.metadata.uid) continue
    if (controller && (matches(candidate) || isEnding)) {
      if (matches(candidate)) owned.push(candidate)
    } else if (controller) release.push(candidate)
    else if (!isEnding && !candidate.metadata.deletionTimestamp && matches(candidate)) adopt.push(candidate)
  }
  return { owned, adopt, release }
}

/**
 * Adopts and releases; answers what the owner now has. What vanished meanwhile is left out. What is adopted gets the `finalizer`, if
 * there is one, and what is released loses it.
 */
export async function claim<T extends KubeObject>(
  { client }: Pick<ReconcileContext, 'client'>,
  ownerKind: AnyKind,
  owner: KubeObject,
  candidateKind: AnyKind,
  candidates: readonly T[],
  matches: (candidate: T) => boolean,
  { finalizer }: { finalizer?: string } = {},
): Promise<readonly T[]> {
  const { owned, adopt, release } = planClaims(owner, candidates, matches)
  if (adopt.length === 0 && release.length === 0) return owned
  for (const { metadata } of release) {
    const less = finalizer !== undefined && { '$deleteFromPrimitiveList/finalizers': [finalizer] }
    const patch = { metadata: { uid: metadata.uid, ...less, ownerReferences: [{ $patch: 'delete', uid: owner.metadata.uid }] } }
    const text = `${metadata.name} is released: its labels no longer match the selector of ${owner.metadata.name}`
    const note = { rule: 'ownership/release', text, data: { labels: metadata.labels ?? {} } }
    // Conflict: another object has taken the name; the one that was ours is gone.
    await client.patch(candidateKind, metadata, 'strategic', patch, { note }).catch(ignore('NotFound', 'Invalid'))
  }
  if (adopt.length === 0 || !(await mayAdopt(client, ownerKind, owner))) return owned
  const adopted: T[] = []
  for (const { metadata } of adopt) {
    const more = finalizer !== undefined && { finalizers: [finalizer] }
    const patch = { metadata: { uid: metadata.uid, ...more, ownerReferences: [controllerReference(ownerKind, owner)] } }
    const text = `${metadata.name} is adopted: it matches the selector of ${owner.metadata.name} and nobody controls it`
    const note = { rule: 'ownership/adopt', text, data: { labels: metadata.labels ?? {} } }
    const answer = await client.patch(candidateKind, metadata, 'strategic', patch, { note }).catch(ignore('NotFound'))
    if (answer) adopted.push(answer as T)
  }
  return [...owned, ...adopted]
}

/** Asks the server, not the cache: an owner that is being deleted, or was made anew, must not take anything in. */
async function mayAdopt(client: ReconcileContext['client'], kind: AnyKind, owner: KubeObject): Promise<boolean> {
  const fresh = (await client.get(kind, owner.metadata).catch(ignore('NotFound'))) as KubeObject | undefined
  return fresh?.metadata.uid === owner.metadata.uid && fresh.metadata.deletionTimestamp === undefined
}
