import type { Pod } from '../../api/core/pod.ts'
import type { NodeRefusal } from '../../api/placement/admit.ts'
import { type AdmissionInput, type AdmitHandler, deviceRefusal, refusePod } from '../admission/admission.ts'
import type { PodCgroups } from '../cgroups/cgroups.ts'
import type { Devices } from '../devices/devices.ts'
import type { Resizes } from './resizes.ts'

/** All that one pod has of its node: what it was given, its cgroup, its devices. */
export interface PodResources extends Pick<Resizes, 'consider' | 'allocated' | 'plan' | 'actuate' | 'conditions' | 'actual'> {
  /** The pod as it is to be admitted: with what an earlier kubelet gave it, if one did. */
  recall(pod: Pod): Promise<Pod>
  /** Whether it may start here, by everybody who has a say. */
  refuse(input: AdmissionInput): NodeRefusal | undefined
  /** It may: keeps what it is given, and has its devices allocated. Answers why not, if that fails. */
  admitted(pod: Pod): Promise<NodeRefusal | undefined>
  /** It may not after all. */
  rejected(podUid: string): void
  /** Its containers have ended: gives everything back. Whoever waits for room is asked again. */
  release(pod: Pod): Promise<void>
  health: Devices['health']
}

export function podResources({
  resizes,
  devices,
  cgroups,
  handlers,
}: {
  resizes: Resizes
  devices: Devices
  cgroups: Pick<PodCgroups, 'remove'>
  handlers: readonly AdmitHandler[]
}): PodResources {
  const rejected = (podUid: string) => {
    devices.forget(podUid)
    resizes.forget(podUid)
    resizes.roomMayHaveCome()
  }
  return {
    ...resizes,
    async recall(pod) {
      await resizes.recall(pod)
      return resizes.allocated(pod)
    },
    refuse: input => refusePod(input, handlers),
    async admitted(pod) {
      resizes.admitted(pod)
      if (!devices.has(pod.metadata.uid)) return undefined
      try {
        await devices.allocate(pod)
        return undefined
      } catch (error) {
        return deviceRefusal(error)
      }
    },
    rejected,
    async release(pod) {
      await cgroups.remove(pod)
      rejected(pod.metadata.uid)
    },
    health: devices.health,
  }
}
