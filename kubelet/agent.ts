import type { Pod } from '../api/core/pod.ts'
import { ApiError, notFound } from '../api/errors.ts'
import type { ContainerTarget, NodeAgent } from '../api/node-agent.ts'
import { containersOf, type PodStatus } from './pod-types.ts'
import type { ContainerRuntime, ContainerState } from './runtime/runtime.ts'
import type { PodRuntime } from './workers/pod-runtime.ts'
import type { RuntimeView } from './workers/relist.ts'

interface Options {
  runtime: ContainerRuntime
  view: RuntimeView
  /** Any uid will do if none is given. */
  find: (namespace: string, name: string, uid?: string) => Pod | undefined
  /** The newest status, which may not have been written yet. */
  statusOf: (podUid: string) => PodStatus | undefined
}

const badRequest = (message: string) => new ApiError('BadRequest', message)

/** What the API server asks of this node's containers: logs, exec, attach, a connection (semantics C17). */
export function nodeAgent({ runtime, view, find, statusOf }: Options): NodeAgent {
  const podOf = ({ namespace, name, uid }: Omit<ContainerTarget, 'container'>): Pod => {
    const pod = find(namespace, name, uid)
    if (!pod) throw notFound({ group: '', plural: 'pods' }, name)
    return pod
  }

  const runningContainer = (target: ContainerTarget): ContainerState => {
    const pod = podOf(target)
    const name = containerName(pod, target.container)
    const found = view.get(pod.metadata.uid).containers.find(one => one.name === name && one.state === 'running')
    if (!found) throw new ApiError('InternalError', `container not found ("${name}")`)
    return found
  }

  return {
    async *logs(target, options, signal) {
      const pod = podOf(target)
      const { uid } = pod.metadata
      const name = containerName(pod, options.container ?? target.container)
      await view.refresh()
      const container = loggedContainer(pod, name, view.get(uid), statusOf(uid), options.previous ?? false)
      if (options.follow) yield new Uint8Array()
      yield* runtime.logs(container.id, options, signal)
    },
    exec: async (target, options) => runtime.exec(runningContainer(target).id, options),
    async attach(target, options) {
      const session = await runtime.attach(runningContainer(target).id, options)
      // What is read more than once goes on when one who attached has said all, and so does what it tells him.
      return takesInputOnce(podOf(target), target.container) ? session : { ...session, closeStdin: () => {} }
    },
    async connect(target, port) {
      const pod = podOf(target)
      const sandbox = view.get(pod.metadata.uid).sandboxes.find(({ state }) => state === 'ready')
      if (!sandbox) throw new ApiError('InternalError', `pod not found (${JSON.stringify(pod.metadata.name)})`)
      return runtime.connect(sandbox.id, port)
    },
  }
}

function takesInputOnce(pod: Pod, wanted: string): boolean {
  const name = containerName(pod, wanted)
  return containersOf(pod.spec).some(({ container }) => container.name === name && container.stdinOnce === true)
}

/** The container meant; without a name the only one there is. */
export function containerName(pod: Pod, wanted: string): string {
  const all = containersOf(pod.spec).map(({ container }) => container.name)
  if (wanted) {
    if (all.includes(wanted)) return wanted
    throw badRequest(`container ${wanted} is not valid for pod ${pod.metadata.name}`)
  }
  const [only, ...others] = pod.spec.containers
  if (only && others.length === 0) return only.name
  const names = pod.spec.containers.map(container => container.name).join(' ')
  throw badRequest(`a container name must be specified for pod ${pod.metadata.name}, choose one of: [${names}]`)
}

/** Whose log is shown: the present instance, or the last one that ended. Throws BadRequest with what there is instead of a log. */
export function loggedContainer(
  pod: Pod,
  name: string,
  runtime: PodRuntime,
  status: Pick<PodStatus, 'containerStatuses' | 'initContainerStatuses' | 'ephemeralContainerStatuses'> | undefined,
  previous: boolean,
): ContainerState {
  const who = `container "${name}" in pod "${pod.metadata.name}"`
  const started = runtime.containers.filter(one => one.name === name && (one.state === 'running' || one.state === 'exited'))
  const of = status ?? pod.status
  const all = [...(of.containerStatuses ?? []), ...(of.initContainerStatuses ?? []), ...(of.ephemeralContainerStatuses ?? [])]
  const waiting = all.find(one => one.name === name)?.state?.waiting
  if (previous) {
    // What is waiting to be started again has its latest end in lastState already.
    const ended = started.filter(one => one.state === 'exited')
    const found = started[0]?.state === 'running' || waiting ? ended[0] : ended[1]
    if (!found) throw badRequest(`previous terminated ${who} not found`)
    return found
  }
  const [newest] = started
  if (newest) return newest
  if (!all.some(one => one.name === name) && !waiting) throw badRequest(`${who} is not available`)
  const reason = waiting?.reason ?? ''
  if (reason === 'ErrImagePull') throw badRequest(`${who} is waiting to start: image can't be pulled`)
  if (reason === 'ImagePullBackOff') throw badRequest(`${who} is waiting to start: trying and failing to pull image`)
  if (reason) throw badRequest(`${who} is waiting to start: ${reason}`)
  throw badRequest(`${who} is not available`)
}
