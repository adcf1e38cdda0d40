import type { WebSocket as Socket } from 'ws'
import type { ExecSession } from '../api/node-agent.ts'
import { resultOf } from '../streaming/exec-result.ts'
import { byteQueue } from './byte-queue.ts'
import { type DialOptions, dial } from './web-socket.ts'

/** The first byte of each message (k8s.io/apimachinery/pkg/util/remotecommand). */
const channels = { stdin: 0, stdout: 1, stderr: 2, status: 3, resize: 4, close: 255 } as const

/** How many bytes may wait for a slow reader before the connection is held back. */
const maxBacklog = 4 * 1024 * 1024

const protocols = ['v5.channel.k8s.io', 'v4.channel.k8s.io']

/** Opens exec or attach over a WebSocket. Rejects with the server's Status when it refuses. */
export function openExecSession(url: URL, options: DialOptions): Promise<ExecSession> {
  return dial(url, protocols, options, sessionOver)
}

function sessionOver(socket: Socket): ExecSession {
  const flow = () => {
    const isBehind = stdout.backlog > maxBacklog || stderr.backlog > maxBacklog
    if (isBehind && !socket.isPaused) socket.pause()
    else if (!isBehind && socket.isPaused) socket.resume()
  }
  const stdout = byteQueue(flow)
  const stderr = byteQueue(flow)
  let result: { exitCode: number; message?: string } | undefined

  const send = (channel: number, payload: Uint8Array): Promise<void> =>
    new Promise((resolve, reject) => {
      const message = Buffer.allocUnsafe(payload.length + 1)
      message[0] = channel
      message.set(payload, 1)
      socket.send(message, { binary: true }, error => (error ? reject(error) : resolve()))
    })
  const sendIfOpen = (channel: number, payload: Uint8Array) => {
    // Whoever resizes or ends input after the command is gone has nothing to be told.
    if (socket.readyState === socket.OPEN) send(channel, payload).catch(() => socket.terminate())
  }

  socket.on('message', (data: Buffer) => {
    const payload = data.subarray(1)
    if (data[0] === channels.stdout) stdout.push(payload)
    else if (data[0] === channels.stderr) stderr.push(payload)
    else if (data[0] === channels.status) result ??= resultOf(payload.toString('utf8'))
    flow()
  })
  const done = new Promise<{ exitCode: number; message?: string }>(resolve => {
    socket.once('close', (code, reason) => {
      stdout.end()
      stderr.end()
      resolve(
        result ?? { exitCode: -1, message: reason.toString() || `the connection was closed (${code}) before the command ended` },
      )
    })
  })

  return {
    stdout,
    stderr,
    write: chunk => send(channels.stdin, chunk),
    closeStdin: () => {
      // v4 cannot say it: the command's input stays open until the connection ends.
      if (socket.protocol.startsWith('v5.')) sendIfOpen(channels.close, Uint8Array.of(channels.stdin))
    },
    resize: (columns, rows) => sendIfOpen(channels.resize, Buffer.from(JSON.stringify({ Width: columns, Height: rows }))),
    done,
    close: () => socket.close(1000),
  }
}
