import { mkdir, realpath, stat } from 'node:fs/promises'
import { join, sep } from 'node:path'
import { expand } from '../env/expand.ts'
import type { VolumeMount } from '../pod-types.ts'
import { SyncError } from '../sync/sync-error.ts'

/** The part of a volume that a mount wants: subPath, or subPathExpr with its variables; empty: all of it. */
export function subPathOf({ subPath, subPathExpr }: VolumeMount, environment: ReadonlyMap<string, string>): string {
  if (!subPathExpr) return subPath ?? ''
  let unknown = ''
  const path = expand(subPathExpr, name => {
    const value = environment.get(name)
    if (value === undefined) unknown ||= name
    return value
  })
  if (unknown) throw new SyncError('CreateContainerConfigError', `missing value for "${unknown}"`)
  return path
}

/**
 * The real path of a subPath inside its volume, made as a folder where absent. Symbolic links may not lead out of the volume.
 * Throws SyncError CreateContainerConfigError.
 */
export async function resolveSubPath(
  volumeRoot: string,
  subPath: string,
  mount: { name: string; container: string },
): Promise<string> {
  const fail = (doing: string, cause?: unknown) =>
    new SyncError(
      'CreateContainerConfigError',
      `failed to ${doing} for volumeMount "${mount.name}" of container "${mount.container}"`,
      { cause },
    )
  if (subPath.startsWith('/') || subPath.split('/').includes('..')) throw fail('prepare subPath')
  const root = await realpath(volumeRoot)
  const { mode } = await stat(root)
  let at = root
  for (const element of subPath.split('/').filter(part => part !== '' && part !== '.')) {
    const next = join(at, element)
    const resolved = await realpath(next).catch(() => undefined)
    if (resolved === undefined) {
      await mkdir(next, { mode: mode & 0o777 }).catch((cause: unknown) => {
        throw fail('create subPath directory', cause)
      })
      at = next
    } else {
      if (resolved !== root && !resolved.startsWith(root + sep)) throw fail('prepare subPath')
      at = resolved
    }
  }
  return at
}
