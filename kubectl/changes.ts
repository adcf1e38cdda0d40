import { isReason } from '../api/errors.ts'
import type { CallOptions, KubeObject } from '../api/transport.ts'
import { callOf, listAll } from './objects.ts'
import type { Resource } from './resources.ts'
import type { Session } from './session.ts'

export type Change =
  /** All that there are now: at the start, and whenever a watch had to be begun anew. */
  | { readonly type: 'LISTED'; readonly objects: readonly KubeObject[] }
  | { readonly type: 'ADDED' | 'MODIFIED' | 'DELETED'; readonly object: KubeObject }

/** The objects of a resource and what becomes of them, until the signal aborts; `namespace` undefined: everywhere. */
export async function* changes(
  session: Session,
  resource: Resource,
  namespace: string | undefined,
  selectors: Pick<CallOptions, 'labelSelector' | 'fieldSelector'>,
  signal: AbortSignal,
): AsyncIterable<Change> {
  while (!signal.aborted) {
    const list = await listAll(session, resource, namespace, selectors)
    yield { type: 'LISTED', objects: list.items }
    const options = { ...selectors, resourceVersion: list.metadata.resourceVersion }
    try {
      for await (const batch of session.transport.watch(callOf('watch', resource, { namespace }, { options }), signal)) {
        for (const event of batch) if (event.type !== 'BOOKMARK') yield event
      }
    } catch (error) {
      // Too far behind: what it is now is all that counts.
      if (!isReason(error, 'Expired', 'Gone')) throw error
    }
  }
}

/** A signal that aborts with the given one, or when the time is up; zero means no limit. */
export function limited(signal: AbortSignal, timeoutInMs: number): { signal: AbortSignal; isOver: () => boolean } {
  if (timeoutInMs <= 0) return { signal, isOver: () => false }
  const limit = AbortSignal.timeout(timeoutInMs)
  return { signal: AbortSignal.any([signal, limit]), isOver: () => limit.aborted && !signal.aborted }
}
