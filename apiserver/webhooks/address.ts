import { Pod } from '../../api/core/pod.ts'
import { Service } from '../../api/core/service.ts'
import { fromLabelMap, matchesLabels } from '../../api/selectors.ts'
import type { WebhookAddress } from '../../api/webhook-validation.ts'
import type { Access } from '../access.ts'

/** The client config of any webhook: of admission, of conversion. */
export interface ClientConfig extends WebhookAddress {
  /** PEM in base64. */
  readonly caBundle?: string | undefined
}

/** Where to connect to, and by which name the server must be known. */
export interface Address {
  /** For people and errors. */
  readonly url: URL
  readonly host: string
  readonly port: number
}

/** Finds a webhook. A service stands for one of its ready pods; throws an Error when there is none. */
export async function addressOf({ url, service }: ClientConfig, access: Access): Promise<Address> {
  if (url !== undefined) {
    const parsed = new URL(url)
    return { url: parsed, host: parsed.hostname.replace(/^\[(.*)\]$/, '$1'), port: Number(parsed.port || 443) }
  }
  if (!service) throw new Error('webhook configuration must have either service or URL')
  const { namespace, name, path = '/', port = 443 } = service
  const known = new URL(path.startsWith('/') ? path : `/${path}`, `https://${name}.${namespace}.svc:${port}`)
  const endpoint = await endpointOf(namespace, name, port, access)
  return { url: known, ...endpoint }
}

async function endpointOf(
  namespace: string,
  name: string,
  port: number,
  access: Access,
): Promise<{ host: string; port: number }> {
  const service = (await access.get(Service, namespace, name)) as Service | undefined
  if (!service) throw new Error(`service ${JSON.stringify(name)} not found`)
  const { type, externalName, selector, ports = [] } = service.spec
  if (type === 'ExternalName' && externalName) return { host: externalName, port }
  const servicePort = ports.find(candidate => candidate.port === port)
  if (!servicePort) throw new Error(`no service port ${port} found for service ${JSON.stringify(name)}`)
  const labels = fromLabelMap(selector)
  const pods = selector ? await access.inNamespace(Pod, namespace) : []
  for (const { object } of pods) {
    const pod = object as Pod
    if (!matchesLabels(labels, pod.metadata.labels) || !isReady(pod) || !pod.status.podIP) continue
    const target = portOf(pod, servicePort.targetPort ?? port)
    if (target !== undefined) return { host: pod.status.podIP, port: target }
  }
  throw new Error(`no endpoints available for service ${JSON.stringify(name)}`)
}

const isReady = ({ metadata, status }: Pod) =>
  !metadata.deletionTimestamp && status.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') === true

function portOf({ spec }: Pod, target: number | string): number | undefined {
  if (typeof target === 'number') return target
  for (const { ports = [] } of spec.containers) {
    const found = ports.find(({ name }) => name === target)
    if (found) return found.containerPort
  }
  return undefined
}
