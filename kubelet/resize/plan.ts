import type { Pod } from '../../api/core/pod.ts'
import { milliValue, value } from '../../api/quantity.ts'
import { type AnyContainer, isSidecar } from '../pod-types.ts'
import type { ContainerState } from '../runtime/runtime.ts'
import type { PodActions } from '../sync/actions.ts'
import { newestOf, type PodRuntime } from '../workers/pod-runtime.ts'
import { type Resources, resizable } from './allocations.ts'

/** cpu in thousandths of a core, memory in bytes; 0: none. */
export interface Sizes {
  readonly cpuRequest: number
  readonly cpuLimit: number
  readonly memoryRequest: number
  readonly memoryLimit: number
}

/** One running container that has another size than it was given. */
export interface ContainerChange {
  readonly name: string
  readonly containerId: string
  readonly resources: Resources
  /** What it has; brought up to date as the change is made. */
  readonly before: Resources
  readonly from: Sizes
  readonly to: Sizes
}

export interface ResizePlan {
  /** In the order they are to be made: what shrinks first. */
  readonly memory: readonly ContainerChange[]
  readonly cpu: readonly ContainerChange[]
  /** Containers whose resizePolicy wants a restart. */
  readonly restarts: readonly ContainerState[]
}

export function sizesOf({ requests, limits }: Resources): Sizes {
  return {
    cpuRequest: milliValue(requests?.cpu ?? '0'),
    cpuLimit: milliValue(limits?.cpu ?? '0'),
    memoryRequest: value(requests?.memory ?? '0'),
    memoryLimit: value(limits?.memory ?? '0'),
  }
}

export const isSameSize = (a: Resources, b: Resources): boolean => {
  const [one, other] = [sizesOf(a), sizesOf(b)]
  return Object.entries(one).every(([key, size]) => size === other[key as keyof Sizes])
}

/** What an instance of a container has; `undefined`: it was made by somebody who did not say. */
export type Actual = (container: AnyContainer, instance: ContainerState) => Resources | undefined

/**
 * What to do so that running containers have what their pod was given (pkg/kubelet/kuberuntime computePodResizeAction). `allocated`
 * is the pod with what it was given. Containers that are being killed anyway are left out: they will be made right.
 */
export function planResize(
  allocated: Pod,
  runtime: PodRuntime,
  actual: Actual,
  isLeftOut: (name: string) => boolean = () => false,
): ResizePlan | undefined {
  const restarts: ContainerState[] = []
  const memory: ContainerChange[] = []
  const cpu: ContainerChange[] = []
  for (const container of resizable(allocated)) {
    const instance = newestOf(runtime, container.name)
    if (instance?.state !== 'running' || isLeftOut(container.name)) continue
    const resources = container.resources ?? {}
    const before = actual(container, instance) ?? resources
    const [from, to] = [sizesOf(before), sizesOf(resources)]
    const changesCpu = from.cpuLimit !== to.cpuLimit || from.cpuRequest !== to.cpuRequest
    const changesMemory = from.memoryLimit !== to.memoryLimit || from.memoryRequest !== to.memoryRequest
    if (!changesCpu && !changesMemory) continue
    if ((changesCpu && needsRestart(container, 'cpu')) || (changesMemory && needsRestart(container, 'memory'))) {
      restarts.push(instance)
      continue
    }
    const change = { name: container.name, containerId: instance.id, resources, before, from, to }
    if (changesMemory) insert(memory, change, to.memoryLimit - from.memoryLimit || to.memoryRequest - from.memoryRequest)
    if (changesCpu) insert(cpu, change, to.cpuLimit - from.cpuLimit || to.cpuRequest - from.cpuRequest)
  }
  return restarts.length + memory.length + cpu.length === 0 ? undefined : { memory, cpu, restarts }
}

function insert(list: ContainerChange[], change: ContainerChange, growth: number): void {
  if (growth < 0) list.unshift(change)
  else list.push(change)
}

function needsRestart({ resizePolicy }: AnyContainer, resource: string): boolean {
  return resizePolicy?.find(({ resourceName }) => resourceName === resource)?.restartPolicy === 'RestartContainer'
}

/** The pod's actions with the restarts that a resize needs, whatever the restart policy says. */
export function withRestarts(pod: Pod, actions: PodActions, { restarts }: ResizePlan): PodActions {
  if (restarts.length === 0 || actions.killPod) return actions
  const names = new Set(restarts.map(({ name }) => name))
  const sidecars = (pod.spec.initContainers ?? []).filter(isSidecar)
  const inOrder = (all: readonly AnyContainer[], already: readonly string[]) =>
    all.map(({ name }) => name).filter(name => names.has(name) || already.includes(name))
  const kills = restarts.map(container => ({ container, message: `Container ${container.name} resize requires restart` }))
  return {
    ...actions,
    toKill: [...actions.toKill, ...kills],
    initToStart: sidecars.some(({ name }) => names.has(name))
      ? inOrder(pod.spec.initContainers ?? [], actions.initToStart)
      : actions.initToStart,
    appsToStart: inOrder(pod.spec.containers, actions.appsToStart),
  }
}
