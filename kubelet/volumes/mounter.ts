import { execFile } from 'node:child_process'
import { readFile, realpath } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { promisify } from 'node:util'

export interface TmpfsOptions {
  readonly sizeInBytes?: number | undefined
  /** Of its root: `0700`. */
  readonly mode?: string
  readonly gid?: number | undefined
}

/** The mounts that a kubelet makes itself. */
export interface Mounter {
  /** Mounts memory that is never swapped (kernel 6.4 and later) at a folder; answers whether that worked (it takes root). */
  tmpfs(folder: string, options?: TmpfsOptions): Promise<boolean>
  /** mount -t. Rejects with what mount(8) said. */
  mount(input: { type: string; source: string; target: string; options?: readonly string[] }): Promise<void>
  /** The type of the file system on a disk; empty: there is nothing on it at all. */
  filesystemOf(device: string): Promise<string>
  makeFilesystem(device: string, type: string): Promise<void>
  /**
   * Makes `target` (which must exist) show `source`; links in `source` are the kernel's to follow, not mount(8)'s. Answers false where
   * this process may not mount at all; rejects with what mount(8) said otherwise.
   */
  bind(source: string, target: string): Promise<boolean>
  /**
   * Undoes one mount at exactly this place; nothing where there is none. Rejects when it is in use. `isRemote`: forced after a minute,
   * for a server may have gone.
   */
  unmount(folder: string, options?: { isRemote?: boolean }): Promise<void>
  /** Places of all mounts at or below a folder, the deepest first. */
  mountsBelow(folder: string): Promise<string[]>
}

/** pkg/volume/nfs unMountTimeout. */
const remoteLimitInMs = 60_000
const run = promisify(execFile)

/** mount(8), umount(8) and /proc/self/mountinfo. */
export const systemMounter: Mounter = {
  async tmpfs(folder, options = {}) {
    const words = tmpfsOptions(options)
    const attempt = (more: string[]) => run('mount', ['-t', 'tmpfs', '-o', [...words, ...more].join(','), 'tmpfs', folder])
    const isMounted = () => true
    return attempt(['noswap']).then(isMounted, () => attempt(['rw']).then(isMounted, () => false))
  },
  async mount({ type, source, target, options = [] }) {
    const args = mountArguments({ type, source, target, options })
    await run('mount', args).catch((cause: unknown) => {
      throw mountFailure(args, cause)
    })
  },
  async filesystemOf(device) {
    // 2: it found nothing. Anything else unclear must not end in a new file system over somebody's data.
    const answer = await run('blkid', ['-p', '-s', 'TYPE', '-s', 'PTTYPE', '-o', 'export', device]).catch((error: unknown) => {
      if ((error as { code?: number }).code === 2) return { stdout: '' }
      throw error
    })
    const [, type = ''] = /^TYPE=(.*)$/m.exec(answer.stdout) ?? []
    return type || (/^PTTYPE=/m.test(answer.stdout) ? 'unknown data, probably partitions' : '')
  },
  async makeFilesystem(device, type) {
    await run(`mkfs.${type}`, [...(/^ext[34]$/.test(type) ? ['-F', '-m0'] : []), device])
  },
  async bind(source, target) {
    const args = ['--no-canonicalize', '--bind', source, target]
    try {
      await run('mount', args)
      return true
    } catch (cause) {
      if (!(await mayMount())) return false
      throw mountFailure(args, cause)
    }
  },
  async unmount(folder, { isRemote = false } = {}) {
    if (!(await systemMounter.mountsBelow(folder)).includes(folder)) return
    const undone = run(
      'umount',
      ['--no-canonicalize', folder],
      isRemote ? { timeout: remoteLimitInMs, killSignal: 'SIGKILL' } : {},
    )
    if (!isRemote) return void (await undone)
    await undone.catch(() => run('umount', ['--no-canonicalize', '-f', folder]))
  },
  async mountsBelow(folder) {
    // The table has real paths, and one of the folders above may be a link. A table that cannot be read must not look like an empty one.
    const parent = await realpath(dirname(folder)).catch(() => undefined)
    if (parent === undefined) return []
    const real = join(parent, basename(folder))
    const table = await readFile('/proc/self/mountinfo', 'utf8').catch((error: { code?: string }) => {
      if (error.code === 'ENOENT') return '' // no Linux: then nothing has been mounted either
      throw error
    })
    const places = placesBelow(table, real)
    return places.map(place => folder + place.slice(real.length))
  },
}

const CAP_SYS_ADMIN = 1n << 21n

async function mayMount(): Promise<boolean> {
  const status = await readFile('/proc/self/status', 'utf8').catch(() => '')
  const [, effective = '0'] = /^CapEff:\s*([0-9a-f]+)/m.exec(status) ?? []
  return (BigInt(`0x${effective}`) & CAP_SYS_ADMIN) !== 0n
}

function tmpfsOptions({ sizeInBytes, mode, gid }: TmpfsOptions): string[] {
  return [
    ...(sizeInBytes ? [`size=${sizeInBytes}`] : []),
    ...(mode ? [`mode=${mode}`] : []),
    ...(gid === undefined ? [] : [`gid=${gid}`]),
  ]
}

/** What mount(8) is told; the order is upstream's (k8s.io/mount-utils MakeMountArgs). */
export function mountArguments({
  type,
  source,
  target,
  options = [],
}: {
  type: string
  source: string
  target: string
  options?: readonly string[]
}): string[] {
  return ['-t', type, ...(options.length > 0 ? ['-o', options.join(',')] : []), source, target]
}

function mountFailure(args: readonly string[], cause: unknown): Error {
  const output = (cause as { stderr?: string }).stderr?.trim() || (cause instanceof Error ? cause.message : String(cause))
  const code = (cause as { code?: number | string }).code
  const status = typeof code === 'number' ? `exit status ${code}` : String(code)
  return new Error(
    `mount failed: ${status}\nMounting command: mount\nMounting arguments: ${args.join(' ')}\nOutput: ${output}\n`,
    {
      cause,
    },
  )
}

/** Places of a mountinfo table at or below a folder, the last mounted first, so that they can be undone in this order. */
export function placesBelow(table: string, folder: string): string[] {
  if (!table.includes(folder) && !folder.includes(' ')) return []
  const places: string[] = []
  for (const line of table.split('\n')) {
    const place = (line.split(' ', 5)[4] ?? '').replaceAll(/\\(\d{3})/g, (_, code) => String.fromCharCode(parseInt(code, 8)))
    if (place === folder || place.startsWith(`${folder}/`)) places.push(place)
  }
  return places.reverse()
}

/** Nothing is ever mounted: for tests, and for those who are not root. Memory volumes are plain folders. */
export const plainFolders: Mounter = {
  tmpfs: async () => false,
  mount: async () => {},
  filesystemOf: async () => '',
  makeFilesystem: async () => {},
  bind: async () => false,
  unmount: async () => {},
  mountsBelow: async () => [],
}
