/**
 * Does something so many times in batches of 1, 2, 4, ..., each at once, and stops after the first batch in which one fails: what
 * is bound to fail (a quota, say) does so once or twice and not 500 times. Answers how many succeeded and the first error.
 */
export async function slowStart(count: number, act: () => Promise<void>): Promise<{ succeeded: number; error?: unknown }> {
  let succeeded = 0
  for (let batch = 1; succeeded < count; batch *= 2) {
    const size = Math.min(batch, count - succeeded)
    const results = await Promise.allSettled(Array.from({ length: size }, act))
    const failures = results.filter(result => result.status === 'rejected')
    succeeded += size - failures.length
    if (failures[0]) return { succeeded, error: failures[0].reason }
  }
  return { succeeded }
}
