import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Pod } from '../../api/core/pod.ts'
import { deepEqual } from '../../lib/json.ts'
import type { Log } from '../../lib/log.ts'
import { type AnyContainer, isSidecar } from '../pod-types.ts'
import { messageOf } from '../sync/sync-error.ts'

export type Resources = NonNullable<AnyContainer['resources']>

/** What a kubelet remembers of one pod's resources. */
interface Entry {
  /** By container: what the pod has been given, whatever its spec wants by now. */
  allocated: Record<string, Resources>
  /** By container: what one of its instances was brought to after it was made. */
  actuated: Record<string, { readonly containerId: string; readonly resources: Resources }>
  /** The answer that was given last, to which version of the pod: every admission asks about all pods of the node. */
  told?: { readonly pod: Pod; readonly allocated: Pod }
}

/**
 * What each pod has been given (pkg/kubelet/allocation): its spec may want something else, which is granted or not. One small file for
 * each pod, so that a kubelet that comes back counts and restores what was granted rather than what is wished for.
 */
export interface Allocations {
  /** What an earlier kubelet put down; called once before a pod is admitted. */
  recall(pod: Pod): Promise<void>
  /** The pod with the resources it has been given. The same object when that is what its spec says. */
  allocated(pod: Pod): Pod
  has(podUid: string): boolean
  /** Gives the pod what its spec says. Resolves when that is on disk. */
  allocate(pod: Pod): Promise<void>
  /** What an instance of a container was brought to last; `undefined`: nothing since it was made. */
  actuated(podUid: string, containerName: string, containerId: string): Resources | undefined
  actuate(podUid: string, containerName: string, containerId: string, resources: Resources): Promise<void>
  forget(podUid: string): Promise<void>
  /** Resolves when all that was put down is on disk. */
  settled(): Promise<void>
  /** Removes the files of pods that nobody knows. */
  sweep(isKnown: (podUid: string) => boolean): Promise<void>
}

/** `folder` absent: nothing is kept beyond this process. */
export function allocations({ folder, log }: { folder?: string | undefined; log: Log }): Allocations {
  const entries = new Map<string, Entry>()
  /** Writes of one pod follow one another. */
  const writes = new Map<string, Promise<void>>()

  const fileOf = (podUid: string) => join(folder ?? '', `${podUid}.json`)
  const save = (podUid: string): Promise<void> => {
    if (folder === undefined) return Promise.resolve()
    const write = async () => {
      const entry = entries.get(podUid)
      if (!entry) return rm(fileOf(podUid), { force: true })
      const text = JSON.stringify({ allocated: entry.allocated, actuated: entry.actuated })
      const file = fileOf(podUid)
      await writeFile(`${file}.new`, text).catch(async () => {
        await mkdir(folder, { recursive: true })
        await writeFile(`${file}.new`, text)
      })
      await rename(`${file}.new`, file)
    }
    const done = (writes.get(podUid) ?? Promise.resolve())
      .then(write)
      .catch((err: unknown) => log.warn({ err: messageOf(err), podUid }, 'allocation not written'))
      .finally(() => {
        if (writes.get(podUid) === done) writes.delete(podUid)
      })
    writes.set(podUid, done)
    return done
  }

  return {
    async recall({ metadata: { uid } }) {
      if (folder === undefined || entries.has(uid)) return
      const text = await readFile(fileOf(uid), 'utf8').catch(() => undefined)
      if (text === undefined) return
      try {
        const { allocated = {}, actuated = {} } = JSON.parse(text) as Partial<Entry>
        entries.set(uid, { allocated, actuated })
      } catch (err) {
        log.warn({ err: messageOf(err), podUid: uid }, 'allocation not readable; the spec counts')
      }
    },
    allocated(pod) {
      const entry = entries.get(pod.metadata.uid)
      if (!entry) return pod
      if (entry.told?.pod !== pod) entry.told = { pod, allocated: withResources(pod, entry.allocated) }
      return entry.told.allocated
    },
    has: podUid => entries.has(podUid),
    allocate(pod) {
      const { uid } = pod.metadata
      const allocated = Object.fromEntries(resizable(pod).map(({ name, resources }) => [name, resources ?? {}]))
      entries.set(uid, { allocated, actuated: entries.get(uid)?.actuated ?? {} })
      return save(uid)
    },
    actuated(podUid, containerName, containerId) {
      const known = entries.get(podUid)?.actuated[containerName]
      return known?.containerId === containerId ? known.resources : undefined
    },
    actuate(podUid, containerName, containerId, resources) {
      const entry = entries.get(podUid)
      if (!entry) return Promise.resolve()
      entry.actuated[containerName] = { containerId, resources }
      return save(podUid)
    },
    forget(podUid) {
      return entries.delete(podUid) ? save(podUid) : Promise.resolve()
    },
    async settled() {
      while (writes.size > 0) await Promise.all(writes.values())
    },
    async sweep(isKnown) {
      if (folder === undefined) return
      for (const name of await readdir(folder).catch(() => [])) {
        const uid = name.replace(/\.json(\.new)?$/, '')
        if (!isKnown(uid) && !entries.has(uid)) await rm(join(folder, name), { force: true })
      }
    },
  }
}

/** The containers whose resources may change while they run: not init containers that end, nor ephemeral ones. */
export function resizable({ spec }: Pick<Pod, 'spec'>): AnyContainer[] {
  return [...(spec.initContainers ?? []).filter(isSidecar), ...spec.containers]
}

function withResources(pod: Pod, allocated: Readonly<Record<string, Resources>>): Pod {
  const differs = (container: AnyContainer) =>
    Object.hasOwn(allocated, container.name) && !deepEqual(container.resources ?? {}, allocated[container.name])
  const { containers, initContainers } = pod.spec
  if (!containers.some(differs) && !initContainers?.some(differs)) return pod
  const given = <Each extends AnyContainer>(list: readonly Each[]) =>
    list.map(each => (differs(each) ? { ...each, resources: allocated[each.name] } : each))
  return {
    ...pod,
    spec: { ...pod.spec, containers: given(containers), ...(initContainers && { initContainers: given(initContainers) }) },
  } as Pod
}
