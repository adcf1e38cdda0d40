import type { Disk, WriteBatch } from './disk.ts'
import type { Reader } from './reader.ts'
import { currentRow, facts, historyRow, type LogRecord, logRow } from './records.ts'

/** How many commits are looked at between two turns of the event loop. */
const chunk = 200

/**
 * Removes what compaction has made unreadable, a piece at a time, and notes how far it came in the same batch: interrupted
 * at any point, the next sweep goes on from there.
 */
export async function sweep(disk: Disk, read: Reader, compacted: number): Promise<void> {
  for (let swept = read.fact(facts.swept); swept < compacted; ) {
    const until = Math.min(compacted, swept + chunk)
    const records = await disk.read(() => read.records(swept, until))
    await disk.write(
      batch => {
        for (const record of records) forget(record, read, batch)
        batch.put(facts.swept, Buffer.from(String(until)))
      },
      { sync: false },
    )
    swept = until
  }
}

/** Forgets what a commit made obsolete: the version it overwrote and, when it is a deletion, itself. */
function forget({ type, entry: { key, revision }, replaces }: LogRecord, read: Reader, batch: WriteBatch): void {
  if (replaces > 0) forgetVersion(key, replaces, batch)
  if (type === 'put') return
  forgetVersion(key, revision, batch)
  if (read.current(key)?.revision === revision) batch.del(currentRow(key))
}

function forgetVersion(key: string, revision: number, batch: WriteBatch): void {
  batch.del(logRow(revision))
  batch.del(historyRow(key, revision))
}
