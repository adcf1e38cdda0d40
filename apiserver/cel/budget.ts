import { CelError } from './library/library.ts'

/**
 * What one evaluation may cost, and what all expressions about one request may cost together, in about the units upstream counts
 * (k8s.io/apiserver/pkg/apis/cel/config.go): one per node that is evaluated inside a comprehension.
 */
const costPerCall = 1_000_000
/** See costPerCall. */
export const costPerRequest = 10_000_000
/** See costPerCall: all match conditions of one webhook or policy. */
export const costOfMatchConditions = 2_500_000

/** What is said when the budget is used up, in cel-go's words. */
export const costExceeded = 'operation cancelled: actual cost limit exceeded'

/** What is left for a series of evaluations. */
export interface Budget {
  left: number
}

// One evaluation at a time: they are synchronous, and a lazily evaluated variable counts for the one that asks for it.
let left = Number.POSITIVE_INFINITY

/** Always the same: what is too expensive already should not pay for stack traces as well. */
const exceeded = new CelError(costExceeded)

/**
 * Counts; throws when the evaluation has become too expensive. Quantifiers and logical operators swallow that as any other error,
 * so everything that counts asks first (`spend(0)`), and `within` has the last word.
 */
export function spend(units: number): void {
  left -= units
  if (left < 0) throw exceeded
}

/** Runs an evaluation within its own limit and what is left of the budget. */
export function within<T>(budget: Budget | undefined, evaluate: () => T): T {
  const outer = left
  const allowed = Math.min(costPerCall, budget?.left ?? costPerCall, outer)
  left = allowed
  try {
    const result = evaluate()
    if (left < 0) throw exceeded
    return result
  } finally {
    const spent = 1 + allowed - Math.max(left, 0)
    if (budget) budget.left -= spent
    left = outer - spent
  }
}
