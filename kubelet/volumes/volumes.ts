import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { Node } from '../../api/core/node.ts'
import type { Pod } from '../../api/core/pod.ts'
import type { Client } from '../../client/client.ts'
import type { EventRecorder } from '../../client/events.ts'
import type { Clock } from '../../lib/clock.ts'
import type { Log } from '../../lib/log.ts'
import type { Objects } from '../objects.ts'
import type { Volume } from '../pod-types.ts'
import { messageOf, SyncError } from '../sync/sync-error.ts'
import { devices as createDevices } from './devices.ts'
import { nodeExpansion } from './expansion.ts'
import type { MemoryFolder } from './memory-folder.ts'
import { deviceOf, type MountVolume, volumeMounter } from './mount-volume.ts'
import type { Mounter } from './mounter.ts'
import { folderNameOf, type MountedVolume, type VolumePlugin, type VolumeSpec } from './plugin.ts'
import { type VolumeRecord, volumeRecords } from './records.ts'
import { oneAtATime, podTurns } from './turns.ts'
import { volumeUnmounter } from './unmount-volume.ts'
import { type MeasuredVolume, measureVolumes } from './usage.ts'
import { UnprocessedVolume } from './volume-spec.ts'
import { wantedVolumes } from './wanted-volumes.ts'

export type { MountedVolume } from './plugin.ts'

/** A pod's volumes on this node. */
export interface PodVolumes {
  /** Learns what an earlier kubelet has left mounted. Before anything else. */
  restore(): Promise<void>
  /** Makes all that the pod's containers mount and waits for what is not there yet, up to 2 m 3 s. Throws SyncError. */
  prepare(pod: Pod, signal: AbortSignal): Promise<ReadonlyMap<string, MountedVolume>>
  /**
   * Writes files made from API objects again where those have changed, and grows what has become bigger. May be called often: looks
   * again after 55 s, or when labels or annotations of the pod have changed.
   */
  refresh(pod: Pod): Promise<void>
  /** The same at once, for running pods whose objects are known to have changed. */
  refreshNow(podUids: readonly string[]): Promise<void>
  /**
   * Undoes all of the pod's volumes and removes its folder; what a claim or a hostPath holds stays. Only once its last container has
   * ended: rejects while one runs. Rejects when something could not be undone; then it is to be called again.
   */
  tearDown(podUid: string): Promise<void>
  /** Pods that have a folder here. */
  leftovers(): Promise<string[]>
  /** When the kubelet ends: takes away what only it needs, if no pod is left. */
  close(): Promise<void>
  /** For node.status.volumesInUse: attachable volumes that are used here, or about to be. Sorted. */
  inUse(): string[]
  /** What a pod's volumes use, or those that are wanted: bytes, inodes, and the room around them. Walks through its folders. */
  usage(podUid: string, isWanted?: (spec: VolumeSpec) => boolean): Promise<MeasuredVolume[]>
}

export interface VolumesOptions {
  rootDir: string
  /** False: nothing is written (simulated nodes), but what is missing is waited for all the same. */
  usesDisk: boolean
  /** One for each kind of volume; the first that handles a volume gets it. */
  plugins: readonly VolumePlugin[]
  objects: Objects
  client: Client
  node: () => Node | undefined
  mounter: Mounter
  memory: MemoryFolder
  events: EventRecorder
  clock: Clock
  log: Log
  /** Whether a pod still has running containers, asked before anything is taken away. */
  isRunning?: (podUid: string) => Promise<boolean>
  /** `inUse` has changed. */
  onInUse?: () => void
}

/** pkg/kubelet/volumemanager podAttachAndMountTimeout; operations are retried as goroutinemap/exponentialbackoff does. */
const waitLimitInMs = 123_000
const retry = { initialInMs: 500, maxInMs: 122_000 }
const refreshEveryMs = 55_000

export function podVolumes(options: VolumesOptions): PodVolumes {
  const { rootDir, usesDisk, plugins, objects, client, node, mounter, clock, events, log, onInUse = () => {} } = options
  const podsFolder = join(rootDir, 'pods')
  const records = volumeRecords({ podsFolder, usesDisk, log })
  const devices = createDevices({ node, clock })
  const turns = podTurns()
  const failures = new Map<string, number>()
  const folderOf = ({ podUid, plugin, spec }: VolumeRecord) =>
    join(podsFolder, podUid, spec.isBlock ? 'volumeDevices' : 'volumes', folderNameOf(plugin), spec.name)

  const expansion = nodeExpansion({ client, events })
  const mount = volumeMounter({ plugins, objects, node, records, devices, expansion, folderOf, onInUse })
  const inTurn = oneAtATime()
  const mountVolume: MountVolume = input => inTurn(`${input.pod.metadata.uid}/${input.volume.name}`, () => mount(input))
  const unmount = volumeUnmounter({
    plugins,
    podsFolder,
    usesDisk,
    records,
    devices,
    mounter,
    memory: options.memory,
    folderOf,
    onInUse,
  })

  /** Pods that were set up, as they were then: what they mount may change without them. */
  const known = new Map<string, { pod: Pod; refreshedAt: number; facts: string }>()
  const know = (pod: Pod, refreshedAt: number) => known.set(pod.metadata.uid, { pod, refreshedAt, facts: factsOf(pod) })

  /** Tries until it works; tells each failure as an event, as upstream's mount operations do. */
  const mountPatiently = async (pod: Pod, volume: Volume, progress: Progress, signal: AbortSignal): Promise<void> => {
    const key = `${pod.metadata.uid}/${volume.name}`
    while (!signal.aborted) {
      const onAttachWait = (isWaiting: boolean) => void progress.unattached[isWaiting ? 'add' : 'delete'](volume.name)
      try {
        progress.mounted.set(volume.name, await mountVolume({ pod, volume, isRefresh: false, signal, onAttachWait }))
        progress.missing.delete(volume.name)
        failures.delete(key)
        return
      } catch (error) {
        if (signal.aborted) return
        // An image that cannot be pulled is the container's own trouble, with a back-off of its own.
        if (error instanceof SyncError && error.reason !== 'FailedMount') throw error
        const count = failures.get(key) ?? 0
        failures.set(key, count + 1)
        if (error instanceof UnprocessedVolume) progress.unprocessed.add(volume.name)
        events.record(pod, 'Warning', 'FailedMount', wording(error, progress))
        await clock.sleep(Math.min(retry.initialInMs * 2 ** count, retry.maxInMs), signal)
        progress.unprocessed.delete(volume.name)
      }
    }
  }

  const prepare = async (pod: Pod, signal: AbortSignal) => {
    const { mounts, devices: asDevices } = wantedVolumes(pod)
    const volumes = (pod.spec.volumes ?? []).filter(({ name }) => mounts.has(name) || asDevices.has(name))
    const progress: Progress = {
      mounted: new Map(),
      missing: new Set(volumes.map(({ name }) => name)),
      unattached: new Set(),
      unprocessed: new Set(),
    }
    if (volumes.length === 0) return progress.mounted
    know(pod, clock.now())
    const limit = new AbortController()
    const stop = () => limit.abort()
    if (signal.aborted) stop()
    signal.addEventListener('abort', stop, { once: true })
    const cancel = clock.after(waitLimitInMs, stop)
    try {
      const attempts = volumes.map(volume => mountPatiently(pod, volume, progress, limit.signal))
      for (const attempt of attempts) attempt.catch(stop)
      // All of them, also after a failure: nothing may be mounted any more once this has ended.
      const outcomes = await Promise.allSettled(attempts)
      for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason
    } finally {
      cancel()
      signal.removeEventListener('abort', stop)
    }
    if (progress.missing.size > 0) throw new SyncError('FailedMount', `${listOf(progress)}: context deadline exceeded`)
    return progress.mounted
  }

  const refresh = async (pod: Pod) => {
    know(pod, clock.now())
    const { mounts } = wantedVolumes(pod)
    const ofPod = records.ofPod(pod.metadata.uid)
    for (const volume of pod.spec.volumes ?? []) {
      if (!mounts.has(volume.name)) continue
      const record = ofPod.find(({ spec }) => spec.volume.name === volume.name)
      const plugin = plugins.find(({ name }) => name === record?.plugin)
      if (!plugin?.isRefreshed && !(plugin?.expand && record?.spec.persistentVolume)) continue
      const { signal } = new AbortController()
      await mountVolume({ pod, volume, isRefresh: true, signal }).catch((error: unknown) => {
        events.record(pod, 'Warning', 'FailedMount', messageOf(error))
      })
    }
  }
  const isDue = (pod: Pod) => {
    const last = known.get(pod.metadata.uid)
    return !last || last.facts !== factsOf(pod) || clock.now() - last.refreshedAt >= refreshEveryMs
  }

  return {
    restore: records.restore,
    prepare: (pod, signal) => turns.shared(pod.metadata.uid, () => prepare(pod, signal)),
    async refresh(pod) {
      if (usesDisk && isDue(pod)) await turns.shared(pod.metadata.uid, () => refresh(pod))
    },
    async refreshNow(podUids) {
      for (const uid of podUids) {
        const pod = known.get(uid)?.pod
        if (pod) await turns.shared(uid, () => refresh(pod))
      }
    },
    async tearDown(podUid) {
      if (await options.isRunning?.(podUid)) throw new Error(`volumes of pod ${podUid} are still used by running containers`)
      await turns.alone(podUid, async () => {
        for (const key of failures.keys()) if (key.startsWith(`${podUid}/`)) failures.delete(key)
        known.delete(podUid)
        objects.forget(podUid)
        await unmount.pod(podUid)
      })
    },
    async leftovers() {
      return usesDisk ? await readdir(podsFolder).catch(() => []) : []
    },
    close: () => (usesDisk ? options.memory.close() : Promise.resolve()),
    inUse() {
      const attachable = records.all().filter(record => record.isAttachable)
      const names = attachable.flatMap(record => deviceOf(plugins, record)?.uniqueName ?? [])
      return [...new Set(names)].sort()
    },
    async usage(podUid, isWanted = () => true) {
      if (!usesDisk) return []
      const ofPod = records.ofPod(podUid).filter(({ spec }) => isWanted(spec))
      const inFolders = ofPod.map(record => ({ ...record, folder: folderOf(record) }))
      return measureVolumes(inFolders, { plugins, memory: options.memory })
    },
  }
}

/** What a downward API volume tells that may change while the pod runs. */
function factsOf({ metadata, spec }: Pod): string {
  return spec.volumes?.some(({ downwardAPI, projected }) => downwardAPI || projected?.sources?.some(source => source.downwardAPI))
    ? JSON.stringify([metadata.labels, metadata.annotations, spec.containers.map(({ resources }) => resources)])
    : ''
}

interface Progress {
  readonly mounted: Map<string, MountedVolume>
  readonly missing: Set<string>
  readonly unattached: Set<string>
  readonly unprocessed: Set<string>
}

function listOf({ missing, unattached, unprocessed }: Progress): string {
  const list = (names: ReadonlySet<string>) => `[${[...names].sort().join(' ')}]`
  return `unmounted volumes=${list(missing)}, unattached volumes=${list(unattached)}, failed to process volumes=${list(unprocessed)}`
}

function wording(error: unknown, progress: Progress): string {
  const isEarly = error instanceof UnprocessedVolume
  return isEarly ? `Unable to attach or mount volumes: ${listOf(progress)}: ${error.message}` : messageOf(error)
}
