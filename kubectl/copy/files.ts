import { createReadStream, createWriteStream } from 'node:fs'
import { lstat, mkdir, readdir, readlink } from 'node:fs/promises'
import { dirname, join, posix, relative, sep } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { readTar, tarEnd, tarHeader, tarPadding } from './tar.ts'

/** An archive of a file, or of all that is in a folder, under another name. */
export async function* packed(path: string, name: string): AsyncIterable<Buffer> {
  yield* entries(path, name)
  yield tarEnd()
}

async function* entries(path: string, name: string): AsyncIterable<Buffer> {
  const about = await lstat(path)
  const common = { name, mode: about.mode & 0o7777, modified: Math.trunc(about.mtimeMs / 1000) }
  if (about.isDirectory()) {
    const names = (await readdir(path)).sort()
    if (names.length === 0) yield tarHeader({ ...common, name: `${name}/`, type: 'directory', size: 0 })
    for (const each of names) yield* entries(join(path, each), posix.join(name, each))
  } else if (about.isSymbolicLink()) {
    yield tarHeader({ ...common, type: 'link', size: 0, target: await readlink(path) })
  } else {
    yield tarHeader({ ...common, type: 'file', size: about.size })
    // A file that grows meanwhile is as long as it was.
    if (about.size > 0) yield* createReadStream(path, { end: about.size - 1 })
    yield tarPadding(about.size)
  }
}

/**
 * Writes what an archive holds below `prefix` to `destination`. Links are passed over with a warning, as are files that would be elsewhere. Throws
 * when the archive has something that was not asked for.
 */
export async function unpack(
  chunks: AsyncIterable<Uint8Array>,
  { prefix, destination, warn }: { prefix: string; destination: string; warn: (text: string) => void },
): Promise<void> {
  for await (const { name, type, target = '', data } of readTar(chunks)) {
    if (!name.startsWith(prefix)) throw new Error('tar contents corrupted')
    const inside = posix.normalize(name.slice(prefix.length)).replace(/^\/+|\/+$/g, '')
    const path = join(destination, inside)
    if (relative(destination, path).split(sep)[0] === '..') {
      warn(`warning: file ${JSON.stringify(path)} is outside target destination, skipping\n`)
      continue
    }
    await mkdir(type === 'directory' ? path : dirname(path), { recursive: true, mode: 0o755 })
    if (type === 'link') warn(`warning: skipping symlink: ${JSON.stringify(path)} -> ${JSON.stringify(target)}\n`)
    if (type === 'file') await pipeline(Readable.from(data, { objectMode: false }), createWriteStream(path))
  }
}
