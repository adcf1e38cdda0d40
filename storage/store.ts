/**
 * The watchable key-value store: an MVCC log. Revisions are one global, strictly increasing integer; every commit gets the
 * next one. Old versions stay readable until they are compacted. The store knows keys, bytes and revisions, nothing else.
 * Keys are ordered by their UTF-8 bytes.
 */
export interface Store {
  /** The newest committed revision; 0 when nothing was ever written. */
  revision(): Promise<number>
  /** The oldest revision that can still be read or watched from; moves up with compaction. */
  compactedRevision(): Promise<number>
  /** The entry of a key, now or as it was at a revision. `undefined` when it did not exist. Throws Compacted, FutureRevision. */
  get(key: string, at?: number): Promise<Entry | undefined>
  /** The entries whose keys start with a prefix, in key order, now or at a revision. Throws Compacted, FutureRevision. */
  list(prefix: string, page?: ListPage): Promise<ListResult>
  /**
   * Writes a key if it still is at `expected` (0: it must not exist). `encode` is called once, synchronously, with the revision
   * that the commit will carry, and gives the bytes. Resolves when the write would survive a power cut; `undefined` means
   * that someone was faster and nothing was written. `note` is kept in the log beside the revision.
   */
  put(key: string, encode: (revision: number) => Uint8Array, expected: number, note?: Uint8Array): Promise<Entry | undefined>
  /**
   * Deletes a key if it still is at `expected`. The deletion has a revision of its own and may carry the object's last bytes
   * (`encode`, called as in `put`), which watchers get. Answers an entry of that revision, or `undefined` as above.
   */
  delete(key: string, encode: (revision: number) => Uint8Array, expected: number, note?: Uint8Array): Promise<Entry | undefined>
  /**
   * Every commit under a prefix after revision `since`, in order, without gaps, forever; ends when the signal aborts.
   * Events committed together may arrive together. Throws Compacted when `since` is older than what is kept.
   */
  watch(prefix: string, since: number, signal: AbortSignal): AsyncIterable<readonly StoreEvent[]>
  /** The retained commits of one key after revision `since` (all of them when absent), in order. */
  history(key: string, since?: number): Promise<StoreEvent[]>
  /** The one commit of a revision; `undefined` when it was compacted or has not happened. */
  at(revision: number): Promise<StoreEvent | undefined>
  /** Forgets the versions that were overwritten or deleted at or before a revision. Throws FutureRevision. */
  compact(revision: number): Promise<void>
  /** Waits for what is under way and closes. */
  close(): Promise<void>
}

export interface Entry {
  readonly key: string
  /** The very bytes that `encode` made, while the process lives; never written to. */
  readonly value: Uint8Array
  /** The revision of this version. */
  readonly revision: number
  /** The revision at which the key was created. */
  readonly created: number
}

export interface ListPage {
  /** An exact revision to read at; the newest when absent. */
  readonly at?: number | undefined
  /** Only keys that sort after this one. */
  readonly after?: string | undefined
  /** How many entries at most; absent or 0 means all. */
  readonly limit?: number | undefined
}

export interface ListResult {
  readonly entries: readonly Entry[]
  /** The revision that was read at. */
  readonly revision: number
  /** Whether more keys follow the last entry. */
  readonly more: boolean
}

export interface StoreEvent {
  readonly type: 'put' | 'delete'
  readonly entry: Entry
  /** What the key held before, unless it has been compacted or did not exist. Looking may read the disk: only while the store is open. */
  readonly previous?: Entry | undefined
  readonly note?: Uint8Array | undefined
  /** When it was committed, in milliseconds since the epoch. */
  readonly time: number
}

/** The revision asked for is no longer kept. */
export class Compacted extends Error {
  readonly compactedRevision: number
  constructor(revision: number, compactedRevision: number) {
    super(`revision ${revision} was compacted; the oldest kept is ${compactedRevision}`)
    this.name = 'Compacted'
    this.compactedRevision = compactedRevision
  }
}

/** The revision asked for has not happened yet. */
export class FutureRevision extends Error {
  readonly currentRevision: number
  constructor(revision: number, currentRevision: number) {
    super(`revision ${revision} has not happened yet; the newest is ${currentRevision}`)
    this.name = 'FutureRevision'
    this.currentRevision = currentRevision
  }
}

/** Throws Compacted or FutureRevision unless a revision is among those that are kept. */
export function checkKept(revision: number, { compacted, newest }: { compacted: number; newest: number }): void {
  if (revision < compacted) throw new Compacted(revision, compacted)
  if (revision > newest) throw new FutureRevision(revision, newest)
}

/** The store could not do what it was asked: its disk is full or broken, or it was closed. Nothing acknowledged is lost. */
export class StoreUnavailable extends Error {
  constructor(reason: string, options?: ErrorOptions) {
    super(`the store is unavailable: ${reason}`, options)
    this.name = 'StoreUnavailable'
  }
}
