import type { Node } from '../api/core/node.ts'
import type { Service } from '../api/core/service.ts'
import type { EventRecorder } from '../client/events.ts'
import type { Clock } from '../lib/clock.ts'
import type { Log } from '../lib/log.ts'
import type { Random } from '../lib/random.ts'
import type { PodCgroups } from './cgroups/cgroups.ts'
import type { KubeletConfig } from './config.ts'
import type { Devices } from './devices/devices.ts'
import type { Objects } from './objects.ts'
import type { ContainerRuntime } from './runtime/runtime.ts'
import type { Mounter } from './volumes/mounter.ts'

/** What most parts of one kubelet share. */
export interface KubeletContext {
  readonly nodeName: string
  readonly config: KubeletConfig
  readonly runtime: ContainerRuntime
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
  readonly events: EventRecorder
  readonly objects: Objects
  /** Where pods' folders are. */
  readonly rootDir: string
  /** How subPaths are pinned down; absent: with mount(8). */
  readonly mounter?: Mounter
  /** Where pods have cgroups of their own; absent: nowhere. */
  readonly cgroups?: PodCgroups
  /** Who has which device; absent: there are none. */
  readonly devices?: Devices
  /** The newest known object of this node. */
  readonly node: () => Node | undefined
  readonly services: () => readonly Service[]
  /** The addresses of this node. */
  readonly nodeIps: readonly string[]
  /** Memory of the machine, for oom_score_adj. */
  readonly memoryInBytes: () => number
  /** The node's own hosts and resolver files. */
  readonly nodeFiles: { readonly hosts: () => string; readonly resolvConf: () => string }
}
