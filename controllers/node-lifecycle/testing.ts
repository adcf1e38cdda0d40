import { Lease } from '../../api/coordination/lease.ts'
import { Event } from '../../api/core/event.ts'
import { Node, type NodeCondition } from '../../api/core/node.ts'
import { Pod } from '../../api/core/pod.ts'
import type { InputOf } from '../../api/kind.ts'
import { microTimestamp, timestamp } from '../../lib/clock.ts'
import type { TestCluster } from '../testing.ts'

const namespace = 'kube-node-lease'
const renewEveryMs = 10_000

/** Nodes that give signs of life as kubelets do, until they are told to be silent. */
export interface Fleet {
  /** Nodes that are ready, in a zone. */
  join(zone: string, ...names: string[]): Promise<void>
  /** From now on these say nothing. */
  silence(...names: string[]): void
  /** These are heard again: they report their status, ready or not. */
  report(status: 'True' | 'False', ...names: string[]): Promise<void>
  /** Lets time pass, the others renewing their leases. */
  pass(seconds: number): Promise<void>
  /** `key:effect` of a node's taints, of the `node.kubernetes.io` ones without that prefix. */
  taints(name: string): Promise<string[]>
  /** How many of all nodes have a NoExecute taint. */
  tainted(): Promise<number>
  readiness(name: string): Promise<NodeCondition | undefined>
}

export function fleet({ client, clock, advance }: TestCluster): Fleet {
  const alive = new Set<string>()
  const heartbeat = (status: 'True' | 'False') => ({
    ...{ type: 'Ready', status, reason: 'KubeletReady', message: '' },
    ...{ lastHeartbeatTime: timestamp(clock.now()), lastTransitionTime: timestamp(clock.now()) },
  })
  const renew = (name: string) => {
    const spec = { holderIdentity: name, renewTime: microTimestamp(clock.now()), leaseDurationSeconds: 40 }
    return client.patch(Lease, { namespace, name }, 'merge', { spec })
  }
  // A second before the controller looks.
  let sinceRenewalInMs = 1000

  return {
    async join(zone, ...names) {
      for (const name of names) {
        const labels = { 'kubernetes.io/hostname': name, 'topology.kubernetes.io/zone': zone }
        await client.create(Node, { metadata: { name, labels }, status: { conditions: [heartbeat('True')] } })
        await client.create(Lease, { metadata: { namespace, name }, spec: { renewTime: microTimestamp(clock.now()) } })
        alive.add(name)
      }
    },
    silence: (...names) => names.forEach(name => void alive.delete(name)),
    async report(status, ...names) {
      for (const name of names) {
        alive.add(name)
        await client.patch(
          Node,
          { name },
          'strategic',
          { status: { conditions: [heartbeat(status)] } },
          { subresource: 'status' },
        )
        await renew(name)
      }
    },
    async pass(seconds) {
      for (let left = seconds * 1000; left > 0; ) {
        const step = Math.min(left, renewEveryMs - sinceRenewalInMs)
        await advance(step)
        left -= step
        sinceRenewalInMs = (sinceRenewalInMs + step) % renewEveryMs
        if (sinceRenewalInMs === 0) for (const name of alive) await renew(name)
      }
      await advance(0)
    },
    async taints(name) {
      const { spec } = await client.get(Node, { name })
      return (spec.taints ?? []).map(({ key, effect }) => `${key.replace('node.kubernetes.io/', '')}:${effect}`).sort()
    },
    async tainted() {
      const { items } = await client.list(Node)
      return items.filter(({ spec }) => spec.taints?.some(({ effect }) => effect === 'NoExecute')).length
    },
    async readiness(name) {
      const { status } = await client.get(Node, { name })
      return status.conditions?.find(({ type }) => type === 'Ready')
    },
  }
}

/** A pod on a node, running and ready. */
export async function runPod(
  { client, ready }: TestCluster,
  nodeName: string,
  name: string,
  tolerations: NonNullable<InputOf<typeof Pod>['spec']>['tolerations'] = [],
): Promise<Pod> {
  const spec = { nodeName, tolerations, containers: [{ name: 'main', image: 'web:1' }] }
  const pod = await client.create(Pod, { metadata: { namespace: 'default', name }, spec })
  await ready([pod])
  return pod
}

/** The events about an object, `reason message`, each as often as it was told. */
export async function eventsAbout({ client, advance }: TestCluster, name: string): Promise<string[]> {
  await advance(0)
  const { items } = await client.list(Event)
  const own = items.filter(({ involvedObject }) => involvedObject.name === name)
  return own.flatMap(({ reason, message, count }) => Array<string>(count ?? 1).fill(`${reason} ${message}`))
}
