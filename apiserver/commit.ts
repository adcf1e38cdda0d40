import type { JournalEntry } from '../api/journal.ts'
import type { AnyKind } from '../api/kind.ts'
import type { Store } from '../storage/store.ts'
import { encode, stored } from './codec.ts'
import type { AnyDraft } from './decode-body.ts'
import type { ApiRequest, Stored } from './request.ts'
import { storeError } from './store-errors.ts'
import { storeKey } from './store-keys.ts'

/** What the journal keeps beside a revision, which itself knows its number and time. */
export type JournalNote = Omit<JournalEntry, 'revision' | 'time'>
/** As JSON drops what is undefined. */
type NoteToWrite = { readonly [Field in keyof JournalNote]: JournalNote[Field] | undefined }

/** The last step of a write: stringified once, with its final resourceVersion, and journalled. */
export interface Commits {
  /** Writes if the object still is as it was (absent: does not exist). Undefined: someone was faster. Freezes the draft. */
  put(request: ApiRequest, kind: AnyKind, draft: AnyDraft, old?: Stored): Promise<Stored | undefined>
  /** Removes; watchers get the draft as the last state. Undefined as above. */
  remove(request: ApiRequest, kind: AnyKind, draft: AnyDraft, old: Stored): Promise<Stored | undefined>
}

/** `onCommit` hears of every revision before the write is answered. */
export function commits(store: Store, onCommit: (revision: number) => void): Commits {
  const write = (operation: 'put' | 'delete'): Commits['put'] =>
    async function (request, kind, draft, old) {
      const { name, namespace } = draft.metadata
      const encoded = (revision: number) => {
        draft.metadata.resourceVersion = String(revision)
        return encode(draft, old?.object)
      }
      const note = Buffer.from(JSON.stringify(noteOf(request, draft)))
      try {
        const entry = await store[operation](storeKey(kind, namespace, name), encoded, old?.revision ?? 0, note)
        if (!entry) return undefined
        onCommit(entry.revision)
        return stored(entry.value, entry.revision)
      } catch (error) {
        throw storeError(error)
      }
    }
  return { put: write('put'), remove: write('delete') }
}

function noteOf({ verb, group, resource, subresource, user, cause }: ApiRequest, { metadata }: AnyDraft): NoteToWrite {
  const { namespace, name, uid } = metadata
  return {
    verb,
    group,
    resource,
    subresource: subresource || undefined,
    namespace: namespace || undefined,
    name,
    uid,
    user: user.name,
    cause,
  }
}
