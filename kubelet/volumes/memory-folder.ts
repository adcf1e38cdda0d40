import { lstat, mkdir, readdir } from 'node:fs/promises'
import { join, relative } from 'node:path'
import type { Log } from '../../lib/log.ts'
import type { Mounter } from './mounter.ts'
import { removeFolder } from './remove-folder.ts'

/** One tmpfs for all of the node's secrets: they never touch a disk, and no pod has to wait for a mount of its own. */
export interface MemoryFolder {
  /** Where in memory what belongs at a path below the kubelet's folder lies; that path itself where there can be no tmpfs. */
  placeOf(path: string): Promise<string>
  /** Removes what `placeOf` gave for a path or for paths below it. */
  remove(path: string): Promise<void>
  /** Unmounts the tmpfs if nothing is in it. */
  close(): Promise<void>
}

export function memoryFolder({ rootDir, mounter, log }: { rootDir: string; mounter: Mounter; log: Log }): MemoryFolder {
  const root = join(rootDir, 'memory')
  const inMemory = (path: string) => join(root, relative(rootDir, path))
  let mounted: Promise<boolean> | undefined

  const mountOnce = async () => {
    if ((await mounter.mountsBelow(root)).includes(root)) return true
    await mkdir(root, { recursive: true, mode: 0o700 })
    const isMounted = await mounter.tmpfs(root, { mode: '0700' })
    if (!isMounted) log.info({}, 'no tmpfs can be mounted here: secrets of pods lie on the disk')
    return isMounted
  }

  return {
    async placeOf(path) {
      mounted ??= mountOnce()
      return (await mounted) ? inMemory(path) : path
    },
    remove: path => removeFolder(inMemory(path), mounter),
    async close() {
      if (!(await lstat(root).catch(() => undefined))) return
      const left = await readdir(join(root, 'pods')).catch(() => [])
      if (left.length > 0) return
      mounted = undefined
      await mounter.unmount(root).catch((err: unknown) => log.warn({ err: String(err) }, 'the tmpfs of secrets stays mounted'))
    },
  }
}
