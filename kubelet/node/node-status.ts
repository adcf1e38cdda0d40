import type { Node } from '../../api/core/node.ts'
import { milliValue, value } from '../../api/quantity.ts'
import { timestamp } from '../../lib/clock.ts'
import { deepEqual, type Mutable } from '../../lib/json.ts'
import type { KubeletConfig } from '../config.ts'
import type { FilesystemUsage, ImageInfo } from '../runtime/runtime.ts'
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
  /** What keeps the node from being ready. */
  readonly problems: readonly string[]
  /** `MemoryPressure`, ... that hold. */
  readonly pressures: readonly string[]
  readonly now: number
}

/** What a node has (semantics C16). */
export function capacityOf({ machine, filesystem, config }: NodeFacts): Record<string, string> {
  return {
    cpu: String(machine.cpus),
    memory: `${Math.trunc(machine.memoryInBytes / 1024)}Ki`,
    'ephemeral-storage': `${Math.trunc(filesystem.capacityInBytes / 1024)}Ki`,
    pods: String(config.maxPods),
    'hugepages-1Gi': '0',
    'hugepages-2Mi': '0',
  }
}

/** What pods may use of it: capacity less what is reserved and less what hard eviction keeps free; never below 0. */
export function allocatableOf(capacity: Readonly<Record<string, string>>, config: KubeletConfig): Record<string, string> {
  const { kubeReserved, systemReserved, eviction } = config
  const result: Record<string, string> = { ...capacity }
  const reserved = (name: string, parse: (text: string) => number) =>
    parse(kubeReserved[name] ?? '0') + parse(systemReserved[name] ?? '0')
  const cpu = reserved('cpu', milliValue)
  if (cpu > 0) result.cpu = `${Math.max(0, milliValue(capacity.cpu ?? '0') - cpu)}m`
  for (const [name, signal] of [
    ['memory', 'memory.available'],
    ['ephemeral-storage', 'nodefs.available'],
  ] as const) {
    const total = value(capacity[name] ?? '0')
    const kept = amountOf(eviction.hard[signal], total)
    const left = Math.max(0, total - reserved(name, value) - kept)
    result[name] = left % 1024 === 0 ? `${left / 1024}Ki` : String(left)
  }
  return result
}

/** A quantity, or a share of the total, in the total's unit; rounded down. */
export function amountOf(text: string | undefined, total: number): number {
  if (!text) return 0
  return text.endsWith('%') ? Math.trunc((total * Number(text.slice(0, -1))) / 100) : value(text)
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
  const { machine, config, nodeName } = facts
  const capacity = capacityOf(facts)
  return {
    capacity,
    allocatable: allocatableOf(capacity, config),
    conditions: nodeConditions(facts, old),
    addresses: [
      ...machine.addresses.map(address => ({ type: 'InternalIP', address })),
      { type: 'Hostname', address: machine.hostname || nodeName },
    ],
    daemonEndpoints: { kubeletEndpoint: { Port: 10250 } },
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
    },
    images: imagesOf(facts.images),
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
