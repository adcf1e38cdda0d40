import type { Node } from '../../api/core/node.ts'
import type { Pod } from '../../api/core/pod.ts'
import type { Clock } from '../../lib/clock.ts'
import { messageOf, SyncError } from '../sync/sync-error.ts'
import type { VolumeDevice } from './plugin.ts'
import { oneAtATime } from './turns.ts'

/** Devices that pods of this node share: each is attached and mounted once, and unmounted when the last pod is done with it. */
export interface Devices {
  /** Waits until it is attached, then mounts it. Answers its path. Throws SyncError FailedMount with the name of the step. */
  ready(input: {
    device: VolumeDevice
    isAttachable: boolean
    pod: Pod
    name: string
    signal: AbortSignal
    onAttached: () => void
  }): Promise<string>
  /** Unmounts it, unless `isInUse` says that meanwhile somebody wants it again. */
  release(device: VolumeDevice, isInUse: () => boolean): Promise<void>
}

interface Options {
  node: () => Node | undefined
  clock: Clock
}

const pollEveryMs = 100
const attachLimitInMs = 10 * 60_000

export function devices({ node, clock }: Options): Devices {
  const inTurn = oneAtATime()

  /** The attach-detach controller says so in the node's status, once it has seen in volumesInUse that we know of the volume. */
  const attached = async (uniqueName: string, signal: AbortSignal): Promise<string> => {
    const until = clock.now() + attachLimitInMs
    for (;;) {
      const { volumesAttached = [], volumesInUse = [] } = node()?.status ?? {}
      const found = volumesAttached.find(one => one.name === uniqueName)
      if (found && volumesInUse.includes(uniqueName)) return found.devicePath
      if (signal.aborted || clock.now() >= until) throw new Error('Volume not attached according to node status')
      await clock.sleep(pollEveryMs, signal)
    }
  }

  const step = async <T>(what: string, name: string, work: Promise<T>): Promise<T> => {
    try {
      return await work
    } catch (cause) {
      throw new SyncError('FailedMount', `${what} failed for volume "${name}" : ${messageOf(cause)}`, { cause })
    }
  }

  return {
    async ready({ device, isAttachable, pod, name, signal, onAttached }) {
      let devicePath = ''
      if (isAttachable) {
        devicePath = await step('MountVolume.WaitForAttach', name, attached(device.uniqueName, signal))
        if (device.waitForAttach)
          devicePath = await step('MountVolume.WaitForAttach', name, device.waitForAttach({ devicePath, signal }))
      }
      onAttached()
      const mount = () => device.mount({ pod, devicePath, signal })
      await step('MountVolume.MountDevice', name, inTurn(device.uniqueName, mount))
      return devicePath
    },
    release: (device, isInUse) =>
      inTurn(device.uniqueName, async () => {
        if (!isInUse()) await device.unmount()
      }),
  }
}
