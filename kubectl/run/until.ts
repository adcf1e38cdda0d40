import type { Pod } from '../../api/core/pod.ts'
import { ApiError } from '../../api/errors.ts'
import { changes, limited } from '../changes.ts'
import type { CommandContext } from '../command.ts'
import type { Session } from '../session.ts'

export const hasEnded = ({ status }: Pod) => status.phase === 'Succeeded' || status.phase === 'Failed'

/** Whether a pod can be attached to, or is over. */
export const isReadyOrEnded = (pod: Pod) =>
  hasEnded(pod) ||
  (pod.status.phase === 'Running' &&
    pod.status.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') === true)

/** The pod as soon as it is as wanted. Throws when it goes away or the time is over. */
export async function podOnce(
  context: CommandContext,
  session: Session,
  { namespace, name }: { namespace: string; name: string },
  isAsWanted: (pod: Pod) => boolean,
  inMs: number,
): Promise<Pod> {
  const pods = (await session.resources()).named('pods')
  const limit = limited(context, inMs)
  try {
    for await (const change of changes(session, pods, namespace, { fieldSelector: `metadata.name=${name}` }, limit.signal)) {
      const object = change.type === 'LISTED' ? change.objects[0] : change.object
      if (change.type === 'DELETED' || !object) throw new ApiError('NotFound', `pods "${name}" not found`)
      if (isAsWanted(object as unknown as Pod)) return object as unknown as Pod
    }
    throw new Error('timed out waiting for the condition')
  } finally {
    limit.release()
  }
}
