import { timestamp } from '../../lib/clock.ts'
import type { ResourceHealth } from '../devices/devices.ts'
import type { AnyContainer, ContainerRole, ContainerStateField, ContainerStatus } from '../pod-types.ts'
import type { ContainerState } from '../runtime/runtime.ts'
import { mayStart } from '../sync/restart-policy.ts'
import { newestOf, type PodRuntime } from '../workers/pod-runtime.ts'

export interface ContainerStatusInput {
  readonly containers: readonly { container: AnyContainer; role: ContainerRole }[]
  readonly restartPolicy: string
  readonly isDeleting: boolean
  readonly hasInitContainers: boolean
  readonly runtime: PodRuntime
  /** The scheme of container ids: `docker`. */
  readonly runtimeName: string
  /** What the status said before. */
  readonly previous: readonly ContainerStatus[]
  /** Why containers could not be started at the last try, by name. */
  readonly startErrors: ReadonlyMap<string, { reason: string; message: string }>
  readonly probes: ProbeView
  /** What a running container was brought to; absent or `undefined`: what its spec says. */
  readonly actualResources?: ((instance: ContainerState) => AnyContainer['resources'] | undefined) | undefined
  /** How the devices of a container are; absent: it has none. */
  readonly resourceHealth?: ((containerName: string) => readonly ResourceHealth[]) | undefined
  /** Termination messages by container id. */
  readonly terminationMessages: ReadonlyMap<string, string>
}

/** What the probes say of one running container. */
export interface ProbeView {
  isStarted(container: AnyContainer, containerId: string): boolean
  isReady(container: AnyContainer, containerId: string): boolean
}

const vanished = 'The container could not be located when the pod was deleted.  The container used to be Running'
const lost = 'The container could not be located when the pod was terminated'

/**
 * The statuses of one list of containers, in the order given: the newest instance is the state, the second newest the last
 * state; what will be started again after a failed try is waiting, with the reason (semantics C5).
 */
export function computeContainerStatuses(input: ContainerStatusInput): ContainerStatus[] {
  const previous = new Map(input.previous.map(status => [status.name, status]))
  return input.containers.map(({ container, role }) => {
    const old = previous.get(container.name)
    const status = observed(container, old, input) ?? missing(container, old, input)
    const volumeMounts = mountsOf(container)
    if (volumeMounts) status.volumeMounts = volumeMounts
    showStartError(status, container, role, input)
    showProbes(status, container, role, input)
    return status
  })
}

/** What a container is as long as the runtime knows nothing of it. */
function missing(container: AnyContainer, old: ContainerStatus | undefined, input: ContainerStatusInput): ContainerStatus {
  if (old?.state?.terminated) return { ...old }
  const status: ContainerStatus = {
    name: container.name,
    image: container.image ?? '',
    imageID: '',
    restartCount: old?.restartCount ?? 0,
    ready: false,
    started: false,
    state: { waiting: { reason: input.hasInitContainers ? 'PodInitializing' : 'ContainerCreating' } },
    lastState: old?.lastState ?? {},
  }
  if (old?.state?.running && !status.lastState?.terminated) {
    status.lastState = { terminated: { exitCode: 137, reason: 'ContainerStatusUnknown', message: vanished } }
    if (!input.isDeleting) status.restartCount += 1
  }
  return status
}

function observed(
  container: AnyContainer,
  old: ContainerStatus | undefined,
  input: ContainerStatusInput,
): ContainerStatus | undefined {
  const { runtime, runtimeName } = input
  const [newest, second] = runtime.containers.filter(instance => instance.name === container.name)
  if (!newest) return undefined
  const isLost = newest.state === 'unknown' && old?.state?.running !== undefined
  return {
    name: container.name,
    image: newest.image || (container.image ?? ''),
    imageID: newest.imageId,
    containerID: `${runtimeName}://${newest.id}`,
    restartCount: isLost ? old.restartCount + 1 : newest.attempt,
    ready: false,
    started: false,
    state: isLost
      ? {
          terminated: {
            exitCode: 137,
            reason: 'ContainerStatusUnknown',
            message: lost,
            containerID: `${runtimeName}://${newest.id}`,
          },
        }
      : stateOf(newest, input),
    lastState: second ? stateOf(second, input) : (old?.lastState ?? {}),
    ...resourcesOf(container, newest, input),
    ...userOf(newest, old, runtimeName),
    ...(newest.stopSignal !== undefined && { stopSignal: newest.stopSignal }),
  }
}

function stateOf(container: ContainerState, { terminationMessages, runtimeName }: ContainerStatusInput): ContainerStateField {
  const { state, startedAt, finishedAt, exitCode, reason, id } = container
  if (state === 'running') return { running: { startedAt: timestamp(startedAt) } }
  if (state !== 'exited') return { waiting: {} }
  const message = terminationMessages.get(id) ?? container.message
  return {
    terminated: {
      exitCode,
      reason: reason || (exitCode === 0 ? 'Completed' : 'Error'),
      ...(message && { message }),
      startedAt: timestamp(startedAt),
      finishedAt: timestamp(finishedAt),
      containerID: `${runtimeName}://${id}`,
    },
  }
}

/** Where the volumes are. A read-only mount here is so only at the top: the engine cannot do it for mounts below. */
function mountsOf({ volumeMounts = [] }: AnyContainer): ContainerStatus['volumeMounts'] {
  if (volumeMounts.length === 0) return undefined
  return volumeMounts.map(({ name, mountPath, readOnly }) => ({
    name,
    mountPath,
    ...(readOnly && { readOnly, recursiveReadOnly: 'Disabled' }),
  }))
}

/** Who it runs as, or ran as. */
function userOf({ id, user }: ContainerState, old: ContainerStatus | undefined, runtimeName: string): Partial<ContainerStatus> {
  if (user) return { user: { linux: user } }
  return old?.user && old.containerID === `${runtimeName}://${id}` ? { user: old.user } : {}
}

/** What it was given; of a running one, what it has of cpu and memory by now (pkg/kubelet/kubelet_pods.go). */
function resourcesOf(container: AnyContainer, newest: ContainerState, input: ContainerStatusInput): Partial<ContainerStatus> {
  const given = container.resources ?? {}
  const actual = newest.state === 'running' ? input.actualResources?.(newest) : undefined
  const health = input.resourceHealth?.(container.name) ?? []
  const merged = (what: 'requests' | 'limits') => {
    const amounts = given[what]
    if (!amounts || !actual) return amounts
    const sized = Object.entries(amounts).map(([name, amount]) => [
      name,
      name === 'cpu' || name === 'memory' ? (actual[what]?.[name] ?? amount) : amount,
    ])
    return Object.fromEntries(sized) as Record<string, string>
  }
  const [limits, requests] = [merged('limits'), merged('requests')]
  return {
    resources: { ...(limits && { limits }), ...(requests && { requests }) },
    ...(given.requests && { allocatedResources: given.requests }),
    ...(health.length > 0 && { allocatedResourcesStatus: health }),
  } as Partial<ContainerStatus>
}

function showStartError(
  status: ContainerStatus,
  container: AnyContainer,
  role: ContainerRole,
  input: ContainerStatusInput,
): void {
  const { runtime, startErrors, restartPolicy, isDeleting } = input
  const error = startErrors.get(container.name)
  if (!error || isDeleting) return
  if (!mayStart(newestOf(runtime, container.name), container, role, restartPolicy)) return
  if (status.state?.terminated) status.lastState = status.state
  status.state = { waiting: { reason: error.reason, ...(error.message && { message: error.message }) } }
}

function showProbes(status: ContainerStatus, container: AnyContainer, role: ContainerRole, input: ContainerStatusInput): void {
  const newest = newestOf(input.runtime, container.name)
  if (role === 'init') {
    status.ready = status.state?.terminated?.exitCode === 0
    status.started = Boolean(status.state?.running)
    return
  }
  if (!status.state?.running || !newest) return
  if (role === 'ephemeral') return
  status.started = input.probes.isStarted(container, newest.id)
  status.ready = status.started && input.probes.isReady(container, newest.id)
}
