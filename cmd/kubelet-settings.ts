import type { EvictionConfig } from '../kubelet/eviction/config.ts'
import type { SandboxPool } from '../kubelet/runtime/docker/warm-sandboxes.ts'
import { evictionConfig } from './eviction-flags.ts'
import { type GarbageSettings, garbageSettings } from './garbage-flags.ts'
import type { KubeletFlags } from './kubelet-flags.ts'
import { type PodSettings, podSettings, sandboxPool } from './pod-flags.ts'
import { type ResourceSettings, resourceSettings } from './resource-flags.ts'

/** How kubelets work. */
export interface KubeletSettings {
  readonly eviction: EvictionConfig
  /** What nodes on Docker set aside, throw away and keep. */
  readonly garbage?: GarbageSettings
  /** Static pods and shutdown, for nodes on Docker. */
  readonly pods?: PodSettings
  /** Sandboxes that each node on Docker keeps running for pods to come. */
  readonly sandboxPool?: SandboxPool | undefined
  /** What nodes on Docker have to give. */
  readonly resources?: ResourceSettings
  /** A file of figures instead of the machine's own. */
  readonly signalsFile?: string | undefined
}

/** What the flags ask for. Throws a UsageError. */
export function kubeletSettings(flags: KubeletFlags) {
  return {
    eviction: evictionConfig(flags),
    garbage: garbageSettings(flags.garbage),
    pods: podSettings(flags.pods),
    sandboxPool: sandboxPool(flags.pods),
    resources: resourceSettings(flags.resources),
    signalsFile: flags.signals,
  } satisfies KubeletSettings
}
