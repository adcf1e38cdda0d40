/** One measured figure. */
export interface Figure {
  readonly name: string
  readonly value: number
  readonly unit: string
  /** What it should be, and which side is good. */
  readonly goal?: { readonly atMost?: number; readonly atLeast?: number }
  /** What limits it, when it falls short, or how it was measured. */
  readonly remark?: string
}

export function meetsGoal({ value, goal }: Figure): boolean | undefined {
  if (!goal) return undefined
  return (goal.atMost === undefined || value <= goal.atMost) && (goal.atLeast === undefined || value >= goal.atLeast)
}

const round = (value: number) => (value >= 100 ? Math.round(value) : Number(value.toPrecision(3)))

/** The figures as a table for people. */
export function table(figures: readonly Figure[]): string {
  const rows = figures.map(figure => {
    const { goal } = figure
    const wanted = goal?.atMost !== undefined ? `<= ${goal.atMost}` : goal?.atLeast !== undefined ? `>= ${goal.atLeast}` : ''
    const met = meetsGoal(figure)
    return [
      figure.name,
      String(round(figure.value)),
      figure.unit,
      wanted,
      met === undefined ? '' : met ? 'met' : 'SHORT',
      figure.remark ?? '',
    ]
  })
  const all = [['FIGURE', 'VALUE', 'UNIT', 'GOAL', '', 'REMARK'], ...rows]
  const widths = all[0]?.map((_, column) => Math.max(...all.map(row => row[column]?.length ?? 0))) ?? []
  return all
    .map(row =>
      row
        .map((cell, i) => (i === 1 ? cell.padStart(widths[i] ?? 0) : cell.padEnd(widths[i] ?? 0)))
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
}

/** The value below which a share of the samples lies. */
export function percentile(samples: readonly number[], share: number): number {
  const sorted = [...samples].sort((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN
}

export const median = (samples: readonly number[]) => percentile(samples, 0.5)
