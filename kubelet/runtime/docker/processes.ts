import { readFile } from 'node:fs/promises'
import { kill } from 'node:process'

/**
 * Kills a process of a container on this machine, with all that it started: Docker has no call that ends an exec. Looks first whether
 * the process really belongs to that container, because the number may be another machine's, or taken anew meanwhile. Answers whether it did.
 */
export async function killInContainer(pid: number, containerId: string): Promise<boolean> {
  const cgroups = await readFile(`/proc/${pid}/cgroup`, 'utf8').catch(() => '')
  if (pid <= 1 || !cgroups.includes(containerId)) return false
  try {
    kill(-pid, 'SIGKILL') // runc makes every exec the leader of its own session
  } catch {
    kill(pid, 'SIGKILL')
  }
  return true
}
