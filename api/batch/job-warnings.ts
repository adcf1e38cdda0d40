import { templateWarnings } from '../core/pod-warnings.ts'
import { podNameWarnings } from '../warnings.ts'
import type { JobSpec } from './job-spec.ts'

interface Meta {
  readonly metadata: { readonly name: string; readonly generation?: number | undefined }
}

/** Beyond both of these, which indexes failed may not fit into the status (pkg/api/job/warnings.go). */
const manyCompletions = 100_000
const manyAtOnce = 10_000

/** What the writer of a job, or of something that makes jobs, is told; `at`: the path of the job's spec. */
export function jobWarnings({ metadata, spec }: Meta & { readonly spec: JobSpec }, at: string, old?: Meta): string[] {
  if (old && old.metadata.generation === metadata.generation) return []
  const warnings = old ? [] : podNameWarnings(metadata.name)
  const { completionMode, completions = 0, parallelism = 0 } = spec
  if (completionMode === 'Indexed' && completions > manyCompletions && parallelism > manyAtOnce) {
    const what = 'In Indexed Jobs with a number of completions higher than 10^5 and a parallelism higher than 10^4'
    const why = 'Kubernetes might not be able to track completedIndexes when a big number of indexes fail'
    warnings.push(`${at}: ${what}, ${why}`)
  }
  return [...warnings, ...templateWarnings(spec.template, `${at}.template`)]
}
