import { kill } from 'node:process'
import type { Pod } from '../../api/core/pod.ts'
import { type QosClass, qosClassOf } from '../../api/placement/qos.ts'
import type { Clock } from '../../lib/clock.ts'
import type { Log } from '../../lib/log.ts'
import type { CgroupSeat, ContainerRuntime } from '../runtime/runtime.ts'
import { messageOf } from '../sync/sync-error.ts'
import { burstableShares, type CgroupFigures, type FigureRules, podFigures } from './figures.ts'
import { cgroupFolder, cgroupParent, nodeCgroup, podCgroup, podUidOf, qosCgroup } from './names.ts'
import { type CgroupTree, cgroupTree } from './tree.ts'

/**
 * The cgroups of this node's pods: `kubepods` with what the node may spend on pods, one for each QoS class, one for each pod. Where
 * they cannot be made, nothing here does anything, and pods have only their containers' limits.
 */
export interface PodCgroups {
  /** Makes what is above the pods; told once why not, if not. Rejects while the engine cannot be reached. */
  begin(): Promise<{ readonly reason: string } | undefined>
  /** The parent of the pod's containers, as the engine wants it named; made if it is not there. Empty: the engine's own. */
  ensure(pod: Pod): Promise<string>
  /** What is in force for a pod; `undefined`: it has no cgroup. */
  figures(pod: Pod): CgroupFigures | undefined
  /** What its spec says should be in force. */
  wanted(pod: Pod): CgroupFigures
  /** Writes some of the figures, for a resize. Throws with the system's word. */
  change(pod: Pod, figures: CgroupFigures): void
  /** What the pod uses of its memory limit; `undefined`: nobody knows. */
  memoryUsage(pod: Pod): number | undefined
  /** One of its files, for statistics; in version 1 `controller` names the hierarchy. */
  text(pod: Pod, controller: string, file: string): string | undefined
  readonly version: 1 | 2 | undefined
  /** The pod's sandbox runs: looks once whether the engine's cgroups are the ones seen here, as they are not from within a container. */
  verify(pod: Pod, sandboxId: string): void
  /** A container was started: version 2 is told to kill all of its processes together when memory runs out. */
  started(pod: Pod, containerId: string): void
  /**
   * Ends what runs in the pod's cgroup though the engine says that it does not: an engine that was killed in the middle of a start
   * may know nothing of it any more. Rejects when something does not end.
   */
  endStrays(pod: Pod, isRunning: (containerId: string) => boolean): Promise<void>
  /** The pod's containers have ended, and whatever else is in its cgroup is made to. Resolves when it is gone, or cannot go yet. */
  remove(pod: Pod): Promise<void>
  /** The kubelet ends: what is above the pods goes, too, if none is left. */
  end(): Promise<void>
  /** Removes cgroups of pods that nobody knows; brings what classes share up to date. */
  sweep(isKnown: (podUid: string) => boolean): Promise<void>
}

interface Options {
  readonly runtime: Pick<ContainerRuntime, 'cgroups'>
  readonly rules: FigureRules & { readonly cgroupsPerQOS: boolean; readonly singleProcessOOMKill: boolean | undefined }
  /** What `kubepods` may have in all. */
  readonly nodeFigures: () => CgroupFigures
  /** Tells whether that could be enforced. */
  readonly onEnforced: (failure?: string) => void
  /** As much of them as they have been given. */
  readonly activePods: () => readonly Pod[]
  readonly clock: Clock
  readonly log: Log
  /** Ends the tries to enforce what cannot be enforced yet. */
  readonly signal: AbortSignal
  /** SIGKILL; a seam for tests. */
  readonly killProcess?: (pid: number) => void
  /** Where the hierarchies are; a seam for tests. */
  readonly mount?: string
}

interface Place {
  readonly seat: CgroupSeat
  readonly tree: CgroupTree
}

const strayLooks = 100
const strayLookEveryMs = 20

function sigkill(pid: number): void {
  try {
    kill(pid, 'SIGKILL')
  } catch {} // it has just ended
}

/** A cgroup cannot go before the kernel has buried its last process. */
const removalTriesAfterMs = [0, 20, 100, 500]
const enforceAgainAfterMs = 60_000
const qosClasses: readonly QosClass[] = ['Guaranteed', 'Burstable', 'BestEffort']

export function podCgroups({
  runtime,
  rules,
  nodeFigures,
  onEnforced,
  activePods,
  clock,
  log,
  signal,
  killProcess = sigkill,
  mount,
}: Options): PodCgroups {
  let place: Place | undefined
  let refusal: { readonly reason: string } | undefined
  let beginning: Promise<void> | undefined
  let isVerified = false

  const refuse = (reason: string) => {
    refusal = { reason }
    log.warn({ reason }, 'pods have no cgroups of their own here; only containers are limited')
  }
  const establish = async () => {
    if (!rules.cgroupsPerQOS) return refuse('cgroupsPerQOS is false')
    const seat = (await runtime.cgroups?.()) ?? { reason: '' }
    if ('reason' in seat) {
      if (seat.reason === '') refusal = seat
      else refuse(seat.reason)
      return
    }
    const tree = cgroupTree({ version: seat.version, ...(mount !== undefined && { mount }) })
    try {
      for (const qos of qosClasses) tree.create(cgroupFolder(seat, qosCgroup(seat, qos)))
      tree.write(cgroupFolder(seat, qosCgroup(seat, 'BestEffort')), { cpuShares: 2 })
    } catch (error) {
      return refuse(`cgroups cannot be written: ${messageOf(error)}`)
    }
    place = { seat, tree }
    enforce(place)
    shareOut()
  }
  const ready = async (): Promise<Place | undefined> => {
    if (place || refusal) return place
    beginning ??= establish().finally(() => {
      beginning = undefined
    })
    await beginning
    return place
  }

  /** Too much may be in use just now; evictions will bring that down. */
  const enforce = ({ seat, tree }: Place) => {
    const folder = cgroupFolder(seat, nodeCgroup(seat))
    try {
      tree.write(folder, nodeFigures())
      onEnforced()
    } catch (error) {
      onEnforced(`Failed to update Node Allocatable Limits ${JSON.stringify(folder)}: ${messageOf(error)}`)
      void clock.sleep(enforceAgainAfterMs, signal).then(() => signal.aborted || enforce({ seat, tree }))
    }
  }

  let sharesWritten: number | undefined
  const shareOut = () => {
    if (!place) return
    const cpuShares = burstableShares(activePods())
    if (cpuShares === sharesWritten) return
    sharesWritten = cpuShares
    const { seat, tree } = place
    try {
      tree.write(cgroupFolder(seat, qosCgroup(seat, 'Burstable')), { cpuShares })
    } catch (err) {
      sharesWritten = undefined
      log.warn({ err: messageOf(err) }, 'shares of burstable pods not written')
    }
  }

  const qosOf = ({ spec, status }: Pod): QosClass => (status.qosClass as QosClass | undefined) ?? qosClassOf(spec)
  const folderOf = ({ seat }: Place, pod: Pod) => cgroupFolder(seat, podCgroup(seat, qosOf(pod), pod.metadata.uid))

  const ownName = ({ driver }: CgroupSeat, id: string) => (driver === 'systemd' ? `docker-${id}.scope` : id)

  const removeFolder = async ({ tree }: Place, folder: string) => {
    for (const [i, afterMs] of removalTriesAfterMs.entries()) {
      if (afterMs > 0) {
        // Its containers have ended: whoever lives there still is nobody's (pkg/kubelet/cm/pod_container_manager_linux.go).
        for (const pid of tree.processes(folder)) killProcess(pid)
        await clock.sleep(afterMs)
      }
      try {
        return await tree.remove(folder)
      } catch (err) {
        if (i === removalTriesAfterMs.length - 1) log.info({ err: messageOf(err), folder }, 'cgroup not removed yet')
      }
    }
  }

  const endProcesses = async ({ tree }: Place, folder: string) => {
    for (let look = 0; look < strayLooks; look++) {
      const left = tree.processes(folder)
      if (left.length === 0) return
      if (look === 0) log.warn({ folder, processes: left.length }, 'ending what the engine has lost')
      for (const pid of left) killProcess(pid)
      await clock.sleep(strayLookEveryMs)
    }
    throw new Error(`processes in ${folder} do not end, of which the engine knows nothing`)
  }

  return {
    async begin() {
      await ready()
      return refusal
    },
    async ensure(pod) {
      const found = place ?? (await ready())
      if (!found) return ''
      const { seat, tree } = found
      const folder = folderOf(found, pod)
      if (!tree.exists(folder)) {
        try {
          tree.create(folder)
          tree.write(folder, podFigures(pod, rules))
        } catch (cause) {
          throw new Error(`failed to create container for ${folder} : ${messageOf(cause)}`, { cause })
        }
        if (qosOf(pod) === 'Burstable') shareOut()
      }
      return cgroupParent(seat, podCgroup(seat, qosOf(pod), pod.metadata.uid))
    },
    figures: pod => place?.tree.read(folderOf(place, pod)),
    wanted: pod => podFigures(pod, rules),
    change(pod, figures) {
      if (!place) return
      place.tree.write(folderOf(place, pod), figures)
      shareOut()
    },
    memoryUsage(pod) {
      if (!place) return undefined
      const file = place.seat.version === 2 ? 'memory.current' : 'memory.usage_in_bytes'
      const usage = Number(place.tree.text(folderOf(place, pod), 'memory', file) ?? Number.NaN)
      return Number.isFinite(usage) ? usage : undefined
    },
    text: (pod, controller, file) => place?.tree.text(folderOf(place, pod), controller, file),
    get version() {
      return place?.seat.version
    },
    verify(pod, sandboxId) {
      if (!place || isVerified) return
      isVerified = true
      const { tree, seat } = place
      if (tree.children(folderOf(place, pod)).includes(ownName(seat, sandboxId))) return
      place = undefined
      refuse("the engine's cgroups are not those seen here")
    },
    started(pod, containerId) {
      if (!place || place.seat.version !== 2 || (rules.singleProcessOOMKill ?? false)) return
      const { seat, tree } = place
      try {
        tree.set(`${folderOf(place, pod)}/${ownName(seat, containerId)}`, 'memory', 'memory.oom.group', '1')
      } catch (err) {
        log.debug({ err: messageOf(err) }, 'memory.oom.group not set')
      }
    },
    async endStrays(pod, isRunning) {
      const found = place ?? (await ready())
      if (!found) return
      const folder = folderOf(found, pod)
      for (const name of found.tree.children(folder)) {
        const [, id] = /^(?:docker-)?([0-9a-f]{64})(?:\.scope)?$/.exec(name) ?? []
        if (id !== undefined && !isRunning(id)) await endProcesses(found, `${folder}/${name}`)
      }
    },
    async remove(pod) {
      if (!place) return
      await removeFolder(place, folderOf(place, pod))
      if (qosOf(pod) === 'Burstable') shareOut()
    },
    async end() {
      if (!place) return
      const { seat, tree } = place
      const isPod = (name: string) => podUidOf(seat, name) !== undefined
      if (qosClasses.some(qos => tree.children(cgroupFolder(seat, qosCgroup(seat, qos))).some(isPod))) return
      await tree.remove(cgroupFolder(seat, nodeCgroup(seat))).catch(() => {})
      for (let depth = seat.root.length; depth > 0; depth--) await tree.removeEmpty(cgroupFolder(seat, seat.root.slice(0, depth)))
      place = undefined
    },
    async sweep(isKnown) {
      if (!place) return
      const { seat, tree } = place
      shareOut()
      for (const qos of qosClasses) {
        const above = cgroupFolder(seat, qosCgroup(seat, qos))
        for (const name of tree.children(above)) {
          const uid = podUidOf(seat, name)
          if (uid !== undefined && !isKnown(uid)) await removeFolder({ seat, tree }, `${above}/${name}`)
        }
      }
    },
  }
}
