import { chmod, lchown, readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'

interface Ownership {
  readonly fsGroup: number
  readonly readOnly: boolean
  /** `OnRootMismatch` leaves a volume alone whose root already looks right. */
  readonly policy?: string | undefined
}

/** Gives a volume to a group: everything in it is readable and, unless read-only, writable for it (semantics C12). */
export async function applyFsGroup(root: string, { fsGroup, readOnly, policy }: Ownership): Promise<void> {
  const wanted = readOnly ? 0o440 : 0o660
  if (policy === 'OnRootMismatch') {
    const { gid, mode } = await stat(root)
    const rootBits = readOnly ? 0o550 : 0o770
    if (gid === fsGroup && (mode & rootBits) === rootBits && (mode & 0o2000) !== 0) return
  }
  await own(root, true)

  async function own(path: string, isDirectory: boolean): Promise<void> {
    if (isDirectory)
      for (const entry of await readdir(path, { withFileTypes: true })) {
        const child = join(path, entry.name)
        if (entry.isSymbolicLink()) await lchown(child, -1, fsGroup)
        else await own(child, entry.isDirectory())
      }
    const { mode } = await stat(path)
    await lchown(path, -1, fsGroup)
    await chmod(path, (mode & 0o7777) | wanted | (isDirectory ? 0o2110 : 0))
  }
}
