import type { Lease } from '../api/coordination/lease.ts'
import { ComponentStatus } from '../api/core/component-status.ts'
import { notFound } from '../api/errors.ts'
import type { KubeObject } from '../api/transport.ts'
import { users } from '../api/user.ts'
import type { Clock } from '../lib/clock.ts'
import { encode, stored } from './codec.ts'
import type { Provider } from './pipeline.ts'
import type { Handle } from './request.ts'

interface Dependencies {
  readonly handle: Handle
  readonly clock: Clock
}

/** The components that run on a lease, and the lease they run on. */
const onLease = { 'controller-manager': 'kube-controller-manager', scheduler: 'kube-scheduler' } as const

/**
 * ComponentStatuses: the scheduler and the controllers are healthy as long as their leader renews its lease, the store when it
 * answers. Upstream asks ports of the same machine instead (pkg/registry/core/componentstatus).
 */
export function componentStatuses({ handle, clock }: Dependencies): Provider {
  async function isLed(lease: string): Promise<boolean> {
    const target = { group: 'coordination.k8s.io', version: 'v1', resource: 'leases', namespace: 'kube-system', name: lease }
    const found = await handle({ ...target, verb: 'get', user: users.apiServer }).catch(() => undefined)
    if (found?.type !== 'object') return false
    const { renewTime, leaseDurationSeconds = 0, holderIdentity } = (found.object as Lease).spec
    return !!holderIdentity && !!renewTime && Date.parse(renewTime) + leaseDurationSeconds * 1000 > clock.now()
  }

  async function measure(): Promise<readonly KubeObject[]> {
    const led = await Promise.all(
      Object.entries(onLease).map(async ([name, lease]) =>
        (await isLed(lease)) ? healthy(name, 'ok') : unhealthy(name, `nobody holds the lease kube-system/${lease}`),
      ),
    )
    return [...led, healthy('etcd-0', 'ok')] // whoever could not read the store would not be here
  }

  return {
    kind: ComponentStatus,
    async handle(kind, { verb, name = '' }) {
      const all = await measure()
      if (verb === 'list') {
        const items = all.map(object => stored(encode(object), 0))
        return { type: 'list', apiVersion: 'v1', kind: kind.listKind, items, resourceVersion: '' }
      }
      const found = all.find(({ metadata }) => metadata.name === name)
      if (!found) throw notFound({ group: '', plural: 'componentstatus' }, name)
      return { type: 'object', status: 200, object: found, warnings: [] }
    },
  }
}

const component = (name: string, condition: object): KubeObject =>
  ({
    apiVersion: 'v1',
    kind: 'ComponentStatus',
    metadata: { name, creationTimestamp: null },
    conditions: [{ type: 'Healthy', ...condition }],
  }) as unknown as KubeObject

const healthy = (name: string, message: string) => component(name, { status: 'True', message })
const unhealthy = (name: string, error: string) => component(name, { status: 'False', error })
