import type { ContainerState, Sandbox } from '../runtime/runtime.ts'
import type { ContainerGarbageConfig } from './config.ts'

/** What becomes of the containers of a pod that have ended. */
export type PodStage =
  /** The pod is there, or nobody knows: the newest dead instances are kept. */
  | 'kept'
  /** It has ended for good: kept as well, unless the node is short of space. */
  | 'ended'
  /** Its object is gone: nothing is kept. */
  | 'gone'

export interface ContainerGarbage {
  /** Ids, oldest last. */
  readonly containers: readonly string[]
  readonly sandboxes: readonly string[]
}

interface Options {
  readonly now: number
  readonly config: ContainerGarbageConfig
  readonly stageOf: (podUid: string) => PodStage
  /** The node is short of space: containers of pods that have ended go, too. */
  readonly isShort?: boolean
}

const byAge = (a: { createdAt: number; attempt: number }, b: { createdAt: number; attempt: number }) =>
  b.createdAt - a.createdAt || b.attempt - a.attempt

/**
 * Which containers and sandboxes go (semantics C6, pkg/kubelet/kuberuntime/kuberuntime_gc.go): all of pods that are gone; of the others all
 * dead instances but the newest of each container; then, if there are more than the node may keep, an equal share for each container, and
 * the oldest of all. Sandboxes that are not ready and hold no container that stays: all but a pod's newest one.
 */
export function planContainerGarbage(
  { containers, sandboxes }: { containers: readonly ContainerState[]; sandboxes: readonly Sandbox[] },
  { now, config, stageOf, isShort = false }: Options,
): ContainerGarbage {
  const removesAll = (uid: string) => {
    const stage = stageOf(uid)
    return stage === 'gone' || (isShort && stage === 'ended')
  }
  const removed = new Set<string>()
  const remove = (some: readonly ContainerState[]) => {
    for (const { id } of some) removed.add(id)
  }
  let units: ContainerState[][] = []
  for (const unit of deadByContainer(containers, now - config.minimumAgeInMs)) {
    if (removesAll(unit[0]?.pod.uid ?? '')) remove(unit)
    else units.push(unit)
  }
  const keepEach = (count: number) => {
    for (const unit of units) remove(unit.slice(count))
    units = units.map(unit => unit.slice(0, count))
  }
  if (config.maxPerPodContainer >= 0) keepEach(config.maxPerPodContainer)
  const kept = () => units.reduce((sum, unit) => sum + unit.length, 0)
  if (config.maxContainers >= 0 && kept() > config.maxContainers) {
    keepEach(Math.max(1, Math.trunc(config.maxContainers / units.length)))
    remove(units.flat().sort(byAge).slice(config.maxContainers))
  }
  const inUse = new Set(containers.filter(({ id }) => !removed.has(id)).map(({ sandboxId }) => sandboxId))
  const goneSandboxes = [...groupBy(sandboxes, ({ pod }) => pod.uid)].flatMap(([uid, own]) => {
    const candidates = removesAll(uid) ? own : [...own].sort(byAge).slice(1)
    return candidates.filter(({ id, state }) => state === 'notReady' && !inUse.has(id))
  })
  return { containers: [...removed], sandboxes: goneSandboxes.map(({ id }) => id) }
}

/** Instances that have ended, by pod and container, each newest first. */
function deadByContainer(containers: readonly ContainerState[], before: number): ContainerState[][] {
  const dead = containers.filter(({ state, createdAt }) => state !== 'running' && createdAt <= before)
  return [...groupBy(dead, ({ pod, name }) => `${pod.uid}/${name}`).values()].map(unit => unit.sort(byAge))
}

function groupBy<T>(items: readonly T[], keyOf: (item: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>()
  for (const item of items) {
    const group = groups.get(keyOf(item))
    if (group) group.push(item)
    else groups.set(keyOf(item), [item])
  }
  return groups
}
