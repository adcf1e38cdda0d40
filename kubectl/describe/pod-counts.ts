import type { Pod } from '../../api/core/pod.ts'
import { formatSelector, type Selector } from '../../api/selectors.ts'
import type { KubeObject } from '../../api/transport.ts'
import type { Around } from './around.ts'

/** `2 Running / 0 Waiting / 0 Succeeded / 0 Failed`: the pods that an object controls. */
export async function podCounts({ metadata }: KubeObject, selector: Selector, around: Around): Promise<string> {
  const pods = await around.list<Pod>('pods', metadata.namespace, { labelSelector: formatSelector(selector) })
  const own = pods.filter(pod => pod.metadata.ownerReferences?.some(({ controller, uid }) => controller && uid === metadata.uid))
  const count = (phase: string) => own.filter(pod => pod.status.phase === phase).length
  return `${count('Running')} Running / ${count('Pending')} Waiting / ${count('Succeeded')} Succeeded / ${count('Failed')} Failed`
}
