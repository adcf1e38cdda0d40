import { Node } from '../api/core/node.ts'
import { PersistentVolume } from '../api/core/persistent-volume.ts'
import { PersistentVolumeClaim } from '../api/core/persistent-volume-claim.ts'
import { Pod } from '../api/core/pod.ts'
import { CSIDriver } from '../api/storage/csi-driver.ts'
import { CSINode } from '../api/storage/csi-node.ts'
import { CSIStorageCapacity } from '../api/storage/csi-storage-capacity.ts'
import { StorageClass } from '../api/storage/storage-class.ts'
import { VolumeAttachment } from '../api/storage/volume-attachment.ts'
import type { Change, Informers } from '../client/informer.ts'
import { deepEqual } from '../lib/json.ts'
import type { SchedulerCache } from './cache.ts'
import type { ClusterEvent } from './framework.ts'
import type { Inbox } from './inbox.ts'
import type { Nominator } from './nominator.ts'
import { isTerminal, type PodInfo, podInfo } from './pod-info.ts'
import type { SchedulingQueue } from './queue.ts'

interface Dependencies {
  readonly informers: Informers
  readonly cache: SchedulerCache
  readonly queue: SchedulingQueue
  readonly nominator: Nominator
  /** Whether a pod asks for one of our profiles. */
  readonly isOurs: (pod: Pod) => boolean
  /** A pod that had no place yet, as far as the API knows, went away or got one. */
  readonly onGone: (uid: string) => void
  readonly inbox: Inbox
}

const actions = { added: 'add', modified: 'update', deleted: 'delete' } as const

/**
 * The first loop: what the informers see goes into the cache (pods with a place, nodes) or the queue (pods without), and wakes the
 * pods that it may help. A finished pod counts as gone. Answers how to let go.
 */
export function listen({ informers, cache, queue, nominator, isOurs, onGone, inbox }: Dependencies): () => void {
  const onPod = ({ type, object, previous, revision }: Change<Pod>) => {
    const before = previous && kindOfInterest(previous, isOurs)
    const after = type === 'deleted' ? undefined : kindOfInterest(object, isOurs)
    const info = after && podInfo(object)
    if (before === 'pending' && after !== 'pending') forgetPending(object.metadata.uid, revision)
    if (before === 'placed' && after !== 'placed') takeAway(object.metadata.uid, revision)
    if (info && after === 'placed') place(info, revision)
    if (info && after === 'pending') wait(info, previous, revision)
  }
  const wait = (info: PodInfo, previous: Pod | undefined, revision: number) => {
    if (cache.pod(info.uid)) return
    nominate(info, previous)
    if (previous) queue.update(podInfo(previous), info, revision)
    else queue.add(info)
  }
  /** A nomination that was made here a moment ago is not yet in the object: only one that vanishes is taken back. */
  const nominate = (info: PodInfo, previous: Pod | undefined) => {
    const [now, was] = [info.pod.status.nominatedNodeName, previous?.status.nominatedNodeName]
    if (now) nominator.add(info, now)
    else if (was) nominator.remove(info.uid)
  }
  const forgetPending = (uid: string, revision: number) => {
    queue.remove(uid)
    onGone(uid)
    const nominated = nominator.remove(uid)
    if (nominated) queue.moveOn({ resource: 'assignedPod', action: 'delete', before: nominated, revision })
  }
  const place = (info: PodInfo, revision: number) => {
    const known = cache.pod(info.uid)
    cache.setPod(info, info.pod.spec.nodeName ?? '')
    const before = known?.isAssumed ? undefined : known?.pod
    if (!before) queue.moveOn({ resource: 'assignedPod', action: 'add', after: info, revision })
    else if (hasChangedForOthers(before, info))
      queue.moveOn({ resource: 'assignedPod', action: 'update', before, after: info, revision })
  }
  const takeAway = (uid: string, revision: number) => {
    const known = cache.removePod(uid)
    if (known) queue.moveOn({ resource: 'assignedPod', action: 'delete', before: known.pod, revision })
  }

  const onNode = ({ type, object, previous, revision }: Change<Node>) => {
    if (type === 'deleted') cache.removeNode(object.metadata.name)
    else cache.setNode(object)
    if (type === 'added') queue.moveOn({ resource: 'node', action: 'add', after: object, revision })
    else if (type === 'deleted') queue.moveOn({ resource: 'node', action: 'delete', before: object, revision })
    else if (previous && hasChangedForPods(previous, object))
      queue.moveOn({ resource: 'node', action: 'update', before: previous, after: object, revision })
  }

  const onStorage =
    (resource: 'claim' | 'volume' | 'storageClass' | 'csiNode' | 'csiDriver' | 'storageCapacity' | 'attachment') =>
    ({ type, object, previous, revision }: Change) => {
      const [before, after] = type === 'deleted' ? [object, undefined] : [previous, object]
      queue.moveOn({ resource, action: actions[type], before, after, revision } as ClusterEvent)
    }

  const letGo = [
    informers.of(Node).subscribe(inbox.handler(onNode)),
    informers.of(PersistentVolumeClaim).subscribe(inbox.handler(onStorage('claim'))),
    informers.of(PersistentVolume).subscribe(inbox.handler(onStorage('volume'))),
    informers.of(StorageClass).subscribe(inbox.handler(onStorage('storageClass'))),
    informers.of(CSINode).subscribe(inbox.handler(onStorage('csiNode'))),
    informers.of(CSIDriver).subscribe(inbox.handler(onStorage('csiDriver'))),
    informers.of(CSIStorageCapacity).subscribe(inbox.handler(onStorage('storageCapacity'))),
    informers.of(VolumeAttachment).subscribe(inbox.handler(onStorage('attachment'))),
    informers.of(Pod).subscribe(inbox.handler(onPod)),
  ]
  return () => {
    for (const stop of letGo) stop()
  }
}

function kindOfInterest(pod: Pod, isOurs: (pod: Pod) => boolean): 'placed' | 'pending' | undefined {
  if (isTerminal(pod)) return undefined
  if (pod.spec.nodeName) return 'placed'
  return isOurs(pod) ? 'pending' : undefined
}

/** What other pods may be waiting for: labels they match, room, and that it leaves. */
function hasChangedForOthers(before: PodInfo, after: PodInfo): boolean {
  return (
    !deepEqual(before.labels, after.labels) ||
    !deepEqual(before.requests, after.requests) ||
    before.pod.metadata.deletionTimestamp !== after.pod.metadata.deletionTimestamp
  )
}

/** Heartbeats change none of these. */
function hasChangedForPods(before: Node, after: Node): boolean {
  return !(
    deepEqual(before.metadata.labels, after.metadata.labels) &&
    deepEqual(before.spec.taints, after.spec.taints) &&
    before.spec.unschedulable === after.spec.unschedulable &&
    deepEqual(before.status.allocatable, after.status.allocatable)
  )
}
