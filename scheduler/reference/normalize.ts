/** Scales to 0..100 by the largest, cutting fractions off; reversed, the largest becomes the worst (plugins/helper/normalize_score.go). */
export function byLargest(scores: readonly number[], isReversed: boolean): number[] {
  const largest = Math.max(0, ...scores)
  if (largest === 0) return scores.map(() => (isReversed ? 100 : 0))
  return scores.map(score => {
    const scaled = Math.trunc((100 * score) / largest)
    return isReversed ? 100 - scaled : scaled
  })
}
