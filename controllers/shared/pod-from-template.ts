import type { PodTemplateSpec } from '../../api/core/pod-spec.ts'
import type { AnyKind } from '../../api/kind.ts'
import type { KubeObject } from '../../api/transport.ts'
import { controllerReference } from './owner-references.ts'

/** A pod of a template, still without a name, in its owner's namespace and controlled by it (pkg/controller, GetPodFromTemplate). */
export function podFromTemplate(template: PodTemplateSpec, ownerKind: AnyKind, owner: KubeObject) {
  const { labels, annotations, finalizers } = template.metadata
  return {
    metadata: {
      namespace: owner.metadata.namespace,
      labels: { ...labels } as Record<string, string>,
      annotations,
      finalizers,
      ownerReferences: [controllerReference(ownerKind, owner)],
    },
    spec: template.spec,
  }
}
