import { isReason } from '../api/errors.ts'
import type { CallOptions, KubeObject } from '../api/transport.ts'
import { callOf, listAll } from './objects.ts'
import type { CommandContext } from './command.ts'
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

/** A time limit on something that a signal may end as well. */
export interface Limit {
  readonly signal: AbortSignal
  /** Whether it was the time that ended it. */
  readonly isOver: () => boolean
  readonly release: () => void
}

/** Aborts with the given signal, or when the time is up; zero means no limit. Release it when it is not needed any more. */
export function limited({ signal, io }: Pick<CommandContext, 'signal' | 'io'>, timeoutInMs: number): Limit {
  const limit = new AbortController()
  let isOver = false
  const onAbort = () => limit.abort()
  if (signal.aborted) limit.abort()
  signal.addEventListener('abort', onAbort, { once: true })
  if (timeoutInMs > 0) {
    void io.sleep(timeoutInMs, limit.signal).then(() => {
      if (limit.signal.aborted) return
      isOver = true
      limit.abort()
    })
  }
  return {
    signal: limit.signal,
    isOver: () => isOver,
    release() {
      signal.removeEventListener('abort', onAbort)
      limit.abort()
    },
  }
}
