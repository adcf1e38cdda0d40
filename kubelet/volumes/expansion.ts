import { PersistentVolumeClaim } from '../../api/core/persistent-volume-claim.ts'
import type { Pod } from '../../api/core/pod.ts'
import { value } from '../../api/quantity.ts'
import type { Client } from '../../client/client.ts'
import type { EventRecorder } from '../../client/events.ts'
import { messageOf, SyncError } from '../sync/sync-error.ts'
import type { VolumePlugin, VolumeSpec } from './plugin.ts'

/** The node's part in a volume's growing: the file system, and the claim's status (operationexecutor/node_expander.go). */
export interface NodeExpansion {
  /** Does nothing for a volume that has not grown. Throws SyncError FailedMount. */
  expand(input: {
    pod: Pod
    spec: VolumeSpec
    plugin: VolumePlugin
    folder: string
    deviceFolder?: string
    devicePath?: string
  }): Promise<void>
}

type Conditions = NonNullable<PersistentVolumeClaim['status']['conditions']>

/** Stages in which the controller has done its part. */
const nodesTurn = new Set(['NodeResizePending', 'NodeResizeInProgress'])
const resizing = new Set(['FileSystemResizePending', 'Resizing', 'ControllerResizeError', 'NodeResizeError'])

export function nodeExpansion({ client, events }: { client: Client; events: EventRecorder }): NodeExpansion {
  const finish = async (claim: PersistentVolumeClaim, storage: string) => {
    const { name, namespace } = claim.metadata
    const left = ((claim.status.conditions ?? []) as Conditions).filter(({ type }) => !resizing.has(type))
    const { storage: _, ...otherStatuses } = claim.status.allocatedResourceStatuses ?? {}
    const status = {
      ...claim.status,
      capacity: { ...claim.status.capacity, storage },
      conditions: left,
      allocatedResourceStatuses: otherStatuses,
    }
    const update = { ...claim, status } as PersistentVolumeClaim
    await client.updateStatus(PersistentVolumeClaim, update, {
      note: { rule: 'kubelet/expanded', text: `file system of ${namespace}/${name} grown to ${storage}` },
    })
  }

  return {
    async expand({ pod, spec, plugin, ...where }) {
      const { claim, persistentVolume, name } = spec
      const wanted = persistentVolume?.spec.capacity?.storage
      const present = claim?.status.capacity?.storage
      if (!plugin.expand || !claim || !wanted || !present || value(wanted) <= value(present)) return
      const stage = claim.status.allocatedResourceStatuses?.storage
      if (stage !== undefined && !nodesTurn.has(stage)) return
      const tell = (type: 'Normal' | 'Warning', reason: string, message: string) => {
        for (const about of [pod, claim]) events.record(about, type, reason, message)
      }
      if (spec.readOnly) {
        const why = `MountVolume.NodeExpandVolume failed for volume "${name}" requested read-only file system`
        tell('Warning', 'FileSystemResizeFailed', why)
        return
      }
      try {
        await plugin.expand({ podUid: pod.metadata.uid, spec, ...where, sizeInBytes: value(wanted) })
        await finish(claim, wanted)
      } catch (cause) {
        const why = `MountVolume.Setup failed while expanding volume for volume "${name}" : ${messageOf(cause)}`
        throw new SyncError('FailedMount', why, { cause })
      }
      const done = `MountVolume.NodeExpandVolume succeeded for volume "${name}" ${pod.spec.nodeName ?? ''}`
      tell('Normal', 'FileSystemResizeSuccessful', done)
    },
  }
}
