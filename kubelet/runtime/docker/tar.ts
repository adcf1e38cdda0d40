const block = 512

/** A tar archive (POSIX ustar) of one executable file, owned by root. */
export function tarOf(name: string, content: Uint8Array): Buffer {
  const header = Buffer.alloc(block)
  const octal = (value: number, at: number, length: number) => header.write(value.toString(8).padStart(length - 1, '0'), at)
  header.write(name, 0)
  octal(0o755, 100, 8)
  octal(0, 108, 8)
  octal(0, 116, 8)
  octal(content.length, 124, 12)
  octal(0, 136, 12)
  header.write('0', 156)
  header.write('ustar\u000000', 257)
  header.write(' '.repeat(8), 148) // the checksum counts itself as spaces
  octal(
    header.reduce((sum, byte) => sum + byte, 0),
    148,
    7,
  )
  const padding = (block - (content.length % block)) % block
  return Buffer.concat([header, content, Buffer.alloc(padding + 2 * block)])
}
