import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { promisify } from 'node:util'

/** Unmounts whatever pods left mounted below a folder (tmpfs volumes), deepest first. */
export async function unmountBelow(folder: string): Promise<void> {
  const table = await readFile('/proc/self/mounts', 'utf8').catch(() => '')
  const points = table
    .split('\n')
    .map(line => (line.split(' ')[1] ?? '').replaceAll('\\040', ' '))
    .filter(point => point.startsWith(`${folder}/`))
    .sort((a, b) => b.length - a.length)
  for (const point of points) await promisify(execFile)('umount', ['-l', point])
}
