/** What an archive says of a file (ustar, with GNU's and POSIX's long names). */
export interface TarEntry {
  readonly name: string
  readonly type: 'file' | 'directory' | 'link'
  readonly mode: number
  readonly size: number
  /** Seconds since 1970. */
  readonly modified: number
  /** Where a link leads. */
  readonly target?: string
}

const block = 512
const types = { file: '0', link: '2', directory: '5', longTarget: 'K', longName: 'L', extended: 'x' } as const

const padding = (size: number) => Buffer.alloc((block - (size % block)) % block)

/** The end of an archive. */
export const tarEnd = () => Buffer.alloc(2 * block)

/** What fills a file's last block. */
export const tarPadding = padding

/** What stands before a file's bytes; its size must be known. */
export function tarHeader(entry: TarEntry): Buffer {
  const { name, target = '', type } = entry
  const long = (letter: string, text: string) => {
    const bytes = Buffer.from(`${text}\0`)
    if (bytes.length <= 101) return Buffer.alloc(0)
    return Buffer.concat([
      header('././@LongLink', '', letter, { mode: 0, size: bytes.length, modified: 0 }),
      bytes,
      padding(bytes.length),
    ])
  }
  return Buffer.concat([long(types.longTarget, target), long(types.longName, name), header(name, target, types[type], entry)])
}

function header(
  name: string,
  target: string,
  type: string,
  { mode, size, modified }: Pick<TarEntry, 'mode' | 'size' | 'modified'>,
) {
  const bytes = Buffer.alloc(block)
  const octal = (value: number, at: number, length: number) => {
    // What eight octal digits cannot say is said in base 256.
    if (value < 8 ** (length - 1)) bytes.write(value.toString(8).padStart(length - 1, '0'), at, 'latin1')
    else {
      bytes.writeBigUInt64BE(BigInt(value), at + length - 8)
      bytes[at] = 0x80
    }
  }
  Buffer.from(name).copy(bytes, 0, 0, 100)
  octal(mode, 100, 8)
  octal(0, 108, 8)
  octal(0, 116, 8)
  octal(size, 124, 12)
  octal(modified, 136, 12)
  bytes.write(' '.repeat(8), 148, 'latin1')
  bytes.write(type, 156, 'latin1')
  Buffer.from(target).copy(bytes, 157, 0, 100)
  bytes.write('ustar\x0000', 257, 'latin1')
  const sum = bytes.reduce((total, byte) => total + byte, 0)
  bytes.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1')
  return bytes
}

export interface ReadEntry extends TarEntry {
  /** The file's bytes; what is not read is passed over. */
  readonly data: AsyncIterable<Buffer>
}

/** The files of an archive as it comes. Throws when it ends too early or is no archive. */
export async function* readTar(chunks: AsyncIterable<Uint8Array>): AsyncIterable<ReadEntry> {
  const source = reader(chunks)
  let longName: string | undefined
  let longTarget: string | undefined
  for (;;) {
    const bytes = await source.take(block)
    // Some archives just stop.
    if (!bytes || bytes.every(byte => byte === 0)) return
    const size = numberAt(bytes, 124, 12)
    const letter = String.fromCharCode(bytes[156] ?? 0)
    if (letter === types.longName || letter === types.longTarget || letter === types.extended) {
      const content = (await source.demand(size)).toString('utf8')
      await source.demand(padding(size).length)
      if (letter === types.longName) longName = content.replace(/\0.*$/s, '')
      else if (letter === types.longTarget) longTarget = content.replace(/\0.*$/s, '')
      else {
        longName = /(?:^|\n)\d+ path=(.*)\n/.exec(content)?.[1] ?? longName
        longTarget = /(?:^|\n)\d+ linkpath=(.*)\n/.exec(content)?.[1] ?? longTarget
      }
      continue
    }
    const prefix = bytes.toString('latin1', 257, 263) === 'ustar\0' ? textAt(bytes, 345, 155) : ''
    const name = longName ?? (prefix ? `${prefix}/${textAt(bytes, 0, 100)}` : textAt(bytes, 0, 100))
    const target = longTarget ?? textAt(bytes, 157, 100)
    longName = undefined
    longTarget = undefined
    const type = letter === types.link ? 'link' : letter === types.directory || name.endsWith('/') ? 'directory' : 'file'
    let left = type === 'file' ? size : 0
    const data = (async function* () {
      while (left > 0) {
        const chunk = await source.some(left)
        left -= chunk.length
        yield chunk
      }
    })()
    yield { name, type, mode: numberAt(bytes, 100, 8), size, modified: numberAt(bytes, 136, 12), target, data }
    while (left > 0) left -= (await source.some(left)).length
    if (type === 'file') await source.demand(padding(size).length)
  }
}

function textAt(bytes: Buffer, at: number, length: number): string {
  const text = bytes.subarray(at, at + length)
  const end = text.indexOf(0)
  return text.toString('utf8', 0, end < 0 ? length : end)
}

function numberAt(bytes: Buffer, at: number, length: number): number {
  if (((bytes[at] ?? 0) & 0x80) !== 0) return Number(bytes.readBigUInt64BE(at + length - 8))
  const number = Number.parseInt(textAt(bytes, at, length).trim() || '0', 8)
  if (Number.isNaN(number)) throw new Error('archive/tar: invalid tar header')
  return number
}

/** Bytes by count out of chunks as they come. */
function reader(chunks: AsyncIterable<Uint8Array>) {
  const iterator = chunks[Symbol.asyncIterator]()
  let rest = Buffer.alloc(0)
  const more = async () => {
    const { done, value } = await iterator.next()
    if (done) return false
    rest = Buffer.concat([rest, value])
    return true
  }
  /** Undefined when nothing is left. */
  const take = async (count: number): Promise<Buffer | undefined> => {
    while (rest.length < count) {
      if (await more()) continue
      if (rest.length === 0) return undefined
      throw new Error('unexpected EOF')
    }
    const taken = rest.subarray(0, count)
    rest = rest.subarray(count)
    return taken
  }
  const demand = async (count: number): Promise<Buffer> => {
    const taken = count === 0 ? Buffer.alloc(0) : await take(count)
    if (!taken) throw new Error('unexpected EOF')
    return taken
  }
  /** At least one byte and at most so many. */
  const some = async (most: number): Promise<Buffer> => {
    if (rest.length === 0 && !(await more())) throw new Error('unexpected EOF')
    return demand(Math.min(most, rest.length))
  }
  return { take, demand, some }
}
