import type { ControllerRevision } from '../../api/apps/controller-revision.ts'
import type { DaemonSet } from '../../api/apps/daemon-set.ts'
import type { Deployment } from '../../api/apps/deployment.ts'
import type { ReplicaSet } from '../../api/apps/replica-set.ts'
import type { StatefulSet } from '../../api/apps/stateful-set.ts'
import { formatSelector, fromLabelSelector } from '../../api/selectors.ts'
import { listAll } from '../objects.ts'
import type { Session } from '../session.ts'
import { byRevision, fetchVersions } from './deployments.ts'
import { revisionOf } from './versions.ts'
import type { Workload } from './workloads.ts'

const changeCause = 'kubernetes.io/change-cause'

type Template = Deployment['spec']['template']

/** What a workload looked like at some time. */
export interface Revision {
  readonly number: number
  /** Why it was made, if somebody said so. */
  readonly cause: string | undefined
  readonly template: Template
  /** What `-o` prints: a Deployment's ReplicaSet, or the workload as it was. */
  readonly object: unknown
}

/** The revisions of a workload, the lowest first. */
export async function revisionsOf(session: Session, { kind, object }: Workload): Promise<Revision[]> {
  if (kind === 'Deployment') return byRevision(await fetchVersions(session, object)).map(ofReplicaSet)
  return (await keptRevisions(session, object)).map(kept => ofKept(object, kept))
}

/** The ControllerRevisions of a StatefulSet or DaemonSet, the lowest first. */
export async function keptRevisions(session: Session, owner: StatefulSet | DaemonSet): Promise<ControllerRevision[]> {
  const labelSelector = formatSelector(fromLabelSelector(owner.spec.selector))
  const resource = (await session.resources()).named('controllerrevisions.apps')
  const { items } = await listAll(session, resource, owner.metadata.namespace, { labelSelector })
  const isOwn = ({ metadata }: ControllerRevision) =>
    metadata.ownerReferences?.some(({ uid, controller }) => controller && uid === owner.metadata.uid)
  return (items as unknown as ControllerRevision[]).filter(isOwn).sort((a, b) => a.revision - b.revision)
}

/** A Deployment's revision tells why it was made as an annotation of its template, too. */
export function ofReplicaSet(set: ReplicaSet): Revision {
  const cause = set.metadata.annotations?.[changeCause]
  const { metadata, spec } = set.spec.template
  const annotations = { ...metadata?.annotations, ...(cause && { [changeCause]: cause }) }
  return { number: revisionOf(set), cause, template: { spec, metadata: { ...metadata, annotations } }, object: set }
}

function ofKept(owner: StatefulSet | DaemonSet, kept: ControllerRevision): Revision {
  const template = keptTemplate(kept) ?? owner.spec.template
  const object = { ...owner, spec: { ...owner.spec, template } }
  return { number: kept.revision, cause: kept.metadata.annotations?.[changeCause], template, object }
}

/** The template that a ControllerRevision keeps, if it keeps one. */
export function keptTemplate({ data }: ControllerRevision): Template | undefined {
  const { template } = (data?.['spec'] ?? {}) as { template?: Template & { $patch?: string } }
  if (!template) return undefined
  const { $patch: _, ...kept } = template
  return kept
}
