/** A long-running thing: resolves only when it has fully stopped, rejects when it failed. */
export type Run = (signal: AbortSignal) => Promise<void>

/**
 * Runs all together until the signal aborts or one of them fails, then stops them in reverse order, waiting for each.
 * Rejects with the first failure, named after the part it came from. A part may end early without ending the others.
 */
export async function runAll(parts: readonly (readonly [name: string, run: Run])[], signal: AbortSignal): Promise<void> {
  const failure: { error?: Error } = {}
  const stop = new AbortController()
  const onAbort = () => stop.abort()
  if (signal.aborted) return
  signal.addEventListener('abort', onAbort, { once: true })
  const running = parts.map(([name, run]) => {
    const own = new AbortController()
    const done = run(own.signal).catch((cause: unknown) => {
      failure.error ??= new Error(`${name} failed: ${cause instanceof Error ? cause.message : String(cause)}`, { cause })
      stop.abort()
    })
    return { own, done }
  })
  const everyoneEnded = Promise.all(running.map(part => part.done))
  await Promise.race([everyoneEnded, aborted(stop.signal)])
  for (const { own, done } of running.reverse()) {
    own.abort()
    await done
  }
  signal.removeEventListener('abort', onAbort)
  if (failure.error) throw failure.error
}

/** Resolves when the signal aborts. */
export function aborted(signal: AbortSignal): Promise<void> {
  return new Promise(resolve => {
    if (signal.aborted) resolve()
    else signal.addEventListener('abort', () => resolve(), { once: true })
  })
}
