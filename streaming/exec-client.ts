import type { Duplex } from 'node:stream'
import type { ExecSession } from '../api/node-agent.ts'
import type { Clock } from '../lib/clock.ts'
import type { WantedStreams } from './exec.ts'
import { executionFailure } from './exec.ts'
import { type ExecResult, resultOf } from './exec-result.ts'
import { spdyClientConnection } from './spdy/client.ts'

/** What a client of exec and attach asks for over SPDY: versions before the fourth cannot tell an exit code. */
export const execClientProtocol = 'v4.channel.k8s.io'

interface Options {
  /** A connection after its 101, which has agreed on `execClientProtocol`. */
  readonly transport: Duplex
  readonly wanted: WantedStreams
  readonly clock: Clock
}

/** A command at the other end of an SPDY connection (k8s.io/client-go/tools/remotecommand, v4). */
export function execOverSpdy({ transport, wanted, clock }: Options): ExecSession {
  const connection = spdyClientConnection({ transport, clock })
  const open = (streamtype: string) => connection.open({ streamtype })
  const error = open('error')
  error.end()
  const stdin = wanted.stdin ? open('stdin') : undefined
  const stdout = wanted.stdout ? open('stdout') : undefined
  const stderr = wanted.stderr && !wanted.tty ? open('stderr') : undefined
  const size = wanted.tty ? open('resize') : undefined
  for (const output of [stdout, stderr]) output?.end()
  for (const input of [stdin, size]) input?.resume()

  const done = resultFrom(error)
  return {
    stdout: chunksOf(stdout),
    stderr: chunksOf(stderr),
    write: chunk =>
      new Promise((resolve, reject) => {
        if (!stdin?.writable) return reject(new Error('the command takes no more input'))
        const gone = () => reject(new Error('the command takes no more input'))
        stdin.once('close', gone)
        stdin.write(chunk, () => {
          stdin.off('close', gone)
          resolve()
        })
      }),
    closeStdin: () => void stdin?.end(),
    resize: (columns, rows) => void (size?.writable && size.write(`${JSON.stringify({ Width: columns, Height: rows })}\n`)),
    done,
    close: () => connection.close(),
  }
}

/** What comes until the stream ends, in good order or not: how the command ended is told elsewhere. */
async function* chunksOf(stream: Duplex | undefined): AsyncIterable<Uint8Array> {
  if (!stream) return
  try {
    for await (const chunk of stream) yield chunk as Buffer
  } catch {
    // the connection is gone, which `done` tells
  }
}

function resultFrom(error: Duplex): Promise<ExecResult> {
  return new Promise(resolve => {
    let text = ''
    error.on('data', (chunk: Buffer) => (text += chunk.toString()))
    const finish = () =>
      resolve(text ? withoutHeading(resultOf(text)) : { exitCode: -1, message: 'the connection to the node was lost' })
    error.once('end', finish)
    error.once('close', finish)
  })
}

/** Whoever passes it on heads it himself. */
function withoutHeading({ exitCode, message }: ExecResult): ExecResult {
  if (message === undefined) return { exitCode }
  return { exitCode, message: message.startsWith(executionFailure) ? message.slice(executionFailure.length) : message }
}
