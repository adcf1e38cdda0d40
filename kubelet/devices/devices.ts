import { mkdir, readFile, rename, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { Pod } from '../../api/core/pod.ts'
import { value } from '../../api/quantity.ts'
import type { Log } from '../../lib/log.ts'
import { type AnyContainer, containersOf } from '../pod-types.ts'
import { messageOf } from '../sync/sync-error.ts'
import { type DeviceOptions, type DevicePlugin, mergeOptions } from './plugin.ts'

/** What a container has of one resource. */
interface Grant {
  readonly ids: readonly string[]
  options?: DeviceOptions
}

/** Health of what a container has, for status.allocatedResourcesStatus. */
export interface ResourceHealth {
  readonly name: string
  readonly resources: readonly { readonly resourceID: string; readonly health: 'Healthy' | 'Unhealthy' | 'Unknown' }[]
}

/** Who has which device (pkg/kubelet/cm/devicemanager). */
export interface Devices {
  /** A plugin has come, or has come back. */
  add(plugin: DevicePlugin): void
  /** It has gone: what it offered counts 0 from now on. */
  remove(plugin: DevicePlugin): void
  /** For the node's status: everything there is, and what of it is healthy. */
  amounts(): { readonly capacity: Record<string, string>; readonly allocatable: Record<string, string> }
  /** Chooses devices for every container of a pod, unless it has them. Throws with the reason why that is impossible. */
  reserve(pod: Pod): void
  has(podUid: string): boolean
  /** Has the plugins give away what was chosen; resolves when that is on disk. Rejects with their reason. */
  allocate(pod: Pod): Promise<void>
  /** What a container is to be started with; `undefined`: no devices. Rejects when a plugin will not have it started. */
  optionsFor(podUid: string, containerName: string): Promise<DeviceOptions | undefined>
  health(podUid: string, containerName: string): readonly ResourceHealth[]
  forget(podUid: string): void
  /** What an earlier kubelet gave away. */
  restore(): Promise<void>
}

type PodGrants = Map<string, Map<string, Grant>>

interface Checkpoint {
  readonly registered: readonly string[]
  readonly pods: Readonly<Record<string, Readonly<Record<string, Readonly<Record<string, Grant>>>>>>
}

/** `file`: where grants are kept; absent: nowhere. */
export function devices({ file, log }: { file?: string | undefined; log: Log }): Devices {
  const plugins = new Map<string, DevicePlugin>()
  /** Every resource that was ever offered here: those that are gone count 0, rather than nothing. */
  const registered = new Set<string>()
  const pods = new Map<string, PodGrants>()
  let writing: Promise<void> = Promise.resolve()

  const save = () => {
    if (file === undefined) return
    const plain = (grants: PodGrants) => Object.fromEntries([...grants].map(([name, own]) => [name, Object.fromEntries(own)]))
    const content: Checkpoint = {
      registered: [...registered],
      pods: Object.fromEntries([...pods].map(([uid, grants]) => [uid, plain(grants)])),
    }
    const text = JSON.stringify(content)
    writing = writing
      .then(async () => {
        await mkdir(dirname(file), { recursive: true })
        await writeFile(`${file}.new`, text)
        await rename(`${file}.new`, file)
      })
      .catch((err: unknown) => log.warn({ err: messageOf(err) }, 'device grants not written'))
  }
  const inUse = (resource: string): Set<string> => {
    const used = new Set<string>()
    for (const grants of pods.values())
      for (const own of grants.values()) for (const id of own.get(resource)?.ids ?? []) used.add(id)
    return used
  }
  const healthyOf = (resource: string) =>
    (plugins.get(resource)?.devices() ?? []).filter(one => one.isHealthy).map(({ id }) => id)

  /** `reusable`: what init containers that have ended by then leave behind. */
  const choose = (pod: Pod, container: AnyContainer, resource: string, count: number, reusable: ReadonlySet<string>): Grant => {
    const { uid } = pod.metadata
    const already = pods.get(uid)?.get(container.name)?.get(resource)
    if (already) {
      if (already.ids.length === count) return already
      const change = `from ${already.ids.length} to ${count}`
      throw new Error(`pod "${uid}" container "${container.name}" changed request for resource "${resource}" ${change}`)
    }
    if (!plugins.has(resource)) throw new Error(`cannot allocate unregistered device ${resource}`)
    const healthy = healthyOf(resource)
    if (healthy.length === 0) throw new Error(`no healthy devices present; cannot allocate unhealthy devices ${resource}`)
    const used = inUse(resource)
    const again = healthy.filter(id => reusable.has(id))
    const free = healthy.filter(id => !used.has(id))
    const ids = [...again, ...free].slice(0, count)
    if (ids.length < count) {
      const [needed, available] = [count - again.length, free.length]
      throw new Error(`requested number of devices unavailable for ${resource}. Requested: ${needed}, Available: ${available}`)
    }
    return { ids }
  }

  const choosesAny = (pod: Pod): boolean => {
    const { uid } = pod.metadata
    const grants: PodGrants = new Map()
    const reusable = new Map<string, Set<string>>()
    for (const { container, role } of containersOf(pod.spec)) {
      if (role === 'ephemeral') continue
      for (const [resource, amount] of Object.entries(container.resources?.limits ?? {})) {
        if (!registered.has(resource) || value(amount) === 0) continue
        const left = reusable.get(resource) ?? new Set<string>()
        reusable.set(resource, left)
        const grant = choose(pod, container, resource, value(amount), left)
        const own = grants.get(container.name) ?? new Map<string, Grant>()
        grants.set(container.name, own.set(resource, grant))
        // Others of this pod must see what is taken, before the pod as a whole is.
        pods.set(uid, new Map([...(pods.get(uid) ?? []), ...grants]))
        for (const id of grant.ids) {
          if (role === 'init') left.add(id)
          else left.delete(id)
        }
      }
    }
    return grants.size > 0
  }

  return {
    add(plugin) {
      plugins.set(plugin.resource, plugin)
      if (registered.has(plugin.resource)) return
      registered.add(plugin.resource)
      save()
    },
    remove(plugin) {
      if (plugins.get(plugin.resource) === plugin) plugins.delete(plugin.resource)
    },
    amounts() {
      const capacity: Record<string, string> = {}
      const allocatable: Record<string, string> = {}
      for (const resource of registered) {
        const all = plugins.get(resource)?.devices() ?? []
        capacity[resource] = String(all.length)
        allocatable[resource] = String(all.filter(one => one.isHealthy).length)
      }
      return { capacity, allocatable }
    },
    reserve(pod) {
      if (registered.size === 0) return
      const before = pods.get(pod.metadata.uid)
      try {
        if (choosesAny(pod)) save()
      } catch (error) {
        if (before) pods.set(pod.metadata.uid, before)
        else pods.delete(pod.metadata.uid)
        throw error
      }
    },
    has: podUid => pods.has(podUid),
    async allocate({ metadata: { uid } }) {
      for (const own of pods.get(uid)?.values() ?? [])
        for (const [resource, grant] of own) {
          const plugin = plugins.get(resource)
          if (grant.options) continue
          if (!plugin) throw new Error(`cannot allocate unregistered device ${resource}`)
          grant.options = await plugin.allocate(grant.ids)
        }
      save()
      await writing
    },
    async optionsFor(podUid, containerName) {
      const own = pods.get(podUid)?.get(containerName)
      if (!own) return undefined
      for (const [resource, { ids }] of own) await plugins.get(resource)?.beforeStart?.(ids)
      return mergeOptions([...own.values()].flatMap(({ options }) => (options ? [options] : [])))
    },
    health(podUid, containerName) {
      const own = pods.get(podUid)?.get(containerName)
      if (!own) return []
      return [...own].map(([resource, { ids }]) => {
        const known = new Map(
          plugins
            .get(resource)
            ?.devices()
            .map(one => [one.id, one.isHealthy]),
        )
        const healthOf = (id: string) => {
          const isHealthy = known.get(id)
          return isHealthy === undefined ? ('Unknown' as const) : isHealthy ? ('Healthy' as const) : ('Unhealthy' as const)
        }
        return { name: resource, resources: ids.map(id => ({ resourceID: id, health: healthOf(id) })) }
      })
    },
    forget(podUid) {
      if (pods.delete(podUid)) save()
    },
    async restore() {
      if (file === undefined) return
      const text = await readFile(file, 'utf8').catch(() => undefined)
      if (text === undefined) return
      try {
        const content = JSON.parse(text) as Checkpoint
        for (const resource of content.registered) registered.add(resource)
        for (const [uid, containers] of Object.entries(content.pods))
          pods.set(uid, new Map(Object.entries(containers).map(([name, own]) => [name, new Map(Object.entries(own))])))
      } catch (err) {
        log.warn({ err: messageOf(err) }, 'device grants not readable')
      }
    },
  }
}
