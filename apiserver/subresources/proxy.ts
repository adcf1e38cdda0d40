import { connect as connectTcp } from 'node:net'
import type { Duplex } from 'node:stream'
import { Node } from '../../api/core/node.ts'
import { Pod } from '../../api/core/pod.ts'
import { Service } from '../../api/core/service.ts'
import { ApiError, notFound } from '../../api/errors.ts'
import type { AnyKind } from '../../api/kind.ts'
import { fromLabelMap, matchesLabels } from '../../api/selectors.ts'
import type { ApiRequest, ProxyBackend } from '../request.ts'
import type { SubresourceDependencies, SubresourceHandler } from '../subresources.ts'
import { admitConnect, type ConnectOptions } from './connect.ts'

/** Finds who is meant by the name in a proxy request, and how to get there. */
type Locate = (dependencies: SubresourceDependencies, namespace: string | undefined, id: string) => Promise<ProxyBackend>

/** pods, services and nodes `x/proxy/...`: says who is to answer; the HTTP adapter carries requests there. */
export function proxy(dependencies: SubresourceDependencies): SubresourceHandler {
  const pickService = servicePicker()
  const locators = new Map<AnyKind, [ConnectOptions, Locate]>([
    [Pod, ['PodProxyOptions', podBackend]],
    [Service, ['ServiceProxyOptions', pickService]],
    [Node, ['NodeProxyOptions', nodeBackend]],
  ])
  return async (kind: AnyKind, request: ApiRequest) => {
    const [optionsKind, locate] = locators.get(kind) ?? []
    if (!optionsKind || !locate) throw notFound(kind, request.name ?? '')
    await admitConnect(dependencies, kind, request, optionsKind)
    return { type: 'proxy', backend: await locate(dependencies, request.namespace, request.name ?? '') }
  }
}

interface Address {
  /** Empty: none was given. */
  readonly scheme: '' | 'http' | 'https'
  readonly name: string
  readonly port: string
}

/** `name`, `name:port` or `scheme:name:port` (k8s.io/apimachinery/pkg/util/net/port_split.go). */
export function parseAddress(what: string, id: string): Address {
  const parts = id.split(':')
  const [scheme = '', name = '', port = ''] = parts.length === 3 ? parts : ['', ...parts]
  if (parts.length > 3 || !name || (scheme !== '' && scheme !== 'http' && scheme !== 'https')) {
    throw new ApiError('BadRequest', `invalid ${what} request ${JSON.stringify(id)}`)
  }
  return { scheme, name, port }
}

/** Without a port: the first that any of its containers declares (k8s.io/kubernetes/pkg/registry/core/pod/strategy.go, ResourceLocation). */
const podBackend: Locate = async (dependencies, namespace, id) => {
  const { scheme, name, port } = parseAddress('pod', id)
  const pod = (await dependencies.access.get(Pod, namespace, name)) as unknown as Pod | undefined
  if (!pod) throw notFound(Pod, name)
  if (!hasAddress(pod)) throw new ApiError('BadRequest', 'address not allowed')
  const declared = pod.spec.containers.flatMap(({ ports = [] }) => ports)[0]?.containerPort
  const wanted = port || (declared ?? (scheme === 'https' ? 443 : 80))
  return podConnection(dependencies, pod, scheme || 'http', portNumber(String(wanted)))
}

function portNumber(text: string): number {
  const port = Number(text)
  if (Number.isInteger(port) && port >= 1 && port <= 65535) return port
  throw new ApiError('ServiceUnavailable', `error trying to reach service: dial tcp: lookup tcp/${text}: unknown port`)
}

const addressOf = ({ status }: Pod) => status.podIPs?.[0]?.ip ?? status.podIP ?? ''

/** What Go calls a global unicast address: nothing to do with loopback, link-local and multicast. */
function hasAddress(pod: Pod): boolean {
  const ip = addressOf(pod)
  return ip !== '' && !/^(127\.|169\.254\.|22[4-9]\.|23\d\.|0\.0\.0\.0$|255\.255\.255\.255$|::1?$|fe[89ab]|ff)/i.test(ip)
}

function podConnection({ nodeAgents }: SubresourceDependencies, pod: Pod, scheme: 'http' | 'https', port: number): ProxyBackend {
  const { namespace, name, uid } = pod.metadata
  const ip = addressOf(pod)
  const host = `${ip.includes(':') ? `[${ip}]` : ip}:${port}`
  return {
    type: 'connection',
    scheme,
    host,
    async connect() {
      const agent = pod.spec.nodeName ? nodeAgents?.(pod.spec.nodeName) : undefined
      return agent?.connect ? agent.connect({ namespace, name, uid }, port) : dial(ip, port)
    },
  }
}

function dial(host: string, port: number): Promise<Duplex> {
  return new Promise((resolve, reject) => {
    const socket = connectTcp({ host, port, allowHalfOpen: true, noDelay: true }, () => resolve(socket))
    socket.once('error', reject)
  })
}

/**
 * A port of the service, by number or name, at one of the pods that its selector finds and that are ready; the next one at each request
 * (k8s.io/kubernetes/pkg/registry/core/service/storage/storage.go, which asks the Endpoints object instead).
 */
function servicePicker(): Locate {
  let turn = 0
  return async (dependencies, namespace, id) => {
    const { access } = dependencies
    const { scheme, name, port } = parseAddress('service', id)
    const service = (await access.get(Service, namespace, name)) as unknown as Service | undefined
    if (!service) throw notFound(Service, name)
    const { ports = [], selector } = service.spec
    const isNumber = /^\d+$/.test(port)
    const meant = ports.find(each => (isNumber ? each.port === Number(port) : (each.name ?? '') === port))
    if (!meant && isNumber) {
      throw new ApiError('ServiceUnavailable', `no service port ${Number(port)} found for service ${JSON.stringify(name)}`)
    }
    const none = (asked: string) =>
      new ApiError('ServiceUnavailable', `no endpoints available for service ${JSON.stringify(asked)}`)
    if (!selector || Object.keys(selector).length === 0) throw none(name)
    const labels = fromLabelMap(selector)
    const ready = ((await access.all(Pod)) as unknown as Pod[]).filter(
      pod => pod.metadata.namespace === namespace && matchesLabels(labels, pod.metadata.labels) && isReady(pod),
    )
    if (ready.length === 0) throw none(name)
    if (!meant) throw none(id)
    for (let tries = 0; tries < ready.length; tries++) {
      const pod = ready[turn++ % ready.length]
      const target = pod && targetPort(pod, meant.targetPort ?? meant.port)
      if (pod && target !== undefined) return podConnection(dependencies, pod, scheme || 'http', target)
    }
    throw none(id)
  }
}

function isReady(pod: Pod): boolean {
  const says = pod.status.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True')
  return says === true && !pod.metadata.deletionTimestamp && hasAddress(pod)
}

/** The number that a pod's containers give to a port's name. */
function targetPort({ spec }: Pod, wanted: number | string): number | undefined {
  if (typeof wanted === 'number') return wanted
  const all = [...spec.containers, ...(spec.initContainers ?? [])].flatMap(({ ports = [] }) => ports)
  return all.find(({ name }) => name === wanted)?.containerPort
}

/** The kubelet itself, or another port of its machine (k8s.io/kubernetes/pkg/registry/core/node/strategy.go, ResourceLocation). */
const nodeBackend: Locate = async ({ access, nodeAgents }, _namespace, id) => {
  const { scheme, name, port } = parseAddress('node', id)
  const node = (await access.get(Node, undefined, name)) as unknown as Node | undefined
  if (!node) throw notFound(Node, name)
  const kubeletPort = node.status.daemonEndpoints?.kubeletEndpoint?.Port ?? 10250
  if (port === '' || Number(port) === kubeletPort) {
    const agent = nodeAgents?.(name)
    if (agent?.door) return { type: 'connection', scheme: 'http', ...(await agent.door()) }
    if (!agent?.serve) throw new ApiError('ServiceUnavailable', `the kubelet of node ${JSON.stringify(name)} cannot be reached`)
    return { type: 'node', serve: agent.serve }
  }
  const host = node.status.addresses?.find(({ type }) => type === 'InternalIP')?.address
  if (!host) throw new ApiError('BadRequest', 'address not allowed')
  const number = portNumber(port)
  return { type: 'connection', scheme: scheme || 'http', host: `${host}:${number}`, connect: () => dial(host, number) }
}
