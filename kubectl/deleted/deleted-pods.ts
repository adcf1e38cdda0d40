import type { Pod } from '../../api/core/pod.ts'
import { isReason } from '../../api/errors.ts'
import type { ContainerLogOptions } from '../../api/node-agent.ts'
import type { Table } from '../print/table.ts'
import type { Session } from '../session.ts'

/** A pod as it was when it went. */
export interface DeletedPod {
  readonly deletedAt: string
  readonly object: Pod
}

interface Wanted {
  /** Absent: all. */
  readonly namespace?: string | undefined
  readonly name?: string | undefined
  readonly labelSelector?: string | undefined
}

/** Pods that were deleted a while ago, the last one first, and a table of them. Only a Wherry can tell. */
export async function deletedPods(session: Session, wanted: Wanted): Promise<{ items: readonly DeletedPod[]; table: Table }> {
  const { namespace = '', name = '', labelSelector = '' } = wanted
  const query = new URLSearchParams({ namespace, name, labelSelector })
  return (await ask(session, `/wherry/v1/deleted/pods?${query}`)) as { items: readonly DeletedPod[]; table: Table }
}

/** What is kept of the log of a pod that is gone. */
export async function deletedLog(
  session: Session,
  { namespace, name, uid }: { namespace: string; name: string; uid?: string },
  options: ContainerLogOptions,
): Promise<Uint8Array> {
  const query = new URLSearchParams({ namespace, name, ...(uid && { uid }) })
  for (const [option, value] of Object.entries(options)) if (value !== undefined) query.set(option, String(value))
  const { log } = (await ask(session, `/wherry/v1/deleted/log?${query}`)) as { log: string }
  return Buffer.from(log, 'base64')
}

/** A server that does not know the path says so without a word about pods. */
async function ask(session: Session, path: string): Promise<unknown> {
  try {
    return await session.get(path)
  } catch (error) {
    if (!isReason(error, 'NotFound') || error.status.message?.includes('pod')) throw error
    throw new Error('this server remembers no deleted pods: it is not a Wherry', { cause: error })
  }
}
