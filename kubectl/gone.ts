import { isReason } from '../api/errors.ts'
import type { KubeList } from '../api/transport.ts'
import type { Io } from './io.ts'
import { callOf } from './objects.ts'
import type { Resource } from './resources.ts'
import type { Session } from './session.ts'

/** An object that is on its way out; another one of its name does not count. */
export interface Leaving {
  readonly resource: Resource
  readonly namespace: string | undefined
  readonly name: string
  readonly uid: string
}

/**
 * Resolves with those that are still there when the signal aborts: none, when all have gone. `onGone` hears of each as it goes.
 * Lists, then watches from there; objects of one resource and namespace share a watch.
 */
export async function untilGone(
  session: Session,
  leaving: readonly Leaving[],
  signal: AbortSignal,
  onGone: (left: Leaving) => void = () => {},
): Promise<Leaving[]> {
  const groups = new Map<string, Leaving[]>()
  for (const each of leaving) {
    const key = [each.resource.group, each.resource.resource, each.namespace ?? ''].join('/')
    groups.set(key, [...(groups.get(key) ?? []), each])
  }
  const remaining = await Promise.all([...groups.values()].map(group => untilGroupGone(session, group, signal, onGone)))
  return remaining.flat()
}

async function untilGroupGone(
  session: Session,
  group: readonly Leaving[],
  signal: AbortSignal,
  onGone: (left: Leaving) => void,
): Promise<Leaving[]> {
  const [first] = group
  if (!first) return []
  const { resource, namespace } = first
  const here = new Map(group.map(each => [each.uid, each]))
  const gone = (uid: string) => {
    const left = here.get(uid)
    if (left && here.delete(uid)) onGone(left)
  }
  const only = group.length === 1 ? { fieldSelector: `metadata.name=${first.name}` } : {}
  const done = new AbortController()
  const until = AbortSignal.any([signal, done.signal])
  while (!signal.aborted) {
    const list = (await session.transport.call(callOf('list', resource, { namespace }, { options: only }))) as KubeList
    const present = new Set(list.items.map(({ metadata }) => metadata.uid))
    for (const uid of [...here.keys()]) if (!present.has(uid)) gone(uid)
    if (here.size === 0) return []
    const from = { ...only, resourceVersion: list.metadata.resourceVersion }
    try {
      for await (const events of session.transport.watch(callOf('watch', resource, { namespace }, { options: from }), until)) {
        for (const event of events) if (event.type === 'DELETED') gone(event.object.metadata.uid)
        if (here.size === 0) {
          done.abort()
          return []
        }
      }
    } catch (error) {
      if (!isReason(error, 'Expired', 'Gone')) throw error
    }
  }
  return [...here.values()]
}

/** A signal that aborts with the given one or after so long; 0: no limit. `stop` forgets the timer. */
export function deadline(io: Pick<Io, 'sleep'>, inMs: number, signal: AbortSignal): { signal: AbortSignal; stop: () => void } {
  if (inMs <= 0) return { signal, stop: () => {} }
  const limit = new AbortController()
  const stopped = new AbortController()
  void io.sleep(inMs, stopped.signal).then(() => {
    if (!stopped.signal.aborted) limit.abort()
  })
  return { signal: AbortSignal.any([signal, limit.signal]), stop: () => stopped.abort() }
}
