import { lstat, rename, rm } from 'node:fs/promises'
import { SyncError } from '../sync/sync-error.ts'
import type { Mounter } from './mounter.ts'

/**
 * Removes a volume's own folder with all that is in it. What is still mounted in it (by a container, with Bidirectional propagation)
 * is unmounted first; while that cannot be done nothing is removed, for behind a mount lies somebody else's data.
 */
export async function removeFolder(folder: string, mounter: Pick<Mounter, 'mountsBelow' | 'unmount'>): Promise<void> {
  if (!(await lstat(folder).catch(() => undefined))) return
  for (const place of await mounter.mountsBelow(folder)) await mounter.unmount(place)
  const left = await mounter.mountsBelow(folder)
  if (left.length > 0) throw new SyncError('FailedMount', `${left[0]} is still mounted`)
  // Out of the way first: whoever sees the name sees all of it or nothing (pkg/volume/util RenameDirectory).
  const doomed = `${folder}.deleting~`
  await rm(doomed, { recursive: true, force: true })
  await rename(folder, doomed)
  await rm(doomed, { recursive: true, force: true })
}
