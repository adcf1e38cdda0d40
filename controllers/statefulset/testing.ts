import type { StatefulSet } from '../../api/apps/stateful-set.ts'
import { Event } from '../../api/core/event.ts'
import { Pod } from '../../api/core/pod.ts'
import { ignore } from '../../api/errors.ts'
import type { InputOf } from '../../api/kind.ts'
import type { TestCluster } from '../testing.ts'

type Spec = InputOf<typeof StatefulSet>['spec']

/** A StatefulSet for tests: three pods of one container, no claims. */
export function statefulSetInput({
  name = 'web',
  image = 'web:1',
  replicas = 3,
  ...spec
}: Partial<Spec> & { name?: string; image?: string } = {}) {
  return {
    metadata: { namespace: 'default', name },
    spec: {
      replicas,
      serviceName: name,
      selector: { matchLabels: { app: name } },
      template: { metadata: { labels: { app: name } }, spec: { containers: [{ name: 'main', image }] } },
      ...spec,
    },
  } satisfies InputOf<typeof StatefulSet>
}

/** A template for claims of a gibibyte. */
export function claimTemplate(name: string, labels?: Record<string, string>) {
  return {
    metadata: { name, ...(labels && { labels }) },
    spec: { accessModes: ['ReadWriteOnce' as const], resources: { requests: { storage: '1Gi' } } },
  }
}

/** What the pods are, by name: `web-0 web:1`, and ` (ending)` behind those told to end. */
export async function picture({ client }: TestCluster): Promise<string[]> {
  const { items } = await client.list(Pod)
  return items
    .map(({ metadata, spec }) => {
      return `${metadata.name} ${spec.containers[0]?.image}${metadata.deletionTimestamp ? ' (ending)' : ''}`
    })
    .sort()
}

/** Gives a pod a node, as a scheduler would: from here on, a deleted pod stays until its kubelet lets it go. */
export async function bind({ client }: TestCluster, name: string): Promise<void> {
  await client.createSubresource(Pod, { namespace: 'default', name }, 'binding', { target: { kind: 'Node', name: 'node-1' } })
}

/** Removes a pod that has ended, as its kubelet would. */
export async function letGo({ client }: TestCluster, name: string): Promise<void> {
  await client.delete(Pod, { namespace: 'default', name }, { gracePeriodSeconds: 0 }).catch(ignore('NotFound'))
}

/** All events, as `Reason message`, without repetitions. */
export async function told({ client }: TestCluster): Promise<string[]> {
  const { items } = await client.list(Event)
  return [...new Set(items.map(({ reason, message }) => `${reason} ${message}`))].sort()
}
