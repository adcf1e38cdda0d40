import { Event } from '../../api/core/event.ts'
import type { JournalEntry } from '../../api/journal.ts'
import { keyOf } from '../../api/keys.ts'
import { type AnyKind, apiVersionOf, type ObjectOf } from '../../api/kind.ts'
import type { KubeObject } from '../../api/transport.ts'

/** All that is, at one revision of the store: what no cache, late watch or lying answer can colour. */
export interface Picture {
  /** When it was last changed, or looked at at rest, in milliseconds. */
  readonly now: number
  of<K extends AnyKind>(kind: K, namespace?: string): readonly ObjectOf<K>[]
  get<K extends AnyKind>(kind: K, namespace: string | undefined, name: string): ObjectOf<K> | undefined
  byUid(uid: string): KubeObject | undefined
  all(): Iterable<KubeObject>
}

/** One commit, as the onlooker sees it: after it has been applied to the picture. */
export interface Commit {
  readonly type: 'put' | 'delete'
  readonly object: KubeObject
  /** What was there before; absent: nothing. */
  readonly previous: KubeObject | undefined
  /** The component that wrote: `deployment-controller`; the test itself is `test`. */
  readonly actor: string
  readonly verb: string
  readonly time: number
  readonly revision: number
}

/** What of a store's event counts here. */
interface StoreEvent {
  readonly type: 'put' | 'delete'
  readonly entry: { readonly key: string; readonly value: Uint8Array; readonly revision: number }
  readonly note?: Uint8Array | undefined
  readonly time: number
}

export interface LivePicture extends Picture {
  now: number
  /** Takes a commit in; undefined for Events, which nothing depends on. */
  apply(event: StoreEvent): Commit | undefined
}

const eventPrefix = `/registry/core/${Event.plural}/`
const idOf = (apiVersion: string, kind: string) => `${apiVersion}/${kind}`
const text = new TextDecoder()

export function livePicture(): LivePicture {
  const kinds = new Map<string, Map<string, KubeObject>>()
  const uids = new Map<string, KubeObject>()
  const objectsOf = (id: string) => {
    let known = kinds.get(id)
    if (!known) kinds.set(id, (known = new Map()))
    return known
  }
  const picture: LivePicture = {
    now: 0,
    of(kind, namespace) {
      const objects = [...objectsOf(idOf(apiVersionOf(kind), kind.kind)).values()]
      return (namespace === undefined ? objects : objects.filter(({ metadata }) => metadata.namespace === namespace)) as never
    },
    get(kind, namespace, name) {
      return objectsOf(idOf(apiVersionOf(kind), kind.kind)).get(keyOf({ metadata: { namespace, name } })) as never
    },
    byUid: uid => uids.get(uid),
    all: () => uids.values(),
    apply({ type, entry, note, time }) {
      picture.now = Math.max(picture.now, time)
      if (entry.key.startsWith(eventPrefix)) return undefined
      const object = JSON.parse(text.decode(entry.value)) as KubeObject
      const objects = objectsOf(idOf(object.apiVersion, object.kind))
      const key = keyOf(object)
      const previous = objects.get(key)
      if (previous) uids.delete(previous.metadata.uid)
      if (type === 'put') {
        objects.set(key, object)
        uids.set(object.metadata.uid, object)
      } else objects.delete(key)
      const { cause, verb, user } = (note ? JSON.parse(text.decode(note)) : {}) as Partial<JournalEntry>
      return { type, object, previous, actor: cause?.actor ?? user ?? '', verb: verb ?? '', time, revision: entry.revision }
    },
  }
  return picture
}
