import { Lease } from '../../api/coordination/lease.ts'
import { Node } from '../../api/core/node.ts'
import { ignore } from '../../api/errors.ts'
import { microTimestamp, timestamp } from '../../lib/clock.ts'
import type { TestCluster } from '../testing.ts'

const namespace = 'kube-node-lease'
/** Half as often as kubelets, well within the patience of the node-lifecycle controller. */
const renewEveryMs = 20_000

/** Nodes that give signs of life as kubelets do, fall silent, are heard again, go and come back. */
export interface Machines {
  readonly names: readonly string[]
  /** Whether a node is there and its kubelet works. */
  isLive(name: string): boolean
  join(name: string): Promise<void>
  leave(name: string): Promise<void>
  silence(name: string): void
  wake(name: string): void
  /** Kubelets of nodes that are called other than ready say that they are not. */
  turn(nodes: readonly Node[]): Promise<void>
  stop(): void
}

export function machines({ client, clock }: TestCluster): Machines {
  const names = ['a', 'b', 'c', 'd']
  const live = new Set<string>()
  const heartbeat = () => {
    const now = timestamp(clock.now())
    return {
      ...{ type: 'Ready', status: 'True' as const, reason: 'KubeletReady', message: '' },
      ...{ lastHeartbeatTime: now, lastTransitionTime: now },
    }
  }
  const renew = async (name: string) => {
    const spec = { holderIdentity: name, renewTime: microTimestamp(clock.now()), leaseDurationSeconds: 40 }
    const patched = await client.patch(Lease, { namespace, name }, 'merge', { spec }).catch(ignore('NotFound', 'Forbidden'))
    if (!patched) await client.create(Lease, { metadata: { namespace, name }, spec }).catch(ignore('AlreadyExists'))
  }
  let cancel = () => {}
  const beat = () => {
    for (const name of live) void renew(name)
    cancel = clock.after(renewEveryMs, beat)
  }
  cancel = clock.after(renewEveryMs, beat)

  return {
    names,
    isLive: name => live.has(name),
    async join(name) {
      const zone = names.indexOf(name) % 2 ? 'east' : 'west'
      const labels = { 'kubernetes.io/hostname': name, 'topology.kubernetes.io/zone': zone, fits: 'yes' }
      const capacity = { cpu: '32', memory: '64Gi', pods: '200' }
      const status = { capacity, allocatable: capacity, conditions: [heartbeat()] }
      live.add(name)
      await client.create(Node, { metadata: { name, labels }, status })
      await renew(name)
    },
    async leave(name) {
      live.delete(name)
      await client.delete(Node, { name })
      await client.delete(Lease, { namespace, name }).catch(ignore('NotFound'))
    },
    silence: name => void live.delete(name),
    wake: name => void live.add(name),
    async turn(nodes) {
      for (const node of nodes) {
        const { name } = node.metadata
        const ready = node.status.conditions?.find(({ type }) => type === 'Ready')
        if (!live.has(name) || ready?.status === 'True') continue
        const status = { conditions: [heartbeat()] }
        await client.patch(Node, { name }, 'strategic', { status }, { subresource: 'status' }).catch(ignore('NotFound'))
        await renew(name)
      }
    },
    stop: () => cancel(),
  }
}
