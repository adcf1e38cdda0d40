import type { Duplex } from 'node:stream'
import type { ExecSession } from '../api/node-agent.ts'
import type { Clock } from '../lib/clock.ts'
import { carrySession, type ExecWire, resize, shownOn, type WantedStreams } from './exec.ts'
import { spdyConnection } from './spdy/connection.ts'

/** What exec and attach speak over SPDY, best first (k8s.io/kubelet/pkg/cri/streaming/remotecommand/constants.go). */
export const execSpdyProtocols = ['v4.channel.k8s.io', 'v3.channel.k8s.io', 'v2.channel.k8s.io', 'channel.k8s.io']

/** How long a client may take to open its streams (k8s.io/kubelet/pkg/cri/streaming, DefaultStreamCreationTimeout). */
const streamCreationTimeoutInMs = 30_000

type StreamType = 'error' | 'stdin' | 'stdout' | 'stderr' | 'resize'

/** A command, and a client that wants to talk with it. */
export interface SpdyExec {
  readonly transport: Duplex
  readonly protocol: string
  readonly session: ExecSession
  readonly wanted: WantedStreams
  readonly clock: Clock
}

/** Connects a command with a client over SPDY: waits for the streams that the client said it would open, then carries until the end. */
export async function carryExecOverSpdy({ transport, protocol, session, wanted, clock }: SpdyExec): Promise<void> {
  const expected = expectedStreams(protocol, wanted)
  const streams = new Map<StreamType, Duplex>()
  let onComplete: () => void = () => {}
  const complete = new Promise<void>(resolve => {
    onComplete = resolve
  })
  const connection = spdyConnection({
    transport,
    clock,
    onStream({ headers, duplex }) {
      const type = headers.get('streamtype') as StreamType
      if (!expected.has(type) || streams.has(type)) throw new Error(`unexpected stream type ${JSON.stringify(type)}`)
      streams.set(type, duplex)
      if (streams.size === expected.size) onComplete()
    },
  })
  void connection.closed.then(() => session.close())
  const patience = new AbortController()
  const late = clock.sleep(streamCreationTimeoutInMs, patience.signal).then(() => 'late')
  const outcome = await Promise.race([complete, connection.closed.then(() => 'gone'), late])
  patience.abort()
  if (outcome !== undefined) {
    session.close()
    return connection.close()
  }
  takeInput(streams, session)
  const wire: ExecWire = {
    get isOpen() {
      return !transport.destroyed
    },
    speaksStatus: protocol.startsWith('v4.'),
    async send(channel, data) {
      const shown = shownOn(channel, wanted)
      const stream = shown && streams.get(shown)
      if (!stream?.writable) return
      await new Promise<void>(resolve => {
        stream.once('close', resolve) // a client that is gone takes nothing more
        stream.write(data, () => {
          stream.off('close', resolve)
          resolve()
        })
      })
    },
    finish() {
      for (const stream of streams.values()) stream.end()
      connection.close()
    },
  }
  await carrySession(wire, session)
}

function expectedStreams(protocol: string, { stdin, stdout, stderr, tty }: WantedStreams): Set<StreamType> {
  const canResize = /^v[34]\./.test(protocol)
  const wanted: [StreamType, boolean][] = [
    ['error', true],
    ['stdin', stdin],
    ['stdout', stdout],
    ['stderr', stderr],
    ['resize', tty && canResize],
  ]
  return new Set(wanted.filter(([, isWanted]) => isWanted).map(([type]) => type))
}

function takeInput(streams: ReadonlyMap<StreamType, Duplex>, session: ExecSession): void {
  const stdin = streams.get('stdin')
  stdin?.on('data', (chunk: Buffer) => {
    stdin.pause()
    const taken = session.write(chunk).catch(() => session.closeStdin()) // the command no longer reads: it has ended
    void taken.then(() => stdin.resume())
  })
  stdin?.on('end', () => session.closeStdin())
  let sizes = ''
  streams.get('resize')?.on('data', (chunk: Buffer) => {
    sizes += chunk.toString()
    // One JSON value after the other, in whatever pieces they come.
    for (let end = sizes.indexOf('}'); end >= 0; end = sizes.indexOf('}')) {
      resize(session, Buffer.from(sizes.slice(0, end + 1)))
      sizes = sizes.slice(end + 1)
    }
    if (sizes.length > 1024) sizes = ''
  })
  for (const type of ['error', 'stdout', 'stderr'] as const) streams.get(type)?.resume()
}
