import { Namespace } from '../api/core/namespace.ts'
import { Service } from '../api/core/service.ts'
import { ignore } from '../api/errors.ts'
import { type AnyKind, apiVersionOf } from '../api/kind.ts'
import { PriorityClass } from '../api/scheduling/priority-class.ts'
import { users } from '../api/user.ts'
import type { Pipeline } from './pipeline.ts'

interface Options {
  readonly pipeline: Pick<Pipeline, 'handle' | 'ready'>
  readonly signal: AbortSignal
  /** The port that the kubernetes service leads to. */
  readonly securePort?: number
}

const named = (name: string) => ({ metadata: { name } })
const priority = (name: string, value: number, description: string) => ({ ...named(name), value, description })

type Founding = readonly (readonly [kind: AnyKind, object: object])[]

/** What every cluster has from the start (k8s.io/kubernetes/pkg/controlplane; pkg/apis/scheduling/helpers.go). */
const namespaces: Founding = ['default', 'kube-system', 'kube-public', 'kube-node-lease'].map(name => [Namespace, named(name)])
const others = (securePort: number): Founding => [
  [
    PriorityClass,
    priority(
      'system-node-critical',
      2_000_001_000,
      'Used for system critical pods that must not be moved from their current node.',
    ),
  ],
  [
    PriorityClass,
    priority(
      'system-cluster-critical',
      2_000_000_000,
      'Used for system critical pods that must run in the cluster, but can be moved to another node if necessary.',
    ),
  ],
  [Service, kubernetesService(securePort)],
]

function kubernetesService(securePort: number): object {
  return {
    metadata: { name: 'kubernetes', namespace: 'default', labels: { component: 'apiserver', provider: 'kubernetes' } },
    spec: {
      type: 'ClusterIP',
      clusterIP: '10.96.0.1',
      clusterIPs: ['10.96.0.1'],
      ports: [{ name: 'https', port: 443, protocol: 'TCP', targetPort: securePort }],
    },
  }
}

/** Makes what is missing of it; resolves when all is there. Runs again at every start and changes nothing then. */
export async function bootstrap({ pipeline, signal, securePort = 6443 }: Options): Promise<void> {
  await pipeline.ready
  const create = async ([kind, body]: Founding[number]) => {
    const namespace = kind.namespaced ? { namespace: 'default' } : {}
    const call = { group: kind.group, version: kind.version, resource: kind.plural, ...namespace, user: users.apiServer }
    const object = { apiVersion: apiVersionOf(kind), kind: kind.kind, ...body }
    await pipeline.handle({ ...call, verb: 'create', body: object, signal }).catch(ignore('AlreadyExists'))
  }
  // Together, because what is written at the same time shares a sync of the disk; the rest lives in the namespaces.
  await Promise.all(namespaces.map(create))
  if (!signal.aborted) await Promise.all(others(securePort).map(create))
}
