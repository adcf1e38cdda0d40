import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { pipeline } from 'node:stream/promises'
import { RuntimeError } from '../runtime.ts'
import { failAs, readable, unless } from './connection.ts'
import type { DockerEngine } from './engine.ts'
import { helperName } from './helpers.ts'

/**
 * Lays an image's files out in a folder: the files of a container that is made of it and never started. What Docker puts into every
 * container (empty /dev, /proc, /etc/hosts and so on) is among them. Needs tar(1), and root for owners to be kept.
 */
export async function unpackImage(engine: DockerEngine, imageId: string, folder: string): Promise<void> {
  if (!engine.isLocal) throw new RuntimeError('image', `the engine at ${engine.address} cannot lay out images on this machine`)
  // Named after the folder: what a killed kubelet has left of an earlier try is found again.
  const name = helperName('unpack', createHash('sha256').update(folder).digest('hex').slice(0, 16))
  await engine.change('finish', docker => docker.getContainer(name).remove({ force: true })).catch(unless(404))
  const options = { name, Image: imageId, Entrypoint: ['/-'], NetworkDisabled: true, Labels: { 'wherry.dev/unpacks': imageId } }
  const { id } = await engine.change('begin', docker => docker.createContainer(options)).catch(failAs('image'))
  try {
    const archive = readable(await engine.open(docker => docker.getContainer(id).export()))
    const tar = spawn('tar', ['-x', '-p', '-f', '-', '--numeric-owner', '-C', folder], { stdio: ['pipe', 'ignore', 'pipe'] })
    let complaint = ''
    tar.stderr.setEncoding('utf8').on('data', (text: string) => {
      complaint = (complaint + text).slice(0, 1000)
    })
    const ended = once(tar, 'close') as Promise<[number | null]>
    const [flow, [code]] = await Promise.all([
      pipeline(archive, tar.stdin).then(
        () => undefined,
        (error: Error) => error,
      ),
      ended,
    ])
    if (code !== 0 || flow)
      throw new RuntimeError('image', `image ${imageId} could not be laid out: ${complaint || flow?.message || code}`)
  } finally {
    await engine.change('finish', docker => docker.getContainer(id).remove({ force: true })).catch(unless(404))
  }
}
