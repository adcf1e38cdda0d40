import type { CurvePoint, Stage } from '../../../api/simulation/stages.ts'
import type { FilesystemUsage } from '../runtime.ts'
import { curveOf } from './curve.ts'
import type { ContainerRecord, NodeRecords, SimulatedEngine } from './engine.ts'
import { usageOf } from './records.ts'
import type { Subject } from './stage-book.ts'

/** One disk for everything: images, writable layers, logs and volumes. */
export const diskCapacity = { bytes: 100 * 2 ** 30, inodes: 6_553_600 }
export const mostPids = 32_768

/** What the system and whatever else is no pod uses, unless a stage says otherwise. */
const usualSystem = { memory: 256 * 2 ** 20, pids: 100, disk: 20 * 2 ** 30, inodes: 553_600 }

export type SystemUse = typeof usualSystem

/** What is no pod's, now. */
export function systemUse(engine: SimulatedEngine, subject: Subject): SystemUse {
  const stages = engine.book.ofNode(subject)
  if (stages.length === 0) return usualSystem
  const of = (name: keyof SystemUse) => {
    const stage = stages.find(one => one.use?.[name])
    return stage ? Math.round(now(stage, stage.use?.[name] ?? [], engine.time())) : usualSystem[name]
  }
  return { memory: of('memory'), pids: of('pids'), disk: of('disk'), inodes: of('inodes') }
}

/** A curve of a node counts from when its stage began. */
function now(stage: Stage, points: readonly CurvePoint[], time: number): number {
  const at = stage.every === undefined ? time : time % stage.every
  return curveOf(points, stage).at(at - (stage.from ?? 0))
}

/** When it ended, if it has: what it has written stays as it was. */
export function momentOf({ state, finishedAt }: ContainerRecord, nowInMs: number): number {
  return state === 'exited' ? finishedAt : nowInMs
}

/** The disk of a node and what is left of it. */
export function nodeDisk(engine: SimulatedEngine, records: NodeRecords, subject: Subject): FilesystemUsage {
  const system = systemUse(engine, subject)
  let bytes = system.disk
  let inodes = system.inodes
  for (const { sizeInBytes } of records.images.values()) bytes += sizeInBytes
  for (const container of records.containers.values()) {
    if (container.startedAt === 0) continue
    const at = momentOf(container, engine.clock.now())
    const { filesystemInBytes = 0, inodes: own = 0 } = usageOf(container, at)
    bytes += filesystemInBytes
    inodes += own
    for (const curve of Object.values(container.use.volumes ?? {})) bytes += Math.round(curve.at(at - container.startedAt))
  }
  return {
    capacityInBytes: diskCapacity.bytes,
    availableInBytes: Math.max(0, diskCapacity.bytes - bytes),
    inodes: diskCapacity.inodes,
    inodesFree: Math.max(0, diskCapacity.inodes - inodes),
  }
}
