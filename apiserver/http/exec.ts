import type { WebSocket } from 'ws'
import { ApiError, type Status } from '../../api/errors.ts'
import type { ExecSession } from '../../api/node-agent.ts'

/** The subprotocols of exec and attach, best first (k8s.io/apimachinery/pkg/util/remotecommand). */
export const execProtocols = [
  'v5.channel.k8s.io',
  'v4.channel.k8s.io',
  'v3.channel.k8s.io',
  'v2.channel.k8s.io',
  'channel.k8s.io',
  'v4.base64.channel.k8s.io',
  'base64.channel.k8s.io',
]

/** Every message starts with the number of its channel. */
const channels = { stdin: 0, stdout: 1, stderr: 2, error: 3, resize: 4, close: 255 } as const

/** Sends wait from here on until the client has taken some. */
const mostBuffered = 1024 * 1024

/** Connects a command with a WebSocket until both have ended: the exit status goes last, then a close with code 1000. */
export async function carryExec(socket: WebSocket, session: ExecSession): Promise<void> {
  const isBase64 = socket.protocol.includes('base64')
  const send = async (channel: number, data: Uint8Array) => {
    const message = isBase64
      ? `${channel}${Buffer.from(data).toString('base64')}`
      : Buffer.concat([Buffer.from([channel]), data], data.length + 1)
    const sent = new Promise<void>(resolve => socket.send(message, () => resolve()))
    if (socket.bufferedAmount > mostBuffered) await sent
  }
  const pump = async (channel: number, output: AsyncIterable<Uint8Array>) => {
    for await (const chunk of output) {
      if (socket.readyState !== socket.OPEN) return
      if (chunk.length > 0) await send(channel, chunk)
    }
  }
  takeInput(socket, session, isBase64)
  try {
    await Promise.all([pump(channels.stdout, session.stdout), pump(channels.stderr, session.stderr)])
    const { exitCode, message } = await session.done
    if (message && exitCode > 0) await send(channels.stderr, Buffer.from(`${message}\n`))
    const text = endOf(socket.protocol, exitCode, message)
    if (text) await send(channels.error, Buffer.from(text))
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error)
    await send(channels.error, Buffer.from(endOf(socket.protocol, -1, message)))
  } finally {
    socket.close(1000)
    session.close()
  }
}

function takeInput(socket: WebSocket, session: ExecSession, isBase64: boolean): void {
  let last = Promise.resolve()
  const take = async (message: Buffer) => {
    const channel = isBase64 ? (message[0] ?? 0) - 48 : message[0]
    const data = isBase64 ? Buffer.from(message.toString('latin1', 1), 'base64') : message.subarray(1)
    if (channel === channels.stdin) await session.write(data)
    else if (channel === channels.resize) resize(session, data)
    else if (channel === channels.close && data[0] === channels.stdin) session.closeStdin()
  }
  socket.on('message', (message: Buffer) => {
    socket.pause()
    last = last.then(() => take(message)).catch(() => session.closeStdin()) // the command no longer reads: it has ended
    void last.then(() => socket.resume())
  })
  socket.on('close', () => session.close())
  socket.on('error', () => session.close())
}

function resize(session: ExecSession, data: Buffer): void {
  try {
    const { Width, Height } = JSON.parse(data.toString()) as { Width: number; Height: number }
    if (Width > 0 && Height > 0) session.resize(Width, Height)
  } catch {
    // a size that cannot be read changes nothing
  }
}

/** What channel 3 says at the end: a Status from version 4 on, before that plain text, and nothing when all went well. */
function endOf(protocol: string, exitCode: number, message?: string): string {
  const speaksStatus = protocol.startsWith('v4.') || protocol.startsWith('v5.')
  if (exitCode === 0) return speaksStatus ? '{"metadata":{},"status":"Success"}' : ''
  const status = exitCode > 0 ? nonZeroExit(exitCode) : internal(message)
  return speaksStatus ? JSON.stringify(status) : (status.message ?? '')
}

function nonZeroExit(exitCode: number): Partial<Status> {
  return {
    metadata: {},
    status: 'Failure',
    message: `command terminated with non-zero exit code: exit status ${exitCode}`,
    reason: 'NonZeroExitCode',
    details: { causes: [{ reason: 'ExitCode', message: String(exitCode) }] },
  }
}

function internal(message = 'unknown'): Partial<Status> {
  const text = `error executing command in container: ${message}`
  return new ApiError('InternalError', `Internal error occurred: ${text}`, { details: { causes: [{ message: text }] } }).status
}
