import type { WebSocket } from 'ws'
import { ApiError, type Status } from '../api/errors.ts'
import type { ExecOptions, ExecSession } from '../api/node-agent.ts'

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

/** One of the ways in which the channels of exec and attach travel. */
export interface ExecWire {
  readonly isOpen: boolean
  /** From version 4 on the end is told as a Status, before that as plain text, and not at all when all went well. */
  readonly speaksStatus: boolean
  /** Resolves when the client has room for more. Channels that it did not ask for swallow what they get. */
  send(channel: 'stdout' | 'stderr' | 'error', data: Uint8Array): Promise<void>
  /** Lets out what was sent and hangs up. */
  finish(): void
}

/** Carries what a command says until it has ended; its exit status goes last. Afterwards both the command and the wire are closed. */
export async function carrySession(wire: ExecWire, session: ExecSession): Promise<void> {
  const pump = async (channel: 'stdout' | 'stderr', output: AsyncIterable<Uint8Array>) => {
    for await (const chunk of output) {
      if (!wire.isOpen) return
      if (chunk.length > 0) await wire.send(channel, chunk)
    }
  }
  try {
    await Promise.all([pump('stdout', session.stdout), pump('stderr', session.stderr)])
    const { exitCode, message } = await session.done
    if (message && exitCode > 0) await wire.send('stderr', Buffer.from(`${message}\n`))
    const text = endOf(wire.speaksStatus, exitCode, message)
    if (text) await wire.send('error', Buffer.from(text))
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error)
    await wire.send('error', Buffer.from(endOf(wire.speaksStatus, -1, message)))
  } finally {
    wire.finish()
    session.close()
  }
}

/** Which of a command's streams the client asked for. */
export type WantedStreams = Pick<ExecOptions, 'stdin' | 'stdout' | 'stderr' | 'tty'>

/** Connects a command with a WebSocket until both have ended; the close at the end has code 1000. */
export async function carryExec(socket: WebSocket, session: ExecSession, wanted: WantedStreams): Promise<void> {
  const isBase64 = socket.protocol.includes('base64')
  const send = async (channel: number, data: Uint8Array) => {
    const message = isBase64
      ? `${channel}${Buffer.from(data).toString('base64')}`
      : Buffer.concat([Buffer.from([channel]), data], data.length + 1)
    const sent = new Promise<void>(resolve => socket.send(message, () => resolve()))
    if (socket.bufferedAmount > mostBuffered) await sent
  }
  takeInput(socket, session, wanted, isBase64)
  socket.on('close', () => session.close())
  socket.on('error', () => session.close())
  if (socket.readyState !== socket.OPEN) return session.close()
  // The old protocols begin with an empty message, by which clients know that the command is there (k8s.io/kubelet/pkg/cri/streaming).
  if (!socket.protocol.startsWith('v5.')) {
    await send(wanted.stdout ? channels.stdout : wanted.stderr ? channels.stderr : channels.error, Buffer.alloc(0))
  }
  const wire: ExecWire = {
    get isOpen() {
      return socket.readyState === socket.OPEN
    },
    speaksStatus: /^v[45]\./.test(socket.protocol),
    async send(channel, data) {
      const shown = shownOn(channel, wanted)
      if (shown) await send(channels[shown], data)
    },
    finish: () => socket.close(1000),
  }
  await carrySession(wire, session)
}

/** The channel on which something is to be seen: a terminal has one for everything. */
export function shownOn(channel: 'stdout' | 'stderr' | 'error', wanted: WantedStreams) {
  const own = channel === 'stderr' && wanted.tty ? 'stdout' : channel
  return own === 'error' || wanted[own] ? own : undefined
}

function takeInput(socket: WebSocket, session: ExecSession, wanted: WantedStreams, isBase64: boolean): void {
  let last = Promise.resolve()
  const take = async (message: Buffer) => {
    const channel = isBase64 ? (message[0] ?? 0) - 48 : message[0]
    const data = isBase64 ? Buffer.from(message.toString('latin1', 1), 'base64') : message.subarray(1)
    if (channel === channels.stdin && wanted.stdin) await session.write(data)
    else if (channel === channels.resize) resize(session, data)
    else if (channel === channels.close && data[0] === channels.stdin) session.closeStdin()
  }
  socket.on('message', (message: Buffer) => {
    socket.pause()
    last = last.then(() => take(message)).catch(() => session.closeStdin()) // the command no longer reads: it has ended
    void last.then(() => socket.resume())
  })
}

/** What a resize channel says: `{"Width":80,"Height":24}`. */
export function resize(session: ExecSession, data: Uint8Array): void {
  try {
    const { Width, Height } = JSON.parse(Buffer.from(data).toString()) as { Width: number; Height: number }
    if (Width > 0 && Height > 0) session.resize(Width, Height)
  } catch {
    // a size that cannot be read changes nothing
  }
}

function endOf(speaksStatus: boolean, exitCode: number, message?: string): string {
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

/** How the message of a Status begins when a command could not be run. */
export const executionFailure = 'Internal error occurred: error executing command in container: '

function internal(message = 'unknown'): Partial<Status> {
  const text = `error executing command in container: ${message}`
  return new ApiError('InternalError', `${executionFailure}${message}`, { details: { causes: [{ message: text }] } }).status
}
