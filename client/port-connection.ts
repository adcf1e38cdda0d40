import type { WebSocket as Socket } from 'ws'
import { byteQueue } from './byte-queue.ts'
import { type DialOptions, dial } from './web-socket.ts'

/** A connection to a port of a pod. */
export interface PortConnection {
  /** What the pod sends; ends when it closes. */
  readonly data: AsyncIterable<Uint8Array>
  readonly write: (chunk: Uint8Array) => Promise<void>
  /** Why it could not be made, or nothing, once all is over. */
  readonly done: Promise<string | undefined>
  readonly close: () => void
}

/** How many bytes may wait for a slow reader before the connection is held back. */
const maxBacklog = 4 * 1024 * 1024
/** Each channel begins with the port's two bytes (k8s.io/kubelet/pkg/cri/streaming/portforward/websocket.go). */
const preamble = 2

/** Opens a connection to one port over a WebSocket. Rejects with the server's Status when it refuses. */
export function openPortConnection(url: URL, options: DialOptions): Promise<PortConnection> {
  return dial(url, ['v4.channel.k8s.io'], options, connectionOver)
}

function connectionOver(socket: Socket): PortConnection {
  const data = byteQueue(() => {
    if (socket.isPaused && data.backlog <= maxBacklog) socket.resume()
  })
  const skipped = [0, 0]
  let fault = ''
  socket.on('message', (message: Buffer) => {
    const channel = message[0] === 0 ? 0 : 1
    const skip = Math.min(preamble - (skipped[channel] ?? 0), message.length - 1)
    skipped[channel] = (skipped[channel] ?? 0) + skip
    const payload = message.subarray(1 + skip)
    if (payload.length === 0) return
    if (channel === 1) {
      fault += payload.toString('utf8')
      return
    }
    data.push(payload)
    if (data.backlog > maxBacklog && !socket.isPaused) socket.pause()
  })
  const done = new Promise<string | undefined>(resolve => {
    socket.once('close', () => {
      data.end()
      resolve(fault || undefined)
    })
  })
  return {
    data,
    done,
    write: chunk =>
      new Promise((resolve, reject) => {
        const message = Buffer.concat([Buffer.of(0), chunk])
        socket.send(message, { binary: true }, error => (error ? reject(error) : resolve()))
      }),
    close: () => socket.close(1000),
  }
}
