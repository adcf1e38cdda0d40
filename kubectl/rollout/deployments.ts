import type { Deployment } from '../../api/apps/deployment.ts'
import type { ReplicaSet } from '../../api/apps/replica-set.ts'
import { formatSelector, fromLabelSelector } from '../../api/selectors.ts'
import { listAll } from '../objects.ts'
import type { Session } from '../session.ts'
import { revisionOf, type Versions, versionsOf } from './versions.ts'

/** A Deployment's ReplicaSets as they are on the server. */
export async function fetchVersions(session: Session, deployment: Deployment): Promise<Versions> {
  const labelSelector = formatSelector(fromLabelSelector(deployment.spec.selector))
  const sets = (await session.resources()).named('replicasets.apps')
  const { items } = await listAll(session, sets, deployment.metadata.namespace, { labelSelector })
  return versionsOf(deployment, items as unknown as readonly ReplicaSet[])
}

/** Those that stand for a revision, the lowest first. */
export function byRevision({ fresh, old }: Versions): ReplicaSet[] {
  return [...old, ...(fresh ? [fresh] : [])].filter(set => revisionOf(set) > 0).sort((a, b) => revisionOf(a) - revisionOf(b))
}
