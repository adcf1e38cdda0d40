import type { DaemonSet } from '../../api/apps/daemon-set.ts'
import type { Deployment } from '../../api/apps/deployment.ts'
import type { StatefulSet } from '../../api/apps/stateful-set.ts'
import type { Session } from '../session.ts'
import { fetchTarget, type Target } from '../targets.ts'

/** What has rollouts, with the name of its kind. */
export type Workload =
  | { readonly kind: 'Deployment'; readonly object: Deployment }
  | { readonly kind: 'StatefulSet'; readonly object: StatefulSet }
  | { readonly kind: 'DaemonSet'; readonly object: DaemonSet }

const kinds: readonly string[] = ['Deployment', 'StatefulSet', 'DaemonSet'] satisfies Workload['kind'][]

/** The kind of workload that a target is; throws for all others, in the words that the verb gives. */
export function workloadKind({ resource }: Target, otherKind: string): Workload['kind'] {
  if (resource.group !== 'apps' || !kinds.includes(resource.kind)) throw new Error(otherKind)
  return resource.kind as Workload['kind']
}

/** The workload that a target is, as it is on the server. */
export async function fetchWorkload(session: Session, target: Target, otherKind: string): Promise<Workload> {
  const kind = workloadKind(target, otherKind)
  return { kind, object: await fetchTarget(session, target) } as unknown as Workload
}
