import { mkdir, readFile, rename, rm, rmdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { Mounter } from '../volumes/mounter.ts'

/** What is kept on disk while a driver has a volume here, with upstream's keys. */
export type VolumeData = Readonly<
  Partial<Record<'specVolID' | 'volumeHandle' | 'driverName' | 'nodeName' | 'attachmentID' | 'volumeLifecycleMode', string>>
>

const fileName = 'vol_data.json'

export async function saveVolumeData(folder: string, data: VolumeData): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o750 })
  const temporary = join(folder, `${fileName}.tmp`)
  await writeFile(temporary, `${JSON.stringify(data)}\n`, { mode: 0o600 })
  await rename(temporary, join(folder, fileName))
}

/** Undefined: nothing is here, or nothing any more. */
export async function loadVolumeData(folder: string): Promise<VolumeData | undefined> {
  const text = await readFile(join(folder, fileName), 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined
    throw error
  })
  return text === undefined ? undefined : (JSON.parse(text) as VolumeData)
}

/**
 * Once the driver is done with a place: removes it, should the driver have left it empty, and then what was kept about it. Rejects while
 * something is mounted there, for behind a mount lies somebody else's data.
 */
export async function forgetVolume(place: string, dataFolder: string, mounter: Pick<Mounter, 'mountsBelow'>): Promise<void> {
  const [mount] = await mounter.mountsBelow(place)
  if (mount) throw new Error(`${mount} is still mounted`)
  await removeEmpty(place)
  await rm(join(dataFolder, fileName), { force: true })
  for (const folder of [dataFolder, dirname(dataFolder), dirname(place)]) await rmdir(folder).catch(() => {}) // others may use it still
}

/** Folders only when empty: files that a driver has left behind are data. A block volume's place is a file. */
async function removeEmpty(place: string): Promise<void> {
  try {
    await rmdir(place)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT') return
    if (code !== 'ENOTDIR') throw error
    await rm(place, { force: true })
  }
}
