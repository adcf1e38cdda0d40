import { isReason } from '../api/errors.ts'
import type { KubeList, KubeObject } from '../api/transport.ts'
import type { CommandContext } from './command.ts'
import { callOf } from './objects.ts'
import type { Resource } from './resources.ts'
import type { Session } from './session.ts'

/** What became of the objects that somebody follows. */
export type Change =
  /** All of them as they are now; comes first, and again whenever the server has forgotten what came between. */
  | { readonly type: 'LISTED'; readonly objects: readonly KubeObject[] }
  | { readonly type: 'ADDED' | 'MODIFIED' | 'DELETED'; readonly object: KubeObject }

/** Lists objects of a resource, then tells of every change to them, until the signal aborts. Without a namespace: everywhere. */
export async function* changes(
  session: Session,
  resource: Resource,
  namespace: string | undefined,
  options: { readonly labelSelector?: string; readonly fieldSelector?: string },
  signal: AbortSignal,
): AsyncIterable<Change> {
  let resourceVersion: string | undefined
  while (!signal.aborted) {
    if (resourceVersion === undefined) {
      const list = (await session.transport.call(callOf('list', resource, { namespace }, { options }))) as KubeList
      resourceVersion = list.metadata.resourceVersion
      yield { type: 'LISTED', objects: list.items }
    }
    const from = { ...options, resourceVersion, allowWatchBookmarks: true }
    try {
      for await (const events of session.transport.watch(callOf('watch', resource, { namespace }, { options: from }), signal)) {
        for (const event of events) {
          resourceVersion = event.object.metadata.resourceVersion
          if (event.type !== 'BOOKMARK') yield event
        }
      }
    } catch (error) {
      if (!isReason(error, 'Expired', 'Gone')) throw error
      resourceVersion = undefined
    }
  }
}

/** A signal that aborts when the user interrupts or a time has passed. */
export interface Limit {
  readonly signal: AbortSignal
  /** Whether it was the time. */
  readonly isOver: () => boolean
  /** Forgets the timer. */
  readonly release: () => void
}

/** 0 or less: no limit but the user's patience. */
export function limited({ io, signal }: Pick<CommandContext, 'io' | 'signal'>, inMs: number): Limit {
  const limit = new AbortController()
  const released = new AbortController()
  if (inMs > 0) {
    void io.sleep(inMs, released.signal).then(() => {
      if (!released.signal.aborted) limit.abort()
    })
  }
  return {
    signal: AbortSignal.any([signal, limit.signal]),
    isOver: () => limit.signal.aborted,
    release: () => released.abort(),
  }
}
