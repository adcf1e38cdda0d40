import type { Node } from '../../api/core/node.ts'
import { Pod } from '../../api/core/pod.ts'
import { ignore } from '../../api/errors.ts'
import type { InputOf } from '../../api/kind.ts'
import type { Client } from '../../client/client.ts'
import type { Change } from '../../client/informer.ts'
import type { Clock } from '../../lib/clock.ts'
import { copy } from '../../lib/json.ts'
import type { Log } from '../../lib/log.ts'
import { sourceAnnotations } from '../pod-types.ts'
import { messageOf } from '../sync/sync-error.ts'

/** What stands in the API for static pods: made and made again, never obeyed (semantics C17, pkg/kubelet/pod/mirror_client.go). */
export interface MirrorPods {
  /** The API told of a mirror pod. */
  told(change: Change<Pod>): void
  /** This static pod runs here, and shall be seen. */
  want(pod: Pod): void
  /** It has ended, and its file is gone. */
  unwant(pod: Pod): void
  /** The API's pods have all been heard of, or the node has been registered: what could not be done before may work now. */
  retry(): void
  /** The uid of what stands in the API for a static pod. */
  uidOf(pod: Pod): string | undefined
}

interface Options {
  client: Client
  node: () => Node | undefined
  /** Whether all pods, of the API and of files, have been heard of. */
  isSynced: () => boolean
  /** Whether a static pod of that full name is here, or still about to end. */
  isHere: (name: string) => boolean
  clock: Clock
  log: Log
  signal: AbortSignal
  /** What stands for a pod is another object now, or none. */
  onChange: (pod: Pod, mirror: Pod | undefined) => void
}

const retryInMs = 10_000

/** The name by which a static pod and its mirror find each other. */
export const fullName = ({ metadata }: Pod): string => `${metadata.namespace}/${metadata.name}`

export function mirrorPods({ client, node, isSynced, isHere, clock, log, signal, onChange }: Options): MirrorPods {
  const wanted = new Map<string, Pod>()
  const known = new Map<string, Pod>()
  const busy = new Map<string, { isDirty: boolean }>()

  const stands = (pod: Pod | undefined, mirror: Pod | undefined) =>
    mirror?.metadata.annotations?.[sourceAnnotations.mirror] === pod?.metadata.annotations?.[sourceAnnotations.hash]

  const tell = (name: string) => {
    const pod = wanted.get(name)
    const mirror = known.get(name)
    if (pod) onChange(pod, mirror && stands(pod, mirror) ? mirror : undefined)
  }

  /** One step towards one mirror; the watch tells what came of it. */
  const reconcile = async (name: string) => {
    const pod = wanted.get(name)
    const mirror = known.get(name)
    if (!pod && isHere(name)) return
    if (mirror && (!pod || mirror.metadata.deletionTimestamp || !stands(pod, mirror))) {
      const { uid } = mirror.metadata
      const text = pod ? 'it does not stand for its static pod any more' : 'its static pod is gone'
      await client
        .delete(Pod, mirror.metadata, {
          gracePeriodSeconds: 0,
          preconditions: { uid },
          note: { rule: 'kubelet/mirror', text },
        })
        .catch(ignore('NotFound', 'Conflict'))
      if (known.get(name)?.metadata.uid === uid) known.delete(name)
      if (pod) await create(pod)
    } else if (pod && !mirror) await create(pod)
  }

  const create = async (pod: Pod) => {
    const owner = node()
    if (!owner?.metadata.uid || owner.metadata.deletionTimestamp) return
    const { name, namespace, labels, annotations = {}, finalizers } = copy(pod.metadata)
    const metadata = {
      name,
      namespace,
      ...(labels && { labels }),
      ...(finalizers && { finalizers }),
      annotations: { ...annotations, [sourceAnnotations.mirror]: annotations[sourceAnnotations.hash] ?? '' },
      ownerReferences: [{ apiVersion: 'v1', kind: 'Node', name: owner.metadata.name, uid: owner.metadata.uid, controller: true }],
    }
    const note = { rule: 'kubelet/mirror', text: 'shows a static pod' }
    const object = { metadata, spec: copy(pod.spec) } as InputOf<typeof Pod>
    const made = await client.create(Pod, object, { note }).catch(ignore('AlreadyExists'))
    const key = fullName(pod)
    if (!made || known.has(key)) return
    known.set(key, made)
    tell(key)
  }

  const wake = (name: string) => {
    if (signal.aborted || !isSynced()) return
    const current = busy.get(name)
    if (current) {
      current.isDirty = true
      return
    }
    const mine = { isDirty: false }
    busy.set(name, mine)
    void reconcile(name)
      .catch((err: unknown) => {
        if (!signal.aborted) log.warn({ err: messageOf(err), pod: name }, 'mirror pod not as it should be')
        void clock.sleep(retryInMs, signal).then(() => wake(name))
      })
      .finally(() => {
        busy.delete(name)
        if (mine.isDirty) wake(name)
      })
  }

  return {
    told({ type, object }) {
      const name = fullName(object)
      const before = known.get(name)
      if (type !== 'deleted') {
        const isOlder = Number(object.metadata.resourceVersion) < Number(before?.metadata.resourceVersion)
        if (isOlder && before?.metadata.uid === object.metadata.uid) return
        known.set(name, object)
      } else if (before?.metadata.uid === object.metadata.uid) known.delete(name)
      tell(name)
      const pod = wanted.get(name)
      const mirror = known.get(name)
      const isFine = pod && mirror && stands(pod, mirror) && !mirror.metadata.deletionTimestamp
      if (!isFine) wake(name)
    },
    want(pod) {
      const name = fullName(pod)
      if (wanted.get(name) === pod && stands(pod, known.get(name))) return
      wanted.set(name, pod)
      tell(name)
      wake(name)
    },
    unwant(pod) {
      const name = fullName(pod)
      if (wanted.get(name)?.metadata.uid === pod.metadata.uid) wanted.delete(name)
      wake(name)
    },
    retry() {
      for (const name of new Set([...wanted.keys(), ...known.keys()])) wake(name)
    },
    uidOf(pod) {
      const mirror = known.get(fullName(pod))
      return mirror && stands(pod, mirror) ? mirror.metadata.uid : undefined
    },
  }
}
