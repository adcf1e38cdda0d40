import type { Duplex } from 'node:stream'
import { expect, test } from 'vitest'
import { systemClock as clock } from '../lib/clock.ts'
import { portOverSpdy } from './port-forward-client.ts'
import { spdyConnection } from './spdy/connection.ts'
import { pipe } from './spdy/testing.ts'

/** A connection, and the streams that a kubelet is asked to open for it. */
async function connection() {
  const [transport, far] = pipe()
  const streams = new Map<string, Duplex>()
  const asked: unknown[] = []
  const both = new Promise<void>(resolve => {
    spdyConnection({
      transport: far,
      clock,
      onStream({ headers, duplex }) {
        asked.push(Object.fromEntries(headers))
        streams.set(headers.get('streamtype') ?? '', duplex)
        if (streams.size === 2) resolve()
      },
    })
  })
  const own = portOverSpdy({ transport, port: 80, clock })
  await both
  const [error, data] = [streams.get('error'), streams.get('data')]
  if (!error || !data) throw new Error('not the streams of a port-forward')
  return { own, error, data, asked, transport }
}

test('asks for a stream for errors, and then for one for data', async () => {
  const { asked, own } = await connection()
  expect(asked).toEqual(['error', 'data'].map(streamtype => ({ streamtype, port: '80', requestid: '0' })))
  own.destroy()
})

test.each([
  ['resets the data', (data: Duplex) => void data.destroy()],
  ['ends the data in good order, as containerd does', (data: Duplex) => void data.end()],
  ['leaves the data open', () => {}],
])('a kubelet that says what went wrong and %s is believed', async (_how, treat) => {
  const { own, error, data } = await connection()
  const failed = new Promise<Error & { code?: string }>(resolve => own.once('error', resolve))
  own.resume()
  treat(data)
  error.end('error forwarding port 80 to pod x, uid : dial tcp4 127.0.0.1:80: connect: connection refused')
  expect(await failed).toMatchObject({ code: 'ECONNREFUSED', message: expect.stringMatching(/^error forwarding port 80/) })
})

test('a transport that breaks breaks it; one that is destroyed hangs up', async () => {
  const broken = await connection()
  const closed = new Promise(resolve => broken.own.once('close', resolve))
  broken.transport.destroy()
  await closed
  const left = await connection()
  const hungUp = new Promise(resolve => left.data.once('close', resolve))
  left.own.destroy()
  await hungUp
})
