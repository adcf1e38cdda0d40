import { mkdir } from 'node:fs/promises'
import type { Pod } from '../../api/core/pod.ts'
import type { Clock } from '../../lib/clock.ts'
import type { Random } from '../../lib/random.ts'
import { writeAtomically } from './atomic-writer.ts'
import { ownVolume } from './fs-group.ts'
import type { MemoryFolder } from './memory-folder.ts'
import type { Payload } from './payload.ts'
import type { VolumePlugin, VolumeSpec } from './plugin.ts'
import { oneAtATime } from './turns.ts'

export interface PayloadVolumeOptions {
  usesDisk: boolean
  memory: MemoryFolder
  clock: Clock
  random: Random
}

interface PayloadKind {
  readonly name: string
  handles(spec: VolumeSpec): boolean
  /** Secrets never touch a disk. */
  readonly isSecret: boolean
  /** Throws SyncError FailedMount for what is missing. */
  payloadOf(pod: Pod, spec: VolumeSpec): Promise<Payload>
}

/** A volume whose files are made from API objects and change with them: configMap, secret, downwardAPI, projected (semantics C12). */
export function payloadVolume({ usesDisk, memory, clock, random }: PayloadVolumeOptions, kind: PayloadKind): VolumePlugin {
  const { name, handles, isSecret, payloadOf } = kind
  /** What was written last, so that looking again costs nothing while nothing has changed. */
  const written = new Map<string, Payload>()
  const inTurn = oneAtATime()
  return {
    name,
    handles,
    isRefreshed: true,
    async setUp({ pod, spec, folder, isRefresh }) {
      if (!usesDisk) {
        await payloadOf(pod, spec)
        return { path: folder, readOnly: true }
      }
      const path = isSecret ? await memory.placeOf(folder) : folder
      await inTurn(path, async () => {
        const payload = await payloadOf(pod, spec)
        if (isRefresh && isSame(written.get(path), payload)) return
        written.delete(path)
        await mkdir(path, { recursive: true, mode: 0o755 })
        const prepare = (fresh: string) => ownVolume(pod, fresh, { readOnly: true })
        await writeAtomically(path, payload, { clock, random, prepare })
        written.set(path, payload)
      })
      return { path, readOnly: true }
    },
    async tearDown({ folder }) {
      if (!isSecret) return void written.delete(folder)
      written.delete(await memory.placeOf(folder))
      await memory.remove(folder)
    },
  }
}

function isSame(before: Payload | undefined, now: Payload): boolean {
  if (!before || before.size !== now.size) return false
  for (const [path, { data, mode, owner }] of now) {
    const old = before.get(path)
    if (!old || old.mode !== mode || old.owner !== owner || Buffer.compare(old.data, data) !== 0) return false
  }
  return true
}
