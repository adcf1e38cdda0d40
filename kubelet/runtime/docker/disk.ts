import { stat, statfs } from 'node:fs/promises'
import { folderSize } from '../folder-size.ts'
import { type FilesystemUsage, RuntimeError } from '../runtime.ts'
import { failAs } from './connection.ts'
import type { DockerEngine } from './engine.ts'

/** The file system of Docker's data-root: images and writable layers. Fails when that is not on this machine. */
export async function dockerFilesystem(engine: DockerEngine): Promise<FilesystemUsage> {
  const { rootDirectory } = await engine.info()
  const usage = Promise.all([statfs(rootDirectory), stat(rootDirectory)])
  const [{ bsize, blocks, bavail, files, ffree }, { dev }] = await usage.catch(cause => {
    throw new RuntimeError('other', `${rootDirectory}, where Docker keeps its images, is not on this machine`, { cause })
  })
  return { capacityInBytes: bsize * blocks, availableInBytes: bsize * bavail, inodes: files, inodesFree: ffree, device: dev }
}

/** How many files and folders a container has written beside its image's; 0 where the layer is not on this machine. */
export async function dockerWritableInodes(engine: DockerEngine, id: string): Promise<number> {
  const { GraphDriver } = await engine.read(docker => docker.getContainer(id).inspect()).catch(failAs('other'))
  const upper = (GraphDriver.Data as Readonly<Record<string, string>> | null)?.UpperDir
  return upper === undefined ? 0 : (await folderSize(upper)).inodes
}
