import type { JournalEntry } from '../api/journal.ts'

/** Where the journal's entries come from. */
export interface JournalReader {
  /** Every retained write of one object, oldest first. */
  history(target: { group: string; resource: string; namespace?: string; name: string }): Promise<readonly JournalEntry[]>
  /** The write of one revision; undefined when it is compacted or was none. */
  at(revision: number): Promise<JournalEntry | undefined>
}

/** One step on the way from a user's wish to what is there now. */
export interface WhyStep extends JournalEntry {
  /** Milliseconds since the first step. */
  readonly elapsedInMs: number
  /** The revision of the step that led to this one. */
  readonly because?: number
}

/** How far back causes are followed. */
const longestChain = 32

const isSameObject = (a: JournalEntry, b: JournalEntry) =>
  a.group === b.group && a.resource === b.resource && a.namespace === b.namespace && a.name === b.name

/**
 * Why an object is as it is: its own writes, and before them the chain of writes by which they came about, up to the one that
 * a person or a client made. Empty when nothing is known of the object.
 */
export async function why(journal: JournalReader, target: Parameters<JournalReader['history']>[0]): Promise<readonly WhyStep[]> {
  const own = newestLife(await journal.history(target))
  const [first] = own
  if (!first) return []
  const steps = new Map<number, { entry: JournalEntry; because?: number }>()
  for (const entry of own) steps.set(entry.revision, { entry })

  let effect: JournalEntry = first
  for (let length = 0; length < longestChain; length++) {
    const parent = await causeOf(journal, effect)
    if (!parent) break
    steps.set(effect.revision, { entry: effect, because: parent.revision })
    if (steps.has(parent.revision)) break
    steps.set(parent.revision, { entry: parent })
    effect = parent
  }
  for (const [revision, step] of steps) {
    if (step.because !== undefined) continue
    const woken = step.entry.cause?.wokenBy?.filter(cause => steps.has(cause)).at(-1)
    if (woken !== undefined && woken !== revision) steps.set(revision, { ...step, because: woken })
  }

  const ordered = [...steps.values()].sort((a, b) => a.entry.revision - b.entry.revision)
  const start = ordered[0]?.entry.time ?? 0
  return ordered.map(({ entry, because }) => ({
    ...entry,
    elapsedInMs: entry.time - start,
    ...(because !== undefined && { because }),
  }))
}

/** The writes of the newest object of a name: one that was deleted and made again is another. */
function newestLife(entries: readonly JournalEntry[]): readonly JournalEntry[] {
  const uid = entries.findLast(entry => entry.uid !== undefined)?.uid
  return uid === undefined ? entries : entries.filter(entry => entry.uid === uid)
}

/**
 * The write that led to another one. Of those that woke its author, the newest on a different object counts: a controller's own
 * earlier writes wake it too, but explain nothing.
 */
async function causeOf(journal: JournalReader, effect: JournalEntry): Promise<JournalEntry | undefined> {
  const revisions = effect.cause?.wokenBy ?? []
  let fallback: JournalEntry | undefined
  for (const revision of [...revisions].sort((a, b) => b - a)) {
    if (revision >= effect.revision) continue
    const candidate = await journal.at(revision)
    if (!candidate) continue
    if (!isSameObject(candidate, effect)) return candidate
    fallback ??= candidate
  }
  return fallback
}
