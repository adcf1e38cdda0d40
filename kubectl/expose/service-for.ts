import type { Pod } from '../../api/core/pod.ts'
import type { Service } from '../../api/core/service.ts'
import type { KubeObject } from '../../api/transport.ts'

/** What a command line says about the service; what it leaves open is taken from the object. */
export interface Wishes {
  readonly name?: string | undefined
  readonly selector?: string | undefined
  readonly labels?: string | undefined
  /** One port, or several at commas. */
  readonly port?: string | undefined
  readonly targetPort?: string | undefined
  readonly protocol?: string | undefined
  readonly type?: string | undefined
  readonly clusterIP?: string | undefined
  readonly externalIP?: string | undefined
  readonly loadBalancerIP?: string | undefined
  readonly sessionAffinity?: string | undefined
}

interface PortUse {
  readonly port: number
  readonly protocol: string
}

type Exposed = KubeObject & {
  readonly spec: {
    readonly selector?: object
    readonly ports?: Service['spec']['ports']
    readonly template?: { readonly spec: Pod['spec'] }
    readonly containers?: Pod['spec']['containers']
  }
}

const exposable = ['ReplicationController', 'Service', 'Pod', 'Deployment', 'ReplicaSet']
/** The longest name that a service may have. */
const longestName = 63

/** The service that leads to what an object's pods serve (k8s.io/kubectl/pkg/cmd/expose). Throws when that cannot be told. */
export function serviceFor(object: KubeObject, group: string, wishes: Wishes) {
  const exposed = object as Exposed
  if (!exposable.includes(object.kind)) throw new Error(`cannot expose a ${object.kind}${group && `.${group}`}`)
  const { type, clusterIP, externalIP, loadBalancerIP, sessionAffinity } = wishes
  const selector = wishes.selector ? labelsOf(wishes.selector) : selectorOf(exposed)
  const ports = portsOf(exposed, wishes)
  const labels = wishes.labels ? labelsOf(wishes.labels) : object.metadata.labels
  if (sessionAffinity && !['None', 'ClientIP'].includes(sessionAffinity)) {
    throw new Error(`unknown session affinity: ${sessionAffinity}`)
  }
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: {
      ...(labels && Object.keys(labels).length > 0 && { labels }),
      name: wishes.name || object.metadata.name.slice(0, longestName),
    },
    spec: {
      ...(clusterIP && { clusterIP }),
      ...(externalIP && { externalIPs: [externalIP] }),
      ...(type === 'LoadBalancer' && loadBalancerIP && { loadBalancerIP }),
      ...(ports.length > 0 && { ports }),
      selector,
      ...(sessionAffinity && { sessionAffinity }),
      ...(type && { type }),
    },
  }
}

function selectorOf({ kind, metadata, spec }: Exposed): Readonly<Record<string, string>> {
  const fail = (why: string) => new Error(`couldn't retrieve selectors via --selector flag or introspection: ${why}`)
  if (kind === 'Pod') {
    if (Object.keys(metadata.labels ?? {}).length === 0) throw fail('the pod has no labels and cannot be exposed')
    return metadata.labels ?? {}
  }
  if (kind === 'Service' || kind === 'ReplicationController') {
    if (!spec.selector) throw fail('the service has no pod selector set')
    return spec.selector as Record<string, string>
  }
  const { matchLabels, matchExpressions = [] } = (spec.selector ?? {}) as {
    matchLabels?: Record<string, string>
    matchExpressions?: object[]
  }
  if (!matchLabels) throw fail(`invalid ${kind.toLowerCase()}: no selectors, therefore cannot be exposed`)
  if (matchExpressions.length > 0) throw fail("couldn't convert expressions to map-based selector format")
  return matchLabels
}

function labelsOf(text: string): Record<string, string> {
  return Object.fromEntries(
    text.split(',').map((pair): [string, string] => {
      const [key = '', value, ...more] = pair.split('=')
      if (value === undefined || more.length > 0) throw new Error(`unexpected label spec: ${pair}`)
      if (key === '') throw new Error('unexpected empty label key')
      return [key, value]
    }),
  )
}

function portsOf(exposed: Exposed, { port, targetPort, protocol, clusterIP }: Wishes): object[] {
  const uses = usesOf(exposed)
  const wanted = port ? port.split(',') : [...new Set(uses.map(use => String(use.port)))]
  if (wanted.length === 0 && clusterIP !== 'None') throw new Error("couldn't find port via --port flag or introspection")
  return wanted.flatMap((text, i) => {
    const number = Number(text)
    if (!/^\d+$/.test(text)) throw new Error(`strconv.Atoi: parsing ${JSON.stringify(text)}: invalid syntax`)
    const found = [...new Set(uses.filter(use => use.port === number).map(use => use.protocol))]
    const protocols = protocol ? [protocol] : found.length > 0 ? found : ['TCP']
    return protocols.map(each => {
      const suffix = protocols.length > 1 ? `-${each.toLowerCase()}` : ''
      return {
        ...((wanted.length > 1 || suffix) && { name: `port-${i + 1}${suffix}` }),
        port: number,
        protocol: each,
        targetPort: !targetPort ? number : /^\d+$/.test(targetPort) ? Number(targetPort) : targetPort,
      }
    })
  })
}

function usesOf({ kind, spec }: Exposed): PortUse[] {
  if (kind === 'Service') return (spec.ports ?? []).map(({ port, protocol }) => ({ port, protocol }))
  const containers = spec.template?.spec.containers ?? spec.containers ?? []
  return containers.flatMap(({ ports = [] }) => ports.map(({ containerPort, protocol }) => ({ port: containerPort, protocol })))
}
