import { constants, createDeflate, inflateSync } from 'node:zlib'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { systemClock, virtualClock } from '../../lib/clock.ts'
import type { SpdyStream } from './client-streams.ts'
import { spdyConnection } from './connection.ts'
import { spdyDictionary } from './dictionary.ts'
import { controlFrame, dataHeader, frameParser, frameType, numbersFrame } from './frames.ts'
import { headerReader, headerWriter } from './headers.ts'
import { onlyFin, pipe, spdyClient } from './testing.ts'

/** As every other implementation writes them: one zlib stream with the dictionary, flushed after each block. */
function zlibWriter() {
  const deflate = createDeflate({ dictionary: spdyDictionary() })
  const chunks: Buffer[] = []
  deflate.on('data', chunk => chunks.push(chunk))
  return async (plain: Buffer): Promise<Buffer> => {
    deflate.write(plain)
    await new Promise<void>(resolve => deflate.flush(constants.Z_SYNC_FLUSH, resolve))
    return Buffer.concat(chunks.splice(0))
  }
}

function plainBlock(headers: Record<string, string>): Buffer {
  const number = (value: number) => Buffer.from([0, 0, value >> 8, value & 255])
  const texts = Object.entries(headers).flatMap(([name, value]) => [name, value])
  return Buffer.concat([number(texts.length / 2), ...texts.flatMap(text => [number(Buffer.byteLength(text)), Buffer.from(text)])])
}

describe('headers', () => {
  test('the dictionary is the one of the draft', () => {
    const stream = Buffer.concat([Buffer.from([0x78, 0xbb, 0xe3, 0xc6, 0xa7, 0xc2]), Buffer.from([1, 0, 0, 0xff, 0xff])])
    const empty = Buffer.concat([stream, Buffer.from([0, 0, 0, 1])])
    expect(spdyDictionary()).toHaveLength(1423)
    expect(inflateSync(empty, { dictionary: spdyDictionary() })).toHaveLength(0) // it looks at the checksum
  })

  test('are read from one zlib stream whose blocks quote each other', async () => {
    const write = zlibWriter()
    const read = headerReader()
    for (let i = 0; i < 200; i++) {
      const headers = { streamtype: i % 2 ? 'data' : 'error', port: '8080', requestid: String(i), long: 'x'.repeat(i * 20) }
      expect(Object.fromEntries(read(await write(plainBlock(headers))))).toEqual(headers)
    }
  })

  test('that we write are read by any zlib, and by ourselves', () => {
    const write = headerWriter()
    const read = headerReader()
    const blocks = [new Map([['a', 'b']]), new Map(), new Map([['Name', 'välue']])].map(write)
    expect(blocks.map(block => Object.fromEntries(read(block)))).toEqual([{ a: 'b' }, {}, { name: 'välue' }])
    const all = inflateSync(Buffer.concat(blocks), { finishFlush: constants.Z_SYNC_FLUSH })
    expect(all.toString('latin1')).toContain('\0\0\0\x04name')
  })

  test('that swell to more than anybody needs are refused', async () => {
    const bomb = await zlibWriter()(Buffer.alloc(10_000_000))
    expect(bomb.length).toBeLessThan(64 * 1024)
    expect(() => headerReader()(bomb)).toThrow()
  })

  test('random bytes are refused or read, never worse', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), bytes => {
        for (const start of [Buffer.alloc(0), Buffer.from([0x78, 0xbb, 0xe3, 0xc6, 0xa7, 0xc2])]) {
          try {
            headerReader()(Buffer.concat([start, bytes]))
          } catch (error) {
            expect(error).toBeInstanceOf(Error)
          }
        }
      }),
    )
  })
})

describe('frames', () => {
  test('come out the same however the bytes are chopped up', () => {
    const whole = Buffer.concat([
      numbersFrame(frameType.ping, 1),
      dataHeader(1, 5, false),
      Buffer.from('hello'),
      controlFrame(77, 3, Buffer.alloc(0)),
      dataHeader(3, 0, true),
      dataHeader(1, 3, true),
      Buffer.from('end'),
    ])
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 20 }), { maxLength: 40 }), sizes => {
        const seen: string[] = []
        const texts = new Map<number, string>()
        const parse = frameParser({
          control: (type, flags, body) => void seen.push(`control ${type} ${flags} ${body.toString('hex')}`),
          data(id, part, isFin) {
            texts.set(id, (texts.get(id) ?? '') + part.toString())
            if (isFin) seen.push(`fin ${id} ${texts.get(id)}`)
          },
        })
        let at = 0
        for (const size of [...sizes, whole.length]) parse(whole.subarray(at, (at += size)))
        expect(seen).toEqual(['control 6 0 00000001', 'control 77 3 ', 'fin 3 ', 'fin 1 helloend'])
      }),
    )
  })

  test.each([
    ['another version', Buffer.from([0x80, 2, 0, 1, 0, 0, 0, 0])],
    ['a control frame without end', Buffer.from([0x80, 3, 0, 1, 0, 0xff, 0xff, 0xff])],
  ])('%s is refused', (_what, bytes) => {
    expect(() => frameParser({ control() {}, data() {} })(bytes)).toThrow()
  })
})

/** A server at one end of a pipe, a client at the other. */
function story(onStream: (stream: SpdyStream) => void, clock = systemClock) {
  const [near, far] = pipe()
  const connection = spdyConnection({ transport: near, onStream, clock })
  return { connection, client: spdyClient(far), near, far }
}

describe('a connection', () => {
  test('carries streams side by side, each ending in its own time', async () => {
    const { client } = story(({ headers, duplex }) => {
      duplex.write(`${headers.get('streamtype')}:`)
      duplex.pipe(duplex)
    })
    const one = client.open({ streamtype: 'one' })
    const two = client.open({ streamtype: 'two' })
    two.send('b')
    one.send('a')
    two.end()
    expect(await two.ended).toBe('two:b')
    one.send('aa')
    one.end()
    expect(await one.ended).toBe('one:aaa')
  })

  test('a client may end its side with the first frame', async () => {
    const { client } = story(({ duplex }) => duplex.resume().on('end', () => duplex.end('only me')))
    expect(await client.open({}, onlyFin).ended).toBe('only me')
  })

  test('carries megabytes both ways and tells what was consumed', async () => {
    const { client } = story(({ duplex }) => duplex.pipe(duplex))
    const stream = client.open({})
    const chunk = Buffer.alloc(100_000, 'x')
    for (let i = 0; i < 50; i++) stream.send(chunk)
    stream.end()
    expect(await stream.ended).toHaveLength(5_000_000)
    expect(client.windows.get(stream.id)).toBeGreaterThan(3_500_000) // of the end nobody needs to hear
  })

  test('what is not read holds up the sender, not the memory; and goes on when it is', async () => {
    let reader: SpdyStream | undefined
    const { client, near } = story(stream => {
      reader = stream
    })
    const stream = client.open({})
    for (let i = 0; i < 100; i++) stream.send(Buffer.alloc(100_000))
    await expect.poll(() => near.isPaused()).toBe(true)
    let size = 0
    reader?.duplex.on('data', chunk => (size += chunk.length))
    await expect.poll(() => size).toBe(10_000_000)
    expect(near.isPaused()).toBe(false)
  })

  test('a client that opens windows is kept to them', async () => {
    const { client } = story(({ duplex }) => void duplex.end(Buffer.alloc(200_000)))
    client.window(0, 1_000_000)
    client.window(1, 0)
    const stream = client.open({})
    await expect.poll(() => stream.text().length).toBe(65_536)
    client.window(stream.id, 100_000)
    await expect.poll(() => stream.text().length).toBe(165_536)
    client.window(stream.id, 100_000)
    expect(await stream.ended).toHaveLength(200_000)
  })

  test('answers pings, and streams that make no sense', async () => {
    const { client, far } = story(({ headers }) => {
      if (headers.get('streamtype') === 'bad') throw new Error('no')
    })
    await expect(client.open({ streamtype: 'bad' }).ended).rejects.toThrow('reset 5')
    client.ping(7)
    far.write(dataHeader(99, 1, false))
    far.write('x')
    await expect.poll(() => client.controls).toEqual([frameType.reset, frameType.ping, frameType.reset])
  })

  test('a reset from either side ends the stream only', async () => {
    const streams: SpdyStream[] = []
    const { client } = story(stream => streams.push(stream))
    const one = client.open({})
    const two = client.open({})
    await two.accepted
    const closed = new Promise(resolve => streams[0]?.duplex.once('close', resolve))
    one.reset()
    await closed
    streams[1]?.duplex.destroy()
    await expect(two.ended).rejects.toThrow('reset 5')
    const three = client.open({})
    await three.accepted
    streams[2]?.duplex.end('here')
    expect(await three.ended).toBe('here')
  })

  test('takes all streams along when the transport goes', async () => {
    const streams: SpdyStream[] = []
    const { client, far, connection } = story(stream => streams.push(stream))
    await client.open({}).accepted
    far.destroy()
    await connection.closed
    expect(streams.map(({ duplex }) => duplex.destroyed)).toEqual([true])
  })

  test('is closed with everything said before', async () => {
    const { client, connection } = story(({ duplex }) => {
      duplex.end('last words')
      setImmediate(() => connection.close())
    })
    const stream = client.open({})
    expect(await stream.ended).toBe('last words')
    await expect.poll(() => client.controls).toContain(frameType.goAway)
  })

  test('a client that does not hang up is hung up on', async () => {
    const clock = virtualClock()
    const { connection, near } = story(() => {}, clock)
    connection.close()
    expect(near.destroyed).toBe(false)
    await clock.advance(2000)
    await connection.closed
    expect(clock.timers).toBe(0)
  })

  test('survives random bytes: it ends, or goes on, but nothing is thrown and nothing left behind', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(randomFrame(), { maxLength: 12 }), async frames => {
        const streams: SpdyStream[] = []
        const { connection, far } = story(stream => {
          streams.push(stream)
          stream.duplex.pipe(stream.duplex)
        })
        far.resume()
        far.on('error', () => {})
        for (const frame of frames) if (!far.destroyed) far.write(frame)
        await new Promise(resolve => setImmediate(resolve))
        far.destroy()
        await connection.closed
        expect(streams.every(({ duplex }) => duplex.destroyed)).toBe(true)
      }),
      { numRuns: 300 },
    )
  })
})

/** Bytes that look more or less like frames. */
function randomFrame(): fc.Arbitrary<Buffer> {
  const body = fc.uint8Array({ maxLength: 40 }).map(bytes => Buffer.from(bytes))
  const id = fc.integer({ min: 0, max: 9 })
  const syn = headerWriter()(new Map([['streamtype', 'data']]))
  return fc.oneof(
    body,
    fc.tuple(fc.integer({ min: 0, max: 12 }), fc.integer({ min: 0, max: 3 }), body).map(args => controlFrame(...args)),
    fc
      .tuple(id, body, fc.boolean())
      .map(([stream, bytes, isFin]) => Buffer.concat([dataHeader(stream, bytes.length, isFin), bytes])),
    fc
      .tuple(fc.constantFrom(3, 6, 9), id, fc.integer({ min: 0, max: 2 ** 31 }))
      .map(([type, ...rest]) => numbersFrame(type, ...rest)),
    id.map(stream => controlFrame(1, 0, Buffer.concat([Buffer.from([0, 0, 0, stream, 0, 0, 0, 0, 0, 0]), syn]))),
  )
}
