/**
 * A container or pod could not be started now. `reason` is what the user sees as the waiting reason (semantics C5);
 * `retryInMs` overrides the usual delay before the next try.
 */
export class SyncError extends Error {
  readonly reason: string
  readonly retryInMs: number | undefined
  constructor(reason: string, message: string, { retryInMs, cause }: { retryInMs?: number; cause?: unknown } = {}) {
    super(message, { cause })
    this.name = 'SyncError'
    this.reason = reason
    this.retryInMs = retryInMs
  }
}

/** The text of anything thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

/** What a promise resolves with; rejects as soon as the signal aborts. What goes on behind it is not waited for. */
export async function unlessAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  let onAbort = () => {}
  const abort = new Promise<never>((_, reject) => {
    onAbort = () => reject(new SyncError('Interrupted', 'the pod is being ended'))
    if (signal.aborted) onAbort()
    else signal.addEventListener('abort', onAbort, { once: true })
  })
  work.catch(() => {})
  return Promise.race([work, abort]).finally(() => signal.removeEventListener('abort', onAbort))
}
