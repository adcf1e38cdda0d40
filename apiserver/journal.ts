import type { JournalEntry } from '../api/journal.ts'
import type { Store, StoreEvent } from '../storage/store.ts'
import type { JournalNote } from './commit.ts'
import { fromStore } from './store-errors.ts'
import { storeKey } from './store-keys.ts'
import type { JournalReader } from './why.ts'

/** Reads back what was noted beside each write. */
export function journal(store: Store): JournalReader {
  return {
    async history({ group, resource, namespace, name }) {
      const events = await fromStore(store.history(storeKey({ group, plural: resource }, namespace, name)))
      return events.flatMap(event => entryOf(event) ?? [])
    },
    async at(revision) {
      return entryOf(await fromStore(store.at(revision)))
    },
  }
}

function entryOf(event: StoreEvent | undefined): JournalEntry | undefined {
  if (!event?.note) return undefined
  const note = JSON.parse(Buffer.from(event.note).toString()) as JournalNote
  return { revision: event.entry.revision, time: event.time, ...note }
}
