import type { Pod } from '../../api/core/pod.ts'
import type { Service } from '../../api/core/service.ts'

const epoch = '2026-01-01T00:00:00Z'

/** A service for tests: of the pods labelled `app: web`, port 80 to 8080, unless told otherwise. */
export function serviceWith(spec: Partial<Service['spec']> = {}, labels?: Record<string, string>): Service {
  const ports = [{ name: 'http', port: 80, targetPort: 8080, protocol: 'TCP' as const }]
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: {
      namespace: 'default',
      name: 'web',
      uid: 'uid-web',
      resourceVersion: '1',
      creationTimestamp: epoch,
      ...(labels && { labels }),
    },
    spec: {
      type: 'ClusterIP',
      clusterIP: '10.96.0.10',
      ipFamilies: ['IPv4'],
      selector: { app: 'web' },
      sessionAffinity: 'None',
      ports,
      ...spec,
    },
    status: { loadBalancer: {} },
  } as Service
}

export interface ServingPod {
  readonly ips?: readonly string[]
  readonly isReady?: boolean
  readonly isTerminating?: boolean
  readonly phase?: Pod['status']['phase']
  readonly node?: string
  readonly hostname?: string
  readonly subdomain?: string
  readonly containers?: readonly object[]
  readonly initContainers?: readonly object[]
  readonly readySince?: string
  readonly labels?: Record<string, string>
}

/** A pod for tests that serves on node n1, ready, unless told otherwise. */
export function servingPod(name: string, over: ServingPod = {}): Pod {
  const { ips = ['10.0.0.1'], isReady = true, isTerminating = false, phase = 'Running', node = 'n1', readySince = epoch } = over
  const { hostname, subdomain, containers = [{ name: 'main', image: 'web:1' }], initContainers, labels = { app: 'web' } } = over
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      namespace: 'default',
      name,
      uid: `uid-${name}`,
      resourceVersion: '1',
      creationTimestamp: epoch,
      labels,
      ...(isTerminating && { deletionTimestamp: epoch }),
    },
    spec: {
      ...(node && { nodeName: node }),
      containers,
      ...(initContainers && { initContainers }),
      ...(hostname && { hostname }),
      ...(subdomain && { subdomain }),
    },
    status: {
      phase,
      conditions: [{ type: 'Ready', status: isReady ? 'True' : 'False', lastTransitionTime: readySince }],
      ...(ips[0] && { podIP: ips[0], podIPs: ips.map(ip => ({ ip })) }),
    },
  } as unknown as Pod
}

/** So many serving pods, each with an address of its own. */
export const servingPods = (count: number, over: ServingPod = {}, first = 0): Pod[] =>
  Array.from({ length: count }, (_, i) => {
    const at = first + i
    return servingPod(`p${at}`, { ...over, ips: [`10.1.${at >> 8}.${at & 255}`] })
  })
