import { chmod, lstat, mkdir, realpath, stat, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { expand } from '../env/expand.ts'
import type { VolumeMount } from '../pod-types.ts'
import { SyncError } from '../sync/sync-error.ts'
import type { Mounter } from './mounter.ts'
import { heldForOthers, makeBelow, openBelow } from './safe-path.ts'

const fail = (message: string, cause?: unknown) => new SyncError('CreateContainerConfigError', message, { cause })

/**
 * The part of a volume that a mount wants: subPath, or subPathExpr with its variables; empty: all of it. Throws SyncError
 * CreateContainerConfigError for what can never be inside a volume.
 */
export function subPathOf({ subPath = '', subPathExpr }: VolumeMount, environment: ReadonlyMap<string, string>): string {
  const unknown = new Set<string>()
  const path = subPathExpr
    ? expand(subPathExpr, name => {
        const value = environment.get(name)
        if (value === undefined) unknown.add(name)
        return value
      })
    : subPath
  if (unknown.size > 0) throw fail(`missing value for ${[...unknown].sort().join(', ')}`)
  if (path.startsWith('/')) throw fail(`error SubPath \`${path}\` must not be an absolute path`)
  if (path.split('/').includes('..')) throw fail(`unable to provision SubPath \`${path}\`: must not contain '..'`)
  return path
}

export interface SubPathUse {
  /** Where the volume is. */
  readonly volumePath: string
  /** As `subPathOf` gave it. */
  readonly subPath: string
  /** The pod's name of the volume, and the container's, for what the user is told. */
  readonly volume: string
  readonly container: string
  /** A place of this mount's own, below the pod's folder. */
  readonly target: string
  /** Nothing is made in this volume. */
  readonly isFixed?: boolean
}

/**
 * Where a container can mount a part of a volume from; made as a folder where absent, or refused as CreateContainerError where nothing
 * is made. That is a private place at which exactly the file
 * or folder is mounted that was checked to be inside the volume: links that change later cannot redirect it. Where no mounts can be
 * made (not root), the checked path itself. Throws SyncError CreateContainerConfigError without details: they would tell of the node.
 */
export async function prepareSubPath(use: SubPathUse, mounter: Mounter): Promise<string> {
  const { volumePath, subPath, volume, container, target } = use
  const where = `for volumeMount "${volume}" of container "${container}"`
  const isThere = await exists(join(volumePath, subPath))
  if (!isThere && use.isFixed) throw new SyncError('CreateContainerError', `subPath "${subPath}" does not exist ${where}`)
  if (!isThere)
    await stat(volumePath)
      .then(({ mode }) => makeBelow(volumePath, subPath, mode & 0o7777))
      .catch((cause: unknown) => {
        throw fail(`failed to create subPath directory ${where}`, cause)
      })
  try {
    const handle = await openBelow(volumePath, subPath)
    try {
      const found = await handle.stat()
      await mounter.unmount(target)
      await makeTarget(target, found.isDirectory())
      if (await mounter.bind(await heldForOthers(handle), target)) return target
      return await realpath(join(volumePath, subPath))
    } finally {
      await handle.close()
    }
  } catch (cause) {
    throw fail(`failed to prepare subPath ${where}`, cause)
  }
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  )
}

async function makeTarget(target: string, isFolder: boolean): Promise<void> {
  await mkdir(dirname(target), { recursive: true, mode: 0o750 })
  const present = await lstat(target).catch(() => undefined)
  if (isFolder) {
    if (present?.isDirectory()) return
    await mkdir(target, { mode: 0o750 })
  } else {
    await writeFile(target, '', { mode: 0o640 })
    await chmod(target, 0o640)
  }
}
