import type { Mount } from '../runtime/runtime.ts'

/** One thing that a container can have to itself. */
export interface Device {
  readonly id: string
  readonly isHealthy: boolean
}

/** What having some devices means for a container. */
export interface DeviceOptions {
  readonly env: Readonly<Record<string, string>>
  readonly mounts: readonly Mount[]
  readonly nodes: readonly DeviceNode[]
  readonly annotations: Readonly<Record<string, string>>
}

/** A device file of the host, as a container sees it. `permissions`: some of `rwm`. */
export interface DeviceNode {
  readonly hostPath: string
  readonly containerPath: string
  readonly permissions: string
}

/** Whoever knows about the devices of one extended resource. */
export interface DevicePlugin {
  /** `example.com/printer`. */
  readonly resource: string
  /** What there is, as far as it is known now. */
  devices(): readonly Device[]
  /** Gives these to a container. Rejects with what the user should read. */
  allocate(ids: readonly string[]): Promise<DeviceOptions>
  /** Called before a container with these starts, each time; absent: nothing to do. */
  beforeStart?(ids: readonly string[]): Promise<void>
}

export const noDeviceOptions: DeviceOptions = { env: {}, mounts: [], nodes: [], annotations: {} }

export function mergeOptions(all: readonly DeviceOptions[]): DeviceOptions {
  return all.reduce(
    (sum, one) => ({
      env: { ...sum.env, ...one.env },
      mounts: [...sum.mounts, ...one.mounts],
      nodes: [...sum.nodes, ...one.nodes],
      annotations: { ...sum.annotations, ...one.annotations },
    }),
    noDeviceOptions,
  )
}
