import * as z from 'zod'
import { conditionFields, type ObjectMeta } from '../meta.ts'
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
  setList,
  text,
  timestampText,
} from '../schema.ts'
import { taintEffects } from './affinity.ts'

/** Keeps pods away that do not tolerate it. */
export const Taint = named(
  'core/v1.Taint',
  'Keeps pods away that do not tolerate it.',
  () => ({
    key: requiredText('Name of the taint.'),
    value: text('Value of the taint.'),
    effect: choice(...taintEffects)
      .default('' as 'NoSchedule')
      .describe('What becomes of pods that do not tolerate it.'),
    timeAdded: timestampText().optional().describe('When a NoExecute taint was added.'),
  }),
  { wire: 'key value effect timeAdded' },
)
export type Taint = z.output<typeof Taint>

const ConfigMapNodeConfigSource = named(
  'core/v1.ConfigMapNodeConfigSource',
  'Unused.',
  () => ({
    namespace: requiredText(),
    name: requiredText(),
    uid: text(),
    resourceVersion: text(),
    kubeletConfigKey: requiredText(),
  }),
  { wire: 'namespace name uid resourceVersion kubeletConfigKey' },
)
const NodeConfigSource = named(
  'core/v1.NodeConfigSource',
  'Unused.',
  () => ({ configMap: ConfigMapNodeConfigSource.optional() }),
  { wire: '2:configMap' },
)

/** What is wanted of a node. */
export const NodeSpec = named(
  'core/v1.NodeSpec',
  'What is wanted of a node.',
  () => ({
    podCIDR: text('Address range of its pods.'),
    podCIDRs: setList(z.string()).optional().describe('Address ranges of its pods, one per IP family.'),
    providerID: text('What the cloud calls it.'),
    unschedulable: flag('Takes no new pods (cordon).'),
    taints: atomicList(Taint).optional().describe('Keep pods away that do not tolerate them.'),
    configSource: NodeConfigSource.optional().describe('Unused.'),
    externalID: text('Unused.'),
  }),
  { wire: 'podCIDR externalID providerID unschedulable taints configSource podCIDRs' },
)
export type NodeSpec = z.output<typeof NodeSpec>

const NodeCondition = named(
  'core/v1.NodeCondition',
  "An aspect of a node's state.",
  () => ({
    type: conditionFields.type,
    status: conditionFields.status,
    lastHeartbeatTime: timestampText().optional().describe('When it was reported last.'),
    lastTransitionTime: conditionFields.lastTransitionTime,
    reason: conditionFields.reason,
    message: conditionFields.message,
  }),
  { wire: 'type status lastHeartbeatTime lastTransitionTime reason message' },
)
export type NodeCondition = z.output<typeof NodeCondition>

const NodeSystemInfo = named(
  'core/v1.NodeSystemInfo',
  'What the node is made of.',
  () => ({
    machineID: requiredText('ID of the machine, from the operating system.'),
    systemUUID: requiredText('ID of the machine, from the hardware.'),
    bootID: requiredText('ID of this run of the kernel.'),
    kernelVersion: requiredText('Version of the kernel.'),
    osImage: requiredText('Name of the operating system.'),
    containerRuntimeVersion: requiredText('Name and version of the runtime: `docker://20.10.24`.'),
    kubeletVersion: requiredText('Version of the kubelet.'),
    kubeProxyVersion: requiredText('Unused.'),
    operatingSystem: requiredText('linux.'),
    architecture: requiredText('amd64, arm64, ...'),
    swap: named('core/v1.NodeSwapStatus', 'Swap of the node.', () => ({ capacity: int64().optional() }), {
      wire: 'capacity',
    }).optional(),
  }),
  {
    wire: `
      machineID systemUUID bootID kernelVersion osImage containerRuntimeVersion kubeletVersion kubeProxyVersion
      operatingSystem architecture swap`,
  },
)
export type NodeSystemInfo = z.output<typeof NodeSystemInfo>

const NodeRuntimeHandler = named(
  'core/v1.NodeRuntimeHandler',
  'A handler of the runtime.',
  () => ({
    name: z.string().default(''),
    features: named(
      'core/v1.NodeRuntimeHandlerFeatures',
      'What the handler can do.',
      () => ({
        recursiveReadOnlyMounts: z.boolean().optional(),
        userNamespaces: z.boolean().optional(),
      }),
      { wire: 'recursiveReadOnlyMounts userNamespaces' },
    ).optional(),
  }),
  { wire: 'name features' },
)

const ContainerImage = named(
  'core/v1.ContainerImage',
  'An image on the node.',
  () => ({
    names: atomicList(z.string()).optional().describe('All its names.'),
    sizeBytes: plain(int64().optional()).describe('Its size.'),
  }),
  { wire: 'names sizeBytes' },
)

const NodeConfigStatus = named(
  'core/v1.NodeConfigStatus',
  'Unused.',
  () => ({
    assigned: NodeConfigSource.optional(),
    active: NodeConfigSource.optional(),
    lastKnownGood: NodeConfigSource.optional(),
    error: text(),
  }),
  { wire: 'assigned active lastKnownGood error' },
)

/** How a node is; written by its kubelet. */
export const NodeStatus = named(
  'core/v1.NodeStatus',
  'How a node is; written by its kubelet.',
  () => ({
    capacity: quantityMap().optional().describe('All its resources.'),
    allocatable: quantityMap().optional().describe('What of them pods may use.'),
    phase: text('Unused.'),
    conditions: listMap(NodeCondition, 'type').optional().describe('Whether it is ready, and under pressure.'),
    addresses: listMap(
      named(
        'core/v1.NodeAddress',
        'A name or address of the node.',
        () => ({
          type: requiredText('Hostname, InternalIP, ExternalIP, ...'),
          address: requiredText('The name or address.'),
        }),
        { wire: 'type address' },
      ),
      'type',
    )
      .optional()
      .describe('Its names and addresses.'),
    daemonEndpoints: named(
      'core/v1.NodeDaemonEndpoints',
      'Ports of the daemons on the node.',
      () => ({
        kubeletEndpoint: named('core/v1.DaemonEndpoint', 'Port of a daemon.', () => ({ Port: int32().default(0) }), {
          wire: 'Port',
        }).prefault({}),
      }),
      { wire: 'kubeletEndpoint' },
    )
      .prefault({})
      .describe('Ports of the daemons on it.'),
    nodeInfo: NodeSystemInfo.prefault({}).describe('What it is made of.'),
    images: atomicList(ContainerImage).optional().describe('Images on it.'),
    volumesInUse: atomicList(z.string()).optional().describe('Attachable volumes that are mounted.'),
    volumesAttached: atomicList(
      named(
        'core/v1.AttachedVolume',
        'A volume attached to the node.',
        () => ({
          name: requiredText('Name of the volume.'),
          devicePath: requiredText('Where the device is.'),
        }),
        { wire: 'name devicePath' },
      ),
    )
      .optional()
      .describe('Volumes attached to it.'),
    config: NodeConfigStatus.optional().describe('Unused.'),
    runtimeHandlers: atomicList(NodeRuntimeHandler).optional().describe('Handlers of its runtime.'),
    features: named(
      'core/v1.NodeFeatures',
      'What its runtime can do.',
      () => ({ supplementalGroupsPolicy: z.boolean().optional() }),
      { wire: 'supplementalGroupsPolicy' },
    )
      .optional()
      .describe('What its runtime can do.'),
  }),
  {
    wire: `
      capacity allocatable phase conditions addresses daemonEndpoints nodeInfo images volumesInUse volumesAttached
      config runtimeHandlers features`,
  },
)
export type NodeStatus = z.output<typeof NodeStatus>

/** A node as far as its columns and rules look into it. */
export interface NodeObject {
  readonly metadata: ObjectMeta
  readonly spec: NodeSpec
  readonly status: NodeStatus
}
