import { readdir, rmdir } from 'node:fs/promises'
import { release } from 'node:os'
import { join } from 'node:path'
import type { CgroupSeat } from '../runtime.ts'
import type { DockerEngine } from './engine.ts'
import type { Owner } from './labels.ts'

/** All of ours on a machine; each cluster and each of its nodes has its own below it, so that they never meet. */
const top = 'wherry'
const mount = '/sys/fs/cgroup'

/** Where the cgroups of a node's pods belong, unless the engine is out of reach for files. */
export async function dockerCgroups(
  engine: DockerEngine,
  { cluster, node }: Owner,
): Promise<CgroupSeat | { readonly reason: string }> {
  if (!engine.isLocal) return { reason: `the engine at ${engine.address} is on another machine` }
  const { cgroupDriver, cgroupVersion, kernelVersion, isRootless } = await engine.info()
  if (isRootless) return { reason: 'the engine runs without root' }
  if (kernelVersion !== release()) return { reason: `the engine at ${engine.address} runs on another kernel` }
  if (cgroupDriver !== 'cgroupfs' && cgroupDriver !== 'systemd')
    return { reason: `the engine's cgroup driver is ${cgroupDriver}` }
  return { driver: cgroupDriver, version: cgroupVersion === '2' ? 2 : 1, root: [top, cluster, node] }
}

/** Removes what a cluster's nodes, or one of them, made in every hierarchy. Cgroups that still hold processes stay. */
export async function removeCgroups(cluster: string, node?: string): Promise<void> {
  const hierarchies = [mount, ...(await foldersIn(mount)).map(name => join(mount, name))]
  for (const hierarchy of hierarchies) {
    const slices = [`${top}.slice`, sliceOf(cluster), ...(node === undefined ? [] : [sliceOf(cluster, node)])]
    await removeEmpty(join(hierarchy, top, cluster, node ?? ''))
    await removeEmpty(join(hierarchy, ...slices))
    // Others may be in these.
    for (const folder of [join(hierarchy, top, cluster), join(hierarchy, top)]) await rmdir(folder).catch(() => undefined)
  }
}

const sliceOf = (...steps: string[]) => `${[top, ...steps].map(step => step.replaceAll('-', '_')).join('-')}.slice`

async function foldersIn(path: string): Promise<string[]> {
  const entries = await readdir(path, { withFileTypes: true }).catch(() => [])
  return entries.filter(entry => entry.isDirectory()).map(entry => entry.name)
}

async function removeEmpty(path: string): Promise<void> {
  for (const name of await foldersIn(path)) await removeEmpty(join(path, name))
  await rmdir(path).catch(() => undefined)
}
