import type { JobSpec } from '../../api/batch/job-spec.ts'
import { countCommon, countIndexes, type Indexes, parseIndexes } from './indexes.ts'

/** Which rule says that enough indexes have succeeded, in words; `undefined` when none does (pkg/controller/job/success_policy.go). */
export function metRule({ successPolicy, completions = 0 }: JobSpec, succeeded: Indexes): string | undefined {
  if (succeeded.length === 0) return undefined
  const met = successPolicy?.rules.findIndex(({ succeededIndexes, succeededCount }) => {
    if (succeededIndexes === undefined) return succeededCount !== undefined && countIndexes(succeeded) >= succeededCount
    const required = parseIndexes(succeededIndexes, completions)
    if (required.length === 0) return false
    const have = countCommon(required, succeeded)
    return have === countIndexes(required) || (succeededCount !== undefined && have >= succeededCount)
  })
  return met === undefined || met < 0 ? undefined : `Matched rules at index ${met}`
}
