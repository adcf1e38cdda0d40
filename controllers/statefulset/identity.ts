import { StatefulSet } from '../../api/apps/stateful-set.ts'
import type { Pod } from '../../api/core/pod.ts'
import type { PodTemplateSpec } from '../../api/core/pod-spec.ts'
import type { InputOf } from '../../api/kind.ts'
import { podFromTemplate } from '../shared/pod-from-template.ts'
import { claimName, podName } from './names.ts'

/** Labels that a set gives its pods (k8s.io/api/apps/v1/types.go). */
export const podNameLabel = 'statefulset.kubernetes.io/pod-name'
export const podIndexLabel = 'apps.kubernetes.io/pod-index'
export const revisionLabel = 'controller-revision-hash'

/** A set's pod of a number, of a template that is kept under a revision's name. */
export function podOf(set: StatefulSet, ordinal: number, template: PodTemplateSpec, revision: string): InputOf<typeof Pod> {
  const pod = podFromTemplate(template, StatefulSet, set)
  const name = podName(set, ordinal)
  const labels = { ...pod.metadata.labels, ...identityLabels(name, ordinal), [revisionLabel]: revision }
  const volumes = withClaims(set, ordinal, template.spec.volumes)
  return {
    metadata: { ...pod.metadata, name, labels },
    spec: { ...pod.spec, hostname: name, subdomain: set.spec.serviceName, ...(volumes.length > 0 && { volumes }) },
  }
}

const identityLabels = (name: string, ordinal: number) => ({ [podNameLabel]: name, [podIndexLabel]: String(ordinal) })

type Volumes = NonNullable<Pod['spec']['volumes']>

/** The claims as volumes, in front of those volumes that they do not take the names of. */
function withClaims(set: StatefulSet, ordinal: number, volumes: Volumes = []): Volumes {
  const templates = set.spec.volumeClaimTemplates ?? []
  const names = new Set(templates.map(({ metadata }) => metadata.name))
  const claims = templates.map(({ metadata: { name = '' } }) => ({
    name,
    persistentVolumeClaim: { claimName: claimName(set, name, ordinal) },
  }))
  return [...claims, ...volumes.filter(({ name }) => !names.has(name))]
}

/** A pod that was adopted, say, with the labels and volumes of its place; the same pod when it has them. */
export function withIdentity(set: StatefulSet, ordinal: number, pod: Pod): Pod {
  const { metadata, spec } = pod
  const { name, labels } = metadata
  const isNamed = labels?.[podNameLabel] === name
  const isStored = hasClaims(set, ordinal, pod)
  if (isNamed && isStored) return pod
  return {
    ...pod,
    metadata: isNamed ? metadata : { ...metadata, labels: { ...labels, ...identityLabels(name, ordinal) } },
    spec: isStored ? spec : { ...spec, volumes: withClaims(set, ordinal, spec.volumes) },
  }
}

function hasClaims(set: StatefulSet, ordinal: number, { spec }: Pod): boolean {
  return (set.spec.volumeClaimTemplates ?? []).every(({ metadata: { name = '' } }) => {
    const volume = spec.volumes?.find(each => each.name === name)
    return volume?.persistentVolumeClaim?.claimName === claimName(set, name, ordinal)
  })
}
