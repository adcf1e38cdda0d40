import { timestamp } from '../../lib/clock.ts'
import { deepEqual } from '../../lib/json.ts'
import { type Draft, defineKind, type ObjectOf } from '../kind.ts'
import { qosClassOf } from '../placement/qos.ts'
import { keepObservedGenerations } from './observed-generations.ts'
import { podColumns, podRowConditions } from './pod-columns.ts'
import { defaultPod } from './pod-defaults.ts'
import { ephemeralContainersPart, resizePart } from './pod-parts.ts'
import { PodSpec } from './pod-spec.ts'
import { type PodObject, PodStatus } from './pod-status.ts'
import { validatePod } from './pod-validation.ts'
import { podWarnings } from './pod-warnings.ts'

/** Containers that run together on one node. */
export const Pod = defineKind({
  group: '',
  version: 'v1',
  kind: 'Pod',
  plural: 'pods',
  shortNames: ['po'],
  categories: ['all'],
  namespaced: true,
  statusKeeps: ['ownerReferences'],
  tracksManagers: 'onceApplied',
  description: 'Containers that run together on one node and share its network identity and volumes.',
  fields: () => ({
    spec: PodSpec.prefault({}).describe('What runs in it, and how.'),
    status: PodStatus.prefault({}).describe('How it is.'),
  }),
  columns: podColumns,
  rowConditions: podRowConditions,
  subresources: [
    'status',
    'binding',
    'eviction',
    'log',
    'exec',
    'attach',
    'portforward',
    'proxy',
    'ephemeralcontainers',
    'resize',
  ],
  parts: { ephemeralcontainers: ephemeralContainersPart, resize: resizePart },
  selectableFields: {
    'spec.nodeName': ({ spec }) => spec.nodeName ?? '',
    'spec.host': ({ spec }) => spec.nodeName ?? '',
    'spec.restartPolicy': ({ spec }) => spec.restartPolicy,
    'spec.schedulerName': ({ spec }) => spec.schedulerName,
    'spec.serviceAccountName': ({ spec }) => spec.serviceAccountName ?? '',
    'spec.hostNetwork': ({ spec }) => String(spec.hostNetwork ?? false),
    'status.phase': ({ status }) => status.phase,
    'status.podIP': ({ status }) => status.podIPs?.[0]?.ip ?? status.podIP ?? '',
    'status.podIPs': ({ status }) => status.podIPs?.[0]?.ip ?? status.podIP ?? '',
    'status.nominatedNodeName': ({ status }) => status.nominatedNodeName ?? '',
  },
  generationOf: ({ spec }) => spec,
  default: defaultPod,
  prepareForCreate(pod) {
    pod.status = { phase: 'Pending', qosClass: qosClassOf(pod.spec) }
    if (pod.spec.schedulingGates) holdBack(pod)
    takeOverAppArmor(pod)
  },
  prepareForUpdate(pod, old) {
    if (old.status.qosClass) pod.status.qosClass = old.status.qosClass
    keepObservedGenerations(pod, old)
  },
  validate: validatePod,
  warnings: podWarnings,
  deletion: { gracePeriodSeconds, answersObject: true },
})
export type Pod = ObjectOf<typeof Pod>

/** Profiles in the old annotations become fields, unless the pod's own field says the same (pkg/registry/core/pod applyAppArmorVersionSkew). */
function takeOverAppArmor({ metadata, spec }: Draft<PodObject>): void {
  if (!metadata.annotations || spec.os?.name === 'windows') return
  for (const container of [...(spec.initContainers ?? []), ...spec.containers]) {
    const annotation = metadata.annotations[`container.apparmor.security.beta.kubernetes.io/${container.name}`]
    const profile = annotation === undefined ? undefined : profileOf(annotation)
    if (!profile || container.securityContext?.appArmorProfile || deepEqual(profile, spec.securityContext.appArmorProfile))
      continue
    container.securityContext = { ...container.securityContext, appArmorProfile: profile }
  }
}

function profileOf(annotation: string) {
  if (annotation === 'unconfined') return { type: 'Unconfined' as const }
  if (annotation === 'runtime/default') return { type: 'RuntimeDefault' as const }
  const localhostProfile = annotation.startsWith('localhost/') ? annotation.slice('localhost/'.length) : ''
  return localhostProfile.trim() === localhostProfile && localhostProfile
    ? { type: 'Localhost' as const, localhostProfile }
    : undefined
}

/** A gated pod says from the start that the scheduler does not look at it. */
function holdBack({ metadata, status }: Draft<PodObject>): void {
  const message = 'Scheduling is blocked due to non-empty scheduling gates'
  const lastTransitionTime = metadata.creationTimestamp || timestamp(0)
  status.conditions = [{ type: 'PodScheduled', status: 'False', reason: 'SchedulingGated', message, lastTransitionTime }]
}

/** Semantics C8: pods that never ran or have ended go at once; a negative grace counts as one second. */
function gracePeriodSeconds({ spec, status }: PodObject, requested: number | undefined): number {
  if (!spec.nodeName || status.phase === 'Succeeded' || status.phase === 'Failed') return 0
  const seconds = requested ?? spec.terminationGracePeriodSeconds
  return seconds < 0 ? 1 : seconds
}
