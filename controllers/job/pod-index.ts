import type { Job } from '../../api/batch/job.ts'
import type { JobSpec } from '../../api/batch/job-spec.ts'
import type { Pod } from '../../api/core/pod.ts'
import type { Draft } from '../../api/kind.ts'

/** Which index a pod works on: an annotation, and a label of the same name. */
export const indexKey = 'batch.kubernetes.io/job-completion-index'
const failureCountKey = 'batch.kubernetes.io/job-index-failure-count'
const ignoredFailureCountKey = 'batch.kubernetes.io/job-index-ignored-failure-count'
const indexVariable = 'JOB_COMPLETION_INDEX'
/** Generated names have this much before their random part (k8s.io/apiserver/pkg/storage/names). */
const longestBase = 58

type PodTemplate = Draft<JobSpec['template']>

export function isIndexed({ spec }: Job): boolean {
  return spec.completionMode === 'Indexed'
}

/** The index of a pod; `undefined` where it has none that can be read. */
export function indexOf(pod: Pod): number | undefined {
  const text = pod.metadata.annotations?.[indexKey] ?? ''
  return /^\+?\d+$/.test(text) ? Number(text) : undefined
}

/** The index of a pod if the job has such an index (still). */
export function validIndexOf(job: Job, pod: Pod): number | undefined {
  const index = indexOf(pod)
  return index !== undefined && index < (job.spec.completions ?? 0) ? index : undefined
}

/** How many pods of this pod's index had failed before it: those that count, and those that the failure policy ignores. */
export function failuresBefore(pod: Pod): { counted: number; ignored: number } {
  return { counted: int32Annotation(pod, failureCountKey), ignored: int32Annotation(pod, ignoredFailureCountKey) }
}

/** What people may have written there counts only when it is an int32 that is not negative. */
function int32Annotation(pod: Pod, key: string): number {
  const text = pod.metadata.annotations?.[key] ?? ''
  return /^\+?\d+$/.test(text) && Number(text) <= 2 ** 31 - 1 ? Number(text) : 0
}

/** Tells all containers which index they work on, unless they say so themselves. */
export function addIndexVariable({ spec }: PodTemplate): void {
  for (const container of [...(spec.initContainers ?? []), ...spec.containers]) {
    if (container.env?.some(({ name }) => name === indexVariable)) continue
    const fieldPath = `metadata.labels['${indexKey}']`
    container.env = [...(container.env ?? []), { name: indexVariable, valueFrom: { fieldRef: { apiVersion: 'v1', fieldPath } } }]
  }
}

/** What a pod of an index carries. `failures` where they are counted per index. */
export function indexMetadata(index: number, failures: ReturnType<typeof failuresBefore> | undefined) {
  const annotations: Record<string, string> = { [indexKey]: String(index) }
  if (failures) annotations[failureCountKey] = String(failures.counted)
  if (failures && failures.ignored > 0) annotations[ignoredFailureCountKey] = String(failures.ignored)
  return { annotations, labels: { [indexKey]: String(index) } }
}

/** `<job>-<index>-`, with the job's name cut so that it fits. */
export function indexedNameBase(jobName: string, index: number): string {
  const ending = `-${index}-`
  return jobName.slice(0, longestBase - ending.length) + ending
}
