import * as z from 'zod'
import { conditionFields, type NamespacedObjectMeta } from '../meta.ts'
import {
  atomicList,
  choice,
  flag,
  int32,
  int64,
  listMap,
  named,
  plain,
  quantityMap,
  requiredText,
  text,
  timestampText,
  whole,
} from '../schema.ts'
import { ResourceRequirements } from './container.ts'
import type { PodSpec } from './pod-spec.ts'

const ContainerStateRunning = named(
  'core/v1.ContainerStateRunning',
  'The container runs.',
  () => ({
    startedAt: timestampText().optional().describe('Since when.'),
  }),
  { wire: 'startedAt' },
)
const ContainerStateTerminated = named(
  'core/v1.ContainerStateTerminated',
  'The container has ended.',
  () => ({
    exitCode: int32().default(0).describe('What its process answered.'),
    signal: whole('The signal that ended it.'),
    reason: text('Why it ended, in one word.'),
    message: text('Its last message.'),
    startedAt: timestampText().optional().describe('When it started.'),
    finishedAt: timestampText().optional().describe('When it ended.'),
    containerID: text('The container that this was: `docker://<id>`.'),
  }),
  { wire: 'exitCode signal reason message startedAt finishedAt containerID' },
)
export type ContainerStateTerminated = z.output<typeof ContainerStateTerminated>

/** One of waiting, running and terminated; waiting where none is given. */
export const ContainerState = named(
  'core/v1.ContainerState',
  'What a container does: one of the three.',
  () => ({
    waiting: named(
      'core/v1.ContainerStateWaiting',
      'The container does not run yet, or not again.',
      () => ({
        reason: text('Why, in one word.'),
        message: text('Why, for people.'),
      }),
      { wire: 'reason message' },
    ).optional(),
    running: ContainerStateRunning.optional(),
    terminated: ContainerStateTerminated.optional(),
  }),
  { wire: 'waiting running terminated' },
)
export type ContainerState = z.output<typeof ContainerState>

const VolumeMountStatus = named(
  'core/v1.VolumeMountStatus',
  'How a volume is mounted.',
  () => ({
    name: requiredText('Name of the volume.'),
    mountPath: requiredText('Where it is.'),
    readOnly: flag(),
    recursiveReadOnly: z.string().optional(),
  }),
  { wire: 'name mountPath readOnly recursiveReadOnly' },
)

const ResourceStatus = named(
  'core/v1.ResourceStatus',
  'How the resources of a container are.',
  () => ({
    name: requiredText('Name of the resource.'),
    resources: listMap(
      named('core/v1.ResourceHealth', 'How one resource is.', () => ({ resourceID: requiredText(), health: text() }), {
        wire: 'resourceID health',
      }),
      'resourceID',
    ).optional(),
  }),
  { wire: 'name resources' },
)

const ContainerUser = named(
  'core/v1.ContainerUser',
  'Who the first process runs as.',
  () => ({
    linux: named(
      'core/v1.LinuxContainerUser',
      'User and groups on Linux.',
      () => ({
        uid: int64().default(0),
        gid: int64().default(0),
        supplementalGroups: atomicList(int64()).optional(),
      }),
      { wire: 'uid gid supplementalGroups' },
    ).optional(),
  }),
  { wire: 'linux' },
)

/** How one container of a pod is. */
export const ContainerStatus = named(
  'core/v1.ContainerStatus',
  'How one container of a pod is.',
  () => ({
    name: requiredText('Name of the container.'),
    state: ContainerState.prefault({}).describe('What it does.'),
    lastState: ContainerState.prefault({}).describe('What became of the one before.'),
    ready: z.boolean().default(false).describe('Whether it takes requests.'),
    restartCount: int32().default(0).describe('How often it was started again.'),
    image: requiredText('Image it runs.'),
    imageID: requiredText('Digest of that image.'),
    containerID: text('`docker://<id>`.'),
    started: z.boolean().optional().describe('Whether it has started up.'),
    allocatedResources: quantityMap().optional().describe('What the node has set aside for it.'),
    resources: ResourceRequirements.optional().describe('What it has been given.'),
    volumeMounts: listMap(VolumeMountStatus, 'mountPath').optional(),
    user: ContainerUser.optional().describe('Who its first process runs as.'),
    allocatedResourcesStatus: listMap(ResourceStatus, 'name').optional(),
    stopSignal: z.string().optional().describe('Signal that stops it.'),
  }),
  {
    wire: `
      name state lastState ready restartCount image imageID containerID started allocatedResources resources
      volumeMounts user allocatedResourcesStatus stopSignal`,
  },
)
export type ContainerStatus = z.output<typeof ContainerStatus>

const PodCondition = named(
  'core/v1.PodCondition',
  "An aspect of the pod's state.",
  () => ({
    type: conditionFields.type,
    observedGeneration: plain(int64().optional()).describe('The generation this was found out for.'),
    status: conditionFields.status,
    lastProbeTime: timestampText().optional().describe('When it was looked at last.'),
    lastTransitionTime: conditionFields.lastTransitionTime,
    reason: conditionFields.reason,
    message: conditionFields.message,
  }),
  { wire: 'type status lastProbeTime lastTransitionTime reason message observedGeneration' },
)
export type PodCondition = z.output<typeof PodCondition>

const PodIp = named('core/v1.PodIP', 'An address of the pod.', () => ({ ip: requiredText('The address.') }), { wire: 'ip' })
const HostIp = named('core/v1.HostIP', 'An address of the node.', () => ({ ip: requiredText('The address.') }), { wire: 'ip' })

const ExtendedResourceClaimStatus = named(
  'core/v1.PodExtendedResourceClaimStatus',
  'Extended resources backed by a claim.',
  () => ({
    requestMappings: atomicList(
      named(
        'core/v1.ContainerExtendedResourceRequest',
        'A request of a claim that stands for an extended resource of a container.',
        () => ({ containerName: requiredText(), resourceName: requiredText(), requestName: requiredText() }),
        { wire: 'containerName resourceName requestName' },
      ),
    ).optional(),
    resourceClaimName: requiredText(),
  }),
  { wire: 'requestMappings resourceClaimName' },
)

/** How a pod is; written by its kubelet. */
export const PodStatus = named(
  'core/v1.PodStatus',
  'How a pod is; written by its kubelet.',
  () => ({
    observedGeneration: plain(int64().optional()).describe('The generation of the spec that this is about.'),
    phase: choice('Pending', 'Running', 'Succeeded', 'Failed', 'Unknown').default('Pending').describe('Where it is in its life.'),
    conditions: listMap(PodCondition, 'type').optional().describe('How far it has come.'),
    message: text('Why it is so, for people.'),
    reason: text('Why it is so, in one word: Evicted.'),
    nominatedNodeName: text('Node on which room is being made for it.'),
    hostIP: text('Address of its node.'),
    hostIPs: z
      .array(HostIp)
      .meta({
        'x-kubernetes-list-type': 'atomic',
        'x-kubernetes-patch-merge-key': 'ip',
        'x-kubernetes-patch-strategy': 'merge',
      })
      .optional()
      .describe('Addresses of its node.'),
    podIP: text('Its address.'),
    podIPs: listMap(PodIp, 'ip').optional().describe('Its addresses.'),
    startTime: timestampText().optional().describe('When the kubelet took notice of it.'),
    initContainerStatuses: atomicList(ContainerStatus).optional().describe('How the init containers are.'),
    containerStatuses: atomicList(ContainerStatus).optional().describe('How the containers are.'),
    ephemeralContainerStatuses: atomicList(ContainerStatus).optional().describe('How the ephemeral containers are.'),
    qosClass: plain(choice('Guaranteed', 'Burstable', 'BestEffort').optional()).describe('Who goes first when memory runs out.'),
    resize: text('How far a change of resources has come.'),
    resourceClaimStatuses: z
      .array(
        named(
          'core/v1.PodResourceClaimStatus',
          'The claim made for an entry of resourceClaims.',
          () => ({
            name: requiredText('Name of the entry.'),
            resourceClaimName: z.string().optional().describe('Name of the claim.'),
          }),
          { wire: 'name resourceClaimName' },
        ),
      )
      .meta({
        'x-kubernetes-list-type': 'map',
        'x-kubernetes-list-map-keys': ['name'],
        'x-kubernetes-patch-merge-key': 'name',
        'x-kubernetes-patch-strategy': 'merge,retainKeys',
      })
      .optional(),
    extendedResourceClaimStatus: ExtendedResourceClaimStatus.optional(),
  }),
  {
    wire: `
      phase conditions message reason hostIP podIP startTime containerStatuses qosClass initContainerStatuses
      nominatedNodeName podIPs ephemeralContainerStatuses resize resourceClaimStatuses hostIPs observedGeneration
      extendedResourceClaimStatus`,
  },
)
export type PodStatus = z.output<typeof PodStatus>

/** A pod as far as its columns and rules look into it. */
export interface PodObject {
  readonly metadata: NamespacedObjectMeta
  readonly spec: PodSpec
  readonly status: PodStatus
}
