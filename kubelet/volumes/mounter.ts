import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { promisify } from 'node:util'

/** The few mounts a kubelet makes itself. */
export interface Mounter {
  /** Mounts memory at a folder; answers whether that worked (it takes root). */
  tmpfs(folder: string, sizeInBytes: number | undefined): Promise<boolean>
  /** Undoes that, if it was done. */
  unmount(folder: string): Promise<void>
}

const run = promisify(execFile)

/** mount(8) and umount(8). */
export const systemMounter: Mounter = {
  async tmpfs(folder, sizeInBytes) {
    const size = sizeInBytes ? ['-o', `size=${sizeInBytes}`] : []
    return run('mount', ['-t', 'tmpfs', ...size, 'tmpfs', folder]).then(
      () => true,
      () => false,
    )
  },
  async unmount(folder) {
    const mounts = await readFile('/proc/self/mounts', 'utf8').catch(() => '')
    if (mounts.includes(` ${folder} tmpfs `)) await run('umount', [folder]).catch(() => {})
  },
}

/** Memory volumes are plain folders: for tests, and for those who are not root. */
export const plainFolders: Mounter = { tmpfs: async () => false, unmount: async () => {} }
