import { defaultPodSpec } from '../core/pod-defaults.ts'
import type { Draft } from '../kind.ts'
import type { JobSpec } from './job-spec.ts'

interface Labelled {
  labels?: Record<string, string>
}

const unlimited = 2147483647

/** Conditional defaults of a job (pkg/apis/batch/v1/defaults.go SetDefaults_Job). */
export function defaultJob({ metadata, spec }: { metadata: Labelled; spec: Draft<JobSpec> }): void {
  defaultPodSpec(spec.template.spec)
  if (spec.completions === undefined && spec.parallelism === undefined) spec.completions = 1
  spec.parallelism ??= 1
  spec.backoffLimit ??= spec.backoffLimitPerIndex === undefined ? 6 : unlimited
  const { labels } = spec.template.metadata
  if (labels && Object.keys(metadata.labels ?? {}).length === 0) metadata.labels = { ...labels }
  spec.completionMode ??= 'NonIndexed'
  spec.suspend ??= false
  spec.podReplacementPolicy ??= spec.podFailurePolicy ? 'Failed' : 'TerminatingOrFailed'
  spec.manualSelector ??= false
}

const names = ['job-name', 'batch.kubernetes.io/job-name']
const uids = ['controller-uid', 'batch.kubernetes.io/controller-uid']
/** The labels that tell the pods of a job from all others: those with its name and those with its UID. */
export const jobLabels = { names, uids, selecting: 'batch.kubernetes.io/controller-uid' } as const

interface Identified {
  metadata: { name: string; uid: string }
  spec: Draft<JobSpec>
}

/** Selects the job's own pods by its UID, unless somebody wants to select by hand (pkg/registry/batch/job/strategy.go). */
export function generateSelector({ metadata: { name, uid }, spec }: Identified): void {
  if (spec.manualSelector) return
  const labels: Record<string, string> = { ...spec.template.metadata.labels }
  for (const label of names) labels[label] ??= name
  for (const label of uids) labels[label] ??= uid
  spec.template.metadata.labels = labels
  spec.selector ??= {}
  spec.selector.matchLabels = { [jobLabels.selecting]: uid, ...spec.selector.matchLabels }
}
