import { ControllerRevision } from '../../../api/apps/controller-revision.ts'
import type { PodTemplateSpec } from '../../../api/core/pod-spec.ts'
import { ignore, isReason } from '../../../api/errors.ts'
import type { AnyKind } from '../../../api/kind.ts'
import type { KubeObject } from '../../../api/transport.ts'
import type { Client } from '../../../client/client.ts'
import { deepEqual } from '../../../lib/json.ts'
import { controllerReference } from '../owner-references.ts'
import { templateHash } from '../template-hash.ts'
import { snapshotOf } from './snapshot.ts'

/** Names of ControllerRevisions may not be longer, so that of the owner is cut. */
const longestOwnerName = 223

export interface NewRevision {
  readonly ownerKind: AnyKind
  readonly owner: KubeObject
  readonly template: PodTemplateSpec
  readonly revision: number
  /** How often the hash has met another template by its name. */
  readonly collisionCount: number | undefined
  /** The label under which the owner's controller looks for the hash. */
  readonly hashLabel: string
}

/**
 * Keeps a template as a ControllerRevision `<owner>-<hash>`. Answers the one that has the name already if it keeps the same;
 * `undefined` when the name stands for another template: the next try needs a higher collision count.
 */
export async function createRevision(client: Client, wanted: NewRevision): Promise<ControllerRevision | undefined> {
  const { ownerKind, owner, template, revision, collisionCount, hashLabel } = wanted
  const hash = templateHash(template, collisionCount)
  const { namespace, name: ownerName, annotations } = owner.metadata
  const name = `${ownerName.slice(0, longestOwnerName)}-${hash}`
  const data = snapshotOf(template)
  const metadata = {
    name,
    namespace,
    labels: { ...template.metadata.labels, [hashLabel]: hash },
    ...(annotations && { annotations: { ...annotations } }),
    ownerReferences: [controllerReference(ownerKind, owner)],
  }
  const text = `the template of ${ownerName} is new: it is kept as revision ${revision}`
  const note = { rule: 'revisions/keep', text, data: { revision, hash, collisionCount } }
  try {
    return await client.create(ControllerRevision, { metadata, data, revision }, { note })
  } catch (error) {
    if (!isReason(error, 'AlreadyExists')) throw error
    const existing = await client.get(ControllerRevision, { namespace, name })
    return deepEqual(existing.data, data) ? existing : undefined
  }
}

/** Makes a revision the newest: its template is the present one again. */
export function renumber(client: Client, kept: ControllerRevision, revision: number): Promise<ControllerRevision> {
  const text = `the template is that of ${kept.metadata.name} again: revision ${kept.revision} becomes ${revision}`
  const note = { rule: 'revisions/renumber', text, data: { from: kept.revision, to: revision } }
  return client.update(ControllerRevision, { ...kept, revision }, { note })
}

/** Removes revisions, for the reason given. */
export async function removeRevisions(client: Client, kept: readonly ControllerRevision[], because: string): Promise<void> {
  for (const { metadata, revision } of kept) {
    const note = { rule: 'revisions/remove', text: `revision ${revision} is removed: ${because}`, data: { revision } }
    const options = { preconditions: { uid: metadata.uid }, note }
    await client.delete(ControllerRevision, metadata, options).catch(ignore('NotFound', 'Conflict'))
  }
}
