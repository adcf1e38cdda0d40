import { Pod } from '../../api/core/pod.ts'
import { ignore, isReason } from '../../api/errors.ts'
import type { Note } from '../../api/journal.ts'
import type { Client } from '../../client/client.ts'
import type { Clock } from '../../lib/clock.ts'
import { deepEqual } from '../../lib/json.ts'
import type { Log } from '../../lib/log.ts'
import { isMirrorPod, isStaticPod, isTerminalPhase, type PodStatus } from '../pod-types.ts'
import { statusPatch } from './status-patch.ts'

/** Writes pods' statuses to the API, the newest only, never two at a time for one pod. Callers never wait. */
export interface StatusWriter {
  /** `pod` is the newest object known of the pod; of a static one it may be older than its mirror. */
  set(pod: Pod, status: PodStatus, options?: SetOptions): void
  /** What was set last, if it is still to be remembered. */
  get(uid: string): PodStatus | undefined
  /** The pod is over for good: once its last status is written, asks the API to remove the object. */
  remove(pod: Pod): void
  forget(uid: string): void
  /** The API's object has changed. If its status is not what was set last, because somebody else wrote it, it is written again. */
  seen(pod: Pod): void
  /** What stands in the API for a static pod, under that pod's uid: there its status goes. `undefined`: nothing does at present. */
  mirrored(uid: string, mirror: Pod | undefined): void
  /** Resolves when nothing is being written. */
  settled(): Promise<void>
}

export interface SetOptions {
  readonly note?: Note | undefined
  readonly wokenBy?: readonly number[]
  /**
   * Containers of the pod may still run. Then nobody is told yet that it has finished: whoever waits for that takes what the pod had
   * for free (pkg/kubelet/status/status_manager.go mergePodStatus).
   */
  readonly couldRun?: boolean
}

interface Entry {
  /** What the API has, as far as known; of a static pod: its mirror. `undefined`: nothing to write to. */
  pod: Pod | undefined
  status: PodStatus | undefined
  note: Note | undefined
  wokenBy: readonly number[]
  couldRun: boolean
  isDirty: boolean
  isWriting: boolean
  isOver: boolean
  /** Set while what is to be told is passing; ends the wait. */
  stopWaiting: (() => void) | undefined
}

const retryInMs = 1000

/** A pod that the API has down as finished stays so, whoever wrote that. */
function final(status: PodStatus, { phase, reason, message }: Pod['status']): PodStatus {
  if (!isTerminalPhase(phase) || status.phase === phase) return status
  const { reason: _r, message: _m, ...rest } = status
  return { ...rest, phase, ...(reason && { reason }), ...(message && { message }) }
}

/** The status as long as the end of a pod must not be told. */
function unfinished(status: PodStatus, { phase, reason, message, conditions = [] }: Pod['status']): PodStatus {
  if (!isTerminalPhase(status.phase) || isTerminalPhase(phase)) return status
  const { reason: _r, message: _m, ...rest } = status
  const told = new Set(conditions.map(({ type }) => type))
  return {
    ...rest,
    phase,
    ...(reason && { reason }),
    ...(message && { message }),
    ...(status.conditions && {
      conditions: status.conditions.filter(({ type }) => type !== 'DisruptionTarget' || told.has(type)),
    }),
  }
}

/** What is soon to be replaced: a pod that has just been taken on, or whose containers do not know yet that it is to end. */
function isPassing({ pod, status }: Entry): boolean {
  if (!pod || !status) return false
  if (status.phase === 'Pending') return !pod.status.startTime
  if (!pod.metadata.deletionTimestamp || isTerminalPhase(status.phase)) return false
  return deepEqual(status.containerStatuses, pod.status.containerStatuses)
}

export function statusWriter({
  client,
  clock,
  log,
  signal,
  passingWaitsMs = 0,
}: {
  client: Client
  clock: Clock
  log: Log
  signal: AbortSignal
  /** KubeletConfig.passingWaitsMs. */
  passingWaitsMs?: number
}): StatusWriter {
  const entries = new Map<string, Entry>()
  const writing = new Set<Promise<void>>()

  const entryOf = (uid: string): Entry => {
    let entry = entries.get(uid)
    if (!entry) {
      entry = {
        pod: undefined,
        status: undefined,
        note: undefined,
        wokenBy: [],
        couldRun: false,
        isDirty: false,
        isWriting: false,
        isOver: false,
        stopWaiting: undefined,
      }
      entries.set(uid, entry)
    }
    return entry
  }
  const entryOfPod = (pod: Pod): Entry => {
    const entry = entryOf(pod.metadata.uid)
    if (isStaticPod(pod)) return entry
    if (!entry.pod || Number(pod.metadata.resourceVersion) >= Number(entry.pod.metadata.resourceVersion)) entry.pod = pod
    return entry
  }

  const write = async (entry: Entry) => {
    const { pod, status, note, wokenBy, couldRun } = entry
    entry.isDirty = false
    if (!pod) return
    if (status) {
      const told = couldRun ? unfinished(status, pod.status) : status
      const patch = statusPatch(pod, isMirrorPod(pod) ? told : final(told, pod.status))
      if (patch) {
        const as = client.as({ actor: 'kubelet', wokenBy })
        entry.note = undefined
        const written = await as
          .patch(Pod, pod.metadata, 'strategic', patch, { subresource: 'status', ...(note && { note }) })
          .catch((error: unknown) => {
            entry.note ??= note
            throw error
          })
        const isNewer = Number(written.metadata.resourceVersion) > Number(entry.pod?.metadata.resourceVersion)
        if (isNewer && entry.pod?.metadata.uid === written.metadata.uid) entry.pod = written
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

  const wait = (entry: Entry) => {
    entry.stopWaiting ??= clock.after(passingWaitsMs, () => pump(entry))
  }

  const pump = (entry: Entry) => {
    entry.stopWaiting?.()
    entry.stopWaiting = undefined
    if (entry.isWriting || signal.aborted) return
    entry.isWriting = true
    const wasOver = entry.isOver
    const done = write(entry)
      .catch((err: unknown) => {
        if (isReason(err, 'NotFound', 'Conflict')) {
          entry.isOver = false
          return
        }
        if (!signal.aborted) log.warn({ err, pod: entry.pod?.metadata.name }, 'pod status not written')
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
    set(pod, status, { note, wokenBy = [], couldRun = false } = {}) {
      const entry = entryOfPod(pod)
      entry.couldRun = couldRun
      entry.status = status
      entry.note = note ?? entry.note
      entry.wokenBy = wokenBy
      entry.isDirty = true
      if (passingWaitsMs > 0 && isPassing(entry)) wait(entry)
      else pump(entry)
    },
    get: uid => entries.get(uid)?.status,
    remove(pod) {
      const entry = entryOfPod(pod)
      entry.isOver = true
      pump(entry)
    },
    forget(uid) {
      entries.get(uid)?.stopWaiting?.()
      entries.delete(uid)
    },
    seen(pod) {
      const entry = entries.get(pod.metadata.uid)
      if (!entry?.status || !entry.pod || Number(pod.metadata.resourceVersion) <= Number(entry.pod.metadata.resourceVersion))
        return
      entry.pod = pod
      entry.isDirty = true
      pump(entry)
    },
    mirrored(uid, mirror) {
      const entry = entries.get(uid)
      if (!entry && !mirror) return
      const known = entryOf(uid)
      known.pod = mirror
      if (!mirror || !known.status) return
      known.isDirty = true
      pump(known)
    },
    async settled() {
      for (const entry of entries.values()) entry.stopWaiting?.()
      while (writing.size > 0) await Promise.all(writing)
    },
  }
}
