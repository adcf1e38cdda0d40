import type { Pod } from '../../api/core/pod.ts'
import { ApiError, notFound } from '../../api/errors.ts'
import { type FieldError, fieldError, invalidObject } from '../../api/field-errors.ts'
import type { AnyKind } from '../../api/kind.ts'
import type { ContainerLogOptions, ContainerTarget, ExecOptions, NodeAgent } from '../../api/node-agent.ts'
import type { ApiRequest } from '../request.ts'
import type { SubresourceDependencies, SubresourceHandler } from '../subresources.ts'
import { admitConnect } from './connect.ts'

type LogParameters = Omit<ContainerLogOptions, 'stream'> & { stream?: string }

/** GET pods/x/log. A pod without a node has no log yet: that is answered with no content. */
export function log(dependencies: SubresourceDependencies): SubresourceHandler {
  return async (kind, request) => {
    const options = (request.parameters ?? {}) as LogParameters
    checkLogOptions(request.name ?? '', options)
    const pod = await podOf(dependencies, kind, request)
    const target = targetOf(pod, options.container)
    const contentType = 'text/plain'
    if (!pod.spec.nodeName) return { type: 'bytes', contentType, chunks: nothing(), isEmpty: true }
    const agent = agentOf(dependencies, pod)
    const signal = request.signal ?? new AbortController().signal
    return { type: 'bytes', contentType, chunks: agent.logs(target, options as ContainerLogOptions, signal) }
  }
}

/** pods/x/exec: a command in a container. */
export function exec(dependencies: SubresourceDependencies): SubresourceHandler {
  return async (kind, request) => {
    await admitConnect(dependencies, kind, request, 'PodExecOptions')
    const pod = await podOf(dependencies, kind, request)
    const options = streamOptions(request)
    if (options.command.length === 0) throw new ApiError('BadRequest', 'you must specify at least one command for the container')
    const target = targetOf(pod, options.container)
    return { type: 'session', session: await agentOf(dependencies, pod).exec(target, options) }
  }
}

/** pods/x/attach: the main process of a container. */
export function attach(dependencies: SubresourceDependencies): SubresourceHandler {
  return async (kind, request) => {
    await admitConnect(dependencies, kind, request, 'PodAttachOptions')
    const pod = await podOf(dependencies, kind, request)
    const options = streamOptions(request)
    const target = targetOf(pod, options.container)
    return { type: 'session', session: await agentOf(dependencies, pod).attach(target, options) }
  }
}

/** pods/x/portforward: connections to ports of a pod, as many as the client likes. */
export function portForward(dependencies: SubresourceDependencies): SubresourceHandler {
  return async (kind, request) => {
    await admitConnect(dependencies, kind, request, 'PodPortForwardOptions')
    const pod = await podOf(dependencies, kind, request)
    const { connect } = agentOf(dependencies, pod)
    const { namespace, name, uid } = pod.metadata
    if (!connect) throw new ApiError('ServiceUnavailable', `the node of pod ${name} forwards no ports`)
    return { type: 'connections', pod: { name, connect: port => connect({ namespace, name, uid }, port) } }
  }
}

async function podOf({ access }: SubresourceDependencies, kind: AnyKind, { namespace, name = '' }: ApiRequest): Promise<Pod> {
  const pod = await access.get(kind, namespace, name)
  if (!pod) throw notFound(kind, name)
  return pod as unknown as Pod
}

function agentOf({ nodeAgents }: SubresourceDependencies, { metadata, spec }: Pod): NodeAgent {
  if (!spec.nodeName) throw new ApiError('BadRequest', `pod ${metadata.name} does not have a host assigned`)
  const agent = nodeAgents?.(spec.nodeName)
  if (!agent) throw new ApiError('ServiceUnavailable', `the kubelet of node ${JSON.stringify(spec.nodeName)} cannot be reached`)
  return agent
}

/** The container meant: the one named, or the only one there is (k8s.io/kubernetes/pkg/registry/core/pod/strategy.go). */
function targetOf({ metadata, spec }: Pod, container: string | undefined): ContainerTarget {
  const { name, namespace, uid } = metadata
  const main = spec.containers.map(each => each.name)
  const initial = (spec.initContainers ?? []).map(each => each.name)
  const debugging = (spec.ephemeralContainers ?? []).map(each => each.name)
  const every = [...initial, ...main, ...debugging]
  if (container && !every.includes(container)) {
    throw new ApiError('BadRequest', `container ${container} is not valid for pod ${name}`)
  }
  const chosen = container || (main.length === 1 ? main[0] : undefined)
  if (!chosen) {
    const message = `a container name must be specified for pod ${name}, choose one of: [${every.join(' ')}]`
    throw new ApiError('BadRequest', message)
  }
  return { namespace, name, uid, container: chosen }
}

interface StreamParameters extends ExecOptions {
  readonly container?: string
}

function streamOptions({ parameters = {} }: ApiRequest): StreamParameters {
  const { command = [], stdin = false, stdout = false, stderr = false, tty = false } = parameters as Partial<StreamParameters>
  const { container } = parameters as Partial<StreamParameters>
  if (!stdin && !stdout && !stderr) throw new ApiError('BadRequest', 'you must specify at least 1 of stdin, stdout, stderr')
  return { command, stdin, stdout, stderr: stderr && !tty, tty, ...(container && { container }) }
}

function checkLogOptions(name: string, options: LogParameters): void {
  const { tailLines, limitBytes, sinceSeconds, sinceTime, stream } = options
  if (sinceTime !== undefined && (!rfc3339.test(sinceTime) || Number.isNaN(Date.parse(sinceTime)))) {
    const layout = '2006-01-02T15:04:05Z07:00'
    throw new ApiError('BadRequest', `parsing time ${JSON.stringify(sinceTime)} as ${JSON.stringify(layout)}: cannot parse it`)
  }
  const errors: FieldError[] = []
  if (tailLines !== undefined && tailLines < 0) {
    errors.push(fieldError.invalid('tailLines', tailLines, 'must be greater than or equal to 0'))
  }
  if (limitBytes !== undefined && limitBytes < 1)
    errors.push(fieldError.invalid('limitBytes', limitBytes, 'must be greater than 0'))
  if (sinceSeconds !== undefined && sinceTime !== undefined) {
    errors.push(fieldError.forbidden('', 'at most one of `sinceTime` or `sinceSeconds` may be specified'))
  } else if (sinceSeconds !== undefined && sinceSeconds < 1) {
    errors.push(fieldError.invalid('sinceSeconds', sinceSeconds, 'must be greater than 0'))
  }
  if (stream !== undefined && !['All', 'Stdout', 'Stderr'].includes(stream)) {
    errors.push(fieldError.notSupported('stream', stream, ['All', 'Stdout', 'Stderr']))
  } else if (stream !== undefined && stream !== 'All' && tailLines !== undefined) {
    errors.push(fieldError.forbidden('', '`tailLines` and specific `stream` are mutually exclusive for now'))
  }
  if (errors.length > 0) throw invalidObject({ group: '', kind: 'PodLogOptions' }, name, errors)
}

const rfc3339 = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/i

async function* nothing(): AsyncIterable<Uint8Array> {}
