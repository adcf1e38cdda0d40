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
 * Resolves with those that are still there when the signal aborts: none, when all have gone.
 * Objects of one resource and namespace share a watch.
 */
export async function untilGone(session: Session, leaving: readonly Leaving[], signal: AbortSignal): Promise<Leaving[]> {
  const groups = new Map<string, Leaving[]>()
  for (const each of leaving) {
    const key = [each.resource.group, each.resource.resource, each.namespace ?? ''].join('/')
    groups.set(key, [...(groups.get(key) ?? []), each])
  }
  const remaining = await Promise.all([...groups.values()].map(group => untilGroupGone(session, group, signal)))
  return remaining.flat()
}

async function untilGroupGone(session: Session, group: readonly Leaving[], signal: AbortSignal): Promise<Leaving[]> {
  const [first] = group
  if (!first) return []
  const { resource, namespace } = first
  const here = new Map(group.map(each => [each.uid, each]))
  const only = group.length === 1 ? { fieldSelector: `metadata.name=${first.name}` } : {}
  for await (const change of changes(session, resource, namespace, only, signal)) {
    if (change.type === 'LISTED') {
      const present = new Set(change.objects.map(({ metadata }) => metadata.uid))
      for (const uid of [...here.keys()]) if (!present.has(uid)) here.delete(uid)
    } else if (change.type === 'DELETED') here.delete(change.object.metadata.uid)
    if (here.size === 0) return []
  }
  return [...here.values()]
}
