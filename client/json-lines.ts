/** Parses JSON lines as the bytes come; yields what each chunk completed. An unfinished last line is dropped: its rest was lost. */
export async function* jsonLines(chunks: AsyncIterable<Uint8Array>): AsyncIterable<unknown[]> {
  const decoder = new TextDecoder()
  let rest = ''
  for await (const chunk of chunks) {
    const text = decoder.decode(chunk, { stream: true })
    const end = text.lastIndexOf('\n')
    if (end < 0) {
      rest += text
      continue
    }
    const lines = (rest + text.slice(0, end)).split('\n')
    rest = text.slice(end + 1)
    yield lines.filter(line => line.trim() !== '').map(line => JSON.parse(line) as unknown)
  }
}
