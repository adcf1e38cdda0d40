import { changes } from './changes.ts'
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
 * Objects of one resource and namespace share a watch.
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
  for await (const change of changes(session, resource, namespace, only, AbortSignal.any([signal, done.signal]))) {
    if (change.type === 'LISTED') {
      const present = new Set(change.objects.map(({ metadata }) => metadata.uid))
      for (const uid of [...here.keys()]) if (!present.has(uid)) gone(uid)
    } else if (change.type === 'DELETED') gone(change.object.metadata.uid)
    if (here.size === 0) done.abort()
  }
  return [...here.values()]
}
