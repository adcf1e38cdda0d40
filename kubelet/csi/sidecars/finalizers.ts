import type { PersistentVolume } from '../../../api/core/persistent-volume.ts'
import { ignore } from '../../../api/errors.ts'
import type { Note } from '../../../api/journal.ts'
import type { VolumeAttachment } from '../../../api/storage/volume-attachment.ts'
import type { ReconcileContext } from '../../../client/controller.ts'

interface Guard {
  readonly finalizer: string
  readonly isWanted: boolean
  readonly note: Note
}

/** Has an object carry a finalizer, or carry it no longer; one that is gone needs neither. Rejects when somebody else wrote meanwhile. */
export async function setFinalizer(
  { client }: ReconcileContext,
  kind: typeof PersistentVolume | typeof VolumeAttachment,
  { metadata: { name, uid, resourceVersion, finalizers = [] } }: PersistentVolume | VolumeAttachment,
  { finalizer, isWanted, note }: Guard,
): Promise<void> {
  const others = finalizers.filter(other => other !== finalizer)
  const patch = { metadata: { uid, resourceVersion, finalizers: isWanted ? [...others, finalizer] : others } }
  await client.patch(kind, { name }, 'merge', patch, { note }).catch(ignore('NotFound'))
}
