import { chmod, chown, mkdir, readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Node } from '../../api/core/node.ts'
import type { Pod } from '../../api/core/pod.ts'
import { podLimits } from '../../api/placement/pod-requests.ts'
import { value } from '../../api/quantity.ts'
import type { EventRecorder } from '../../client/events.ts'
import type { Clock } from '../../lib/clock.ts'
import type { Log } from '../../lib/log.ts'
import type { Random } from '../../lib/random.ts'
import type { Objects } from '../objects.ts'
import type { Volume } from '../pod-types.ts'
import { messageOf, SyncError } from '../sync/sync-error.ts'
import { writeAtomically } from './atomic-writer.ts'
import { claimPath } from './claim.ts'
import { applyFsGroup } from './fs-group.ts'
import { prepareHostPath } from './host-path.ts'
import type { Mounter } from './mounter.ts'
import { isPayloadVolume, payloadOf, soleUserOf } from './sources.ts'

export interface MountedVolume {
  readonly path: string
  readonly readOnly: boolean
}

/** A pod's volumes on this node. */
export interface PodVolumes {
  /** Makes all that the pod's containers mount and waits for what is not there yet, up to 2 m 3 s. Throws SyncError. */
  prepare(pod: Pod, signal: AbortSignal): Promise<ReadonlyMap<string, MountedVolume>>
  /** Writes files made from API objects again where those have changed. */
  refresh(pod: Pod): Promise<void>
  /** Removes the pod's own volumes; what a claim or a hostPath holds stays. */
  tearDown(podUid: string): Promise<void>
  /** Pods that have a folder here. */
  leftovers(): Promise<string[]>
}

export interface VolumesOptions {
  rootDir: string
  /** False: nothing is written (simulated nodes), but what is missing is waited for all the same. */
  usesDisk: boolean
  objects: Objects
  node: () => Node | undefined
  mounter: Mounter
  events: EventRecorder
  clock: Clock
  random: Random
  log: Log
}

const waitLimitInMs = 123_000
const retry = { initialInMs: 500, maxInMs: 122_000 }

export function podVolumes(options: VolumesOptions): PodVolumes {
  const { rootDir, usesDisk, objects, clock, random, events } = options
  const podFolder = (uid: string) => join(rootDir, 'pods', uid)
  const failures = new Map<string, number>()

  const payloadContext = () => ({
    objects,
    allocatable: options.node()?.status.allocatable ?? {},
    skipTokens: !usesDisk,
  })

  const own = async (pod: Pod, folder: string, { readOnly = false, always = true } = {}) => {
    const { fsGroup, fsGroupChangePolicy } = pod.spec.securityContext
    if (fsGroup !== undefined) await applyFsGroup(folder, { fsGroup, readOnly, ...(!always && { policy: fsGroupChangePolicy }) })
  }

  const writePayload = async (pod: Pod, volume: Volume, folder: string) => {
    const payload = await payloadOf(pod, volume, payloadContext())
    if (!usesDisk) return
    await mkdir(folder, { recursive: true })
    const user = soleUserOf(pod.spec)
    const prepare = async (fresh: string) => {
      await own(pod, fresh, { readOnly: true })
      if (user === undefined) return
      for (const [path, { mode }] of payload) if (mode === 0o600) await chown(join(fresh, path), user, -1)
    }
    await writeAtomically(folder, payload, { clock, random, prepare })
  }

  const setUp = async (pod: Pod, volume: Volume): Promise<MountedVolume> => {
    const folder = join(podFolder(pod.metadata.uid), 'volumes', `kubernetes.io~${pluginOf(volume)}`, volume.name)
    if (isPayloadVolume(volume)) {
      await writePayload(pod, volume, folder)
      return { path: folder, readOnly: true }
    }
    const { hostPath, persistentVolumeClaim, ephemeral, emptyDir } = volume
    if (hostPath) {
      if (usesDisk) await prepareHostPath(hostPath)
      return { path: hostPath.path, readOnly: false }
    }
    if (persistentVolumeClaim || ephemeral) {
      const claimName = persistentVolumeClaim?.claimName ?? `${pod.metadata.name}-${volume.name}`
      const { path, type, mayOwn } = await claimPath(pod, volume.name, claimName, { objects, node: options.node() })
      const readOnly = persistentVolumeClaim?.readOnly ?? false
      if (usesDisk) {
        await prepareHostPath({ path, type })
        if (mayOwn && !readOnly) await own(pod, path, { always: false })
      }
      return { path, readOnly }
    }
    if (!emptyDir) throw new SyncError('FailedMount', `no volume plugin matched name: ${volume.name}`)
    if (usesDisk && (await mkdir(folder, { recursive: true }))) {
      if (emptyDir.medium === 'Memory') await options.mounter.tmpfs(folder, memoryLimit(pod, emptyDir.sizeLimit, options.node()))
      await chmod(folder, 0o777)
      await own(pod, folder)
    }
    return { path: folder, readOnly: false }
  }

  /** Tries until it works; tells each failure as an event, as upstream's mount operations do. */
  const setUpPatiently = async (pod: Pod, volume: Volume, signal: AbortSignal): Promise<MountedVolume | undefined> => {
    const key = `${pod.metadata.uid}/${volume.name}`
    for (;;) {
      try {
        const mounted = await setUp(pod, volume)
        failures.delete(key)
        return mounted
      } catch (error) {
        const count = failures.get(key) ?? 0
        failures.set(key, count + 1)
        const text = messageOf(error)
        const message = /^(Unable to|MountVolume)/.test(text)
          ? text
          : `MountVolume.SetUp failed for volume "${volume.name}" : ${text}`
        events.record(pod, 'Warning', 'FailedMount', message)
        await clock.sleep(Math.min(retry.initialInMs * 2 ** count, retry.maxInMs), signal)
        if (signal.aborted) return undefined
      }
    }
  }

  return {
    async prepare(pod, signal) {
      const mountedNames = mountedBy(pod)
      const volumes = (pod.spec.volumes ?? []).filter(volume => mountedNames.has(volume.name))
      const mounted = new Map<string, MountedVolume>()
      if (volumes.length === 0) return mounted
      const limit = new AbortController()
      const stop = () => limit.abort()
      signal.addEventListener('abort', stop, { once: true })
      const cancel = clock.after(waitLimitInMs, stop)
      try {
        await Promise.all(
          volumes.map(async volume => {
            const ready = await setUpPatiently(pod, volume, limit.signal)
            if (ready) mounted.set(volume.name, ready)
          }),
        )
      } finally {
        cancel()
        signal.removeEventListener('abort', stop)
      }
      const missing = volumes.filter(volume => !mounted.has(volume.name)).map(volume => volume.name)
      if (missing.length > 0)
        throw new SyncError(
          'FailedMount',
          `unmounted volumes=[${missing.join(' ')}], unattached volumes=[], failed to process volumes=[]: context deadline exceeded`,
        )
      return mounted
    },
    async refresh(pod) {
      if (!usesDisk) return
      const mountedNames = mountedBy(pod)
      for (const volume of pod.spec.volumes ?? []) {
        if (!isPayloadVolume(volume) || !mountedNames.has(volume.name)) continue
        try {
          await setUp(pod, volume)
        } catch (error) {
          events.record(
            pod,
            'Warning',
            'FailedMount',
            `MountVolume.SetUp failed for volume "${volume.name}" : ${messageOf(error)}`,
          )
        }
      }
    },
    async tearDown(podUid) {
      for (const key of failures.keys()) if (key.startsWith(`${podUid}/`)) failures.delete(key)
      objects.forget(podUid)
      if (!usesDisk) return
      const memory = join(podFolder(podUid), 'volumes', 'kubernetes.io~empty-dir')
      for (const name of await readdir(memory).catch(() => [])) await options.mounter.unmount(join(memory, name))
      await rm(podFolder(podUid), { recursive: true, force: true })
    },
    async leftovers() {
      return usesDisk ? await readdir(join(rootDir, 'pods')).catch(() => []) : []
    },
  }
}

function mountedBy({ spec }: Pod): Set<string> {
  const all = [...(spec.initContainers ?? []), ...spec.containers, ...(spec.ephemeralContainers ?? [])]
  return new Set(all.flatMap(container => (container.volumeMounts ?? []).map(mount => mount.name)))
}

function pluginOf(volume: Volume): string {
  if (volume.configMap) return 'configmap'
  if (volume.secret) return 'secret'
  if (volume.downwardAPI) return 'downward-api'
  return volume.projected ? 'projected' : 'empty-dir'
}

/** A memory volume may grow to the smallest of its own limit, the pod's memory limit and what the node has for pods. */
function memoryLimit(pod: Pod, sizeLimit: string | undefined, node: Node | undefined): number | undefined {
  const candidates = [sizeLimit, node?.status.allocatable?.memory].map(text => (text ? value(text) : 0))
  const everyoneIsLimited = pod.spec.containers.every(container => container.resources.limits?.memory)
  if (everyoneIsLimited) candidates.push(podLimits(pod.spec).memory ?? 0)
  const positive = candidates.filter(size => size > 0)
  return positive.length > 0 ? Math.min(...positive) : undefined
}
