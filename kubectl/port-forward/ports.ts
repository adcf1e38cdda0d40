import type { Pod } from '../../api/core/pod.ts'
import type { Service } from '../../api/core/service.ts'

/** A port here, 0 for any that is free, and one of the pod. */
export interface PortPair {
  readonly local: number
  readonly remote: number
}

type ContainerPort = NonNullable<Pod['spec']['containers'][number]['ports']>[number]

/**
 * What `8080:80`, `:http` or `5432` mean for a pod, or for a service that leads to it (k8s.io/kubectl/pkg/cmd/portforward). Throws an Error
 * in kubectl's words when a port is not there or not TCP.
 */
export function portPairs(texts: readonly string[], pod: Pod, service?: Service): PortPair[] {
  return texts.map(text => {
    const parts = text.split(':')
    const [first = '', second = first] = parts
    const remoteText = parts.length === 2 ? second : first
    if (parts.length > 2) throw new Error(`invalid port format '${text}'`)
    if (remoteText === '') throw new Error('remote port cannot be empty')
    const asked = service ? servicePort(service, remoteText) : podPort(pod, remoteText)
    const remote = service ? targetOf(service, pod, asked) : asked
    const local = parts.length === 1 ? asked : first === '' ? 0 : wholeNumber(first, 'local', text)
    if (remote < 1 || remote > 65535) throw new Error(`error parsing remote port: ${remoteText} is not a port`)
    return { local, remote }
  })
}

function wholeNumber(text: string, which: string, whole: string): number {
  const number = Number(text)
  if (!/^\d+$/.test(text) || number > 65535) throw new Error(`error parsing ${which} port in '${whole}'`)
  return number
}

const tcpPortsOf = (pod: Pod) => allPortsOf(pod).filter(({ protocol }) => protocol === 'TCP')
const allPortsOf = ({ spec }: Pod): ContainerPort[] => spec.containers.flatMap(({ ports = [] }) => ports)

function podPort(pod: Pod, text: string): number {
  const isNumber = /^\d+$/.test(text)
  const named = allPortsOf(pod).find(({ name }) => name === text)
  if (!isNumber && !named) throw new Error(`Pod '${pod.metadata.name}' does not have a named port '${text}'`)
  const port = named && !isNumber ? named.containerPort : Number(text)
  const uses = allPortsOf(pod).filter(({ containerPort }) => containerPort === port)
  refuseUdp(uses, text)
  return port
}

function servicePort({ metadata, spec }: Service, text: string): number {
  const isNumber = /^\d+$/.test(text)
  const named = spec.ports?.find(({ name }) => name === text)
  if (!isNumber && !named) throw new Error(`Service '${metadata.name}' does not have a named port '${text}'`)
  const port = named && !isNumber ? named.port : Number(text)
  refuseUdp(spec.ports?.filter(each => each.port === port) ?? [], text)
  return port
}

function refuseUdp(uses: readonly { protocol: string }[], text: string): void {
  const isUdp = uses.some(({ protocol }) => protocol === 'UDP') && !uses.some(({ protocol }) => protocol === 'TCP')
  if (isUdp) throw new Error(`UDP protocol is not supported for ${text}`)
}

/** The pod's port behind a service's. */
function targetOf({ metadata, spec }: Service, pod: Pod, port: number): number {
  const found = spec.ports?.find(each => each.port === port)
  if (!found) throw new Error(`Service ${metadata.name} does not have a service port ${port}`)
  const { targetPort = port } = found
  if (spec.clusterIP === 'None') return port
  if (typeof targetPort === 'number') return targetPort === 0 ? port : targetPort
  const named = tcpPortsOf(pod).find(({ name }) => name === targetPort)
  if (!named) throw new Error(`Pod '${pod.metadata.name}' does not have a named port '${targetPort}'`)
  return named.containerPort
}
