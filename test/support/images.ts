import { createHash } from 'node:crypto'
import { request } from 'node:http'
import { engineSocket } from './engine.ts'

/** A file of an image. */
export interface ImageFile {
  readonly path: string
  readonly content?: string | Buffer
  readonly mode?: number
  /** Makes it a symbolic link. */
  readonly link?: string
}

const block = 512

/** A tar archive (POSIX ustar) of these files, owned by root. */
export function tar(files: readonly ImageFile[]): Buffer {
  const parts = files.flatMap(({ path, content = '', mode = 0o644, link }) => {
    const bytes = Buffer.from(content)
    const header = Buffer.alloc(block)
    const octal = (value: number, at: number, length: number) => header.write(value.toString(8).padStart(length - 1, '0'), at)
    header.write(path, 0)
    octal(mode, 100, 8)
    octal(0, 108, 8)
    octal(0, 116, 8)
    octal(bytes.length, 124, 12)
    octal(0, 136, 12)
    header.write(link === undefined ? '0' : '2', 156)
    if (link !== undefined) header.write(link, 157)
    header.write('ustar\u000000', 257)
    header.write(' '.repeat(8), 148)
    octal(
      header.reduce((sum, byte) => sum + byte, 0),
      148,
      7,
    )
    return [header, bytes, Buffer.alloc((block - (bytes.length % block)) % block)]
  })
  return Buffer.concat([...parts, Buffer.alloc(2 * block)])
}

/** The plain files of a tar archive, by their paths. */
export function untar(archive: Buffer): Map<string, Buffer> {
  const files = new Map<string, Buffer>()
  for (let at = 0; at + block <= archive.length && archive[at] !== 0; ) {
    const text = (from: number, length: number) => archive.toString('utf8', at + from, at + from + length).replace(/\0.*$/s, '')
    const size = Number.parseInt(text(124, 12).trim(), 8)
    if (text(156, 1) === '0' || text(156, 1) === '') files.set(text(0, 100), archive.subarray(at + block, at + block + size))
    at += block + Math.ceil(size / block) * block
  }
  return files
}

function call(method: string, path: string, body?: Buffer, type = 'application/x-tar'): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const headers = body && { 'content-type': type, 'content-length': body.length }
    const sent = request({ socketPath: engineSocket, method, path, headers }, response => {
      const chunks: Buffer[] = []
      response.on('data', chunk => chunks.push(chunk as Buffer))
      response.on('end', () => {
        const all = Buffer.concat(chunks)
        if ((response.statusCode ?? 500) >= 400) reject(new Error(`${method} ${path}: ${response.statusCode} ${all.toString()}`))
        else resolve(all)
      })
    })
    sent.on('error', reject)
    sent.end(body)
  })
}

/** A call of the engine's own API that carries something. */
export async function engineSend<T>(path: string, body: object): Promise<T> {
  return JSON.parse((await call('POST', path, Buffer.from(JSON.stringify(body)), 'application/json')).toString()) as T
}

const digest = (bytes: Buffer) => `sha256:${createHash('sha256').update(bytes).digest('hex')}`

/**
 * Makes an image by hand: busybox with more files and any metadata at all, which no builder would let pass. Answers how to remove it.
 * `config` replaces busybox's own.
 */
export async function makeImage(
  name: string,
  { config = {}, files = [] }: { readonly config?: object; readonly files?: readonly ImageFile[] },
): Promise<() => Promise<unknown>> {
  const saved = untar(await call('GET', '/images/busybox:1.36/get'))
  const [manifest] = JSON.parse(saved.get('manifest.json')?.toString() ?? '[]') as { Config: string; Layers: string[] }[]
  const image = JSON.parse(saved.get(manifest?.Config ?? '')?.toString() ?? '{}') as { rootfs: { diff_ids: string[] } }
  const layers = (manifest?.Layers ?? []).map(path => saved.get(path) ?? Buffer.alloc(0))
  if (files.length > 0) layers.push(tar(files))
  const rootfs = { type: 'layers', diff_ids: layers.map(digest) }
  const made = JSON.stringify({ architecture: 'amd64', ...image, config, container_config: {}, history: [], rootfs })
  const index = JSON.stringify([{ Config: 'config.json', RepoTags: [name], Layers: layers.map((_, i) => `layer${i}.tar`) }])
  const archive = tar([
    { path: 'config.json', content: made },
    { path: 'manifest.json', content: index },
    ...layers.map((content, i) => ({ path: `layer${i}.tar`, content })),
  ])
  const said = (await call('POST', '/images/load?quiet=1', archive)).toString()
  if (!said.includes('Loaded image')) throw new Error(`the image ${name} was not loaded: ${said}`)
  return () => call('DELETE', `/images/${name}?force=1`)
}

/** What busybox has of its own, for images that differ in one thing. */
export const shell = { Cmd: ['sh'], Env: ['PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'] }
