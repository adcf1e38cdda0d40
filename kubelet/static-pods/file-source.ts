import { watch } from 'node:fs'
import { readdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { Pod } from '../../api/core/pod.ts'
import type { Change } from '../../client/informer.ts'
import type { Clock } from '../../lib/clock.ts'
import { deepEqual } from '../../lib/json.ts'
import type { Log } from '../../lib/log.ts'
import type { Run } from '../../lib/run.ts'
import { messageOf } from '../sync/sync-error.ts'
import { largestManifestInBytes, readStaticPod } from './manifest.ts'

export interface FileSourceOptions {
  /** A file, or a directory of files. */
  readonly path: string
  readonly nodeName: string
  readonly everyMs: number
  readonly clock: Clock
  readonly log: Log
  readonly onChange: (changes: readonly Change<Pod>[]) => void
  /** All files have been looked at once. */
  readonly onSynced?: () => void
}

export interface FileSource {
  readonly run: Run
  /** Whether all files have been looked at once. */
  readonly isSynced: boolean
}

/** Editors write, rename and touch: all of that becomes one look. */
const settleInMs = 50

interface File {
  readonly stamp: string
  readonly pod: Pod | undefined
}

/**
 * Pods from files (pkg/kubelet/config/file.go): looked through now and then, and as soon as the file system tells of a change. Hidden
 * files and directories are passed over. A file that cannot be made sense of is as good as gone, except that the pod it used to hold
 * stays until the next regular look: it may just be half written.
 */
export function fileSource({ path, nodeName, everyMs, clock, log, onChange, onSynced }: FileSourceOptions): FileSource {
  let files = new Map<string, File>()
  let isSynced = false
  let complaint = ''

  const read = async (file: string, isRegular: boolean): Promise<File | undefined> => {
    const info = await stat(file).catch(() => undefined)
    if (!info?.isFile()) return undefined
    const stamp = `${info.ino} ${info.size} ${info.mtimeMs} ${info.ctimeMs}`
    const before = files.get(file)
    if (before?.stamp === stamp && (before.pod || !isRegular)) return before
    try {
      if (info.size > largestManifestInBytes) throw new Error(`larger than ${largestManifestInBytes} bytes`)
      const pod = await readStaticPod(await readFile(file, 'utf8'), { nodeName, path: file, now: clock.now() })
      return { stamp, pod: sameButSeen(before?.pod, pod) ? before?.pod : pod }
    } catch (err) {
      if (before?.stamp !== stamp) log.warn({ err: messageOf(err), file }, 'static pod not read')
      return { stamp: isRegular || !before?.pod ? stamp : 'unread', pod: isRegular ? undefined : before?.pod }
    }
  }

  const names = async (): Promise<string[]> => {
    const info = await stat(path).catch(() => undefined)
    if (!info) return []
    if (!info.isDirectory()) return [path]
    const found = (await readdir(path)).filter(name => !name.startsWith('.'))
    return found.sort().map(name => join(path, name))
  }

  const look = async (isRegular: boolean) => {
    try {
      const next = new Map<string, File>()
      for (const name of await names()) {
        const file = await read(name, isRegular)
        if (file) next.set(name, file)
      }
      const before = podsOf(files)
      files = next
      complaint = ''
      const changes = changesBetween(before, podsOf(files))
      if (changes.length > 0) onChange(changes)
      if (!isSynced) {
        isSynced = true
        onSynced?.()
      }
    } catch (err) {
      if (messageOf(err) !== complaint) log.warn({ err: messageOf(err), path }, 'static pods not read')
      complaint = messageOf(err)
    }
  }

  return {
    get isSynced() {
      return isSynced
    },
    async run(signal) {
      let isRegular = true
      let wake = () => {}
      let stopWatching = () => {}
      let isWatching = false
      const startWatching = () => {
        if (isWatching) return
        try {
          const watcher = watch(path, () => wake())
          isWatching = true
          stopWatching = () => watcher.close()
          watcher.on('error', () => {
            watcher.close()
            isWatching = false
          })
        } catch {
          // Not there yet: the regular look finds it.
        }
      }
      while (!signal.aborted) {
        startWatching()
        await look(isRegular)
        isRegular = await new Promise<boolean>(resolve => {
          let cancel = clock.after(everyMs, () => resolve(true))
          const end = () => {
            cancel()
            resolve(false)
          }
          wake = () => {
            wake = () => {}
            cancel()
            cancel = clock.after(settleInMs, () => resolve(false))
          }
          if (signal.aborted) end()
          else signal.addEventListener('abort', end, { once: true })
        })
      }
      stopWatching()
    },
  }
}

/** The time at which a file was seen is no reason to touch the pod. */
function sameButSeen(a: Pod | undefined, b: Pod): boolean {
  if (!a || a.metadata.uid !== b.metadata.uid) return false
  const plain = ({ metadata: { creationTimestamp: _c, annotations, ...metadata }, spec }: Pod) => ({
    metadata: { ...metadata, annotations: { ...annotations, 'kubernetes.io/config.seen': '' } },
    spec,
  })
  return deepEqual(plain(a), plain(b))
}

/** Two files that describe a pod of the same uid describe one pod: the first does. */
function podsOf(files: ReadonlyMap<string, File>): Map<string, Pod> {
  const pods = new Map<string, Pod>()
  for (const { pod } of files.values()) if (pod && !pods.has(pod.metadata.uid)) pods.set(pod.metadata.uid, pod)
  return pods
}

/** What goes comes first, so that what replaces it can wait for it. */
function changesBetween(before: ReadonlyMap<string, Pod>, after: ReadonlyMap<string, Pod>): Change<Pod>[] {
  const changes: Change<Pod>[] = []
  for (const [uid, object] of before) if (!after.has(uid)) changes.push({ type: 'deleted', object, revision: 0 })
  for (const [uid, object] of after) {
    const old = before.get(uid)
    if (!old) changes.push({ type: 'added', object, revision: 0 })
    else if (old !== object) changes.push({ type: 'modified', object, previous: old, revision: 0 })
  }
  return changes
}
