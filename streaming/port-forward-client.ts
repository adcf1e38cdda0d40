import { Duplex } from 'node:stream'
import type { Clock } from '../lib/clock.ts'
import { spdyClientConnection } from './spdy/client.ts'

/**
 * One connection to a port of a pod over a transport that has agreed on `portforward.k8s.io`; half-open. That the pod has refused it is heard
 * later than the connection is there: it is destroyed with an error that has the words of the kubelet, and the code ECONNREFUSED where
 * nobody listens.
 */
export function portOverSpdy({ transport, port, clock }: { transport: Duplex; port: number; clock: Clock }): Duplex {
  const connection = spdyClientConnection({ transport, clock })
  const open = (streamtype: string) => connection.open({ streamtype, port: String(port), requestid: '0' })
  const error = open('error')
  error.end()
  const data = open('data')
  const fault = textOf(error)

  const own: Duplex = new Duplex({
    allowHalfOpen: true,
    read: () => void data.resume(),
    write: (chunk: Buffer, _encoding, done) => void data.write(chunk, () => done()), // whether it is gone is told by its end
    final: done => void data.end(() => done()),
    destroy(reason, done) {
      data.destroy()
      connection.close()
      done(reason)
    },
  })
  data.on('data', (chunk: Buffer) => {
    if (!own.push(chunk)) data.pause()
  })
  data.once('end', () => own.push(null))
  data.once('close', () => {
    // A reset may overtake the reason for it.
    if (!data.readableEnded || !data.writableFinished) void fault.then(text => own.destroy(failureOf(text)))
  })
  void fault.then(text => text && own.destroy(failureOf(text)))
  return own
}

function textOf(stream: Duplex): Promise<string> {
  return new Promise(resolve => {
    let text = ''
    stream.on('data', (chunk: Buffer) => (text += chunk.toString()))
    for (const event of ['end', 'close']) stream.once(event, () => resolve(text.trim()))
  })
}

function failureOf(text: string): Error | undefined {
  if (!text) return undefined
  return Object.assign(new Error(text), { ...(/connection refused/.test(text) && { code: 'ECONNREFUSED' }) })
}
