import type { MetricSpec, MetricStatus } from '../../api/autoscaling/metric-spec.ts'
import type { Proposal } from './proposal.ts'
import type { Finding } from './status.ts'

/** What all metrics come to together. */
export type Verdict =
  | {
      readonly replicas: number
      /** How messages call the metric that asks for the most. */
      readonly metric: string
      readonly statuses: readonly MetricStatus[]
      readonly finding: Finding
      /** What some of the metrics could not say. */
      readonly failure?: string
    }
  /** Nobody is to scale; without statuses, nobody was asked. */
  | { readonly statuses?: readonly MetricStatus[]; readonly finding: Finding; readonly failure: string }

/** What a metric's status says that nothing is known of. */
const unknown = { type: '' } as unknown as MetricStatus

/**
 * The most that any metric asks for. Where one could not say, nobody goes down on the word of the others, who may not know
 * (pkg/controller/podautoscaler/horizontal.go computeReplicasForMetrics).
 */
export function verdictOf(specs: readonly MetricSpec[], proposals: readonly Proposal[], current: number): Verdict {
  let [replicas, metric] = [0, '']
  const statuses: MetricStatus[] = []
  const failures: Extract<Proposal, { why: string }>[] = []
  for (const proposal of proposals) {
    if ('why' in proposal) {
      failures.push(proposal)
      statuses.push(unknown)
      continue
    }
    statuses.push(proposal.status)
    if (replicas !== 0 && proposal.replicas <= replicas) continue
    replicas = proposal.replicas
    metric = proposal.metric
  }
  const [first] = failures
  const failure = first && `invalid metrics (${failures.length} invalid out of ${specs.length}), first error is: ${first.text}`
  if (first && failure && (failures.length >= specs.length || replicas < current)) {
    const message = `the HPA was unable to compute the replica count: ${first.why}`
    return { statuses, failure, finding: { type: 'ScalingActive', status: 'False', reason: first.reason, message } }
  }
  const message = `the HPA was able to successfully calculate a replica count from ${metric}`
  const finding: Finding = { type: 'ScalingActive', status: 'True', reason: 'ValidMetricFound', message }
  return { replicas, metric, statuses, finding, ...(failure !== undefined && { failure }) }
}
