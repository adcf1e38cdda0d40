import type { ControllerRevision } from '../../../api/apps/controller-revision.ts'
import type { PodTemplateSpec } from '../../../api/core/pod-spec.ts'
import { canonicalJson, deepEqual } from '../../../lib/json.ts'

type Snapshot = Record<string, unknown>

/**
 * What a ControllerRevision keeps of a template: a strategic merge patch that brings it back, as `kubectl rollout undo` applies it
 * (pkg/controller/statefulset and daemon, getPatch). Its keys are sorted, since clients compare it byte by byte.
 */
export function snapshotOf(template: PodTemplateSpec): Snapshot {
  return JSON.parse(canonicalJson(patchOf(template))) as Snapshot
}

const patchOf = (template: PodTemplateSpec) => ({ spec: { template: { ...template, $patch: 'replace' } } })

/** Whether a revision keeps this very template. */
export function isSnapshotOf({ data }: ControllerRevision, template: PodTemplateSpec): boolean {
  return deepEqual(data, patchOf(template))
}

/** The template that a revision keeps; another one where it keeps none. */
export function templateIn({ data }: ControllerRevision, otherwise: PodTemplateSpec): PodTemplateSpec {
  const { template } = (data?.['spec'] ?? {}) as { template?: PodTemplateSpec & { $patch?: string } }
  if (!template) return otherwise
  const { $patch: _, ...kept } = template
  return kept
}
