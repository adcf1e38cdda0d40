import { constants } from 'node:fs'
import { chmod, chown, type FileHandle, lchown, readdir, stat } from 'node:fs/promises'
import type { Pod } from '../../api/core/pod.ts'
import { held, openEntry, openFolder } from './safe-path.ts'

interface Ownership {
  readonly fsGroup: number
  readonly readOnly: boolean
  /** `OnRootMismatch` leaves a volume alone whose root already looks right. */
  readonly policy?: string | undefined
}

/**
 * Gives a volume to the pod's fsGroup, if it has one. `heedsPolicy`: fsGroupChangePolicy counts only for volumes whose files outlive
 * the pod.
 */
export async function ownVolume(
  { spec }: Pod,
  root: string,
  { readOnly = false, heedsPolicy = false }: { readOnly?: boolean; heedsPolicy?: boolean } = {},
): Promise<void> {
  const { fsGroup, fsGroupChangePolicy } = spec.securityContext
  if (fsGroup === undefined) return
  await applyFsGroup(root, { fsGroup, readOnly, ...(heedsPolicy && { policy: fsGroupChangePolicy }) })
}

/**
 * Gives a volume to a group: everything in it is readable and, unless read-only, writable for it (semantics C12). Holds on to each
 * file while it is changed: somebody who swaps it for a link meanwhile gains nothing.
 */
export async function applyFsGroup(root: string, { fsGroup, readOnly, policy }: Ownership): Promise<void> {
  const wanted = readOnly ? 0o440 : 0o660
  if (policy === 'OnRootMismatch') {
    const { gid, mode } = await stat(root)
    const rootBits = readOnly ? 0o550 : 0o770
    if (gid === fsGroup && (mode & rootBits) === rootBits && (mode & 0o2000) !== 0) return
  }
  const folder = await openFolder(root)
  try {
    await own(folder)
  } finally {
    await folder.close()
  }

  async function own(file: FileHandle): Promise<void> {
    const { mode } = await file.stat()
    const isDirectory = (mode & constants.S_IFMT) === constants.S_IFDIR
    if (isDirectory) for (const name of await readdir(held(file))) await ownEntry(file, name)
    await chown(held(file), -1, fsGroup)
    await chmod(held(file), (mode & 0o7777) | wanted | (isDirectory ? 0o2110 : 0))
  }

  async function ownEntry(folder: FileHandle, name: string): Promise<void> {
    const entry = await openEntry(folder, name)
    try {
      if ((await entry.stat()).isSymbolicLink()) await lchown(`${held(folder)}/${name}`, -1, fsGroup)
      else await own(entry)
    } finally {
      await entry.close()
    }
  }
}
