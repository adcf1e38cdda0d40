import type { Node } from '../../api/core/node.ts'
import { timestamp } from '../../lib/clock.ts'
import { deepEqual, type Mutable } from '../../lib/json.ts'
import type { KubeletConfig } from '../config.ts'
import { isExtendedResource } from '../devices/resource-names.ts'
import type { FilesystemUsage, ImageInfo } from '../runtime/runtime.ts'
import { allocatableOf, capacityOf } from './capacity.ts'
import type { Machine } from './machine.ts'

export type NodeStatus = Mutable<Node['status']>
export type NodeCondition = NonNullable<NodeStatus['conditions']>[number]

const maxImages = 50
const maxNamesPerImage = 5

export interface NodeFacts {
  readonly nodeName: string
  readonly config: KubeletConfig
  readonly machine: Machine
  readonly filesystem: FilesystemUsage
  /** `docker://20.10.24`. */
  readonly runtimeVersion: string
  readonly images: readonly ImageInfo[]
  /** What device plugins offer, and what of it is healthy. */
  readonly devices?: {
    readonly capacity: Readonly<Record<string, string>>
    readonly allocatable: Readonly<Record<string, string>>
  }
  /** The capacity that the API has: extended resources that somebody else put there are kept. */
  readonly known?: Readonly<Record<string, string>> | undefined
  /** Attachable volumes that pods here use, or are about to. */
  readonly volumesInUse?: readonly string[]
  /** What keeps the node from being ready. */
  readonly problems: readonly string[]
  /** `MemoryPressure`, ... that hold. */
  readonly pressures: readonly string[]
  /** Where the kubelet serves; absent: upstream's default, which the API server then has another way to. */
  readonly port?: number | undefined
  readonly now: number
}

const kinds = {
  MemoryPressure: {
    yes: ['KubeletHasInsufficientMemory', 'kubelet has insufficient memory available'],
    no: ['KubeletHasSufficientMemory', 'kubelet has sufficient memory available'],
  },
  DiskPressure: {
    yes: ['KubeletHasDiskPressure', 'kubelet has disk pressure'],
    no: ['KubeletHasNoDiskPressure', 'kubelet has no disk pressure'],
  },
  PIDPressure: {
    yes: ['KubeletHasInsufficientPID', 'kubelet has insufficient PID available'],
    no: ['KubeletHasSufficientPID', 'kubelet has sufficient PID available'],
  },
} as const

/** The four conditions; a transition is stamped only when the status changes. */
export function nodeConditions({ problems, pressures, now }: NodeFacts, old: readonly NodeCondition[]): NodeCondition[] {
  const at = timestamp(now)
  const condition = (type: string, status: 'True' | 'False', reason = '', message = ''): NodeCondition => {
    const before = old.find(one => one.type === type)
    const lastTransitionTime = before?.status === status ? (before.lastTransitionTime ?? at) : at
    return { type, status, lastHeartbeatTime: at, lastTransitionTime, reason, message }
  }
  const ofPressure = (type: keyof typeof kinds) => {
    const holds = pressures.includes(type)
    const [reason, message] = kinds[type][holds ? 'yes' : 'no']
    return condition(type, holds ? 'True' : 'False', reason, message)
  }
  const text = problems.length > 1 ? `[${problems.join(', ')}]` : problems[0]
  return [
    ofPressure('MemoryPressure'),
    ofPressure('DiskPressure'),
    ofPressure('PIDPressure'),
    text === undefined
      ? condition('Ready', 'True', 'KubeletReady', 'kubelet is posting ready status')
      : condition('Ready', 'False', 'KubeletNotReady', text),
  ]
}

/** The whole status. */
export function computeNodeStatus(facts: NodeFacts, old: readonly NodeCondition[]): Partial<NodeStatus> {
  const { machine, config, nodeName, devices, known = {} } = facts
  const foreign = Object.fromEntries(Object.entries(known).filter(([name]) => isExtendedResource(name)))
  const capacity = { ...foreign, ...capacityOf(facts), ...devices?.capacity }
  return {
    capacity,
    allocatable: { ...allocatableOf(capacity, config), ...devices?.allocatable },
    conditions: nodeConditions(facts, old),
    addresses: [
      ...machine.addresses.map(address => ({ type: 'InternalIP', address })),
      { type: 'Hostname', address: machine.hostname || nodeName },
    ],
    daemonEndpoints: { kubeletEndpoint: { Port: facts.port ?? 10250 } },
    nodeInfo: {
      machineID: machine.machineId,
      systemUUID: machine.systemUuid,
      bootID: machine.bootId,
      kernelVersion: machine.kernelVersion,
      osImage: machine.osImage,
      containerRuntimeVersion: facts.runtimeVersion,
      kubeletVersion: config.kubeletVersion,
      kubeProxyVersion: '',
      operatingSystem: 'linux',
      architecture: machine.architecture,
      ...(machine.swapInBytes && { swap: { capacity: machine.swapInBytes } }),
    },
    images: imagesOf(facts.images),
    ...(facts.volumesInUse && { volumesInUse: [...facts.volumesInUse] }),
  }
}

function imagesOf(images: readonly ImageInfo[]): NonNullable<NodeStatus['images']> {
  return [...images]
    .sort((a, b) => b.sizeInBytes - a.sizeInBytes || (a.id < b.id ? -1 : 1))
    .map(({ digests, tags, sizeInBytes }) => ({
      names: [...digests, ...tags].slice(0, maxNamesPerImage),
      sizeBytes: sizeInBytes,
    }))
    .filter(image => image.names.length > 0)
    .slice(0, maxImages)
}

/** Whether two statuses differ in more than the time of the heartbeat. */
export function hasChanged(old: Partial<NodeStatus>, next: Partial<NodeStatus>): boolean {
  return Object.entries(next).some(([field, value]) => {
    const before = old[field as keyof NodeStatus]
    if (field !== 'conditions') return !deepEqual(before, value)
    return (value as NodeCondition[]).some(condition => {
      const same = (before as NodeCondition[] | undefined)?.find(one => one.type === condition.type)
      return !same || !deepEqual({ ...same, lastHeartbeatTime: '' }, { ...condition, lastHeartbeatTime: '' })
    })
  })
}
