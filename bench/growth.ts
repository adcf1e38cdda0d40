/** How a figure grows with a size. */
export interface Growth {
  readonly name: string
  readonly unit: string
  readonly points: readonly (readonly [size: number, value: number])[]
  /** Of the power of the size that fits best: 1 is linear. */
  readonly exponent: number
}

/** Fits `value = c * size^exponent`: least squares on logarithms. */
export function growth(name: string, unit: string, points: readonly (readonly [size: number, value: number])[]): Growth {
  const logs = points.map(([size, value]) => [Math.log(size), Math.log(Math.max(value, 1e-3))] as const)
  const mean = (of: readonly number[]) => of.reduce((sum, value) => sum + value, 0) / of.length
  const [meanX, meanY] = [mean(logs.map(([x]) => x)), mean(logs.map(([, y]) => y))]
  const covariance = logs.reduce((sum, [x, y]) => sum + (x - meanX) * (y - meanY), 0)
  const variance = logs.reduce((sum, [x]) => sum + (x - meanX) ** 2, 0)
  return { name, unit, points, exponent: covariance / variance }
}
