import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Log } from '../../lib/log.ts'
import { messageOf } from '../sync/sync-error.ts'
import type { VolumeSpec } from './plugin.ts'

/** That a pod has a volume set up here, or that somebody has begun to: what must be undone one day. */
export interface VolumeRecord {
  readonly plugin: string
  readonly podUid: string
  readonly spec: VolumeSpec
  /** A controller attaches it to the node, and has to know while it is used here. */
  readonly isAttachable?: boolean
}

/** What is set up on this node, in memory and on disk, so that a kubelet that starts again knows what to undo. */
export interface VolumeRecords {
  /** Reads what an earlier kubelet has left. */
  restore(): Promise<void>
  /** Written before anything is set up. */
  add(record: VolumeRecord): Promise<void>
  /** Once everything of it is undone. */
  remove(record: VolumeRecord): Promise<void>
  ofPod(podUid: string): readonly VolumeRecord[]
  all(): VolumeRecord[]
}

/** `folderOf`: a pod's folder. Without disk all is kept in memory only. */
export function volumeRecords({ podsFolder, usesDisk, log }: { podsFolder: string; usesDisk: boolean; log: Log }): VolumeRecords {
  const byPod = new Map<string, Map<string, VolumeRecord>>()
  const folderOf = (podUid: string) => join(podsFolder, podUid, 'volume-records')
  const fileOf = ({ podUid, spec }: VolumeRecord) => join(folderOf(podUid), `${spec.volume.name}.json`)

  const remember = (record: VolumeRecord) => {
    let ofPod = byPod.get(record.podUid)
    if (!ofPod) byPod.set(record.podUid, (ofPod = new Map()))
    ofPod.set(record.spec.volume.name, record)
  }

  const read = async (podUid: string) => {
    for (const name of await readdir(folderOf(podUid)).catch(() => [])) {
      if (!name.endsWith('.json')) continue
      try {
        remember(JSON.parse(await readFile(join(folderOf(podUid), name), 'utf8')) as VolumeRecord)
      } catch (err) {
        log.warn({ err: messageOf(err), uid: podUid, name }, 'unreadable record of a volume')
      }
    }
  }

  return {
    async restore() {
      if (!usesDisk) return
      const uids = await readdir(podsFolder).catch(() => [])
      await Promise.all(uids.map(read))
    },
    async add(record) {
      const known = byPod.get(record.podUid)?.get(record.spec.volume.name)
      remember(record)
      if (!usesDisk || (known && known.plugin === record.plugin && known.spec.name === record.spec.name)) return
      await mkdir(folderOf(record.podUid), { recursive: true, mode: 0o750 })
      const { claim: _, ...spec } = record.spec
      const temporary = `${fileOf(record)}.tmp`
      await writeFile(temporary, JSON.stringify({ ...record, spec }), { mode: 0o600 })
      await rename(temporary, fileOf(record))
    },
    async remove(record) {
      const ofPod = byPod.get(record.podUid)
      ofPod?.delete(record.spec.volume.name)
      if (ofPod?.size === 0) byPod.delete(record.podUid)
      if (usesDisk) await rm(fileOf(record), { force: true })
    },
    ofPod: podUid => [...(byPod.get(podUid)?.values() ?? [])],
    all: () => [...byPod.values()].flatMap(ofPod => [...ofPod.values()]),
  }
}
