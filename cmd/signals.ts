/** How a process is told to end. */
export interface Leaving {
  readonly stop: AbortController
  /** What is done first when the machine goes down: pods end, if they are meant to. Until this is called, nothing is. */
  endFirst(work: () => Promise<void>): void
}

/** Aborts `stop` on SIGINT at once; on SIGTERM once what comes first is done. Who cannot wait asks again. */
export function stopOnSignals(): Leaving {
  const stop = new AbortController()
  let first: (() => Promise<void>) | undefined
  const onSignal = (name: string) => {
    const work = name === 'SIGINT' ? undefined : first
    if (!work) return stop.abort()
    first = undefined
    void work().finally(() => stop.abort())
  }
  for (const name of ['SIGINT', 'SIGTERM'] as const) process.on(name, onSignal)
  return { stop, endFirst: work => void (first = work) }
}
