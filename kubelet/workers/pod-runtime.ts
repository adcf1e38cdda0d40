import type { ContainerState, Sandbox } from '../runtime/runtime.ts'

/** What the runtime holds of one pod, newest first. */
export interface PodRuntime {
  readonly sandboxes: readonly Sandbox[]
  readonly containers: readonly ContainerState[]
}

export const emptyPodRuntime: PodRuntime = { sandboxes: [], containers: [] }

/** Sorts a relist by pod. */
export function groupByPod(sandboxes: readonly Sandbox[], containers: readonly ContainerState[]): Map<string, PodRuntime> {
  const pods = new Map<string, { sandboxes: Sandbox[]; containers: ContainerState[] }>()
  const of = (uid: string) => {
    let pod = pods.get(uid)
    if (!pod) pods.set(uid, (pod = { sandboxes: [], containers: [] }))
    return pod
  }
  for (const sandbox of sandboxes) of(sandbox.pod.uid).sandboxes.push(sandbox)
  for (const container of containers) of(container.pod.uid).containers.push(container)
  for (const pod of pods.values()) {
    if (pod.sandboxes.length > 1) pod.sandboxes.sort((a, b) => b.createdAt - a.createdAt || b.attempt - a.attempt)
    if (pod.containers.length > 1) pod.containers.sort((a, b) => b.createdAt - a.createdAt || b.attempt - a.attempt)
  }
  return pods
}

/** The newest instance of a container. */
export function newestOf(pod: PodRuntime, name: string): ContainerState | undefined {
  return pod.containers.find(container => container.name === name)
}

/** Whether anything that a worker cares for is the same. */
export function isSame(a: PodRuntime | undefined, b: PodRuntime | undefined): boolean {
  if (!a || !b) return a === b
  return (
    a.sandboxes.length === b.sandboxes.length &&
    a.containers.length === b.containers.length &&
    a.sandboxes.every((one, i) => one.id === b.sandboxes[i]?.id && one.state === b.sandboxes[i]?.state) &&
    a.containers.every((one, i) => one.id === b.containers[i]?.id && one.state === b.containers[i]?.state)
  )
}

/** Whether a container of the pod runs, or may. */
export function isAnythingRunning(pod: PodRuntime): boolean {
  return pod.containers.some(container => container.state === 'running' || container.state === 'unknown')
}

/** Whether anything of the pod is there to be stopped. */
export function isAnythingAlive(pod: PodRuntime): boolean {
  return isAnythingRunning(pod) || pod.sandboxes.some(sandbox => sandbox.state === 'ready')
}
