import { type Disk, StoreCorrupted } from './disk.ts'
import type { Reader } from './reader.ts'
import { facts } from './records.ts'

/** Goes up when older versions of Wherry could not read what this one writes. */
export const format = 1

/** A newer Wherry wrote this. */
export class StoreFromFuture extends Error {
  constructor(location: string, found: number) {
    super(`the data in ${location} has format ${found}, from a newer Wherry; this one knows formats up to ${format}`)
    this.name = 'StoreFromFuture'
  }
}

/** Refuses what this version cannot read, and marks an empty database as its own. */
export async function checkFormat(disk: Disk, read: Reader): Promise<void> {
  const { location } = disk.database
  const found = read.fact(facts.format)
  if (found > format) throw new StoreFromFuture(location, found)
  if (found > 0) return
  const [row] = await disk.database.keys({ limit: 1 }).all()
  if (row !== undefined) throw new StoreCorrupted(location, 'it is not a store of Wherry, or lost the record that says so')
  await disk.write(batch => batch.put(facts.format, Buffer.from(String(format))), { sync: true })
}
