/** Resolves in a later turn of the event loop, after the I/O that is ready now: how long work lets others in. */
export function nextTurn(): Promise<void> {
  return new Promise(resolve => setImmediate(resolve))
}
