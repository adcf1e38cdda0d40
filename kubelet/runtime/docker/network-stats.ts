import { readFile } from 'node:fs/promises'
import type { ContainerInfo } from 'dockerode'
import { interfaceStats } from '../../node/usage.ts'
import type { InterfaceStats } from '../runtime.ts'
import { unless } from './connection.ts'
import type { DockerEngine } from './engine.ts'
import { hasTrait, podUidOf } from './labels.ts'

/** What has gone over each pod's network, as its infra container's own /proc tells; empty where the engine is another machine's. */
export function dockerNetworkStats(
  engine: DockerEngine,
  listSandboxes: () => Promise<ContainerInfo[]>,
): () => Promise<ReadonlyMap<string, readonly InterfaceStats[]>> {
  /** Process ids by sandbox: one that runs keeps its own. */
  const pids = new Map<string, number>()
  const pidOf = async (id: string): Promise<number> => {
    const known = pids.get(id)
    if (known !== undefined) return known
    const info = await engine.read(docker => docker.getContainer(id).inspect()).catch(unless(404))
    const pid = info?.State.Pid ?? 0
    if (pid > 0) pids.set(id, pid)
    return pid
  }
  return async () => {
    if (!engine.isLocal) return new Map()
    const sandboxes = (await listSandboxes()).filter(({ Labels }) => !hasTrait(Labels, 'hostNetwork'))
    const alive = new Set(sandboxes.map(({ Id }) => Id))
    for (const id of pids.keys()) if (!alive.has(id)) pids.delete(id)
    const found = sandboxes.map(async ({ Id, Labels }) => {
      const pid = await pidOf(Id)
      const text = pid > 0 ? await readFile(`/proc/${pid}/net/dev`, 'utf8').catch(() => '') : ''
      return [podUidOf(Labels) ?? '', interfaceStats(text)] as const
    })
    return new Map((await Promise.all(found)).filter(([, interfaces]) => interfaces.length > 0))
  }
}
