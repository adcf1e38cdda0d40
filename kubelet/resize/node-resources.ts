import { join } from 'node:path'
import type { Node } from '../../api/core/node.ts'
import type { Pod } from '../../api/core/pod.ts'
import type { NodeRefusal } from '../../api/placement/admit.ts'
import { amountsOf } from '../../api/placement/pod-requests.ts'
import type { EventRecorder } from '../../client/events.ts'
import type { Clock } from '../../lib/clock.ts'
import type { Log } from '../../lib/log.ts'
import { aborted, type Run } from '../../lib/run.ts'
import { type AdmitHandler, admitHandlers } from '../admission/admission.ts'
import { type PodCgroups, podCgroups } from '../cgroups/cgroups.ts'
import { nodeFigures } from '../cgroups/figures.ts'
import type { KubeletConfig } from '../config.ts'
import { type Devices, devices as nodeDevices } from '../devices/devices.ts'
import { capacityOf, refuseConfig, refuseReservations, reservations } from '../node/capacity.ts'
import type { Machine } from '../node/machine.ts'
import { nodeReference } from '../node/reference.ts'
import type { ContainerRuntime } from '../runtime/runtime.ts'
import { resizeActuator } from './actuate.ts'
import { allocations as podAllocations } from './allocations.ts'
import { type PodResources, podResources } from './pod-resources.ts'
import { resizes as podResizes } from './resizes.ts'

/** What a node has to give, and who has it: put together from its parts. */
export interface NodeResources {
  readonly cgroups: PodCgroups
  readonly devices: Devices
  readonly pods: PodResources
  /** Before the node is registered: rejects when more is reserved than there is, or the devices' file is wrong. */
  begin(): Promise<void>
  /** Listens for device plugins, if the configuration says where. */
  readonly run: Run
  /** Resolves when what pods have been given is on disk: the next kubelet goes by that. */
  settled(): Promise<void>
  /** Removes what belongs to pods that nobody knows. */
  sweep(isKnown: (podUid: string) => boolean): Promise<void>
}

interface Options {
  readonly nodeName: string
  readonly config: KubeletConfig
  readonly runtime: ContainerRuntime
  readonly machine: Machine
  readonly node: () => Node | undefined
  readonly rootDir: string
  readonly clock: Clock
  readonly log: Log
  readonly events: EventRecorder
  readonly activePods: () => readonly Pod[]
  /** Those that are still to be admitted as well. */
  readonly expectedPods: () => readonly Pod[]
  readonly pressures: () => readonly string[]
  readonly shutdown: { refusal(): NodeRefusal | undefined }
  readonly wake: (podUid: string) => void
  /** The node has other devices now. */
  readonly onDevices: () => void
  readonly signal: AbortSignal
}

/** Throws when the configuration asks for what a node cannot do here. */
export function nodeResources(options: Options): NodeResources {
  const { nodeName, config, runtime, machine, rootDir, clock, log, events, activePods, signal } = options
  refuseConfig(config)
  const reserved = reservations(config)
  const capacity = { cpu: String(machine.cpus), memory: String(machine.memoryInBytes) }
  const whole = (() => {
    const total = amountsOf(capacity)
    for (const one of reserved) {
      const { cpu = 0, memory = 0 } = amountsOf(one)
      total.cpu = Math.max(0, (total.cpu ?? 0) - cpu)
      total.memory = Math.max(0, (total.memory ?? 0) - memory)
    }
    return total
  })()
  const isEnforced = config.enforceNodeAllocatable.includes('pods')
  const onDisk = (name: string) => (config.usesDisk ? join(rootDir, name) : undefined)

  const allocations = podAllocations({ folder: onDisk('allocations'), log })
  const devices = nodeDevices({ file: onDisk(join('device-plugins', 'kubelet_internal_checkpoint')), log })
  const cgroups = podCgroups({
    runtime,
    rules: config,
    nodeFigures: () => nodeFigures(capacity, isEnforced ? reserved : [], { pids: machine.maxPids }),
    onEnforced: failure =>
      failure === undefined
        ? events.record(
            nodeReference(nodeName),
            'Normal',
            'NodeAllocatableEnforced',
            'Updated Node Allocatable limit across pods',
          )
        : events.record(nodeReference(nodeName), 'Warning', 'FailedNodeAllocatableEnforcement', failure),
    activePods: () => activePods().map(allocations.allocated),
    clock,
    log,
    signal,
  })
  const handlers: AdmitHandler[] = admitHandlers({ reserveDevices: devices.reserve, shutdown: options.shutdown })
  const resizes = podResizes({
    allocations,
    actuate: resizeActuator({ runtime, cgroups, allocations, config }),
    clock,
    events,
    expectedPods: options.expectedPods,
    allocatable: () => whole,
    refuse(pod, others) {
      const node = options.node()
      const input = { pod, others, pressures: options.pressures(), allowedUnsafeSysctls: config.allowedUnsafeSysctls }
      return node && pods.refuse({ ...input, node })
    },
    onChange: options.wake,
    signal,
  })
  const pods = podResources({ resizes, devices, cgroups, handlers })

  return {
    cgroups,
    devices,
    pods,
    async begin() {
      refuseReservations(capacityOf({ machine, filesystem: await machine.nodeFilesystem(), config }), config)
      await devices.restore()
      if (config.devicesFile === undefined) return
      const { filePlugins } = await import('../devices/file-plugin.ts')
      for (const plugin of await filePlugins(config.devicesFile)) devices.add(plugin)
    },
    async run(signal) {
      const folder = config.devicePluginFolder
      if (folder === undefined) return aborted(signal)
      const { devicePlugins } = await import('../devices/grpc-plugins.ts')
      await devicePlugins({ folder, devices, onChange: options.onDevices, clock, log })(signal)
    },
    settled: allocations.settled,
    async sweep(isKnown) {
      await Promise.all([cgroups.sweep(isKnown), allocations.sweep(isKnown)])
    },
  }
}
