import { ignore, isReason } from '../../api/errors.ts'
import type { Note } from '../../api/journal.ts'
import { Pod } from '../../api/core/pod.ts'
import type { Client } from '../../client/client.ts'
import type { Clock } from '../../lib/clock.ts'
import type { Log } from '../../lib/log.ts'
import type { PodStatus } from '../pod-types.ts'
import { statusPatch } from './status-patch.ts'

/** Writes pods' statuses to the API, the newest only, never two at a time for one pod. Callers never wait. */
export interface StatusWriter {
  /** `pod` is the newest object known from the API. */
  set(pod: Pod, status: PodStatus, why?: { note?: Note | undefined; wokenBy?: readonly number[] }): void
  /** What was set last, if it is still to be remembered. */
  get(uid: string): PodStatus | undefined
  /** The pod is over for good: once its last status is written, asks the API to remove the object. */
  remove(pod: Pod): void
  forget(uid: string): void
  /** Resolves when nothing is being written. */
  settled(): Promise<void>
}

interface Entry {
  pod: Pod
  status: PodStatus | undefined
  note: Note | undefined
  wokenBy: readonly number[]
  isDirty: boolean
  isWriting: boolean
  isOver: boolean
}

const retryInMs = 1000

export function statusWriter({
  client,
  clock,
  log,
  signal,
}: {
  client: Client
  clock: Clock
  log: Log
  signal: AbortSignal
}): StatusWriter {
  const entries = new Map<string, Entry>()
  const writing = new Set<Promise<void>>()

  const entryOf = (pod: Pod): Entry => {
    const { uid } = pod.metadata
    let entry = entries.get(uid)
    if (!entry) {
      entry = { pod, status: undefined, note: undefined, wokenBy: [], isDirty: false, isWriting: false, isOver: false }
      entries.set(uid, entry)
    }
    if (Number(pod.metadata.resourceVersion) >= Number(entry.pod.metadata.resourceVersion)) entry.pod = pod
    return entry
  }

  const write = async (entry: Entry) => {
    const { pod, status, note, wokenBy } = entry
    entry.isDirty = false
    if (status) {
      const patch = statusPatch(pod, status)
      if (patch) {
        const as = client.as({ actor: 'kubelet', wokenBy })
        entry.note = undefined
        const written = await as.patch(Pod, pod.metadata, 'strategic', patch, { subresource: 'status', ...(note && { note }) })
        if (Number(written.metadata.resourceVersion) > Number(entry.pod.metadata.resourceVersion)) entry.pod = written
      }
    }
    if (!entry.isOver || entry.isDirty) return
    entry.isOver = false
    const { uid } = pod.metadata
    const text = 'its containers have ended and its volumes are gone'
    await client
      .as({ actor: 'kubelet', wokenBy })
      .delete(Pod, pod.metadata, { gracePeriodSeconds: 0, preconditions: { uid }, note: { rule: 'kubelet/removed', text } })
      .catch(ignore('NotFound', 'Conflict'))
  }

  const pump = (entry: Entry) => {
    if (entry.isWriting || signal.aborted) return
    entry.isWriting = true
    const wasOver = entry.isOver
    const done = write(entry)
      .catch((err: unknown) => {
        const isGone = isReason(err, 'NotFound', 'Conflict')
        if (isGone) return
        if (!signal.aborted) log.warn({ err, pod: entry.pod.metadata.name }, 'pod status not written')
        const isOver = entry.isOver || wasOver
        entry.isOver = false
        entry.isDirty = false
        void clock.sleep(retryInMs, signal).then(() => {
          entry.isDirty = true
          entry.isOver ||= isOver
          pump(entry)
        })
      })
      .finally(() => {
        entry.isWriting = false
        writing.delete(done)
        if (entry.isDirty || entry.isOver) pump(entry)
      })
    writing.add(done)
  }

  return {
    set(pod, status, { note, wokenBy = [] } = {}) {
      const entry = entryOf(pod)
      entry.status = status
      entry.note = note ?? entry.note
      entry.wokenBy = wokenBy
      entry.isDirty = true
      pump(entry)
    },
    get: uid => entries.get(uid)?.status,
    remove(pod) {
      const entry = entryOf(pod)
      entry.isOver = true
      pump(entry)
    },
    forget: uid => void entries.delete(uid),
    async settled() {
      while (writing.size > 0) await Promise.all(writing)
    },
  }
}
