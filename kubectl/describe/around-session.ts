import type { Event } from '../../api/core/event.ts'
import type { KubeObject } from '../../api/transport.ts'
import { callOf, listAll } from '../objects.ts'
import type { Resource } from '../resources.ts'
import type { Session } from '../session.ts'
import type { Around } from './around.ts'

/** What is around an object on a server. */
export async function aroundOn(
  session: Session,
  resource: Resource,
  object: KubeObject,
  options: { readonly now: number; readonly withEvents: boolean },
): Promise<Around> {
  const map = await session.resources()
  return {
    now: options.now,
    events: options.withEvents ? await eventsOf(session, resource, object) : undefined,
    async list<T>(name: string, namespace: string | undefined, call = {}) {
      const { items } = await listAll(session, map.named(name), namespace, call)
      return items as readonly T[]
    },
    get: <T>(name: string, namespace: string | undefined, objectName: string) =>
      session.transport.call(callOf('get', map.named(name), { namespace, name: objectName })) as Promise<T>,
  }
}

/** What has happened to an object; undefined when one may not know. */
async function eventsOf(
  session: Session,
  resource: Resource,
  { metadata, kind }: KubeObject,
): Promise<readonly Event[] | undefined> {
  const events = (await session.resources()).all.find(each => each.resource === 'events' && each.group === '')
  if (!events) return undefined
  const about = (uid: string) =>
    [
      `involvedObject.name=${metadata.name}`,
      ...(metadata.namespace ? [`involvedObject.namespace=${metadata.namespace}`] : []),
      // Events of a pod's containers may name the pod without its kind.
      ...(resource.kind === 'Pod' ? [] : [`involvedObject.kind=${kind || resource.kind}`]),
      `involvedObject.uid=${uid}`,
    ].join(',')
  // Kubelets know a node's name and not its uid, and put one for the other.
  const uids = resource.kind === 'Node' ? [metadata.uid, metadata.name] : [metadata.uid]
  try {
    const lists = await Promise.all(uids.map(uid => listAll(session, events, metadata.namespace, { fieldSelector: about(uid) })))
    return lists.flatMap(({ items }) => items as unknown as Event[])
  } catch {
    return undefined
  }
}
