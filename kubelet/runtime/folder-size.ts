import { lstat, readdir } from 'node:fs/promises'
import { join } from 'node:path'

export interface FolderSize {
  readonly bytes: number
  readonly inodes: number
}

/** So many files are asked about at once: a folder may hold millions. */
const atOnce = 64

/** As du(1) counts: blocks on the disk, each inode once, links not followed, the folder itself included. What vanishes meanwhile is nothing. */
export async function folderSize(folder: string): Promise<FolderSize> {
  const seen = new Set<number>()
  const waiting = [folder]
  let bytes = 0
  let inodes = 0
  for (let path = waiting.pop(); path !== undefined; path = waiting.pop()) {
    const own = await lstat(path).catch(() => undefined)
    if (!own) continue
    // A folder that has turned into a link to somewhere else is not entered.
    const names = own.isDirectory() ? await readdir(path).catch(() => []) : []
    bytes += own.blocks * 512
    inodes += 1
    for (let i = 0; i < names.length; i += atOnce) {
      const paths = names.slice(i, i + atOnce).map(name => join(path, name))
      const found = await Promise.all(paths.map(one => lstat(one).catch(() => undefined)))
      for (const [at, one] of found.entries()) {
        if (!one) continue
        if (one.isDirectory()) {
          waiting.push(paths[at] ?? '')
          continue
        }
        if (one.nlink > 1) {
          if (seen.has(one.ino)) continue
          seen.add(one.ino)
        }
        bytes += one.blocks * 512
        inodes += 1
      }
    }
  }
  return { bytes, inodes }
}
