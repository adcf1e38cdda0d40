import { readFile } from 'node:fs/promises'
import type { ContainerState } from '../runtime.ts'

/** Who a process of this machine is: its real user and group, and all of its groups. `undefined` when it is gone. */
export async function processUser(pid: number): Promise<ContainerState['user']> {
  const text = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '')
  const numbers = (field: string) =>
    (new RegExp(`^${field}:\\s*(.*)$`, 'm').exec(text)?.[1] ?? '')
      .split(/\s+/)
      .filter(word => word !== '')
      .map(Number)
  const [uid] = numbers('Uid')
  const [gid] = numbers('Gid')
  if (uid === undefined || gid === undefined) return undefined
  return { uid, gid, supplementalGroups: [...new Set([gid, ...numbers('Groups')])].sort((a, b) => a - b) }
}
