/** Why something was written: the rule that was applied, in words and in figures. */
export interface Note {
  /** A stable name: `deployment/rolling`, `scheduler/fit`. */
  readonly rule: string
  /** One sentence for people. */
  readonly text: string
  /** The figures behind it. */
  readonly data?: unknown
}

/** Who is behind a write and what moved them; travels with the request. */
export interface Cause {
  /** The component: `deployment-controller`, `kubectl`. */
  readonly actor: string
  /** The revisions of the writes that woke the actor. */
  readonly wokenBy?: readonly number[]
  readonly note?: Note
}

/** One write, as the journal keeps it beside its revision. */
export interface JournalEntry {
  readonly revision: number
  /** Milliseconds since the epoch. */
  readonly time: number
  readonly verb: string
  readonly group: string
  /** The plural: `pods`. */
  readonly resource: string
  readonly subresource?: string
  readonly namespace?: string
  readonly name: string
  readonly uid?: string
  /** The authenticated user. */
  readonly user: string
  readonly cause?: Cause
}
